"""Seeds as lines of text: the two arms that a check compares, as dots on one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from paperbench.judge.numbers import decimals_for, decimals_of, format_number
from paperbench.judge.record import ClaimRecord, Part, Values
from paperbench.spec.check import CheckSyntaxError, Metric, parse_check

LABEL = 10  # columns before a row
FEWEST, MOST = 12, 48  # columns of the scale
MOST_ROWS = 16  # of seeds (repeats) before the rest is counted


@dataclass(frozen=True)
class Pair:
    """Both sides of a comparison of two arms, by seed."""

    left: str
    right: str
    values: list[tuple[float, float]]


def pair_of(claim: ClaimRecord, part: Part, arms: dict[str, Values]) -> Pair | None:
    """The values that are compared, where the check is one metric of two arms and all finite."""
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
    return Pair(left.arm, right.arm, list(zip(*columns, strict=True)))


def pair_lines(claim: ClaimRecord, part: Part, pair: Pair, width: int) -> list[str]:
    """One line a seed below a header; the arms' numbers only where `width` has room for them."""
    every = [value for both in pair.values for value in both]
    decimals, margin_decimals = decimals_for(every), decimals_of(part.margin)
    numbers = [[format_number(value, decimals) for value in both] for both in pair.values]
    margins = [format_number(value, margin_decimals, signed=True) for value in part.margin.values]
    names = replicates(claim, len(margins))
    label = max([LABEL, *(len(name) + 2 for name in names)])
    margin = max(map(len, ["margin", *margins]))
    sides = [max(len(row[i]) for row in numbers) for i in (0, 1)]
    columns = width - label - 2 - margin - sum(side + 2 for side in sides)
    if columns < FEWEST:
        columns, sides = width - label - 2 - margin, []
    columns = max(FEWEST, min(columns, MOST))
    legend = f"● {pair.left}  ○ {pair.right}"
    # Two long names take lines of their own, above the numbers' header.
    own = [] if len(legend) <= columns else [f"● {pair.left}", f"○ {pair.right}"]
    marks = [f"{mark:>{side}}" for mark, side in zip("●○", sides, strict=False)]
    lines = [f"{'':<{label}}{_cut(name, width - label)}" for name in own]
    head = "  ".join([f"{'' if own else legend:<{columns}}", *marks, "margin"])
    lines.append(f"{'':<{label}}{head}".rstrip())
    low, high = min(every), max(every)
    rows = [
        "  ".join(
            [
                f"{name:<{label}}{_dots(both, low, high, columns)}",
                *(f"{text:>{side}}" for text, side in zip(texts, sides, strict=False)),
                f"{value:>{margin}}",
            ]
        )
        for name, both, texts, value in zip(names, pair.values, numbers, margins, strict=False)
    ]
    return lines + cut_rows(claim, rows, label)


def _dots(both: tuple[float, float], low: float, high: float, columns: int) -> str:
    span = high / 2 - low / 2  # halved: the whole may be infinite
    shares = [(value / 2 - low / 2) / span if span else 0.0 for value in both]
    left, right = (round(share * (columns - 1)) for share in shares)
    cells = [" "] * columns
    for i in range(min(left, right), max(left, right) + 1):
        cells[i] = "─"
    cells[right], cells[left] = "○", "●"
    return "".join(cells)


def replicates(claim: ClaimRecord, count: int) -> list[str]:
    """What the rows are called: `seed 0`, for timing `repeat 0`."""
    if claim.kind == "timing":
        return [f"repeat {i}" for i in range(count)]
    seeds: Sequence[int] = claim.seeds if len(claim.seeds) == count else range(count)
    return [f"seed {seed}" for seed in seeds]


def cut_rows(claim: ClaimRecord, rows: list[str], label: int) -> list[str]:
    """The first MOST_ROWS rows, and how many more there are."""
    if len(rows) <= MOST_ROWS:
        return rows
    unit = "repeats" if claim.kind == "timing" else "seeds"
    return [*rows[:MOST_ROWS], f"{'':<{label}}and {len(rows) - MOST_ROWS} more {unit}"]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
