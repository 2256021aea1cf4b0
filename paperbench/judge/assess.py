"""One part of a check at one look: its margin, and whether it holds, fails or is open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from paperbench.errors import SpecError
from paperbench.judge.evaluate import Sample, is_strict, margins_of, satisfies, value_of
from paperbench.judge.looks import Look
from paperbench.judge.p_values import mean_p, rate_p, sign_p
from paperbench.judge.record import Margin
from paperbench.judge.statistics import (
    Interval,
    is_flat,
    rate_interval,
    seeds_to_decide,
    seeds_to_decide_rate,
    sign_interval,
    t_interval,
)
from paperbench.spec.check import Check, Comparison, Metric
from paperbench.spec.model import Kind

MIN_REPEATS = 5  # of a timing claim
State = Literal["holds", "fails", "open"]
_RANK: dict[State, int] = {"fails": 0, "open": 1, "holds": 2}


@dataclass(frozen=True)
class Assessment:
    """One comparison as judged at one look.

    waits: the sample supports the part but has no spread, which only the last look accepts.
    seeds: at the last look, about how many would decide an open part; None for more than 1000.
    p: one-sided, at this look alone; an exact part has none, and 1.
    """

    comparison: Comparison
    margin: Margin
    state: State
    waits: bool = False
    seeds: int | None = None
    p: float = 1.0


def assess(check: Check, kind: Kind, samples: Sequence[Sample], look: Look) -> list[Assessment]:
    """Judge every part of a check. For timing the samples are repeats, else seeds."""
    by_kind = {"exact": _assess_exact, "rate": _assess_rate}.get(kind, _assess_mean)
    if kind == "timing" and len(samples) < MIN_REPEATS:
        by_kind = _assess_too_few
    return [by_kind(part, samples, look) for part in check.parts]


def weakest(assessed: Sequence[Assessment]) -> Assessment:
    """The part nearest to failing, by interval widths from zero: parts have different units."""
    return min(assessed, key=lambda each: (_RANK[each.state], widths_from_zero(each.margin)))


def difference(
    part: Comparison, kind: Kind, claim: Margin, control: Margin, look: Look
) -> Assessment:
    """The claim's margins minus the control's, paired by seed (repeat): is the mean above zero?

    It holds only when strictly above zero, whatever the part's own operator.
    """
    values = [a - b for a, b in zip(claim.values, control.values, strict=True)]
    if kind == "rate":
        interval, flat, p = sign_interval(values, look.alpha), False, sign_p(values)
    else:
        interval, flat = t_interval(values, look.alpha), is_flat(values)
        p = mean_p(values, strict=True)
    state = _state(interval, len(values), strict=True, open_until_last=flat, look=look)
    return Assessment(
        part,
        _margin(interval, values, look),
        state,
        waits=flat and not look.last and interval.mean > 0,
        seeds=_seeds(state, values, look),
        p=p,
    )


def widths_from_zero(margin: Margin) -> float:
    """How many half-widths of its interval the mean lies above zero; -inf for NaN."""
    if math.isnan(margin.mean):
        return -math.inf
    half = (margin.high - margin.low) / 2
    return margin.mean / half if half > 0 else math.copysign(math.inf, margin.mean)


def _assess_mean(part: Comparison, samples: Sequence[Sample], look: Look) -> Assessment:
    values = margins_of(part, samples)
    interval, flat = t_interval(values, look.alpha), is_flat(values)
    state = _state(interval, len(values), strict=is_strict(part), open_until_last=flat, look=look)
    return Assessment(
        part,
        _margin(interval, values, look),
        state,
        waits=flat and not look.last and satisfies(part, interval.mean),
        seeds=_seeds(state, values, look),
        p=mean_p(values, strict=is_strict(part)),
    )


def _assess_too_few(part: Comparison, samples: Sequence[Sample], look: Look) -> Assessment:
    values = margins_of(part, samples)
    interval = Interval(sum(values) / len(values), -math.inf, math.inf)
    return Assessment(part, _margin(interval, values, look), "open", seeds=MIN_REPEATS)


def _assess_exact(part: Comparison, samples: Sequence[Sample], look: Look) -> Assessment:
    """One counterexample refutes it. The interval is the range of the margins."""
    values = margins_of(part, samples)
    interval = Interval(sum(values) / len(values), min(values), max(values))
    held = all(satisfies(part, value) for value in values)
    state: State = "open" if len(values) < 2 else "holds" if held else "fails"
    return Assessment(part, _margin(interval, values, look), state, seeds=3)


def _assess_rate(part: Comparison, samples: Sequence[Sample], look: Look) -> Assessment:
    metric, threshold, sign = _rate_shape(part)
    n = len(samples)
    successes = round(sum(value_of(metric, sample) for sample in samples))
    rate = rate_interval(successes, n, look.alpha)
    mean, *ends = (sign * (value - threshold) for value in rate)
    interval = Interval(mean, min(ends), max(ends))
    state: State = (
        "open"
        if n < 2
        else _state(interval, n, strict=is_strict(part), open_until_last=False, look=look)
    )
    return Assessment(
        part,
        _margin(interval, margins_of(part, samples), look),
        state,
        seeds=(
            seeds_to_decide_rate(successes, n, threshold, look.alpha)
            if state == "open" and look.last
            else None
        ),
        p=rate_p(successes, n, threshold, sign),
    )


def _rate_shape(part: Comparison) -> tuple[Metric, float, int]:
    """Read `arm.metric > p`, either way round, as (metric, p, sign of the margin)."""
    upward = 1 if part.operator in (">", ">=") else -1
    for metric, bound, sign in ((part.left, part.right, upward), (part.right, part.left, -upward)):
        if isinstance(metric, Metric):
            try:
                return metric, value_of(bound, {}), sign
            except KeyError:
                break
    raise SpecError(
        f"`kind: rate` compares one metric with one number, not `{part.text}`",
        help="write for example `learner.solved > 0.5`",
    )


def _state(interval: Interval, n: int, *, strict: bool, open_until_last: bool, look: Look) -> State:
    if open_until_last:
        # So few that a tie may well fall on one side by chance, as at every look but the last.
        if not look.last or 0.5**n > look.alpha:
            return "open"
        if interval.mean == 0:
            return "open" if strict else "holds"
    if interval.low > 0:
        return "holds"
    return "fails" if interval.high < 0 else "open"


def _seeds(state: State, values: list[float], look: Look) -> int | None:
    return seeds_to_decide(values, look.alpha) if state == "open" and look.last else None


def _margin(interval: Interval, values: list[float], look: Look) -> Margin:
    return Margin(
        mean=interval.mean,
        low=interval.low,
        high=interval.high,
        alpha=look.alpha,
        n=len(values),
        values=values,
    )
