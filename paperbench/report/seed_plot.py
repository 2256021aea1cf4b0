"""Seeds as lines of text: two arms as dots on one scale, or margins as bars around zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from paperbench.judge.record import ClaimRecord, Part, Values
from paperbench.report.numbers import decimals_for, decimals_of, format_number
from paperbench.spec.check import CheckSyntaxError, Metric, parse_check

SCALE = 32  # columns of the common scale
MOST_ROWS = 16  # of seeds (repeats) before the rest is counted


@dataclass(frozen=True)
class _Pair:
    """Both sides of a comparison of two arms, by seed."""

    left: str
    right: str
    values: list[tuple[float, float]]


def seed_lines(claim: ClaimRecord, part: Part, arms: dict[str, Values]) -> list[str]:
    """One line a seed for one part of a check. arms: the claim's own, or its control's."""
    pair = _pair(claim, part, arms)
    return _dots(claim, part, pair) if pair else _bars(claim, part)


def _pair(claim: ClaimRecord, part: Part, arms: dict[str, Values]) -> _Pair | None:
    """The values that are compared, where the check is one metric of two arms."""
    try:
        comparison = parse_check(part.check, exact=claim.kind == "exact").parts[0]
    except CheckSyntaxError:
        return None
    left, right = comparison.left, comparison.right
    if not (isinstance(left, Metric) and isinstance(right, Metric) and left.name == right.name):
        return None
    columns = [arms.get(side.arm, {}).get(side.name, []) for side in (left, right)]
    if not all(len(column) == part.margin.n for column in columns) or left.arm == right.arm:
        return None
    if not all(math.isfinite(value) for column in columns for value in column):
        return None
    return _Pair(left.arm, right.arm, list(zip(*columns, strict=True)))


def _dots(claim: ClaimRecord, part: Part, pair: _Pair) -> list[str]:
    every = [value for both in pair.values for value in both]
    low, span = min(every), (max(every) - min(every)) or 1.0
    decimals, margin_decimals = decimals_for(every), decimals_of(part.margin)
    rows = []
    for values in pair.values:
        left, right = (round((value - low) / span * (SCALE - 1)) for value in values)
        cells = [" "] * SCALE
        for i in range(min(left, right), max(left, right) + 1):
            cells[i] = "─"
        cells[right], cells[left] = "○", "●"
        rows.append(("".join(cells), *(format_number(value, decimals) for value in values)))
    margins = [format_number(value, margin_decimals, signed=True) for value in part.margin.values]
    widths = [max(len(row[i]) for row in rows) for i in (1, 2)]
    legend = f"● {pair.left}  ○ {pair.right}"
    header = [
        f"{legend:<{SCALE}}",
        *(f"{mark:>{width}}" for mark, width in zip("●○", widths, strict=True)),
        "margin",
    ]
    width = max(len("margin"), *map(len, margins))
    if len(legend) > SCALE:  # two long names take a line of their own
        header = [legend]
    lines = ["  ".join(header)]
    lines += [
        f"{row[0]}  {row[1]:>{widths[0]}}  {row[2]:>{widths[1]}}  {margin:>{width}}"
        for row, margin in zip(rows, margins, strict=True)
    ]
    return _labelled(claim, lines)


def _bars(claim: ClaimRecord, part: Part) -> list[str]:
    values = part.margin.values
    finite = [value for value in values if math.isfinite(value)]
    largest = max(map(abs, finite), default=0.0) or 1.0
    half = SCALE // 2
    decimals = decimals_of(part.margin)
    texts = [format_number(value, decimals, signed=True) for value in values]
    width = max(map(len, texts), default=0)
    lines = [
        f"{'against it':>{half - 1}} │ {'supports it':<{half - 2}}  {'margin':>{max(width, 6)}}"
    ]
    for value, text in zip(values, texts, strict=True):
        length = round(abs(value) / largest * (half - 1)) if math.isfinite(value) else 0
        bar = "━" * length
        left, right = (bar, "") if value < 0 else ("", bar)
        lines.append(f"{left:>{half}}│{right:<{half - 1}}  {text:>{max(width, 6)}}")
    return _labelled(claim, lines)


def _labelled(claim: ClaimRecord, lines: Sequence[str]) -> list[str]:
    """A header and its rows, with `seed 0` before each row, cut after MOST_ROWS."""
    unit = "repeat" if claim.kind == "timing" else "seed"
    header, rows = lines[0], lines[1:]
    names = (
        [f"{unit} {i}" for i in range(len(rows))]
        if claim.kind == "timing"
        else [f"{unit} {seed}" for seed in (claim.seeds or range(len(rows)))]
    )
    width = max([10, *(len(name) + 2 for name in names)])
    shown = [f"{name:<{width}}{row}" for name, row in zip(names, rows, strict=False)][:MOST_ROWS]
    if len(rows) > MOST_ROWS:
        shown.append(f"{'':<{width}}and {len(rows) - MOST_ROWS} more {unit}s")
    return [f"{'':<{width}}{header}".rstrip(), *shown]
