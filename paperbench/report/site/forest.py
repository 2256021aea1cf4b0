"""The forest plot: every margin on one scale, in half-widths of its own interval from zero.

On that scale every interval reaches one to either side of its mean, so a claim is undecided where
its dot lies in the band between -1 and 1.
"""

from __future__ import annotations

import math

from paperbench.judge.record import ClaimRecord, Margin
from paperbench.report.numbers import widths_from_zero
from paperbench.report.site import svg
from paperbench.report.words import control_part, is_elsewhere, verdict_word

EDGE = 6.0  # half-widths from zero; what lies farther is drawn at the edge, as an arrow
_SIDE = 46.0  # per cent of the width for EDGE half-widths


def percent(widths: float) -> float:
    """Where a number of half-widths lies across the plot."""
    return 50 + _SIDE * min(max(widths / EDGE, -1.0), 1.0)


def claim_widths(claim: ClaimRecord) -> float | None:
    """Half-widths from zero; infinite where the margin has no interval. None: no margin."""
    if claim.margin is None or claim.verdict is None:
        return None
    return _side(claim.margin) if claim.kind == "exact" else widths_from_zero(claim.margin)


def control_widths(claim: ClaimRecord) -> float | None:
    """The same of the part that the control does worst at."""
    part = control_part(claim.control)
    if part is None:
        return None
    return _side(part.margin) if claim.kind == "exact" else widths_from_zero(part.margin)


def _side(margin: Margin) -> float:
    """Of an exact claim, whose numbers have a range and no interval, only the side is told."""
    return math.inf if margin.low >= 0 else -math.inf


def forest_row(claim: ClaimRecord) -> str:
    """One row of the plot as SVG, as wide as what it stands in; empty for what has no margin."""
    widths, control = claim_widths(claim), control_widths(claim)
    if widths is None:
        return ""
    shape = "square" if claim.kind == "exact" else "circle"
    css = f"mark {verdict_word(claim).lower()}"
    drawn = []
    if abs(widths) < EDGE + 1 and (claim.margin is None or claim.margin.low < claim.margin.high):
        left, right = (f"{percent(widths + side):.1f}%" for side in (-1, 1))
        drawn.append(
            svg.element("line", x1=left, x2=right, y1="50%", y2="50%", class_=f"whisker {css}")
        )
    if control is not None:
        drawn.append(_at(control, shape, "mark control"))
    drawn.append(_at(widths, shape, css))
    return svg.element(
        "svg", "".join(drawn), class_="forest", role="img", aria_label=describe(claim)
    )


def describe(claim: ClaimRecord) -> str:
    """The row in words."""
    widths, control = claim_widths(claim), control_widths(claim)
    if widths is None:
        return "no margin"
    told = f"margin {_words(widths, claim.kind)}"
    if control is None:
        return told
    where = " at another part" if is_elsewhere(claim) else ""
    return f"{told}; control{where} {_words(control, claim.kind)}"


def _words(widths: float, kind: str) -> str:
    side = "for" if widths > 0 else "against"
    if kind == "exact":
        return f"{side} the claim"
    if widths == 0:
        return "zero"
    if math.isinf(widths):
        return f"the same on every seed, {side} the claim"
    return f"{abs(widths):.1f} interval half-widths from zero, {side} the claim"


def _at(widths: float, shape: str, css: str) -> str:
    """A mark in the middle of the row; beyond the edge it points outwards."""
    x = f"{percent(widths):.1f}%"
    if shape != "square" and abs(widths) > EDGE:
        outward = 1 if widths > 0 else -1
        points = f"{-4 * outward},-5 {5 * outward},0 {-4 * outward},5"
        drawn = svg.element("polygon", points=points, class_=css)
    else:
        drawn = svg.mark(shape, 0.0, 0.0, css, r=5.0)
    return svg.element("svg", drawn, x=x, y="50%", overflow="visible")
