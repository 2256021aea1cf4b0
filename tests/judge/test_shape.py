import numpy as np
import pytest

from paperbench.judge.record import Margin, Part
from paperbench.judge.shape import FALSE_ALARMS, FEWEST, MOST, shape_of, thresholds, warnings_about


def warned(values, verdict="PASS", unit="seed", more=()):
    parts = [
        Part(
            check=f"a.{i} > 0",
            margin=Margin(mean=0, low=0, high=0, alpha=0.005, n=len(column), values=column),
        )
        for i, column in enumerate([list(values), *more])
    ]
    return warnings_about(parts, verdict, unit)


@pytest.mark.parametrize("n", [5, 8, 20])
def test_each_criterion_alarms_on_a_twentieth_of_normal_samples(n):
    shape = shape_of(np.random.default_rng(99).normal(3.0, 0.2, (20_000, n)))
    usual = thresholds(n)
    assert np.mean(shape.skewness < usual.skewness) == pytest.approx(FALSE_ALARMS, abs=0.006)
    assert np.mean(shape.gap > usual.gap) == pytest.approx(FALSE_ALARMS, abs=0.006)


def test_one_seed_that_stands_apart_is_named():
    values = [0.5, 0.52, 0.49, 0.5, -0.1, 0.51, 0.48, 0.5]
    assert warned(values) == [
        "one seed stands apart: −0.100 on seed 4, the others from +0.480 to +0.520"
    ]
    assert warned(values, unit="repeat")[0].startswith(
        "one repeat stands apart: −0.100 on repeat 4"
    )


def test_two_groups_are_told_apart():
    assert warned([0.5, 0.52, 0.1, 0.12, 0.51, 0.11, 0.49, 0.1]) == [
        "the seeds fall into two groups: 4 from +0.100 to +0.120, 4 from +0.490 to +0.520"
    ]


SKEWED = [0.1, 0.3, 0.44, 0.5, 0.53, 0.54, 0.55, 0.55]


def test_a_tail_is_warned_of_where_it_points_against_the_verdict():
    mirrored = [-value for value in SKEWED]
    (text,) = warned(SKEWED)
    assert text.startswith("the margins are skewed against the claim (skewness −1.3)")
    assert warned([1 - value for value in SKEWED]) == []  # its tail supports the claim
    (text,) = warned(mirrored, "FAIL")
    assert text.startswith("the margins are skewed towards the claim (skewness +1.3)")
    assert warned(SKEWED, "FAIL") == warned(SKEWED, "INCONCLUSIVE") == []


def test_few_values_many_values_and_equal_values_say_nothing():
    apart = [0.5, 0.51, 0.5, 0.52, -3.0]
    assert warned(apart)
    assert len(apart) == FEWEST
    assert warned(apart[1:]) == []
    assert warned([0.5] * 8) == warned([float("nan")] * 8) == []
    assert warned([0.5 + i / 1000 for i in range(MOST)] + [-3.0]) == []


def test_parts_share_the_false_alarms_and_are_named():
    plain = [0.5, 0.6, 0.4, 0.55, 0.45]
    (text,) = warned(plain, more=[[0.5, 0.51, 0.5, 0.52, -3.0]])
    assert text.startswith("`a.1 > 0`: one seed stands apart")
    samples = np.random.default_rng(5).normal(1.0, 0.1, (1000, 2, 5)).tolist()
    rate = np.mean([bool(warned(first, more=[second])) for first, second in samples])
    assert rate == pytest.approx(2 * FALSE_ALARMS, abs=0.03)  # both criteria, not both parts' too
