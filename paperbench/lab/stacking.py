"""What can be stacked: replicates that differ in nothing but the values of their tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adagrad, Adam, Adamax, AdamW, NAdam, Optimizer, RAdam, RMSprop

from paperbench.lab.training import Replicate

# What updates every element by itself, so that stacking changes nothing.
ELEMENTWISE = (SGD, Adam, AdamW, RMSprop, Adagrad, Adamax, NAdam, RAdam)


class Unstackable(Exception):
    """These replicates cannot train together; the text says why."""


_MANY = 1000  # a longer list is data, which nobody copies to compare
_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def stack_batches(batches: Sequence[Any], padding: int | None = None) -> Any:
    """Batches of one form as one batch, whose tensors have the replicates first.

    padding: what integers are filled up with along axis 1 where lengths differ. Raises Unstackable.
    """
    first = batches[0]
    if isinstance(first, Tensor):
        if padding is not None and first.dtype in _INTEGERS and first.dim() > 1:
            longest = max(batch.shape[1] for batch in batches)
            batches = [_fill(batch, longest, padding) for batch in batches]
        if any((batch.shape, batch.dtype) != (batches[0].shape, first.dtype) for batch in batches):
            raise Unstackable(f"batches of shapes {[tuple(batch.shape) for batch in batches]}")
        return torch.stack(list(batches))
    if isinstance(first, dict):
        if any(batch.keys() != first.keys() for batch in batches):
            raise Unstackable(f"batches of keys {[sorted(batch) for batch in batches]}")
        return {key: stack_batches([batch[key] for batch in batches], padding) for key in first}
    if isinstance(first, tuple | list):
        return tuple(stack_batches(parts, padding) for parts in zip(*batches, strict=True))
    raise Unstackable(f"a batch holds a {type(first).__name__}")


def _fill(batch: Tensor, length: int, padding: int) -> Tensor:
    if batch.shape[1] == length:
        return batch
    filled = batch.new_full((batch.shape[0], length, *batch.shape[2:]), padding)
    filled[:, : batch.shape[1]] = batch
    return filled


def stack(tensors: Sequence[Tensor]) -> Tensor:
    """The same tensor of every replicate as one, a leaf of the graph."""
    stacked = torch.stack([tensor.detach() for tensor in tensors])
    return stacked.requires_grad_(tensors[0].requires_grad)


def require_unshared(model: nn.Module) -> None:
    """Raise Unstackable where two tensors are one memory: copies of them would be two."""
    places = [t.untyped_storage().data_ptr() for t in tensors_of(model) if t.numel()]
    if len(set(places)) < len(places):
        raise Unstackable("tensors share their memory")


def require_same_update(
    stacked: Optimizer, parameters: Sequence[Tensor], own: Replicate[Any]
) -> None:
    """Raise Unstackable unless an optimiser does with stacks what another does with one's own."""
    for updates, expected in ((stacked, parameters), (own.updates, own.parameters)):
        given = [id(p) for group in updates.param_groups for p in group["params"]]
        if given != [id(p) for p in expected]:
            raise Unstackable("the optimiser picks among the parameters")
        if updates._optimizer_step_pre_hooks or updates._optimizer_step_post_hooks:
            raise Unstackable("the optimiser has hooks")
    if not _alike(_settings(stacked), _settings(own.updates)):
        raise Unstackable("the optimiser is set up by what it is given")


def plain_state(module: nn.Module) -> list[dict[str, Any]]:
    """What a model keeps beside its tensors, to see whether a step changes it."""
    return [plain_copy(_plain(part)) for part in module.modules()]


def plain_copy(value: Any) -> Any:
    """Numbers and text, in lists, dictionaries and closures, as they are now; else who it is."""
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if isinstance(value, tuple | list) and len(value) <= _MANY:
        return [plain_copy(each) for each in value]
    if isinstance(value, dict):
        return {key: plain_copy(each) for key, each in value.items()}
    if isinstance(value, FunctionType):
        return plain_copy(_closed_over(value))
    return "object", id(value)


def fingerprint(tensors: Sequence[Tensor]) -> str:
    """A digest of all bits."""
    digest = hashlib.sha256()
    for tensor in tensors:
        flat = tensor.detach().cpu().contiguous().flatten()
        digest.update(str((tensor.shape, tensor.dtype)).encode())
        digest.update(flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b"")
    return digest.hexdigest()


def tensors_of(model: nn.Module) -> list[Tensor]:
    """Parameters and buffers, each once."""
    return [*model.parameters(), *model.buffers()]


def is_alike(one: Replicate[Any], other: Replicate[Any]) -> bool:
    """Whether the two differ in nothing but their tensors."""
    try:
        require_alike(one, other)
    except Unstackable:
        return False
    return True


def require_alike(one: Replicate[Any], other: Replicate[Any]) -> None:
    """Raise Unstackable unless the two differ in nothing but their tensors."""
    ours, theirs = list(one.model.named_modules()), list(other.model.named_modules())
    if [(name, type(part)) for name, part in ours] != [(name, type(part)) for name, part in theirs]:
        raise Unstackable("the models have other parts")
    for (name, part), (_, counterpart) in zip(ours, theirs, strict=True):
        if not _alike(_plain(part), _plain(counterpart)):
            raise Unstackable(f"attributes of `{name or 'the model'}` differ")
    for own, counterparts in zip(tensors_of(one.model), tensors_of(other.model), strict=True):
        if (own.shape, own.dtype) != (counterparts.shape, counterparts.dtype):
            raise Unstackable(f"tensors of shapes {own.shape} and {counterparts.shape}")
    a, b = one.training, other.training
    settings = ("steps", "clip", "padding", "gpu")
    if any(getattr(a, name) != getattr(b, name) for name in settings):
        raise Unstackable("the settings of the training differ")
    if (a.watch and a.watch.every) != (b.watch and b.watch.every):
        raise Unstackable("they are measured at other steps")
    if not _alike(a.loss, b.loss) or not _alike(a.schedule, b.schedule):
        raise Unstackable("the losses or schedules differ")
    if type(one.updates) not in ELEMENTWISE:
        raise Unstackable(f"{type(one.updates).__name__} may look at a tensor as a whole")
    if len(one.updates.param_groups) > 1:
        raise Unstackable("the optimiser has several groups of parameters")
    if type(one.updates) is not type(other.updates) or not _alike(
        _settings(one.updates), _settings(other.updates)
    ):
        raise Unstackable("the optimisers differ")


_TORCHS_OWN = frozenset(vars(nn.Module()))


def _plain(module: nn.Module) -> dict[str, Any]:
    own = {name: value for name, value in vars(module).items() if name not in _TORCHS_OWN}
    own["hooks"] = [len(module._forward_hooks), len(module._forward_pre_hooks)]
    return own


def _settings(updates: Optimizer) -> dict[str, Any]:
    return {name: value for name, value in updates.param_groups[0].items() if name != "params"}


def _alike(one: Any, other: Any) -> bool:
    """Equal as far as can be told: unknown objects are alike only if they are the same."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, bool | int | float | str | bytes | torch.dtype | torch.device | torch.Size):
        return bool(one == other)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, partial):
        return _alike([one.func, one.args, one.keywords], [other.func, other.args, other.keywords])
    if isinstance(one, FunctionType):
        return one.__code__ is other.__code__ and _alike(_closed_over(one), _closed_over(other))
    return False


def _closed_over(function: FunctionType) -> list[Any]:
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return [*cells, function.__defaults__, function.__kwdefaults__]
