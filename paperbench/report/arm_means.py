"""What the arms of a claim measured: a table of means with half their interval, one row an arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from paperbench.judge.numbers import decimals_for, decimals_of, format_number
from paperbench.judge.record import ClaimRecord, Margin
from paperbench.report.numbers import Kinds

CONFIDENCE = 0.95
ARROWS = {"higher": " ↑", "lower": " ↓", "neither": ""}
CAPTION = (
    "Means over {unit}, ± half of their 95 % t interval; ↑: higher is better, ↓: lower is better."
)
RANGE_CAPTION = "Means and ranges over {unit}; ↑: higher is better, ↓: lower is better."


def arm_means(claim: ClaimRecord, kinds: Kinds) -> tuple[list[str], list[list[str]]] | None:
    """Headers and rows as plain text: arm, n, and every metric. None where there is no metric."""
    metrics = list(dict.fromkeys(name for values in claim.arms.values() for name in values))
    if not metrics:
        return None
    columns = {name: _column(claim, name) for name in metrics}
    rows = [
        [
            arm,
            str(max((len(column) for column in values.values()), default=0)),
            *(columns[name].get(arm, "−") for name in metrics),
        ]
        for arm, values in claim.arms.items()
    ]
    return ["arm", "n", *(with_arrow(name, kinds) for name in metrics)], rows


def caption(claim: ClaimRecord) -> str:
    """What stands behind `±` in the table."""
    text = RANGE_CAPTION if claim.kind == "exact" else CAPTION
    return text.format(unit="repeats" if claim.kind == "timing" else "seeds")


def with_arrow(metric: str, kinds: Kinds) -> str:
    """`val_ppl ↓`; the name alone where no direction is better, or none is known."""
    return metric + (ARROWS[kinds[metric].direction] if metric in kinds else "")


def half_interval(values: Sequence[float]) -> float:
    """Half of the t interval on a mean; infinite for one value, NaN where a value is not finite."""
    n = len(values)
    if n < 2:
        return math.inf
    mean = math.fsum(values) / n if all(map(math.isfinite, values)) else math.nan
    spread = math.sqrt(sum((value - mean) * (value - mean) for value in values) / (n - 1))
    return t_quantile(n - 1) * spread / math.sqrt(n)


@cache
def t_quantile(degrees: int) -> float:
    """The t that a variable of so many degrees of freedom stays within with CONFIDENCE.

    By bisection of the finite series of Abramowitz and Stegun, 26.7.3 and 26.7.4: SciPy takes
    longer to import than a page takes to write.
    """
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < CONFIDENCE else (low, middle)
    return math.sqrt(degrees) * math.tan((low + high) / 2)


def _within(angle: float, degrees: int) -> float:
    """P(|T| < t), where t = sqrt(degrees) * tan(angle)."""
    cosine, odd = math.cos(angle), degrees % 2
    term = total = cosine if odd else 1.0
    for i in range(3 if odd else 2, degrees - 1, 2):
        term *= cosine * cosine * (i - 1) / i
        total += term
    if not odd:
        return math.sin(angle) * total
    return 2 / math.pi * (angle + math.sin(angle) * (total if degrees > 1 else 0.0))


def _column(claim: ClaimRecord, metric: str) -> dict[str, str]:
    """One metric of every arm that reports it, by arm."""
    by_arm = {arm: values[metric] for arm, values in claim.arms.items() if values.get(metric)}
    means = {arm: _mean(values) for arm, values in by_arm.items()}
    shared = decimals_for(list(means.values()))
    return {
        arm: _cell(means[arm], values, shared, exact=claim.kind == "exact")
        for arm, values in by_arm.items()
    }


def _mean(values: Sequence[float]) -> float:
    finite = all(map(math.isfinite, values))
    return math.fsum(values) / len(values) if finite else sum(values) / len(values)


def _cell(mean: float, values: Sequence[float], shared: int | None, *, exact: bool) -> str:
    """`4.997 ± 0.045`. shared: decimals for a mean without an interval of its own."""
    half = half_interval(values)
    if not math.isfinite(half) or min(values) == max(values):
        return format_number(mean, shared)
    low, high = (min(values), max(values)) if exact else (mean - half, mean + half)
    digits = decimals_of(Margin(mean=mean, low=low, high=high, alpha=0, n=len(values), values=[]))
    if exact:
        ends = (format_number(end, digits) for end in (low, high))
        return f"{format_number(mean, digits)} [{', '.join(ends)}]"
    return f"{format_number(mean, digits)} ± {format_number(half, digits)}"
