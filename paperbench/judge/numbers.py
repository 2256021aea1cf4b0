"""Numbers as a person reads them: as many digits as the interval supports."""

from __future__ import annotations

import math

from paperbench.judge.record import Margin

MOST_DECIMALS = 6  # beyond it a number is written as 1.2e-08
LARGEST = 1e7


def format_margin(margin: Margin, unit: str = "") -> str:
    """`+0.77 [+0.61, +0.93] ppl`: two significant digits of the interval's half-width.

    One number where its digits tell no end from the other.
    """
    digits = decimals_of(margin)
    mean, low, high = (
        format_number(value, digits, signed=True)
        for value in (margin.mean, margin.low, margin.high)
    )
    text = mean if low == mean == high else f"{mean} [{low}, {high}]"
    return f"{text} {unit}" if unit else text


def format_half_width(margin: Margin, unit: str = "") -> str:
    """`+0.77 ± 0.16 ppl`; the interval itself where its mean is not in its middle."""
    upper, lower = margin.high - margin.mean, margin.mean - margin.low
    if math.isfinite(upper - lower) and abs(upper - lower) > 1e-6 * (upper + lower):
        return format_margin(margin, unit)
    digits = decimals_of(margin)
    mean = format_number(margin.mean, digits, signed=True)
    half = (margin.high - margin.low) / 2
    text = mean if half == 0 else f"{mean} ± {format_number(half, digits)}"
    return f"{text} {unit}" if unit else text


def decimals_of(margin: Margin) -> int | None:
    """Decimals for a margin's numbers; None: scientific."""
    if all(
        value == round(value) and abs(value) < LARGEST
        for value in (margin.mean, margin.low, margin.high)
        if math.isfinite(value)
    ):
        return 0
    half = (margin.high - margin.low) / 2
    scale = half if math.isfinite(half) and half > 0 else abs(margin.mean) / 10
    largest = max(
        (abs(value) for value in (margin.mean, margin.low, margin.high) if math.isfinite(value)),
        default=0.0,
    )
    return _decimals(scale, largest)


def decimals_for(values: list[float]) -> int | None:
    """Decimals that tell the given values apart: three significant digits of their spread."""
    finite = [value for value in values if math.isfinite(value)]
    largest = max(map(abs, finite), default=0.0)
    spread = max(finite) - min(finite) if finite else 0.0
    if all(value == round(value) for value in finite) and largest < LARGEST:
        return 0
    return _decimals((spread or largest) / 10, largest)


def _decimals(scale: float, largest: float) -> int | None:
    if largest >= LARGEST:
        return None
    if not math.isfinite(scale) or scale <= 0:
        return 0 if largest == 0 else 2
    decimals = 1 - math.floor(math.log10(scale))
    if decimals > MOST_DECIMALS:
        # Near zero against the largest number: its digits suffice.
        return None if largest < 10.0 ** -(MOST_DECIMALS - 2) else MOST_DECIMALS
    return max(0, decimals)


def format_number(value: float, decimals: int | None, *, signed: bool = False) -> str:
    """A number with a real minus sign; decimals None: scientific."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "∞" if value > 0 and not signed else "+∞" if value > 0 else "−∞"
    sign = "+" if signed else ""
    text = f"{value:{sign}.1e}" if decimals is None else f"{value:{sign},.{decimals}f}"
    if not any(digit in "123456789" for digit in text.partition("e")[0]):
        text = text.lstrip("+-")  # -0.00 has no sign worth showing
    return text.replace("-", "−")
