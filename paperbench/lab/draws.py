"""Random draws of replicates that train together: each from its own generator, as it would alone.

`torch.func.vmap` offers one stream for all; then a replicate's dropout masks would depend on who
trains beside it. Here a draw is carried out once a replicate and the results are stacked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

Make = Callable[[Tensor, torch.Generator], Tensor]  # (one replicate's tensor, its generator)


class OwnDraws(TorchFunctionMode):
    """While it lasts, within vmap, the functions of `_DRAWS` draw for every replicate by itself.

    generators: one a replicate. Other random functions are left to vmap, which refuses them.
    """

    def __init__(self, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        self.generators = generators
        self.anchor = torch.empty(0)  # any tensor of this vmap's level: a draw needs one

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Called for every function of torch that is called within."""
        draw = _DRAWS.get(func)
        return (draw(self) if draw else func)(*args, **(kwargs or {}))

    def each(self, like: Tensor, make: Make) -> Tensor:
        """What `make` draws for every replicate's share of `like`."""
        drawn: Tensor = _Each.apply(  # type: ignore[no-untyped-call]
            self.anchor, like.detach(), make, self.generators
        )
        return drawn

    def rand_like(self, like: Tensor, **options: Any) -> Tensor:
        """As `torch.rand_like`."""
        return self.each(
            like, lambda t, generator: torch.empty_like(t, **options).uniform_(generator=generator)
        )

    def randn_like(self, like: Tensor, **options: Any) -> Tensor:
        """As `torch.randn_like`."""
        return self.each(
            like, lambda t, generator: torch.empty_like(t, **options).normal_(generator=generator)
        )

    def bernoulli(self, p: Tensor) -> Tensor:
        """As `torch.bernoulli` of a tensor of probabilities."""
        return self.each(p, lambda t, generator: torch.bernoulli(t, generator=generator))

    def rand(self, *size: Any, **options: Any) -> Tensor:
        """As `torch.rand`."""
        return self.each(
            self.anchor, lambda _, generator: torch.rand(*size, generator=generator, **options)
        )

    def randn(self, *size: Any, **options: Any) -> Tensor:
        """As `torch.randn`."""
        return self.each(
            self.anchor, lambda _, generator: torch.randn(*size, generator=generator, **options)
        )

    def dropout(
        self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Tensor:
        """As `F.dropout`, whose mask is drawn first and divided by 1 - p."""
        if not training or p == 0 or inplace:
            return F.dropout(input, p, training, inplace)
        mask = self.each(
            input,
            lambda t, generator: (
                torch.empty_like(t).bernoulli_(1 - p, generator=generator).div_(1 - p)
            ),
        )
        return input * mask


_DRAWS: dict[Callable[..., Any], Callable[[OwnDraws], Callable[..., Tensor]]] = {
    torch.rand_like: lambda own: own.rand_like,
    torch.randn_like: lambda own: own.randn_like,
    torch.bernoulli: lambda own: own.bernoulli,
    torch.rand: lambda own: own.rand,
    torch.randn: lambda own: own.randn,
    F.dropout: lambda own: own.dropout,
}


class _Each(torch.autograd.Function):
    """One draw a replicate, stacked; `vmap` is torch's name for what it calls under vmap."""

    @staticmethod
    def forward(anchor: Tensor, like: Tensor, make: Make, generators: Any) -> Tensor:
        raise RuntimeError("drawn outside of vmap")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return None, None, None, None

    @staticmethod
    def vmap(
        info: Any,
        in_dims: Any,
        anchor: Tensor,
        like: Tensor,
        make: Make,
        generators: Sequence[torch.Generator],
    ) -> tuple[Tensor, int]:
        dim = in_dims[1]
        shares = [like] * len(generators) if dim is None else like.unbind(dim)
        drawn = [make(t, generator) for t, generator in zip(shares, generators, strict=True)]
        return torch.stack(drawn), 0
