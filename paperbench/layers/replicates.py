"""Replicates that train together are more of the batch to what has no parameters of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

Mixing = Callable[..., Tensor]  # of tensors or None, each and the result with the batch first


def replicates_in_batch(function: Mixing) -> Mixing:
    """Under `torch.func.vmap` call `function` once, with the replicates folded into the batch.

    For fused kernels without a batching rule, which vmap would call once a replicate, and for
    chains of small operations, to which vmap gives slower ones. function: takes tensors whose axis
    0 is the batch, or None, by position, and treats every row of the batch alone. Without vmap it
    is called as it is.
    """

    @wraps(function)
    def folding(*inputs: Tensor | None) -> Tensor:
        if not torch._C._are_functorch_transforms_active():
            return function(*inputs)
        output: Tensor = _Folding.apply(function, *inputs)  # type: ignore[no-untyped-call]
        return output

    return folding


class _Folding(torch.autograd.Function):
    """Outside of vmap a gradient goes through the rule itself; inside of it, through `backward`."""

    @staticmethod
    def forward(function: Mixing, *inputs: Tensor | None) -> Tensor:
        return function(*inputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.function = inputs[0]
        ctx.save_for_backward(*inputs[1:])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return None, *_Gradients.apply(ctx.function, *gradients, *ctx.saved_tensors)  # type: ignore[no-untyped-call]

    @staticmethod
    def vmap(info: Any, in_dims: Any, function: Mixing, *inputs: Any) -> tuple[Tensor, int]:
        folded = _fold(info.batch_size, in_dims[1:], inputs)
        return _unfold(info.batch_size, replicates_in_batch(function)(*folded)), 0


class _Gradients(torch.autograd.Function):
    """Those of `function`, computed anew; they have no gradients themselves."""

    @staticmethod
    def forward(function: Mixing, *inputs: Any) -> tuple[Tensor | None, ...]:
        gradient, *parts = (None if x is None else x.detach() for x in inputs)
        with torch.enable_grad():
            wanted = [part.requires_grad_() for part in parts if part is not None]
            output = function(*parts)
        found = iter(torch.autograd.grad(output, wanted, gradient, materialize_grads=True))
        return tuple(None if part is None else next(found) for part in parts)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.mark_non_differentiable(*(x for x in output if x is not None))

    @staticmethod
    def vmap(info: Any, in_dims: Any, function: Mixing, *inputs: Any) -> Any:
        folded = _fold(info.batch_size, in_dims[1:], inputs)
        found = _Gradients.apply(function, *folded)  # type: ignore[no-untyped-call]
        unfolded = [None if x is None else _unfold(info.batch_size, x) for x in found]
        return tuple(unfolded), tuple(None if x is None else 0 for x in unfolded)


def _fold(n_replicates: int, in_dims: Any, inputs: Any) -> list[Tensor | None]:
    """(batch, ...), with the replicates along an axis or none, to (replicates * batch, ...)."""
    folded: list[Tensor | None] = []
    for x, dim in zip(inputs, in_dims, strict=True):
        if x is not None:
            x = x.expand(n_replicates, *x.shape) if dim is None else x.movedim(dim, 0)
            x = x.flatten(0, 1)
        folded.append(x)
    return folded


def _unfold(n_replicates: int, x: Tensor) -> Tensor:
    return x.reshape(n_replicates, -1, *x.shape[1:])
