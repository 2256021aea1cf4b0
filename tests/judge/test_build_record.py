import math
import subprocess
import sys

import pytest
from judge_cases import INFO, arm, around, broken, claim, verdict_of
from scipy import stats

from paperbench.judge.build_record import reading_record, to_record
from paperbench.judge.decide import Evidence, looks_of
from paperbench.judge.p_values import mean_p
from paperbench.judge.record import RULES, ClaimRecord


def recorded(claim, arms, *, control=None, anchor=None, tier="quick"):
    judgement, look = verdict_of(claim, arms, control=control, anchor=anchor)
    return to_record(
        claim,
        INFO,
        Evidence(arms, control, anchor),
        judgement,
        look,
        looks=looks_of(claim, seeds=None),
        tier=tier,
        exploratory=False,
        spec_sha256="abc",
    )


ARMS = {
    "new": arm(acc=around(0.9), floor=[0.1] * 8, budget={"steps": 10}, key="new"),
    "old": arm(acc=around(0.5, 8), floor=[0.1] * 8, budget={"steps": 10}, key="old"),
}
OFF = {"new": arm(acc=[0.41, 0.4, 0.43] * 3, floor=[0.1] * 9, key="off"), "old": ARMS["old"]}
BETTER = claim("new.acc > old.acc + 0.1", source={"section": "6.1", "figure": 4})


def test_a_record_holds_the_evidence_at_the_look_that_decided():
    varied = {
        "new": arm(acc=[0.9, 0.92, 0.91] * 3, floor=[0.1] * 9, budget={"steps": 10}, key="new"),
        "old": ARMS["old"],
    }
    record = recorded(BETTER, varied, control=OFF)
    assert (record.verdict, record.expected, record.as_expected) == ("PASS", "PASS", True)
    assert (record.look, record.looks, record.seeds) == (1, [3, 5, 8], [0, 1, 2])
    assert record.arms["new"] == {"acc": [0.9, 0.92, 0.91], "floor": [0.1] * 3}
    assert record.budgets == {"new": {"steps": 10.0}, "old": {"steps": 10.0}}
    assert record.seconds == {"new": 2.0, "old": 2.0}
    assert record.source == "section 6.1, figure 4"
    assert len(record.runs) == len(set(record.runs)) == 9  # the control shares the old arm
    assert record.control.arms["new"]["acc"] == [0.41, 0.4, 0.43]
    assert record.control.overrides == {"new": {"mechanism": False}}
    assert ClaimRecord.model_validate_json(record.model_dump_json()) == record


def test_a_verdict_reached_without_the_control_says_that_it_was_not_run():
    record = recorded(BETTER, {"new": ARMS["old"], "old": ARMS["new"]})
    assert (record.verdict, record.as_expected) == ("FAIL", False)
    assert record.control.verdict == "NOT RUN"


def test_an_expectation_holds_at_its_own_tier():
    known = claim(BETTER.check, expect={"quick": "fail"}, reason="too small")
    swapped = {"new": ARMS["old"], "old": ARMS["new"]}
    assert recorded(known, swapped, tier="quick").as_expected
    assert not recorded(known, swapped, tier="full").as_expected


def test_a_crashed_run_leaves_a_gap_in_the_record():
    record = recorded(BETTER, {"new": [broken(), *ARMS["new"][1:]], "old": ARMS["old"]})
    assert record.verdict == "ERROR"
    assert math.isnan(record.arms["new"]["acc"][0])
    assert len(record.arms["new"]["acc"]) == 3
    assert record.budgets["new"] == {}


def test_a_timing_record_holds_the_repeats():
    timed = claim("new.ms < 2 * old.ms", kind="timing")
    arms = {
        "new": arm(ms=[[1.0, 1.1, 1.2, 1.0, 1.1, 1.2]], key="new"),
        "old": arm(ms=[[1.0] * 6], key="old"),
    }
    record = recorded(timed, arms, control=arms | {"new": arm(ms=[[3.0, 3.0, 3.2, 3.1, 3.1, 3.2]])})
    assert record.verdict == "PASS"
    assert record.arms["new"]["ms"] == [1.0, 1.1, 1.2, 1.0, 1.1, 1.2]
    assert record.seeds == [0]


def test_a_record_counts_supporting_seeds_and_adds_up_the_error_of_all_looks():
    values = [0.9, 0.62, 0.9, 0.88, 0.91, 0.86, 0.9, 0.59]
    arms = ARMS | {"new": arm(acc=values, floor=[0.1] * 8, budget={"steps": 10}, key="new")}
    record = recorded(BETTER, arms, control=OFF)
    assert (record.verdict, record.look, record.rules) == ("PASS", 3, RULES)
    assert (record.support.holds, record.support.n) == (7, 8)
    assert record.support.low == pytest.approx(stats.beta.ppf(0.05 / 3, 7, 2))
    own = mean_p(record.margin.values, strict=True)
    assert record.p_value == pytest.approx(0.001 + 0.0025 + own)
    assert record.p_value < sum(BETTER.alpha)


def test_a_record_warns_of_a_seed_that_stands_apart():
    values = [0.9, 0.95, 0.9, 0.93, 0.91, 0.64, 0.9, 0.92]
    early = claim(BETTER.check, looks=(8,), alpha=(0.0085,))
    arms = ARMS | {"new": arm(acc=values, floor=[0.1] * 8, key="new")}
    (text,) = recorded(early, arms, control=OFF).warnings
    assert text.startswith("one seed stands apart")


def test_what_was_not_estimated_has_neither_support_nor_p_value():
    error = recorded(BETTER, {"new": [broken(), *ARMS["new"][1:]], "old": ARMS["old"]})
    exact = claim("new.acc > 0.5", kind="exact", control={"new": {"off": True}})
    for record in (error, recorded(exact, {"new": ARMS["new"]}, control={"new": ARMS["old"]})):
        assert (record.support, record.p_value, record.warnings) == (None, None, [])


def test_a_record_without_rules_was_judged_under_the_first():
    old = reading_record(claim(None, kind="reading", control={}), tier="quick", spec_sha256="abc")
    text = old.model_dump_json(exclude={"rules", "support", "p_value", "warnings"})
    assert ClaimRecord.model_validate_json(text).rules == 1


def test_an_undecided_claim_has_no_record():
    with pytest.raises(ValueError, match="undecided: it needs control"):
        new = arm(acc=[0.9, 0.92, 0.91] * 3, floor=[0.1] * 9, budget={"steps": 10})
        recorded(BETTER, ARMS | {"new": new})


def test_a_reading_has_a_record_without_a_verdict():
    essay = claim(None, kind="reading", control={})
    record = reading_record(essay, tier="quick", spec_sha256="abc")
    assert (record.verdict, record.as_expected, record.source) == (None, True, None)


def test_looks_and_outcomes_are_read_without_numpy():
    script = (
        "import sys, paperbench.judge.looks, paperbench.judge.outcome; "
        "sys.exit(bool({'numpy', 'scipy', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
