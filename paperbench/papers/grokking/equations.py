"""Binary operations on the residues modulo a prime, as tables of equations "a o b = c"."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Literal

import torch
from torch import Tensor

from paperbench.lab import shuffled_batches

Operation = Literal["subtract", "divide", "first", "random"]


@dataclass(frozen=True)
class Equations:
    """Pairs (n, 2) of operands and their results (n,), all int64."""

    pairs: Tensor
    results: Tensor

    def __len__(self) -> int:
        return len(self.results)

    def batches(self, batch_size: int | None) -> Callable[[torch.Generator], Iterator[Any]]:
        """An endless stream of (pairs, results): all of them every time, or minibatches."""
        if batch_size is None:
            return lambda generator: repeat((self.pairs, self.results))
        size = batch_size

        def stream(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
            for rows in shuffled_batches(len(self), size, generator):
                yield self.pairs[rows], self.results[rows]

        return stream


def write_equations(p: int, operation: Operation, generator: torch.Generator) -> Equations:
    """Every equation there is, in the order of (a, b). Section 3 and appendix A.1.

    subtract: a - b mod p. divide: a / b mod p, for b > 0. first: a, a rule that one operand tells.
    random: results drawn at random, a table without a rule; the only one that uses `generator`.
    """
    pairs = torch.cartesian_prod(torch.arange(p), torch.arange(p))
    a, b = pairs.unbind(1)
    if operation == "divide":
        pairs = pairs[b > 0]
        inverse = torch.tensor([pow(int(each), -1, p) for each in pairs[:, 1]])
        return Equations(pairs, pairs[:, 0] * inverse % p)
    if operation == "random":
        return Equations(pairs, torch.randint(p, (len(pairs),), generator=generator))
    return Equations(pairs, (a - b) % p if operation == "subtract" else a)


def split(
    equations: Equations, fraction: float, generator: torch.Generator
) -> tuple[Equations, Equations]:
    """Draw a share of the equations to train on; all others are tested. No pair is in both."""
    order = torch.randperm(len(equations), generator=generator)
    n_train = round(fraction * len(equations))
    train, test = (
        Equations(equations.pairs[rows], equations.results[rows])
        for rows in (order[:n_train], order[n_train:])
    )
    return train, test


def shortcut_accuracy(train: Equations, test: Equations) -> float:
    """The accuracy of the best table that looks at one operand, or at none.

    For each operand it answers with the result that was commonest with it in training.
    """
    p = int(max(train.pairs.max(), train.results.max())) + 1
    keys = [
        (part.pairs[:, 0], part.pairs[:, 1], torch.zeros_like(part.results))
        for part in (train, test)
    ]
    return max(
        _table_accuracy(seen, train.results, asked, test.results, p)
        for seen, asked in zip(*keys, strict=True)
    )


def _table_accuracy(seen: Tensor, results: Tensor, asked: Tensor, answers: Tensor, p: int) -> float:
    counts = torch.zeros(p, p, dtype=torch.long)
    counts.index_put_((seen, results), torch.ones_like(results), accumulate=True)
    return float((counts.argmax(1)[asked] == answers).double().mean())
