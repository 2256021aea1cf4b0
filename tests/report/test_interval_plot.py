"""The line that `why` draws for an interval: what can be read off it without the numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records_in_tests import claim, margin, paper

from paperbench.judge.record import Margin, Part
from paperbench.report.explain import explain
from paperbench.report.interval_plot import Scale, interval_lines, scale_of

CHECK = "fox.val_ppl < 7"
INFINITE = math.inf


def drawn(own, control=None, *, kind="margin", width=80, unit=""):
    """The plot's lines by their name: header, margin, control, and what is noted below."""
    record = claim(kind=kind, check=CHECK, margin=own)
    lines = interval_lines(
        record, Part(check=CHECK, margin=own), control, seeds=False, unit=unit, width=width
    )
    return {line[:10].strip() or f"note {i}": line[10:] for i, line in enumerate(lines)}


def zero_of(lines):
    return f"{lines['note 0']} ".index(" 0 ") + 1


def test_a_decided_interval_stands_on_one_side_of_the_line_of_zero():
    lines = drawn(margin(0.8, 0.38), margin(-0.9, 0.3))
    zero = zero_of(lines)
    for name, mark in (("margin", "●"), ("control", "○")):
        line = lines[name]
        assert line[zero] == "│"
        assert line.count("├") == line.count("┤") == line.count(mark) == 1
    assert lines["margin"].index("├") > zero
    assert lines["control"].index("┤") < zero
    assert "undecided" not in "".join(lines.values())


def test_an_interval_that_spans_zero_is_dotted_crosses_the_line_and_is_called_undecided():
    lines = drawn(margin(0.1, 0.4))
    assert lines["margin"][zero_of(lines)] == "┼"
    assert "┄" in lines["margin"]
    assert "─" not in lines["margin"]
    assert "┄ spans zero: undecided" in lines.values()


def test_a_range_of_exact_numbers_leaves_nothing_undecided():
    lines = drawn(margin(0.1, 0.4), kind="exact")
    assert "┄" not in "".join(lines.values())


def test_a_control_that_would_dwarf_the_claim_is_cut_off_and_that_is_said():
    near, far = drawn(margin(0.8, 0.4), margin(-2, 0.5)), drawn(margin(0.8, 0.4), margin(-9, 0.5))
    assert "○" in near["control"]
    assert "control off this scale" not in "".join(near.values())
    assert far["control"][0] == "◀"
    assert "◀ control off this scale" in far.values()
    assert "−9.00 [−9.50, −8.50]" in far["control"]
    claim_alone = drawn(margin(0.8, 0.4))
    assert far["margin"] == claim_alone["margin"], "the claim's own scale stays"


def test_a_bound_close_to_zero_is_not_drawn_upon_it():
    lines = drawn(margin(1.0, 0.9999))
    assert lines["margin"].index("├") == zero_of(lines) + 1


def test_one_seed_has_an_interval_without_end():
    lines = drawn(margin(0.8, INFINITE, n=1, values=[0.8]))
    assert lines["margin"].startswith("◀")
    assert "▶" in lines["margin"]
    assert "◀ ▶ without end" in lines.values()
    assert "┄ spans zero: undecided" in lines.values()


def test_nothing_is_drawn_of_what_is_no_number():
    lines = drawn(margin(math.nan, math.nan))
    assert not set("├┤●◀▶─┄") & set(lines["margin"])
    assert "nan" in lines["margin"]


def test_numbers_take_lines_of_their_own_where_the_terminal_is_narrow():
    own = margin(0.8, 0.38)
    record = claim(check=CHECK, margin=own)
    lines = interval_lines(
        record, Part(check=CHECK, margin=own), margin(-6.9, 0.4), seeds=True, width=40
    )
    assert max(map(len, lines)) <= 40
    assert "          +0.80 [+0.42, +1.18]" in lines


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("kind", ["margin", "rate", "exact", "timing"])
def test_the_screen_is_as_wide_as_the_terminal_at_most(width, kind):
    long = "a-name-that-is-much-longer-than-anyone-needs-it-to-be-really-"
    arms = {f"{long}{i}": {"loss": [i, 2.0 * i, 3.5]} for i in (1, 2)}
    records = [
        claim(kind=kind, check=f"{long}1.loss < {long}2.loss", arms=arms),
        claim(kind=kind, check=f"{long}1.loss < 0.5 * {long}2.loss", arms=arms),
        claim(kind=kind, parts=[Part(check=CHECK, margin=margin(1e-9, 3e-9))] * 3),
        claim(kind=kind, control=None),
        claim(kind=kind, margin=margin(0.5, 0.1, n=40, values=[0.5] * 40), seeds=list(range(40))),
    ]
    for record in records:
        screen = explain(paper(record), record, width=width)
        assert max(map(len, screen.splitlines())) <= width


numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(numbers, numbers, numbers, numbers, st.integers(5, 60))
def test_whatever_the_numbers_a_row_is_as_wide_as_its_scale(mean, low, high, other, columns):
    scale = scale_of([low, mean, high], [other], columns)
    assert len(scale.interval(low, mean, high, "●")) == columns
    assert len(scale.header()) == columns


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_columns_follow_the_order_of_numbers_and_zero_is_alone(a, b):
    scale = Scale(min(a, b, -1.0), max(a, b, 1.0), 41)
    first, second, zero = scale.column(min(a, b)), scale.column(max(a, b)), scale.column(0.0)
    assert first <= second
    for value in (a, b):
        assert (scale.column(value) > zero) == (value > 0)
        assert (scale.column(value) < zero) == (value < 0)


def test_every_part_has_its_own_scale_and_its_own_control():
    parts = [Part(check="fox.a > 1", margin=margin(0.8, 0.1)), Part(check=CHECK, margin=margin())]
    control = claim().control.model_copy(
        update={"parts": [Part(check=CHECK, margin=margin(-1.5, 0.5))]}
    )
    record = claim(check=f"fox.a > 1 and {CHECK}", parts=parts, control=control)
    first, second = explain(paper(record), record).split("part 2    ")
    assert "−1.50 [−2.00, −1.00]" not in first
    assert "−1.50 [−2.00, −1.00]" in second


def test_a_rate_has_its_mean_where_it_is_and_not_in_the_middle():
    own = Margin(mean=0.4, low=0.1, high=0.5, alpha=0.005, n=8, values=[0.5] * 7 + [-0.3])
    line = drawn(own, kind="rate")["margin"]
    assert line.index("●") - line.index("├") > 2 * (line.index("┤") - line.index("●"))


def test_numbers_longer_than_their_column_begin_further_left():
    own = Margin(mean=0.0100001, low=0.0100000, high=0.0100002, alpha=0.01, n=3, values=[])
    lines = interval_lines(
        claim(check=CHECK, margin=own),
        Part(check=CHECK, margin=own),
        margin(-1.000001, 1e-6),
        seeds=False,
        unit="nats",
        width=40,
    )
    assert max(map(len, lines)) <= 40
    assert any(line.endswith("nats") for line in lines)
