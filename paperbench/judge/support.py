"""On how many seeds a check holds, and what follows from that count alone."""

from __future__ import annotations

from collections.abc import Sequence

from paperbench.judge.evaluate import satisfies
from paperbench.judge.record import Part, Support
from paperbench.judge.statistics import rate_interval
from paperbench.spec.check import Check

LEVEL = 0.95


def support_of(check: Check, parts: Sequence[Part], n_looks: int) -> Support:
    """Count the seeds (for timing the repeats) on which every part holds.

    low and high are Clopper and Pearson's bounds for the share of all seeds on which the check
    holds. Their 5 % are divided among the looks, since the verdict chose the one at which they are
    read; then they cover whatever the distribution of the margins and what made the looking stop.
    """
    by_part = [
        [satisfies(comparison, value) for value in part.margin.values]
        for comparison, part in zip(check.parts, parts, strict=True)
    ]
    held = [all(seed) for seed in zip(*by_part, strict=True)]
    _, low, high = rate_interval(sum(held), len(held), (1 - LEVEL) / n_looks)
    return Support(holds=sum(held), n=len(held), low=low, high=high, level=LEVEL)
