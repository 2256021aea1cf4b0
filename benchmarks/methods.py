"""Other rules for deciding that a mean is above zero, on the margins of the calibration.

Each rule yields a one-sided p-value at a look, vectorised over samples; a claim passes at the first
look whose p is below its alpha, and fails when that of the mirrored sample is. Beside every rule
stands what plain t achieves when its alpha is scaled until it passes a skewed null as often: a rule
is worth having only where its power is above that for every null. For plain t the vectorised form
and the judge agree claim by claim; a test holds that.

    python -m benchmarks.calibration --compare
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from scipy.special import stdtr

from benchmarks.margins import Array, draw, generator_for
from paperbench.spec.model import DEFAULT_ALPHA, DEFAULT_LOOKS

BEFORE = (0.005, 0.0075, 0.0125)
RESAMPLES = 1999
MANY, FEW = 20_000, 4_000  # simulated claims; FEW for the bootstrap
NULLS = {
    "normal": "normal",
    "Gumbel": "left skew (Gumbel, -1.14)",
    "1 - Exp": "left skew (1 - Exp, -2)",
    "log-normal": "left skew (log-normal, -2.3)",
    "1 in 8 fails": "one seed in eight fails",
}
Rule = Callable[[Array], Array]  # samples (claims, n) -> p (claims,)


def _moments(samples: Array) -> tuple[Array, Array, Array]:
    """Mean, standard deviation and skewness of each sample."""
    mean, sd = samples.mean(-1), samples.std(-1, ddof=1)
    return mean, sd, ((samples - mean[:, None]) ** 3).mean(-1) / sd**3


def student(samples: Array) -> Array:
    """Student's t, as the judge's intervals."""
    n = samples.shape[-1]
    mean, sd, _ = _moments(samples)
    return stdtr(n - 1, -mean * np.sqrt(n) / sd)


def johnson(samples: Array) -> Array:
    """Johnson's modified t (1978): corrects the mean for the sample's skewness."""
    n = samples.shape[-1]
    mean, sd, skew = _moments(samples)
    shifted = mean + skew * sd / (6 * n) + skew * mean**2 / (3 * sd)
    return stdtr(n - 1, -shifted * np.sqrt(n) / sd)


def hall(samples: Array) -> Array:
    """Hall's monotone cubic transformation of t (1992)."""
    n = samples.shape[-1]
    mean, sd, skew = _moments(samples)
    ratio = mean / sd
    cubic = ratio + skew * ratio**2 / 3 + skew**2 * ratio**3 / 27 + skew / (6 * n)
    return stdtr(n - 1, -np.sqrt(n) * cubic)


def bootstrap(samples: Array) -> Array:
    """The studentised bootstrap: every resample of 3 or 5 values, RESAMPLES of more.

    A resample without spread lies infinitely far out, on the side of its mean.
    """
    n = samples.shape[-1]
    if n**n <= 4000:
        chosen = np.array(list(product(range(n), repeat=n)))
        extra = 0
    else:
        chosen = generator_for("bootstrap", n).integers(n, size=(RESAMPLES, n))
        extra = 1
    result = np.empty(len(samples))
    for i, sample in enumerate(samples):
        mean, sd = sample.mean(), sample.std(ddof=1)
        drawn = sample[chosen]
        away, spread = drawn.mean(-1) - mean, drawn.std(-1, ddof=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            pivots = np.where(spread > 1e-12 * sd, away / spread, np.sign(away) * np.inf)
        beyond = np.count_nonzero(pivots >= mean / sd)
        result[i] = (beyond + extra) / (len(chosen) + extra)
    return result


def t_and_sign(samples: Array) -> Array:
    """Student's t, but only where every seed supports the claim."""
    return np.where((samples > 0).all(-1), student(samples), 1.0)


def lower_spread(samples: Array) -> Array:
    """Student's t with the spread below the mean in place of the standard deviation, if larger."""
    n = samples.shape[-1]
    mean, sd, _ = _moments(samples)
    below = np.minimum(samples - mean[:, None], 0)
    spread = np.maximum(sd, np.sqrt(2 * (below**2).sum(-1) / (n - 1)))
    return stdtr(n - 1, -mean * np.sqrt(n) / spread)


def decide(
    rule: Rule, samples: Array, looks: Sequence[int], alpha: Sequence[float]
) -> tuple[Array, Array]:
    """Which samples (claims, seeds) pass, and after how many seeds each was decided."""
    passed = np.zeros(len(samples), bool)
    used = np.full(len(samples), looks[-1])
    waiting = np.arange(len(samples))
    for n, error in zip(looks, alpha, strict=True):
        seen = samples[waiting, :n]
        for_it, against = rule(seen) < error, rule(-seen) < error
        passed[waiting[for_it]] = True
        used[waiting[for_it | against]] = n
        waiting = waiting[~(for_it | against)]
    return passed, used


def one_more_if_skewed(samples: Array) -> tuple[Array, Array]:
    """T as adopted, but a PASS of a sample with skewness below -0.5 waits, in the end for seed 12.

    Returns what `decide` does, for samples (claims, 12).
    """

    def unskewed(seen: Array) -> Array:
        return np.where(_moments(seen)[2] < -0.5, 1.0, student(seen))

    passed, used = decide(unskewed, samples, DEFAULT_LOOKS, DEFAULT_ALPHA)
    last = samples[:, : DEFAULT_LOOKS[-1]]
    waits = ~passed & (used == DEFAULT_LOOKS[-1]) & (student(last) < DEFAULT_ALPHA[-1])
    later = waits & (student(samples) < DEFAULT_ALPHA[-1])
    return passed | later, np.where(waits, samples.shape[-1], used)


class TradeOff:
    """What plain t gives for every scale of the default alpha."""

    def __init__(self) -> None:
        shape = (MANY, DEFAULT_LOOKS[-1])
        self.effect = self._p_values(2 + draw("normal", shape, "trade-off"))
        self.nulls = {
            name: self._p_values(draw(NULLS[name], shape, "trade-off"))
            for name in ("Gumbel", "1 - Exp")
        }

    @staticmethod
    def _p_values(samples: Array) -> Array:
        """(2, looks, claims): for the claim and against it."""
        return np.array(
            [[student(sign * samples[:, :n]) for n in DEFAULT_LOOKS] for sign in (1, -1)]
        )

    @staticmethod
    def _passed(p_values: Array, scale: float) -> float:
        decided = p_values < scale * np.array(DEFAULT_ALPHA)[:, None]
        first = decided.any(0).argmax(0)
        return float(np.take_along_axis(decided[0], first[None], 0).mean())

    def power_at(self, null: str, rate: float) -> float:
        """Power of t at two standard deviations, where it passes `null` at `rate`."""
        low, high = 1e-3, 20.0
        for _ in range(20):
            middle = float(np.sqrt(low * high))
            above = self._passed(self.nulls[null], middle) > rate
            low, high = (low, middle) if above else (middle, high)
        return self._passed(self.effect, float(np.sqrt(low * high)))


def compare() -> None:
    """False passes of every rule at its nulls, and its power at normal margins, in percent.

    Last: the power at 2 sd of plain t, scaled to pass Gumbel's null, or 1 - Exp, as often.
    """
    later = (DEFAULT_LOOKS, (1e-9, DEFAULT_ALPHA[1], DEFAULT_ALPHA[2]))
    now, then = (DEFAULT_LOOKS, DEFAULT_ALPHA), (DEFAULT_LOOKS, BEFORE)
    rows: list[tuple[str, Rule, tuple[Sequence[int], Sequence[float]] | None, int]] = [
        ("t, adopted", student, now, MANY),
        ("t, alpha of before", student, then, MANY),
        ("t, no look at 3", student, later, MANY),
        ("Johnson's modified t", johnson, now, MANY),
        ("Johnson's, alpha of before", johnson, then, MANY),
        ("Hall's transformation", hall, now, MANY),
        ("Hall's, alpha of before", hall, then, MANY),
        ("studentised bootstrap", bootstrap, now, FEW),
        ("bootstrap, alpha of before", bootstrap, then, FEW),
        ("t and all seeds support, before", t_and_sign, then, MANY),
        ("spread below the mean", lower_spread, now, MANY),
        ("spread below the mean, before", lower_spread, then, MANY),
        ("t, a look at 12 if skewed", student, None, MANY),
    ]
    curve = TradeOff()
    print(
        f"| rule | {' | '.join(NULLS)} | 1 sd | 2 sd | 3 sd | seeds at 2 sd "
        "| t at its Gumbel | t at its 1 - Exp |"
    )
    print("|---" * (len(NULLS) + 7) + "|")
    for name, rule, schedule, claims in rows:

        def run(margins: Array, rule=rule, schedule=schedule) -> tuple[Array, Array]:
            return decide(rule, margins, *schedule) if schedule else one_more_if_skewed(margins)

        shape = (claims, 8 if schedule else 12)
        rates = {key: run(draw(null, shape, "compare"))[0].mean() for key, null in NULLS.items()}
        powers = [run(e + draw("normal", shape, "compare", e)) for e in (1, 2, 3)]
        cells = [*rates.values(), *(passed.mean() for passed, _ in powers)]
        same = [curve.power_at(null, float(rates[null])) for null in curve.nulls]
        print(
            f"| {name} | {' | '.join(f'{100 * cell:.1f}' for cell in cells)} "
            f"| {powers[1][1].mean():.1f} | {' | '.join(f'{100 * each:.1f}' for each in same)} |"
        )


def betting_p(samples: Array) -> Array:
    """One over the wealth of a bet that the mean of margins in [-1, 1] is above 0.

    Predictable plug-in bets (Waudby-Smith and Ramdas 2024), at most half of the wealth at risk.
    Holds for every bounded distribution, whenever it is looked at.
    """
    wealth = np.ones(len(samples))
    best = wealth.copy()
    total, squares = np.zeros(len(samples)), np.full(len(samples), 0.25)
    for i in range(samples.shape[-1]):
        bet = np.clip((total / (i + 1)) / (squares / (i + 1)), 0, 0.5)
        wealth = wealth * (1 + bet * samples[:, i])
        best = np.maximum(best, wealth)
        total, squares = total + samples[:, i], squares + samples[:, i] ** 2
    return 1 / best


def betting() -> None:
    """Bounded margins in [-1, 1], alpha 0.0085: betting needs no more than the bound, t does."""
    alpha = sum(DEFAULT_ALPHA)
    print("| seeds | 1 in 8 fails, null: t | betting | 2 sd, sd 0.1: t | betting | ", end="")
    print("2 sd, sd 0.3: t | betting |\n" + "|---" * 7 + "|")
    for n in (8, 20, 50, 100):
        shape = (MANY // 4, n)
        failing = 0.35 * draw("one seed in eight fails", shape, "betting")
        cells = [failing, *(sd * (2 + draw("normal", shape, "betting")) for sd in (0.1, 0.3))]
        rates = [
            f"{100 * (rule(np.clip(sample, -1, 1)) < alpha).mean():.1f}"
            for sample in cells
            for rule in (student, betting_p)
        ]
        print(f"| {n} | {' | '.join(rates)} |")


def bounds() -> None:
    """How probably no seed of a few fails, where a share of all seeds does."""
    print("| share of seeds that fail | 3 of 3 | 5 of 5 | 8 of 8 |\n|---|---|---|---|")
    for share in (1 / 4, 1 / 8, 1 / 20):
        print(
            f"| {share:.3g} | " + " | ".join(f"{100 * (1 - share) ** k:.0f} %" for k in (3, 5, 8)),
            "|",
        )


def main() -> None:
    error = 100 * 1.96 * np.sqrt(0.05 * 0.95 / MANY)
    print(
        f"{MANY} claims a cell, {FEW} for the bootstrap: a rate of 5 % is known to "
        f"{error:.1f} points, and to {error * np.sqrt(MANY / FEW):.1f} for the bootstrap."
    )
    for table in (compare, betting, bounds):
        print(f"\n{inspect.getdoc(table)}\n")
        table()
