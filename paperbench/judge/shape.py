"""Whether a sample of margins looks as if a t interval promised too much: skewed, or in groups.

Two statistics of a sample, each compared with what normal samples of its size do. Their
thresholds are simulated, so that either sounds a false alarm on 5 % of normal samples of any size.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from paperbench.judge.numbers import decimals_for, format_number
from paperbench.judge.record import Part, Verdict

FALSE_ALARMS = 0.05
FEWEST = 5  # of three or four values nothing could be said
MOST = 200  # of so many the mean is normal enough
_DRAWS = 20_000

Array = npt.NDArray[np.float64]


class Shape(NamedTuple):
    """skewness: below 0 the long tail points down. gap: the widest between neighbours, of range."""

    skewness: Array
    gap: Array


def shape_of(samples: Array) -> Shape:
    """Measure samples (..., n) -> (...). A sample without spread has NaN."""
    centred = samples - samples.mean(-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        skewness = (centred**3).mean(-1) / (centred**2).mean(-1) ** 1.5
        gaps = np.diff(np.sort(samples, -1), axis=-1)
        return Shape(skewness, gaps.max(-1) / gaps.sum(-1))


@cache
def thresholds(n: int, false_alarms: float = FALSE_ALARMS) -> Shape:
    """What normal samples of size `n` exceed (skewness: fall below) with that probability."""
    shape = shape_of(np.random.default_rng(n).standard_normal((_DRAWS, n)))
    return Shape(
        np.asarray(np.quantile(shape.skewness, false_alarms)),
        np.asarray(np.quantile(shape.gap, 1 - false_alarms)),
    )


def warnings_about(
    parts: Sequence[Part], verdict: Verdict, unit: Literal["seed", "repeat"]
) -> list[str]:
    """What a reader should know of the margins' shape, a sentence for each part that stands out.

    The parts share the false alarms. A tail counts against a verdict where it points the other
    way; one group apart explains a tail, and is named in its place.
    """
    found = []
    for part in parts:
        text = _warning(part.margin.values, verdict, unit, FALSE_ALARMS / len(parts))
        if text:
            found.append(f"`{part.check}`: {text}" if len(parts) > 1 else text)
    return found


def _warning(
    values: Sequence[float], verdict: Verdict, unit: str, false_alarms: float
) -> str | None:
    sample = np.asarray(values)
    spread = np.ptp(sample) > 0 if len(sample) else False
    if not (FEWEST <= len(sample) <= MOST and np.isfinite(sample).all() and spread):
        return None
    shape, usual = shape_of(sample), thresholds(len(sample), false_alarms)
    if shape.gap > usual.gap:
        return _groups(sample, unit)
    # Of a mean that was found negative, the tail above it is the one not seen.
    side = {"FAIL": -1, "INCONCLUSIVE": 0}.get(verdict, 1)
    if side * shape.skewness < usual.skewness:
        skewness = format_number(float(shape.skewness), 1, signed=True)
        return (
            f"the margins are skewed {'towards' if side < 0 else 'against'} the claim (skewness "
            f"{skewness}): a rare {unit} may lie much further out than these"
        )
    return None


def _groups(sample: Array, unit: str) -> str:
    ordered = np.sort(sample)
    split = int(np.diff(ordered).argmax()) + 1
    low, high = ordered[:split], ordered[split:]
    decimals = decimals_for(sample.tolist())

    def told(group: Array) -> str:
        ends = dict.fromkeys(
            format_number(float(group[end]), decimals, signed=True) for end in (0, -1)
        )
        return " to ".join(ends)

    alone, others = (low, high) if len(low) == 1 else (high, low)
    if len(alone) == 1:
        index = int(np.flatnonzero(sample == alone[0])[0])
        return (
            f"one {unit} stands apart: {told(alone)} on {unit} {index}, the others from "
            f"{told(others)}"
        )
    return (
        f"the {unit}s fall into two groups: {len(low)} from {told(low)}, {len(high)} from "
        f"{told(high)}"
    )
