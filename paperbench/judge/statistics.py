"""Intervals on paired margins, and how many seeds would decide.

scipy.special, not scipy.stats: the latter takes a second to import.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, stdtrit

MAX_SEEDS = 1000  # beyond it, "more than 1000 seeds"
FLAT = 1e-9  # relative spread below which a sample has none


class Interval(NamedTuple):
    """A mean and an interval that misses the true mean by at most alpha on either side."""

    mean: float
    low: float
    high: float


def t_interval(values: Sequence[float], alpha: float) -> Interval:
    """Student's t interval, one-sided error `alpha` on either side.

    One value yields an infinite interval. A sample without spread (see `is_flat`) yields one of
    zero width, for which alpha is not promised; whoever decides by it must look at `is_flat`.
    NaN among the values makes everything NaN.
    """
    n = len(values)
    mean, spread = mean_and_spread(values)
    if math.isnan(mean):
        return Interval(math.nan, math.nan, math.nan)
    if n < 2:
        return Interval(mean, -math.inf, math.inf)
    if is_flat(values):
        return Interval(mean, mean, mean)
    half = float(stdtrit(n - 1, 1 - alpha)) * spread / math.sqrt(n)
    return Interval(mean, mean - half, mean + half)


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """The mean and the sample standard deviation, NaN for one value.

    Plain Python: for a handful of numbers it takes a tenth of NumPy's time.
    """
    n = len(values)
    mean = sum(values) / n
    if n < 2:
        return mean, math.nan
    # Not `** 2`, which raises where a product is infinite.
    return mean, math.sqrt(sum((value - mean) * (value - mean) for value in values) / (n - 1))


def is_flat(values: Sequence[float]) -> bool:
    """Return whether two or more values are equal, within rounding.

    Metrics that count (an accuracy on 100 images) can tie by chance, and no t interval exists for
    a tie. A flat sample therefore decides only at the last look. If the margins are symmetric
    about zero under the null, all 8 of the default schedule fall on the claim's side with
    probability 1/256 = 0.4 %, which is within the 0.5 % of that look; at 3 seeds it would be
    12.5 %. A tie decides nothing where 1/2**n is more than the look may spend.
    """
    return len(values) > 1 and max(values) - min(values) <= FLAT * max(map(abs, values))


def rate_interval(successes: int, n: int, alpha: float) -> Interval:
    """Clopper and Pearson's exact binomial interval, one-sided error `alpha` on either side."""
    low = float(betaincinv(successes, n - successes + 1, alpha)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - alpha)) if successes < n else 1.0
    return Interval(successes / n, low, high)


def sign_interval(differences: Sequence[float], alpha: float) -> Interval:
    """An interval on the mean of paired differences of 0/1 outcomes (each -1, 0 or 1).

    Exact as to its sign: it excludes zero when the exact test of the discordant pairs (McNemar,
    Clopper-Pearson against 1/2) does at `alpha`. Without a discordant pair it is (-1, 1).
    """
    n = len(differences)
    better = sum(difference > 0 for difference in differences)
    discordant = better + sum(difference < 0 for difference in differences)
    if discordant == 0:
        return Interval(0.0, -1.0, 1.0)
    share = rate_interval(better, discordant, alpha)
    mean, low, high = ((2 * value - 1) * discordant / n for value in share)
    return Interval(mean, low, high)


def seeds_to_decide(values: Sequence[float], alpha: float) -> int | None:
    """About how many seeds would exclude zero at `alpha` if mean and spread stay as observed.

    None for more than MAX_SEEDS, or when fewer than two values tell no spread. An approximation:
    the observed mean and spread are themselves uncertain.
    """
    if len(values) < 2 or not math.isfinite(sum(values)):
        return None
    mean, spread = mean_and_spread(values)

    def decides(n: int) -> bool:
        return bool(stdtrit(n - 1, 1 - alpha) * spread < abs(mean) * math.sqrt(n))

    n = bisect_left(range(MAX_SEEDS + 1), True, lo=len(values) + 1, key=decides)
    return n if n <= MAX_SEEDS else None


def seeds_to_decide_rate(successes: int, n: int, threshold: float, alpha: float) -> int | None:
    """About how many seeds would part the observed rate from `threshold`; None as above."""
    seeds = np.arange(n + 1, MAX_SEEDS + 1)
    expected = np.round(successes / n * seeds)
    low = np.where(
        expected > 0, betaincinv(np.maximum(expected, 1), seeds - expected + 1, alpha), 0.0
    )
    high = np.where(
        expected < seeds, betaincinv(expected + 1, np.maximum(seeds - expected, 1), 1 - alpha), 1.0
    )
    decided = seeds[(low > threshold) | (high < threshold)]
    return int(decided[0]) if decided.size else None
