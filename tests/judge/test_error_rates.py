"""What the default schedule promises, measured through the public judge."""

import numpy as np
import pytest
from judge_cases import INFO, arm, claim

from paperbench.judge.decide import Evidence, judge, looks_of

CHECK = claim("new.x > old.x")


def first_decision(margins, looks):
    """The first look's decision: PASS stands for `all that is left is the control`."""
    arms = {"new": arm(x=[1.0 + margin for margin in margins]), "old": arm(x=[1.0] * len(margins))}
    for look in looks:
        judgement = judge(CHECK, INFO, Evidence(arms), look)
        if judgement.needs == "control":
            return "PASS", look.n
        if judgement.needs == "nothing":
            return judgement.verdict, look.n
    raise AssertionError("the last look decides")


def rates(effect, experiments, seed):
    draws = np.random.default_rng(seed).normal(effect, 1.0, (experiments, 8))
    decisions = [first_decision(margins, looks_of(CHECK, seeds=None)) for margins in draws]
    verdicts = [verdict for verdict, _ in decisions]
    return (
        {
            verdict: verdicts.count(verdict) / experiments
            for verdict in ("PASS", "FAIL", "INCONCLUSIVE")
        },
        sum(n for _, n in decisions) / experiments,
    )


def test_a_null_claim_passes_eight_times_in_a_thousand_and_fails_as_often():
    rate, _ = rates(0.0, 4000, seed=1)
    error = (0.008 * 0.992 / 4000) ** 0.5  # 0.14 %
    assert rate["PASS"] == pytest.approx(0.008, abs=3 * error)
    assert rate["FAIL"] == pytest.approx(0.008, abs=3 * error)


def test_looking_three_times_without_correction_would_pass_more_than_twice_as_often():
    uncorrected = looks_of(claim(CHECK.check, alpha=(0.025, 0.025, 0.025)), seeds=None)
    draws = np.random.default_rng(2).normal(0.0, 1.0, (1500, 8))
    passed = sum(first_decision(margins, uncorrected)[0] == "PASS" for margins in draws)
    assert passed / 1500 == pytest.approx(0.058, abs=0.018)


def test_an_effect_of_two_standard_deviations_is_decided_in_seven_seeds():
    rate, seeds = rates(2.0, 1500, seed=3)
    assert rate["PASS"] == pytest.approx(0.955, abs=0.02)
    assert rate["FAIL"] == 0
    assert seeds == pytest.approx(6.8, abs=0.2)


def test_a_broken_judge_would_be_noticed():
    rate, _ = rates(0.9, 400, seed=4)
    assert rate["PASS"] > 0.1  # so the bound of 2.5% above can be exceeded
