import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperbench.judge.evaluate import margin_of, satisfies
from paperbench.spec.check import parse_check

SAMPLE = {
    "a": {"x": 2.0, "y": -8.0, "zero": 0.0, "nan": math.nan, "inf": math.inf},
    "b-c": {"x": 5.0},
}


def margin(check, sample=SAMPLE):
    return margin_of(parse_check(check, exact=True).parts[0], sample)


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("a.x < b-c.x", 3.0),
        ("a.x > b-c.x", -3.0),
        ("a.x <= b-c.x", 3.0),
        ("a.x >= b-c.x", -3.0),
        ("a.x == b-c.x", -3.0),
        ("a.x - b-c.x > 0.5", -3.5),
        ("2 * a.x / 4 + 1 < a.x ** 3", 6.0),
        ("-a.y < 10", 2.0),
        ("abs(a.y) > 1", 7.0),
        ("min(a.x, b-c.x, 1) < max(a.x, b-c.x)", 4.0),
        ("log(exp(a.x)) < sqrt(b-c.x * 5)", 3.0),
    ],
)
def test_a_margin_is_what_a_hand_computes(check, expected):
    assert margin(check) == pytest.approx(expected)


@pytest.mark.parametrize(
    "check",
    [
        "a.nan < 1",
        "a.inf > 1",
        "1 / a.inf < 1",
        "log(a.y) < 1",
        "sqrt(a.y) < 1",
        "log(a.zero) < 1",
        "a.x / a.zero < 1",
        "exp(a.x * 1000) < 1",
        "a.y ** 0.5 < 1",
        "a.zero ** -1 < 1",
        "max(1, a.nan) < 2",
        "a.nan ** 0 < 2",
        "10 ** (a.x * 1000) > 1",
        "-log(a.y) < 1",
    ],
)
def test_what_is_undefined_or_not_finite_is_a_nan_margin_and_no_exception(check):
    assert math.isnan(margin(check))


def test_a_margin_within_rounding_is_zero_relative_to_the_numbers_subtracted():
    sample = {"a": {"x": 0.52, "small": 1e-15}, "b": {"x": 0.5, "small": 3e-15}}
    assert 0.52 - 0.5 > 0.02  # only by rounding
    assert margin("a.x - b.x > 0.02", sample) == 0
    assert margin("a.x - b.x - 0.02 > 0", sample) == 0
    assert margin("a.small < b.small", sample) == pytest.approx(2e-15)


def test_a_margin_of_zero_satisfies_only_operators_that_allow_equality():
    for operator, expected in {"<": False, ">": False, "<=": True, ">=": True, "==": True}.items():
        part = parse_check(f"a.x {operator} 2", exact=True).parts[0]
        assert satisfies(part, margin_of(part, SAMPLE)) is expected
    assert not satisfies(part, math.nan)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_sign_of_a_margin_agrees_with_python(left, right):
    sample = {"a": {"x": left, "y": right}}
    if abs(left - right) > 1e-9 * max(abs(left), abs(right)):
        assert (margin("a.x < a.y", sample) > 0) == (left < right)
        assert margin("a.x < a.y", sample) == -margin("a.x > a.y", sample)
