"""The table of what each arm measured."""

import math

import pytest
from records_in_tests import claim
from scipy.special import stdtrit

from paperbench.metric_kinds import accuracy, fraction, perplexity
from paperbench.report.arm_means import arm_means, caption, half_interval, t_quantile

KINDS = {"val_ppl": perplexity, "acc": accuracy, "share": fraction}


def rows_of(arms, **changes):
    headers, rows = arm_means(claim(arms=arms, **changes), KINDS)
    return headers, rows


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 8, 29, 30, 499])
def test_the_quantile_is_that_of_scipy(degrees):
    assert t_quantile(degrees) == pytest.approx(stdtrit(degrees, 0.975), rel=1e-12)


def test_an_arrow_points_where_a_metric_is_better():
    headers, _ = rows_of({"a": {"val_ppl": [1.0], "acc": [1.0], "share": [1.0], "other": [1.0]}})
    assert headers == ["arm", "n", "val_ppl ↓", "acc ↑", "share", "other"]


def test_a_mean_has_half_its_interval_and_n():
    values = [6.17, 6.19, 6.03]
    _, rows = rows_of({"fox": {"val_ppl": values}})
    spread = math.sqrt(sum((value - 6.13) ** 2 for value in values) / 2)
    assert half_interval(values) == pytest.approx(stdtrit(2, 0.975) * spread / math.sqrt(3))
    assert rows == [["fox", "3", "6.13 ± 0.22"]]


def test_exact_numbers_have_a_range_and_no_interval():
    _, rows = rows_of({"fox": {"val_ppl": [1.0, 2.0, 6.0]}}, kind="exact")
    assert rows == [["fox", "3", "3 [1, 6]"]]
    assert "range" in caption(claim(kind="exact"))
    assert "repeats" in caption(claim(kind="timing"))


@pytest.mark.parametrize(
    ("values", "cell"),
    [
        ([2.5], "2.50"),
        ([2.5, 2.5], "2.50"),
        ([1.0, math.inf], "∞"),
        ([1.0, math.nan], "nan"),
        ([1.0, -math.inf, math.inf], "nan"),
    ],
)
def test_what_has_no_interval_is_shown_alone(values, cell):
    _, ((_, n, shown),) = rows_of({"fox": {"val_ppl": values}})
    assert (n, shown) == (str(len(values)), cell)


def test_an_arm_without_a_metric_has_a_dash_there():
    _, rows = rows_of({"a": {"acc": [0.5, 0.7]}, "b": {"val_ppl": [3.0]}})
    assert rows == [["a", "2", "0.6 ± 1.3", "−"], ["b", "1", "−", "3"]]
    assert arm_means(claim(arms={}), KINDS) is None
