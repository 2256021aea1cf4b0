"""A parsed check evaluated on the numbers of one seed: a margin for every part of it."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from paperbench.spec.check import Arithmetic, Call, Comparison, Metric, Negation, Number, Term

Sample = Mapping[str, Mapping[str, float]]  # arm -> metric -> value, of one seed or one repeat
ROUNDING = 1e-12  # relative: a margin below it is 0

_ARITHMETIC: dict[str, Callable[[float, float], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "log": math.log,
    "exp": math.exp,
    "sqrt": math.sqrt,
}


def value_of(term: Term, sample: Sample) -> float:
    """The value of one term. Raises KeyError when the sample lacks one of its metrics.

    What is not finite (a metric, log(-1), 1 / 0, an overflow) makes the whole term NaN.
    """
    match term:
        case Number(value=value):
            return value
        case Metric(arm=arm, name=name):
            return sample[arm][name]
        case Negation(term=inner):
            return -value_of(inner, sample)
        case Arithmetic(operator=symbol, left=left, right=right):
            return _apply(_ARITHMETIC[symbol], value_of(left, sample), value_of(right, sample))
        case Call(function=function, arguments=arguments):
            return _apply(_FUNCTIONS[function], *(value_of(term, sample) for term in arguments))


def margin_of(part: Comparison, sample: Sample) -> float:
    """The margin of one comparison: positive when it holds.

    `a < b` yields b - a, `a > b` yields a - b, `a == b` yields -|a - b|. A margin within rounding
    of the numbers it is the difference of is 0: an accuracy of 0.52 does not exceed 0.5 by more
    than 0.02. NaN when either side is not finite.
    """
    left, right = value_of(part.left, sample), value_of(part.right, sample)
    if not (math.isfinite(left) and math.isfinite(right)):
        return math.nan
    difference = right - left
    if abs(difference) <= ROUNDING * max(_scale(part.left, sample), _scale(part.right, sample)):
        return 0.0
    if part.operator == "==":
        return -abs(difference)
    return difference if part.operator in ("<", "<=") else -difference


def margins_of(part: Comparison, samples: Sequence[Sample]) -> list[float]:
    """One margin a sample, in their order."""
    return [margin_of(part, sample) for sample in samples]


def is_strict(part: Comparison) -> bool:
    """Return whether a margin of exactly 0 does not satisfy the comparison."""
    return part.operator in ("<", ">")


def satisfies(part: Comparison, margin: float) -> bool:
    """Return whether one margin satisfies the comparison; NaN never does."""
    return margin > 0 or (margin == 0 and not is_strict(part))


def _apply(function: Callable[..., Any], *operands: float) -> float:
    # Checked before the call: in Python max(1, nan) is 1 and nan ** 0 is 1.
    if not all(map(math.isfinite, operands)):
        return math.nan
    try:
        result = function(*operands)
    except (ValueError, ZeroDivisionError, OverflowError):
        return math.nan
    # (-8) ** 0.5 is a complex number.
    return result if isinstance(result, float) and math.isfinite(result) else math.nan


def _scale(term: Term, sample: Sample) -> float:
    """The largest number that a sum or difference was formed from: what rounding is relative to."""
    if isinstance(term, Arithmetic) and term.operator in ("+", "-"):
        return max(_scale(term.left, sample), _scale(term.right, sample))
    if isinstance(term, Negation):
        return _scale(term.term, sample)
    return abs(value_of(term, sample))
