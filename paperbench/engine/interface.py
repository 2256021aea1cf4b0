"""Does a part fit in the place of a component? Asked before anything is trained with it."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from paperbench.components import ComponentInfo, Parts, find_component, part_name
from paperbench.engine.parts import Part, in_place, load_original, load_part
from paperbench.errors import Location, UsageError

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Interface:
    """One part, tried as its component's experiments will use it.

    A component's function is given one and calls the methods below; each raises UsageError that
    names the part, its place in the user's file, and what a part must do.
    """

    def __init__(self, info: ComponentInfo, target: str) -> None:
        self.info = info
        self.part: Part = load_part(target)
        self.original: Part = load_original(info)
        self.name = part_name(target)
        self.generator = torch.Generator().manual_seed(0)

    def takes_the_same_arguments(self) -> None:
        """Every argument of the original, by the same name and in the same place; more if free."""
        theirs, own = _arguments(self.part), _arguments(self.original)
        if any(p.kind is p.VAR_KEYWORD for p in theirs.values()):
            missing: list[str] = []
        else:
            missing = [name for name in own if name not in theirs]
        if missing:
            raise self.misfit(f"takes no argument `{missing[0]}`")
        extra = [
            name
            for name, p in theirs.items()
            if name not in own
            and p.default is p.empty
            and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        ]
        if extra:
            raise self.misfit(f"needs an argument `{extra[0]}`, which nobody gives it")
        order = [name for name, p in own.items() if p.kind in _POSITIONAL]
        their_order = [name for name, p in theirs.items() if p.kind in _POSITIONAL]
        if their_order[: len(order)] != order and not any(
            p.kind is p.VAR_POSITIONAL for p in theirs.values()
        ):
            raise self.misfit(f"takes {', '.join(their_order)} in another order, or by name only")

    def call(self, *arguments: Any, **named: Any) -> Any:
        """Call the part: build its module, or compute its value."""
        return self.run(self.part, *arguments, **named)

    def run(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call anything of the part's; what it raises is a misfit that shows the user's line."""
        try:
            return function(*arguments, **named)
        except (Exception, SystemExit) as broken:  # a part may not end the bench
            shown = ", ".join(
                [*map(_brief, arguments), *(f"{k}={_brief(v)}" for k, v in named.items())]
            )
            raise self.misfit(
                f"raised {type(broken).__name__}: {broken} when called with ({shown})",
                where=self._line_of(broken),
            ) from broken

    def module(self, *arguments: Any, **named: Any) -> nn.Module:
        """Build the part, which must be a torch module."""
        built = self.call(*arguments, **named)
        if not isinstance(built, nn.Module):
            raise self.misfit(f"built a {type(built).__name__}, not a torch module")
        return built

    def input(self, *shape: int) -> Tensor:
        """A random tensor of that shape that wants a gradient."""
        return torch.randn(*shape, generator=self.generator).requires_grad_()

    def tensor(self, value: Any, shape: Sequence[int], what: str = "returned") -> Tensor:
        """A finite tensor of that shape."""
        if not isinstance(value, Tensor):
            raise self.misfit(f"{what} a {type(value).__name__}, not a tensor")
        if value.shape != torch.Size(shape):
            raise self.misfit(f"{what} shape {tuple(value.shape)}, not {tuple(shape)}")
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise self.misfit(f"{what} values that are not finite")
        return value

    def passes_gradients(self, output: Tensor, *to: Tensor | nn.Module) -> None:
        """A gradient of `output` reaches the tensors and the modules' parameters in `to`."""
        wanted: dict[str, Tensor] = {}
        for i, each in enumerate(to, start=1):
            if isinstance(each, nn.Module):
                wanted |= {f"parameter `{name}`": p for name, p in each.named_parameters()}
            else:
                wanted[f"input {i}"] = each
        if not output.requires_grad:
            raise self.misfit("passes no gradient: its result does not depend on its inputs")
        weights = torch.randn(output.shape, generator=self.generator)
        gradients = torch.autograd.grad(
            (output * weights).sum(), list(wanted.values()), allow_unused=True, retain_graph=True
        )
        for name, gradient in zip(wanted, gradients, strict=True):
            if gradient is None:
                raise self.misfit(f"passes no gradient to {name}")
            if not bool(gradient.isfinite().all()):
                raise self.misfit(f"passes a gradient that is not finite to {name}")

    def has(self, thing: object, *attributes: str) -> None:
        """What the experiments read of it is there."""
        for attribute in attributes:
            if not hasattr(thing, attribute):
                raise self.misfit(f"has no `{attribute}`, which the experiments use")

    def misfit(self, fault: str, *, where: Location | None = None) -> UsageError:
        """The error to raise for a part that does not fit."""
        return UsageError(
            f"`{self.name}` does not fit component `{self.info.name}`: it {fault}",
            where=where or self._definition(),
            help=f"what fits: {self.info.summary}",
        )

    def _definition(self) -> Location | None:
        part = inspect.unwrap(self.part)  # a decorator's wrapper lies in another file
        try:
            path, (_, line) = inspect.getsourcefile(part), inspect.getsourcelines(part)
        except (OSError, TypeError):
            return None
        return Location(Path(path), line, 1) if path else None

    def _line_of(self, broken: BaseException) -> Location | None:
        """The innermost line of the user's own file."""
        definition = self._definition()
        frames = traceback.extract_tb(broken.__traceback__)
        if definition is None:
            return None
        own = [frame for frame in frames if Path(frame.filename) == definition.path]
        return Location(definition.path, own[-1].lineno or 1, 1) if own else None


def check_parts(parts: Parts) -> None:
    """Raise UsageError for the first part that does not fit in the place of its component."""
    # What a part prints is for the person who wrote it, not for whoever reads `--json`.
    with redirect_stdout(sys.stderr):
        for name, target in parts.items():
            info = find_component(name)
            interface = Interface(info, target)
            interface.takes_the_same_arguments()
            try_part = load_part(f"{info.module}:{info.function}")
            # Parts may look each other up, as they will when an experiment runs.
            with in_place(parts):
                try_part(interface)


def _arguments(part: Part) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(part).parameters
    except ValueError:  # a builtin
        return {}


def _brief(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor {tuple(value.shape)}"
    text = repr(value)
    return text if len(text) < 40 else f"a {type(value).__name__}"
