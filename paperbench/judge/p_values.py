"""How surprising a sample would be if the claim were not true: one-sided p-values for one look.

Each agrees with its interval in `statistics`: p is below alpha exactly when the interval excludes
zero on the claim's side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import bdtrc, stdtr

from paperbench.judge.statistics import is_flat, mean_and_spread


def mean_p(values: Sequence[float], *, strict: bool) -> float:
    """Student's p for a mean of 0 or less; 1 for NaN, and for one value, which shows nothing.

    Of a sample without spread it is the sign test's, as for the interval: 1/2**n where the tie
    supports the claim. strict: a tie at 0 does not.
    """
    n = len(values)
    mean, spread = mean_and_spread(values)
    if n < 2 or math.isnan(mean):
        return 1.0
    if is_flat(values):
        return 0.5**n if mean > 0 or (mean == 0 and not strict) else 1.0
    return float(stdtr(n - 1, -mean * math.sqrt(n) / spread))


def rate_p(successes: int, n: int, threshold: float, sign: int) -> float:
    """The binomial p for a rate that does not exceed `threshold`; sign -1: is not below it."""
    if sign < 0:
        successes, threshold = n - successes, 1 - threshold
    if successes == 0:
        return 1.0
    if not 0 < threshold < 1:
        return 0.0 if threshold <= 0 else 1.0
    return float(bdtrc(successes - 1, n, threshold))


def sign_p(differences: Sequence[float]) -> float:
    """McNemar's exact p for paired 0/1 outcomes; 1 without a discordant pair."""
    better = sum(difference > 0 for difference in differences)
    discordant = better + sum(difference < 0 for difference in differences)
    return rate_p(better, discordant, 0.5, 1) if discordant else 1.0
