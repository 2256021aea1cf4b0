"""Intervals as lines of text: a margin, its seeds and its control on one scale around zero."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from paperbench.judge.numbers import LARGEST, decimals_of, format_margin, format_number
from paperbench.judge.record import ClaimRecord, Margin, Part
from paperbench.report.seed_plot import LABEL, cut_rows, replicates

FEWEST, MOST = 24, 60  # columns of the scale
DWARFED = 4.0  # so many times wider with the control, and the scale is the claim's own
UNDECIDED = "┄ spans zero: undecided"
_WORDS = (("against it", "supports it"), ("against", "for"))


@dataclass(frozen=True)
class Scale:
    """Where a number stands among `columns`; the outermost two are left for what lies beyond."""

    low: float
    high: float
    columns: int

    def column(self, value: float) -> int:
        """The first or the last for what the scale does not reach; zero's own is zero's alone."""
        if value < self.low:
            return 0
        if value > self.high:
            return self.columns - 1
        place, zero = self._inner(value), self._inner(0.0)
        return max(place, zero + 1) if value > 0 else min(place, zero - 1) if value < 0 else zero

    def _inner(self, value: float) -> int:
        # In units of the larger end: no difference of two large numbers is infinite then.
        value, low, high = (
            each / max(-self.low, self.high) for each in (value, self.low, self.high)
        )
        share = (value - low) / (high - low)
        return 1 + round(share * (self.columns - 3))

    def header(self) -> str:
        """`against it 0 supports it`, and the ends of the scale where there is room."""
        cells, zero = [" "] * self.columns, self.column(0.0)
        cells[zero] = "0"
        for against, supports in _WORDS:
            _place(cells, zero - 1 - len(against), against)
            _place(cells, zero + 2, supports)
        low, high = (_end(value) for value in (self.low, self.high))
        _place(cells, 0, low if self.low < 0 else "")
        _place(cells, self.columns - len(high), high if self.high > 0 else "")
        return "".join(cells)

    def dot(self, value: float, mark: str) -> str:
        """One value before the line of zero; an arrow where it lies beyond the scale."""
        return self.interval(value, value, value, mark)

    def interval(self, low: float, mean: float, high: float, mark: str, line: str = "─") -> str:
        """A line with ends and a mark at its mean, before the line of zero."""
        cells, zero = [" "] * self.columns, self.column(0.0)
        cells[zero] = "│"
        if math.isnan(mean):
            return "".join(cells)
        low, high = (mean if math.isnan(end) else end for end in (low, high))
        left, right = self.column(low), self.column(high)
        for i in range(left, right + 1):
            cells[i] = "┼" if i == zero else line
        if left < right:
            cells[left], cells[right] = "├", "┤"
        cells[self.column(mean)] = mark
        if low < self.low:
            cells[0] = "◀"
        if high > self.high:
            cells[-1] = "▶"
        return "".join(cells)


def scale_of(own: Iterable[float], other: Iterable[float], columns: int) -> Scale:
    """A scale with zero and all that is finite of both, unless `other` would dwarf `own`."""
    values = [0.0, *filter(math.isfinite, own)]
    every = [*values, *filter(math.isfinite, other)]
    low, high = min(values), max(values)
    if high == low or max(every) - min(every) <= DWARFED * (high - low):
        low, high = min(every), max(every)
    return Scale(low, high, columns) if low < high else Scale(-1.0, 1.0, columns)


def interval_lines(
    claim: ClaimRecord,
    part: Part,
    control: Margin | None,
    *,
    seeds: bool,
    unit: str = "",
    width: int,
) -> list[str]:
    """The margin of one part and its control's, below each other, no line longer than `width`.

    seeds: with a dot for each of the part's own margins above them.
    """
    margin = part.margin
    decimals = decimals_of(margin)
    dots = margin.values if seeds else []
    numbers = [format_number(value, decimals, signed=True) for value in dots]
    labels = replicates(claim, len(dots))
    shown = [("margin", margin, "●")] + ([("control", control, "○")] if control else [])
    texts = [format_margin(each, unit) for _, each, _ in shown]
    label = max([LABEL, *(len(name) + 2 for name in labels)])
    columns = width - label - 2 - max(map(len, [*texts, *numbers]))
    beside = columns >= FEWEST
    if not beside:  # the intervals' numbers take lines of their own
        columns = width - label - 2 - max(map(len, numbers), default=-2)
    scale = scale_of(
        [*dots, margin.low, margin.mean, margin.high],
        [control.low, control.mean, control.high] if control else [],
        max(5, min(columns, MOST)),
    )
    rows = [
        f"{name:<{label}}{scale.dot(value, '•')}  {number}"
        for name, value, number in zip(labels, dots, numbers, strict=True)
    ]
    lines = [f"{'':<{label}}{scale.header()}".rstrip(), *cut_rows(claim, rows, label)]
    for (name, each, mark), text in zip(shown, texts, strict=True):
        line = "┄" if _spans_zero(claim, each) else "─"
        drawn = scale.interval(each.low, each.mean, each.high, mark, line)
        lines.append(f"{name:<{label}}{drawn}" + (f"  {text}" if beside else ""))
        lines += [] if beside else [f"{'':<{max(0, min(label, width - len(text)))}}{text}"]
    notes = [UNDECIDED] if any(_spans_zero(claim, each) for _, each, _ in shown) else []
    notes += _beyond(scale, margin, control)
    return [line.rstrip() for line in lines] + [f"{'':<{label}}{note}" for note in notes]


def _spans_zero(claim: ClaimRecord, margin: Margin) -> bool:
    """Whether an interval leaves the sign open. A range of exact numbers leaves nothing open."""
    return claim.kind != "exact" and margin.low <= 0 <= margin.high and margin.low < margin.high


def _beyond(scale: Scale, margin: Margin, control: Margin | None) -> list[str]:
    """What an arrow at the edge of the scale stands for."""
    notes = []
    if math.isinf(margin.low) or math.isinf(margin.high):
        notes.append("◀ ▶ without end")
    if control is not None and not math.isnan(control.mean):
        marks = ("◀", control.low < scale.low), ("▶", control.high > scale.high)
        arrows = " ".join(mark for mark, off in marks if off)
        notes += [f"{arrows} control off this scale"] if arrows else []
    return notes


def _place(cells: list[str], start: int, text: str) -> None:
    """Write a text where it has a free column on either side, or not at all."""
    end = start + len(text)
    if text and start >= 0 and end <= len(cells):
        around = cells[max(0, start - 1) : end + 1]
        if all(cell == " " for cell in around):
            cells[start:end] = text


def _end(value: float) -> str:
    text = f"{value:+,.0f}" if 100 <= abs(value) < LARGEST else f"{value:+.2g}"
    return text.replace("-", "−")
