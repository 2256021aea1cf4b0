"""Small pictures as SVG text: a scale, marks, and words that are escaped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

from paperbench.judge.numbers import format_number

Attribute = str | float | int


def element(tag: str, content: str = "", **attributes: Attribute) -> str:
    """One element; `_` in an attribute's name stands for `-`, a trailing one for nothing."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_number(value))}"'
        for name, value in attributes.items()
    )
    return f"<{tag}{written}>{content}</{tag}>" if content else f"<{tag}{written}/>"


def text(words: str, **attributes: Attribute) -> str:
    """Words at a place."""
    return element("text", escape(words), **attributes)


def title(words: str) -> str:
    """What shows when the mouse rests on the element around it."""
    return element("title", escape(words))


def _number(value: Attribute) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


SHAPES = ("circle", "diamond", "square", "triangle")


def mark(shape: str, x: float, y: float, css: str, *, told: str = "", r: float = 4.5) -> str:
    """A mark of a shape, so that colour is not all that tells two apart."""
    inner = title(told) if told else ""
    if shape == "circle":
        return element("circle", inner, cx=x, cy=y, r=r, class_=css)
    points = {
        "diamond": ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
        "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        "triangle": ((0, -1.2), (1.15, 0.9), (-1.15, 0.9)),
    }[shape]
    path = " ".join(f"{_number(x + dx * r)},{_number(y + dy * r)}" for dx, dy in points)
    return element("polygon", inner, points=path, class_=css)


@dataclass(frozen=True)
class Scale:
    """Numbers from `low` to `high` on pixels from `left` to `right`."""

    low: float
    high: float
    left: float
    right: float

    @classmethod
    def around(cls, values: list[float], left: float, right: float) -> Scale:
        """One that shows all the values, with a little room beside them."""
        finite = [value for value in values if math.isfinite(value)] or [0.0]
        low, high = min(finite), max(finite)
        room = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
        return cls(low - room, high + room, left, right)

    def __call__(self, value: float) -> float:
        """Where a number lies; one that is off the scale at its end."""
        inside = min(max(value, self.low), self.high)
        return self.left + (inside - self.low) / (self.high - self.low) * (self.right - self.left)

    def ticks(self, most: int = 4) -> list[tuple[float, str]]:
        """Round numbers on the scale, and how they are written."""
        rough = (self.high - self.low) / most
        magnitude = 10.0 ** math.floor(math.log10(rough))
        step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= rough)
        first = math.ceil(self.low / step)
        count = math.floor(self.high / step) - first + 1
        places = max(0, -math.floor(math.log10(step)) + (step / magnitude == 2.5))
        largest = max(abs(self.low), abs(self.high))
        decimals = None if places > 6 or largest >= 1e6 else places
        return [
            ((first + i) * step, format_number((first + i) * step, decimals)) for i in range(count)
        ]


def axis(scale: Scale, y: float, *, top: float) -> str:
    """A scale's line with its ticks, and faint lines up to `top`."""
    parts = []
    for value, words in scale.ticks():
        x = scale(value)
        parts.append(element("line", x1=x, x2=x, y1=top, y2=y, class_="grid"))
        parts.append(text(words, x=x, y=y + 14.0, text_anchor="middle", class_="tick"))
    parts.append(element("line", x1=scale.left, x2=scale.right, y1=y, y2=y, class_="axis"))
    return "".join(parts)
