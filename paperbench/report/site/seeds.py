"""The numbers behind one part of a check, seed by seed: drawn, and as a table.

Two arms are dots that a line pairs; the margins stand below on one scale with their interval, and
the control's beside both. What is drawn can also be read: `SeedTable` holds every number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from paperbench.judge.numbers import decimals_for, decimals_of, format_margin, format_number
from paperbench.judge.record import ClaimRecord, Margin, Part, Values
from paperbench.report.site import svg
from paperbench.spec.check import CheckSyntaxError, parse_check

WIDTH = 340.0  # of a drawing, in pixels: a phone shows one beside nothing
MOST_ROWS = 16  # of seeds (repeats) that are drawn
_LEFT, _RIGHT, _STEP = 62.0, WIDTH - 14.0, 20.0
_FARTHER = 8.0  # a control that spans so many times more gets a scale of its own


@dataclass(frozen=True)
class SeedTable:
    """Every number of one part. head: of the columns; rows: a seed each, formatted."""

    head: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Series:
    """What is compared, by seed: one metric of several arms, or several metrics of one arm.

    common: what they share. arms: (what tells them apart, values), in reading order. marks: the
    shape and colour of each, the same in every part of a check.
    """

    common: str
    arms: list[tuple[str, list[float]]]
    marks: list[int]

    def every(self) -> list[float]:
        """All the values."""
        return [value for _, values in self.arms for value in values]


def seed_names(claim: ClaimRecord, count: int) -> list[str]:
    """`seed 0`, ...; repeats of a timing have no seed."""
    if claim.kind == "timing":
        return [f"repeat {i}" for i in range(count)]
    seeds = claim.seeds if len(claim.seeds) == count else range(count)
    return [f"seed {seed}" for seed in seeds]


def compared(claim: ClaimRecord, part: Part, arms: dict[str, Values]) -> Series | None:
    """The values of a part that compares one metric of arms, or metrics of one arm; else None.

    arms: the claim's own, or its control's.
    """
    named = _metrics(claim, part.check)
    one_metric = len({name for _, name in named}) == 1
    if not (one_metric or len({arm for arm, _ in named}) == 1) or not named:
        return None
    found = [(arm if one_metric else name, arms.get(arm, {}).get(name, [])) for arm, name in named]
    whole = all(len(values) == part.margin.n for _, values in found)
    if not whole or not all(math.isfinite(value) for _, values in found for value in values):
        return None
    every = list(
        dict.fromkeys(
            arm if one_metric else name for arm, name in _metrics(claim, claim.check or part.check)
        )
    )
    marks = [every.index(label) if label in every else 0 for label, _ in found]
    return Series(named[0][1] if one_metric else named[0][0], found, marks)


def _metrics(claim: ClaimRecord, check: str) -> list[tuple[str, str]]:
    """(arm, metric) of everything that a check names, each once, in reading order."""
    try:
        metrics = parse_check(check, exact=claim.kind == "exact").metrics()
    except CheckSyntaxError:
        return []
    return list(dict.fromkeys((metric.arm, metric.name) for metric in metrics))


def control_part(claim: ClaimRecord, part: Part) -> Part | None:
    """The same part of the check as the control answered it."""
    parts = claim.control.parts if claim.control else []
    return next((each for each in parts if each.check == part.check), None)


def arm_drawings(claim: ClaimRecord, part: Part) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """(caption, SVG, key) of the claim's arms, then of the control's; empty without any to pair.

    key: what each mark stands for, as (SVG of the mark, words).
    """
    own = compared(claim, part, claim.arms)
    if own is None or len(own.arms) < 2:
        return []
    answered = control_part(claim, part)
    other = compared(claim, answered, claim.control.arms) if answered and claim.control else None
    values, others = own.every(), other.every() if other else []
    shared = _span(values + others) <= _FARTHER * (_span(values) or math.inf)
    scale = svg.Scale.around(values + (others if shared else []), _LEFT, _RIGHT)
    names = seed_names(claim, part.margin.n)
    first = f", the first {MOST_ROWS} of {len(names)}" if len(names) > MOST_ROWS else ""
    drawn = [(f"the claim: {own.common}{first}", _arms(own, names, scale, ""), _key(own, ""))]
    if other is not None:
        own_scale = scale if shared else svg.Scale.around(others, _LEFT, _RIGHT)
        caption = f"the control: {own.common}{first}{'' if shared else ', on a scale of its own'}"
        drawn.append((caption, _arms(other, names, own_scale, " control"), _key(other, " control")))
    return drawn


def _key(series: Series, css: str) -> list[tuple[str, str]]:
    return [
        (svg.mark(_shape(mark), 0.0, 0.0, f"arm-{mark % 4}{css}"), label)
        for (label, _), mark in zip(series.arms, series.marks, strict=True)
    ]


def _shape(mark: int) -> str:
    return svg.SHAPES[mark % len(svg.SHAPES)]


def _span(values: Sequence[float]) -> float:
    return max(values) - min(values)


def _arms(series: Series, names: Sequence[str], scale: svg.Scale, css: str) -> str:
    """A row a seed: one mark an arm, and the line that pairs them."""
    shown = names[:MOST_ROWS]
    bottom = 8 + _STEP * len(shown)
    decimals = decimals_for(series.every())
    drawn = [svg.axis(scale, bottom, top=4.0)]
    for row, name in enumerate(shown):
        y = 8 + _STEP * (row + 0.5)
        at = [values[row] for _, values in series.arms]
        ends = [scale(value) for value in at]
        drawn.append(svg.text(name, x=_LEFT - 8, y=y + 4, text_anchor="end", class_="label"))
        drawn.append(
            svg.element("line", x1=min(ends), x2=max(ends), y1=y, y2=y, class_=f"pair{css}")
        )
        for i, (arm, _) in reversed(list(enumerate(series.arms))):
            told = f"{name}, {arm}: {series.common} {format_number(at[i], decimals)}"
            kind = series.marks[i]
            drawn.append(svg.mark(_shape(kind), ends[i], y, f"arm-{kind % 4}{css}", told=told))
    told = f"{series.common} by seed: {' and '.join(arm for arm, _ in series.arms)}"
    return _drawing(drawn, bottom + 20, told)


def margin_drawing(claim: ClaimRecord, part: Part, unit: str) -> str | None:
    """The margins with their interval, the control's below on the same scale.

    None where there is no interval: an exact claim has a tolerance, and a table.
    """
    if claim.kind == "exact" or not math.isfinite(part.margin.high - part.margin.low):
        return None
    answered = control_part(claim, part)
    rows = [("claim", part.margin, "")]
    if answered is not None and math.isfinite(_reach([answered.margin])):
        rows.append(("control", answered.margin, " control"))
    reach = _reach([part.margin])
    near = [row for row in rows if _reach([row[1]]) <= _FARTHER * reach or not reach]
    scale = svg.Scale.around(
        [0.0, *(value for _, margin, _ in near for value in _extent(margin))], _LEFT, _RIGHT
    )
    bottom = 10 + 30.0 * len(rows)
    drawn = [svg.axis(scale, bottom, top=4.0)]
    zero = scale(0.0)
    drawn.append(svg.element("line", x1=zero, x2=zero, y1=2.0, y2=bottom, class_="zero"))
    for row, (name, margin, css) in enumerate(rows):
        y = 10 + 30.0 * (row + 0.5)
        drawn.append(svg.text(name, x=_LEFT - 8, y=y + 4, text_anchor="end", class_="label"))
        drawn.append(_interval(claim, margin, y, scale, css, unit))
    words = "← against the claim" if zero > (_LEFT + _RIGHT) / 2 else "for the claim →"
    anchor, x = ("end", zero - 4) if words.startswith("←") else ("start", zero + 4)
    drawn.append(svg.text(words, x=x, y=bottom + 30, text_anchor=anchor, class_="tick"))
    told = "; ".join(f"{name} {format_margin(margin, unit)}" for name, margin, _ in rows)
    return _drawing(drawn, bottom + 36, f"margins: {told}")


def _interval(
    claim: ClaimRecord, margin: Margin, y: float, scale: svg.Scale, css: str, unit: str
) -> str:
    told = svg.title(format_margin(margin, unit))
    if not scale.low <= margin.mean <= scale.high:
        return _off_scale(margin, y, scale, css, told)
    ends = {"x1": scale(margin.low), "x2": scale(margin.high)}
    line = svg.element("line", told, **ends, y1=y, y2=y, class_=f"interval{css}")
    mean = scale(margin.mean)
    tick = svg.element("line", told, x1=mean, x2=mean, y1=y - 8, y2=y + 8, class_=f"mean{css}")
    decimals = decimals_of(margin)
    dots = [
        svg.element(
            "circle",
            svg.title(f"{name}: {format_number(value, decimals, signed=True)}"),
            cx=scale(value),
            cy=y,
            r=3.5,
            class_=f"seed{css}",
        )
        for name, value in zip(seed_names(claim, len(margin.values)), margin.values, strict=True)
        if math.isfinite(value) and scale.low <= value <= scale.high
    ]
    return line + tick + "".join(dots) + _beyond(margin, y, scale, css, told)


def _beyond(margin: Margin, y: float, scale: svg.Scale, css: str, told: str) -> str:
    """An arrow at each end of the scale beyond which there is more of it: no dot stands there."""
    extent = _extent(margin)
    ends = [
        (scale.left, -1.0, min(extent) < scale.low),
        (scale.right, 1.0, max(extent) > scale.high),
    ]
    return "".join(_arrow(x - 9 * way, way, y, css, told) for x, way, more in ends if more)


def _arrow(x: float, way: float, y: float, css: str, told: str) -> str:
    points = f"{x:g},{y - 6:g} {x + 9 * way:g},{y:g} {x:g},{y + 6:g}"
    return svg.element("polygon", told, points=points, class_=f"seed{css}")


def _off_scale(margin: Margin, y: float, scale: svg.Scale, css: str, told: str) -> str:
    """An arrow at the end of the scale, and the mean as a number."""
    left = margin.mean < scale.low
    x, way = (scale.left + 9, -1.0) if left else (scale.right - 9, 1.0)
    words = format_number(margin.mean, decimals_of(margin), signed=True)
    return _arrow(x, way, y, css, told) + svg.text(
        words, x=x - 6 * way, y=y + 4, text_anchor="start" if left else "end", class_="label"
    )


def _extent(margin: Margin) -> list[float]:
    return [margin.low, margin.high, *(v for v in margin.values if math.isfinite(v))]


def _reach(margins: Sequence[Margin]) -> float:
    """The farthest from zero that anything lies."""
    return max(abs(value) for margin in margins for value in _extent(margin))


def _drawing(drawn: Sequence[str], height: float, told: str) -> str:
    return svg.element(
        "svg",
        "".join(drawn),
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        width=WIDTH,
        height=height,
        class_="seeds",
        role="img",
        aria_label=told,
    )


def seed_table(claim: ClaimRecord, part: Part) -> SeedTable:
    """The same numbers to be read: what the arms reached, the margin, and the control's."""
    answered = control_part(claim, part)
    names = seed_names(claim, part.margin.n)
    columns = [("", names), *_columns(claim, part, claim.arms, "")]
    columns.append(("margin", _margins(part.margin)))
    if answered is not None and claim.control is not None:
        columns += _columns(claim, answered, claim.control.arms, "control ")
        columns.append(("control margin", _margins(answered.margin)))
    count = len(names)
    padded = [values + ["−"] * (count - len(values)) for _, values in columns]
    return SeedTable(
        [head for head, _ in columns], [[column[i] for column in padded] for i in range(count)]
    )


def _columns(
    claim: ClaimRecord, part: Part, arms: dict[str, Values], prefix: str
) -> list[tuple[str, list[str]]]:
    found = [
        (arm, name, values)
        for arm, name in _metrics(claim, part.check)
        if len(values := arms.get(arm, {}).get(name, [])) == part.margin.n
    ]
    columns = []
    for arm, name, values in found:
        alike = [value for _, other, values in found if other == name for value in values]
        decimals = decimals_for(alike)
        told = [format_number(value, decimals) for value in values]
        columns.append((f"{prefix}{arm}.{name}", told))
    return columns


def _margins(margin: Margin) -> list[str]:
    decimals = decimals_of(margin)
    return [format_number(value, decimals, signed=True) for value in margin.values]
