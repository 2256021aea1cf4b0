"""When a claim is judged, and how much error each look may spend. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from paperbench.spec.model import Claim

EXPLORATORY_ALPHA = 0.025
EXACT_SEEDS = 3


@dataclass(frozen=True)
class Look:
    """One look at the seeds so far.

    index: counts from 1. n: seeds at this look. alpha: one-sided error on either side; 0 for
    `kind: exact`, which has no variance. last: an undecided claim gets no more seeds.
    """

    index: int
    n: int
    alpha: float
    last: bool


def looks_of(claim: Claim, *, seeds: int | None) -> tuple[Look, ...]:
    """The looks at which `claim` is judged, the first one first.

    seeds: what the command line asks for instead of the claim's own schedule, which makes the
    result exploratory. A timing claim has one look whatever is asked: the repeats inside the run
    of seed 0 are its sample, and it spends the error of all looks on it.
    """
    if claim.kind == "timing":
        return (Look(1, 1, round(sum(claim.alpha), 12), last=True),)
    if claim.kind == "exact":
        return (Look(1, EXACT_SEEDS if seeds is None else seeds, 0.0, last=True),)
    if seeds is not None:
        return (Look(1, seeds, EXPLORATORY_ALPHA, last=True),)
    pairs = zip(claim.looks, claim.alpha, strict=True)
    return tuple(
        Look(i, n, alpha, last=i == len(claim.looks)) for i, (n, alpha) in enumerate(pairs, start=1)
    )
