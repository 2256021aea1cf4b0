import math

import numpy as np
import pytest
from judge_cases import INFO, arm, around, claim
from scipy import stats

from paperbench.judge.decide import Evidence, judge, looks_of
from paperbench.judge.p_values import mean_p, rate_p, sign_p
from paperbench.judge.statistics import rate_interval, sign_interval, t_interval

ALPHAS = (0.001, 0.0025, 0.005, 0.025, 0.2)


@pytest.mark.parametrize("n", [2, 3, 8, 40])
def test_the_p_of_a_mean_is_students_and_agrees_with_its_interval(n):
    for values in np.random.default_rng(n).normal(0.5, 1.0, (50, n)).tolist():
        p = mean_p(values, strict=True)
        assert p == pytest.approx(stats.ttest_1samp(values, 0, alternative="greater").pvalue)
        for alpha in ALPHAS:
            assert (p < alpha) == (t_interval(values, alpha).low > 0)


def test_a_tie_has_the_p_of_the_sign_test_where_it_supports_the_claim():
    assert mean_p([0.25] * 8, strict=True) == 1 / 256
    assert mean_p([-0.25] * 8, strict=True) == 1
    assert mean_p([0.0] * 8, strict=True) == 1
    assert mean_p([0.0] * 8, strict=False) == 1 / 256


def test_what_shows_nothing_has_a_p_of_1():
    assert mean_p([3.0], strict=True) == mean_p([1.0, math.nan], strict=True) == 1
    assert sign_p([0, 0, 0]) == rate_p(0, 8, 0.5, 1) == 1


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_the_p_of_a_rate_is_binomial_and_agrees_with_its_interval(threshold):
    for successes in range(9):
        above, below = (rate_p(successes, 8, threshold, sign) for sign in (1, -1))
        for p, side in ((above, "greater"), (below, "less")):
            exact = stats.binomtest(successes, 8, threshold, alternative=side).pvalue
            assert p == pytest.approx(exact)
        for alpha in ALPHAS:
            interval = rate_interval(successes, 8, alpha)
            assert (above < alpha) == (interval.low > threshold)
            assert (below < alpha) == (interval.high < threshold)


def test_the_p_of_pairs_agrees_with_their_interval():
    for better in range(9):
        for worse in range(9 - better):
            pairs = [1] * better + [-1] * worse + [0] * (8 - better - worse)
            for alpha in ALPHAS:
                assert (sign_p(pairs) < alpha) == (sign_interval(pairs, alpha).low > 0)


def test_a_conjunction_is_as_surprising_as_its_weakest_part_and_its_difference_from_the_control():
    both = claim("new.x > old.x and new.y > old.y")
    first, *_ = looks_of(both, seeds=None)
    old = arm(x=[0.0] * 3, y=[0.0] * 3)
    arms = {"new": arm(x=[1.0, 1.01, 0.99], y=[1.0, 1.02, 0.97]), "old": old}
    asked = judge(both, INFO, Evidence(arms), first)
    assert asked.needs == "control"
    assert asked.p == mean_p([1.0, 1.02, 0.97], strict=True)
    off = {"new": arm(x=[0.0, 0.6, -0.3], y=[0.2, 0.1, 0.5], key="off"), "old": old}
    judged = judge(both, INFO, Evidence(arms, off), first)
    difference = judged.control.difference.values
    assert judged.p == pytest.approx(2 * mean_p(difference, strict=True))  # best of two parts
    assert judged.p > asked.p


def test_a_pass_has_a_p_below_the_alpha_of_its_look():
    better = claim("new.x > old.x")
    arms = {"new": arm(x=around(2.0)), "old": arm(x=[1.0] * 8)}
    off = {"new": arm(x=around(0.5)[::-1], key="off"), "old": arms["old"]}
    for look in looks_of(better, seeds=None):
        judgement = judge(better, INFO, Evidence(arms, off), look)
        assert judgement.verdict == "PASS"
        assert judgement.p < look.alpha
