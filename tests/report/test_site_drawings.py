"""The forest plot and the drawings of seeds, as the SVG that a page holds."""

import math

import pytest
from records_in_tests import claim, margin, reading

from paperbench.report.site.forest import claim_widths, describe, forest_row, percent
from paperbench.report.site.seeds import arm_drawings, margin_drawing, seed_table
from paperbench.report.site.svg import Scale, element, title


def test_a_margin_lies_where_its_interval_says():
    decided = claim(margin=margin(0.8, 0.4))
    assert claim_widths(decided) == pytest.approx(2)
    assert percent(0) == 50 and percent(6) == 96 and percent(-60) == 4
    row = forest_row(decided)
    assert f'x1="{percent(1):.1f}%"' in row and f'x2="{percent(3):.1f}%"' in row  # the interval
    assert f'x="{percent(2):.1f}%"' in row
    assert 'class="mark control"' in row and f'x="{percent(-6.9 / 0.4):.1f}%"' in row
    assert describe(decided) == (
        "margin 2.0 interval half-widths from zero, for the claim; "
        "control 17.2 interval half-widths from zero, against the claim"
    )


def test_a_margin_far_off_is_an_arrow_and_one_without_an_interval_has_a_side():
    assert "<polygon" in forest_row(claim(margin=margin(8, 1), control=None))
    same = claim(margin=margin(0.01, 0.0), control=None)
    assert "<polygon" in forest_row(same)
    assert describe(same) == "margin the same on every seed, for the claim"
    exact = claim(kind="exact", margin=margin(0.5, 0.6), control=None)
    assert claim_widths(exact) == -math.inf  # one seed lies beyond the tolerance
    assert 'class="mark pass"' in forest_row(exact)


def test_a_reading_has_no_row():
    assert forest_row(reading()) == ""


def test_arms_are_paired_by_seed_and_the_control_stands_beside():
    one = claim()
    one = one.model_copy(update={"control": one.control.model_copy(update={"arms": one.arms})})
    own, control = arm_drawings(one, one.parts[0])
    assert own[0] == "the claim: val_ppl" and [words for _, words in own[2]] == [
        "fox",
        "transformer",
    ]
    assert own[1].count("<polygon") == own[1].count("<circle") == 3
    assert "seed 2, fox: val_ppl 6.03" in own[1]
    assert "control" in control[1] and "control" not in own[1]


def test_metrics_of_one_arm_are_paired_too_and_others_are_not():
    check = "fox.late - fox.early < 0.1"
    one = claim(check=check, arms={"fox": {"late": [1.0, 2.0, 3.0], "early": [1.0, 1.0, 1.0]}})
    assert arm_drawings(one, one.parts[0])[0][0] == "the claim: fox"
    mixed = claim(
        check="fox.late < base.early",
        arms={"fox": {"late": [1.0, 2.0, 3.0]}, "base": {"early": [1.0] * 3}},
    )
    assert arm_drawings(mixed, mixed.parts[0]) == []


def test_a_value_that_is_no_number_is_in_the_table_and_in_no_drawing():
    broken = claim(
        arms={"fox": {"val_ppl": [6.0, math.nan, 6.1]}, "transformer": {"val_ppl": [7.0] * 3}}
    )
    assert arm_drawings(broken, broken.parts[0]) == []
    assert ["seed 1", "nan", "7.00", "+0.67", "−6.90"] in seed_table(broken, broken.parts[0]).rows


def test_a_control_far_from_the_margin_is_an_arrow_with_its_number():
    near = claim()
    assert "<polygon" not in margin_drawing(claim(margin=margin(-6, 1)), near.parts[0], "")
    far = margin_drawing(near, near.parts[0].model_copy(update={"margin": margin(0.2, 0.1)}), "ppl")
    assert "<polygon" in far and "−6.9" in far
    assert margin_drawing(claim(kind="exact"), near.parts[0], "") is None


def test_words_in_a_drawing_stay_words():
    drawn = element("g", title("<b>"), aria_label='"><script>', class_="a", x=1.50)
    assert drawn == (
        '<g aria-label="&quot;&gt;&lt;script&gt;" class="a" x="1.5"><title>&lt;b&gt;</title></g>'
    )


def test_a_scale_has_round_ticks_and_never_a_width_of_none():
    assert [words for _, words in Scale(0.0, 1.0, 0, 100).ticks()] == [
        "0.00",
        "0.25",
        "0.50",
        "0.75",
        "1.00",
    ]
    flat = Scale.around([3.0, 3.0, math.nan], 0, 100)
    assert flat(3.0) == pytest.approx(50) and flat(-1e9) == 0


def test_a_margin_of_zero_on_every_seed_is_on_neither_side():
    nothing = claim(verdict="FAIL", margin=margin(0.0, 0.0), control=None)
    row = forest_row(nothing)
    assert f'x="{percent(0):.1f}%"' in row and "whisker" not in row
    assert describe(nothing) == "margin zero"


def test_a_control_that_reaches_beyond_the_scale_is_not_gathered_at_its_end():
    one = claim()
    wide = margin(0.1, 20.0, values=[-20.0, 0.3, 20.0])
    part = one.control.parts[0].model_copy(update={"margin": wide})
    control = one.control.model_copy(update={"parts": [part]})
    drawn = margin_drawing(claim(control=control), one.parts[0], "")
    assert drawn.count("<circle") == 3 + 1 and drawn.count("<polygon") == 2


def test_seeds_that_are_not_drawn_are_counted():
    many = {arm: {"val_ppl": own["val_ppl"][:1] * 20} for arm, own in claim().arms.items()}
    one = claim(arms=many, margin=margin(0.8, 0.1, n=20))
    assert arm_drawings(one, one.parts[0])[0][0] == "the claim: val_ppl, the first 16 of 20"
