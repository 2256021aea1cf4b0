import math

import numpy as np
import pytest
from scipy import stats

from paperbench.judge.statistics import (
    is_flat,
    rate_interval,
    seeds_to_decide,
    seeds_to_decide_rate,
    sign_interval,
    t_interval,
)


@pytest.mark.parametrize("alpha", [0.005, 0.0125, 0.025])
@pytest.mark.parametrize("n", [2, 3, 8, 40])
def test_the_t_interval_is_the_one_of_scipy_stats(n, alpha):
    values = np.random.default_rng(n).normal(0.3, 2.0, n)
    low, high = stats.t.interval(1 - 2 * alpha, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert t_interval(list(values), alpha) == pytest.approx((values.mean(), low, high))


def test_one_value_has_an_infinite_interval():
    assert t_interval([0.5], 0.025) == (0.5, -math.inf, math.inf)


def test_a_sample_without_spread_has_an_interval_of_no_width():
    assert t_interval([0.25, 0.25, 0.25], 0.005) == (0.25, 0.25, 0.25)


def test_nan_makes_the_interval_nan():
    assert all(math.isnan(value) for value in t_interval([0.1, math.nan, 0.2], 0.005))


def test_flat_means_equal_within_rounding():
    assert is_flat([0.95 - 0.93, 0.97 - 0.95, 0.02])
    assert is_flat([0.0, 0.0])
    assert not is_flat([0.02, 0.021, 0.02])
    assert not is_flat([0.02])


@pytest.mark.parametrize("successes", [0, 1, 5, 8])
def test_the_binomial_interval_is_clopper_and_pearsons(successes):
    exact = stats.binomtest(successes, 8).proportion_ci(0.975, method="exact")
    assert rate_interval(successes, 8, 0.0125) == pytest.approx(
        (successes / 8, exact.low, exact.high)
    )


def test_the_sign_interval_excludes_zero_exactly_when_the_sign_test_does():
    for better in range(9):
        for worse in range(9 - better):
            interval = sign_interval(
                [1] * better + [-1] * worse + [0] * (8 - better - worse), 0.0125
            )
            discordant = better + worse
            p = (
                stats.binomtest(better, discordant, alternative="greater").pvalue
                if discordant
                else 1.0
            )
            assert (interval.low > 0) == (p < 0.0125), (better, worse)
            assert interval.low <= interval.mean <= interval.high


def test_seeds_to_decide_is_the_first_number_whose_interval_excludes_zero():
    values = [1.0, -1.0, 1.5, -0.5, 0.7, 0.1]
    n = seeds_to_decide(values, 0.0125)
    mean, sd = np.mean(values), np.std(values, ddof=1)

    def half_width(seeds):
        return stats.t.ppf(1 - 0.0125, seeds - 1) * sd / math.sqrt(seeds)

    assert half_width(n) < mean < half_width(n - 1)


def test_seeds_to_decide_gives_up_where_the_mean_is_about_zero():
    assert seeds_to_decide([1.0, -1.0, 1.0, -1.0001], 0.0125) is None
    assert seeds_to_decide([0.3], 0.0125) is None


def test_seeds_to_decide_a_rate_moves_on_until_the_exact_interval_parts():
    n = seeds_to_decide_rate(6, 8, 0.5, 0.0125)
    assert rate_interval(round(6 / 8 * n), n, 0.0125).low > 0.5
    assert rate_interval(round(6 / 8 * (n - 1)), n - 1, 0.0125).low <= 0.5
    assert seeds_to_decide_rate(4, 8, 0.5, 0.0125) is None
    assert seeds_to_decide_rate(8, 8, 0.99, 0.0125) > 300
