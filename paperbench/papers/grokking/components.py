"""The parts of grokking that can be replaced, and ways to break them that `falsify` tries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW

from paperbench.components import component, mutation
from paperbench.lab import adamw
from paperbench.papers.grokking.equations import Equations, split, write_equations
from paperbench.papers.grokking.model import QuadraticNet, fourier_share, one_hot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch.optim import Optimizer

    from paperbench.engine.interface import Interface
    from paperbench.lab.training import MakeOptimizer

Betas = tuple[float, float]


@component("grokking/network", original=QuadraticNet)
def try_network(part: Interface) -> None:
    """A torch module class, built as `Mine(p, d_hidden)`, that maps pairs (batch, 2) int64 of
    residues to logits (batch, p) and trains every parameter it has. Its method
    `operand_vectors()` returns what stands for the first operand, (p, any number of units): how
    periodic they are is measured. It is used in double precision.
    """
    network = part.module(7, 5).double()
    pairs = torch.cartesian_prod(torch.arange(7), torch.arange(7))
    part.passes_gradients(part.tensor(part.run(network, pairs), (49, 7)), network)
    part.has(network, "operand_vectors")
    vectors = part.run(lambda: network.operand_vectors())  # type: ignore[operator]
    if not isinstance(vectors, Tensor) or vectors.dim() != 2 or len(vectors) != 7:
        raise part.misfit("has `operand_vectors()` of another shape than (p, units)")


@component("grokking/optimizer", original=adamw)
def try_optimizer(part: Interface) -> None:
    """A function `(lr, *, weight_decay=0.0, betas=(0.9, 0.999))` that returns a function from
    parameters to a torch optimiser. A step of the optimiser changes every parameter.
    """
    weight = nn.Parameter(torch.ones(3, 2))
    optimizer = part.run(part.call(0.01, weight_decay=0.1, betas=(0.9, 0.98)), [weight])
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise part.misfit(f"makes a {type(optimizer).__name__}, not a torch optimiser")
    (weight.sum() * 2).backward()  # type: ignore[no-untyped-call]
    part.run(optimizer.step)
    if bool((weight == 1).any()):
        raise part.misfit("makes an optimiser whose step leaves a parameter as it is")


@component("grokking/split", original=split)
def try_split(part: Interface) -> None:
    """A function `(equations, fraction, generator)` that returns two `Equations`, those to train on
    and those to test on: `fraction` of them, and the rest. It draws from `generator` alone.
    """
    equations = write_equations(7, "subtract", torch.Generator())
    halves = part.call(equations, 0.5, torch.Generator().manual_seed(1))
    for half in halves:
        if not isinstance(half, Equations) or not len(half):
            raise part.misfit("returns something else than two `Equations` with a row at least")
        part.tensor(half.pairs, (len(half), 2))


@mutation("grokking/network", "linear")
class Linear(QuadraticNet):
    """Nothing is squared: the logits are a sum of what either operand says by itself."""

    def forward(self, pairs: Tensor) -> Tensor:
        """(A[a] + B[b]) W."""
        a, b = one_hot(pairs, len(self.first), self.first.dtype).unbind(-2)
        logits: Tensor = (a @ self.first + b @ self.second) @ self.readout
        return logits


@mutation("grokking/network", "unordered")
class Unordered(QuadraticNet):
    """Both operands are looked up in both tables: which one came first is lost."""

    def forward(self, pairs: Tensor) -> Tensor:
        """(A[a] + A[b] + B[a] + B[b])^2 W."""
        a, b = one_hot(pairs, len(self.first), self.first.dtype).unbind(-2)
        logits: Tensor = ((a + b) @ (self.first + self.second)).square() @ self.readout
        return logits


@mutation("grokking/optimizer", "coupled")
def coupled_decay(
    lr: float, *, weight_decay: float = 0.0, betas: Betas = (0.9, 0.999)
) -> MakeOptimizer:
    """The decay is added to the gradient, and so divided by Adam's estimate of its size."""
    return lambda parameters: Adam(parameters, lr=lr, betas=betas, weight_decay=weight_decay)


@mutation("grokking/optimizer", "forgotten")
def forgotten_decay(
    lr: float, *, weight_decay: float = 0.0, betas: Betas = (0.9, 0.999)
) -> MakeOptimizer:
    """The argument does not reach the optimiser, whose default, a hundredth, decays all arms."""
    return lambda parameters: AdamW(parameters, lr=lr, betas=betas)


@mutation("grokking/optimizer", "readout-alone")
def readout_decay(
    lr: float, *, weight_decay: float = 0.0, betas: Betas = (0.9, 0.999)
) -> MakeOptimizer:
    """Only the last matrix decays, as where embeddings are exempt from it."""

    def make(parameters: Iterable[nn.Parameter]) -> Optimizer:
        *tables, readout = parameters
        groups: list[dict[str, Any]] = [
            {"params": tables, "weight_decay": 0.0},
            {"params": [readout]},
        ]
        return AdamW(groups, lr=lr, betas=betas, weight_decay=weight_decay)

    return make


@mutation("grokking/split", "leaks")
def leaking_split(
    equations: Equations, fraction: float, generator: torch.Generator
) -> tuple[Equations, Equations]:
    """The rows that are tested are drawn anew, and most of them were trained on."""
    train, _ = split(equations, fraction, generator)
    _, test = split(equations, fraction, generator)
    return train, test


@mutation("grokking/split", "whole-rows")
def split_by_rows(
    equations: Equations, fraction: float, generator: torch.Generator
) -> tuple[Equations, Equations]:
    """What is tested are first operands that were never seen in training, with all their pairs."""
    p = int(equations.pairs.max()) + 1
    is_shown = torch.zeros(p, dtype=torch.bool)
    is_shown[torch.randperm(p, generator=generator)[: round(fraction * p)]] = True
    rows = is_shown[equations.pairs[:, 0]]
    train, test = (
        Equations(equations.pairs[each], equations.results[each]) for each in (rows, ~rows)
    )
    return train, test


@component("grokking/periodicity", original=fourier_share)
def try_periodicity(part: Interface) -> None:
    """A function of vectors (p, n_units) that returns a number from 0 to 1: how periodic the units
    are over the residues, 1 for cosines of a whole number of periods.
    """
    angles = 2 * torch.pi / 11 * torch.arange(11).double()[:, None]
    share = part.call(torch.cos(angles * torch.arange(1, 6)))
    if not isinstance(share, float) or not 0.99 < share < 1.01:
        raise part.misfit(f"returns {share!r} for cosines")


@mutation("grokking/periodicity", "with-the-mean")
def share_with_the_mean(vectors: Tensor) -> float:
    """A unit's mean counts as a frequency, so that a unit that is constant is the most periodic."""
    power = torch.fft.rfft(vectors.double(), dim=0).abs().square()
    return float((power.max(0).values / power.sum(0)).mean())
