import math

import pytest
from judge_cases import INFO, arm, around, broken, claim, verdict_of

from paperbench.judge.decide import Evidence, judge, looks_of
from paperbench.judge.outcome import as_expected, outcome

BETTER = claim("new.x > old.x")
GOOD = {"new": arm(x=around(2.0)), "old": arm(x=[1.0] * 8)}
OFF = {
    "new": arm(x=[0.51, 0.5, 0.49, 0.5, 0.52, 0.48, 0.5, 0.5], key="control"),
    "old": GOOD["old"],
}


def test_a_clear_effect_that_the_control_does_not_earn_passes_at_the_first_look():
    judgement, look = verdict_of(BETTER, GOOD, control=OFF)
    assert (judgement.verdict, judgement.needs, look.n) == ("PASS", "nothing", 3)
    assert judgement.margin.mean == pytest.approx(1.0)
    assert judgement.margin.n == len(judgement.margin.values) == 3
    assert judgement.margin.alpha == 0.001
    assert judgement.control.verdict == "FAIL"
    assert judgement.control.difference.mean == pytest.approx(1.5)
    assert "the control does not pass" in judgement.summary


def test_the_control_is_asked_for_only_once_the_check_holds():
    judgement, _ = verdict_of(BETTER, GOOD)
    assert (judgement.verdict, judgement.needs) == (None, "control")
    fewer = {name: runs[:2] for name, runs in OFF.items()}
    assert verdict_of(BETTER, GOOD, control=fewer)[0].needs == "control"


def test_the_opposite_effect_fails_without_a_control():
    judgement, look = verdict_of(BETTER, {"new": GOOD["old"], "old": GOOD["new"]})
    assert (judgement.verdict, judgement.needs, look.n) == ("FAIL", "nothing", 3)
    assert judgement.control is None
    assert "the opposite of `new.x > old.x` holds over 3 seeds" in judgement.summary


def test_a_small_effect_asks_for_more_seeds_then_is_inconclusive_with_a_number():
    noisy = {"new": arm(x=[1.3, 0.8, 1.5, 0.7, 1.4, 0.9, 1.2, 0.9]), "old": GOOD["old"]}
    first, *_, last = looks_of(BETTER, seeds=None)
    early = judge(BETTER, INFO, Evidence(noisy), first)
    assert (early.verdict, early.needs) == (None, "seeds")
    late = judge(BETTER, INFO, Evidence(noisy), last)
    assert (late.verdict, late.needs) == ("INCONCLUSIVE", "nothing")
    assert "still spans zero" in late.summary
    assert late.next_step == "about 82 seeds would probably decide it"


def test_no_effect_at_all_would_take_more_than_a_thousand_seeds():
    nothing = {"new": arm(x=[1.1, 0.9] * 4), "old": GOOD["old"]}
    assert "more than 1000 seeds" in verdict_of(BETTER, nothing)[0].next_step


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("crashed", "arm `new`, seed 1 crashed: ValueError: shapes differ"),
        ("diverged", "arm `new`, seed 1 diverged: ValueError: shapes differ"),
        ("timeout", "arm `new`, seed 1 ran over its time limit: ValueError: shapes differ"),
        ("killed", "arm `new`, seed 1 was killed: ValueError: shapes differ"),
    ],
)
def test_a_run_that_did_not_finish_is_an_error_that_names_it(status, words):
    runs = [GOOD["old"][0], broken(status), *GOOD["old"][2:]]
    judgement, _ = verdict_of(BETTER, {"new": runs, "old": GOOD["old"]})
    assert (judgement.verdict, judgement.summary) == ("ERROR", words)


def test_an_error_shows_the_last_line_of_a_traceback():
    trace = "Traceback (most recent call last):\n  File x\nKeyError: 'gap'\n"
    runs = [broken(error=trace), *GOOD["old"][1:]]
    assert verdict_of(BETTER, {"new": runs, "old": GOOD["old"]})[0].summary.endswith(
        "crashed: KeyError: 'gap'"
    )


def test_a_control_or_anchor_run_that_crashed_is_an_error_too():
    crashed = {"new": [broken(), *OFF["new"][1:]], "old": OFF["old"]}
    judgement, _ = verdict_of(BETTER, GOOD, control=crashed)
    assert judgement.verdict == "ERROR"
    assert judgement.summary.startswith("control arm `new`, seed 0 crashed")
    anchored = claim(BETTER.check, anchor={"arm": "old", "params": {}, "check": "old.x > 0"})
    judgement, _ = verdict_of(anchored, GOOD, control=OFF, anchor=[broken()] * 8)
    assert judgement.summary.startswith("anchor arm `old`, seed 0 crashed")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "`new.x`, seed 0: the run does not report it"),
        ([1.0, 2.0], "`new.x`, seed 0: a list of repeats, which only `kind: timing` compares"),
    ],
)
def test_a_metric_that_cannot_be_compared_is_an_error(value, words):
    arms = {"new": arm(y=[1.0] * 8) if value is None else arm(x=[value] * 8), "old": GOOD["old"]}
    judgement, _ = verdict_of(BETTER, arms)
    assert (judgement.verdict, judgement.summary) == ("ERROR", words)


def test_too_few_runs_are_the_callers_mistake():
    with pytest.raises(ValueError, match="these arms have fewer: new"):
        verdict_of(BETTER, {"new": GOOD["new"][:2], "old": GOOD["old"]})


def test_a_control_that_passes_too_makes_the_claim_vacuous():
    weaker = {"new": arm(x=around(1.5), key="control"), "old": GOOD["old"]}
    judgement, _ = verdict_of(BETTER, GOOD, control=weaker)
    assert judgement.verdict == "VACUOUS"
    assert judgement.summary.startswith("the claim also holds with the mechanism off")
    assert judgement.control.verdict == "PASS"


def test_an_underpowered_control_asks_for_more_seeds_and_then_is_inconclusive():
    # The control keeps four fifths of the effect, too noisily to pass by itself.
    noise = [0.9, -0.7, 0.5, -0.9, 0.8, -0.6, 0.3, -0.3]
    close = {"new": arm(x=[1.8 + each for each in noise], key="control"), "old": GOOD["old"]}
    first, second, last = looks_of(BETTER, seeds=None)
    for look in (first, second):
        judgement = judge(BETTER, INFO, Evidence(GOOD, close), look)
        assert (judgement.verdict, judgement.needs) == (None, "seeds")
        assert judgement.control.verdict == "INCONCLUSIVE"
    slighter = {"new": arm(x=[1.5 + each for each in noise], key="control"), "old": GOOD["old"]}
    strong = claim("new.x - old.x > 0.4")  # the control's margin: +0.1, spread 0.7
    judgement = judge(strong, INFO, Evidence(GOOD, slighter), last)
    assert judgement.verdict == "INCONCLUSIVE"
    assert judgement.summary.startswith("the control is too close to tell")
    assert "seeds would probably decide it" in judgement.next_step
    assert judgement.control.difference.low < 0 < judgement.control.difference.mean
    far = {"new": arm(x=[0.5 + each for each in noise], key="control"), "old": GOOD["old"]}
    assert judge(strong, INFO, Evidence(GOOD, far), last).verdict == "PASS"


def test_a_claim_without_control_never_passes():
    judgement, _ = verdict_of(claim(BETTER.check, control={}), GOOD)
    assert judgement.verdict == "VACUOUS"
    assert "no control" in judgement.summary


def test_a_conjunction_passes_when_every_part_does_and_fails_when_any_does():
    both = claim("new.x > old.x and new.y < old.y")
    old = arm(x=[1.0] * 8, y=[1.0] * 8)
    # Noise of its own: two tied differences would share the last look's error, and 1/256 is more.
    off = arm(x=around(0.5)[::-1], y=around(1.5)[::-1], key="control")
    control = {"new": off, "old": old}

    def verdict(x, y):
        return verdict_of(both, {"new": arm(x=x, y=y), "old": old}, control=control)[0]

    assert verdict(around(2.0), around(0.5)).verdict == "PASS"
    failing = verdict(around(2.0), around(1.5))
    assert failing.verdict == "FAIL"
    assert "`new.y < old.y`" in failing.summary
    assert failing.margin == failing.parts[1].margin  # the weakest part's
    undecided = verdict(around(2.0), [0.5, 1.4] * 4)
    assert undecided.verdict == "INCONCLUSIVE"
    assert undecided.margin == undecided.parts[1].margin


def test_a_control_need_only_lose_one_part_of_a_conjunction():
    both = claim("new.x > old.x and new.y < old.y")
    old = arm(x=[1.0] * 8, y=[1.0] * 8)
    arms = {"new": arm(x=around(2.0), y=around(0.5)), "old": old}
    keeps_x = {"new": arm(x=around(2.1), y=around(1.5), key="control"), "old": old}
    judgement, _ = verdict_of(both, arms, control=keeps_x)
    assert judgement.verdict == "PASS"
    assert judgement.control.difference.mean == pytest.approx(1.0)
    keeps_both = {"new": arm(x=around(2.1), y=around(0.6), key="control"), "old": old}
    assert verdict_of(both, arms, control=keeps_both)[0].verdict == "VACUOUS"


def test_an_equivalence_is_a_conjunction_of_two_links():
    equal = claim("-0.1 < new.x - old.x < 0.1")
    control = {"new": arm(x=around(2.0), key="control"), "old": GOOD["old"]}
    near, far = (
        verdict_of(equal, {"new": arm(x=around(center)), "old": GOOD["old"]}, control=control)[0]
        for center in (1.0, 1.2)
    )
    assert (near.verdict, far.verdict) == ("PASS", "FAIL")


def test_a_sample_without_spread_decides_only_at_the_last_look():
    tied = {"new": arm(x=[1.5] * 8, y=around(1.0)), "old": GOOD["old"]}
    judgement, look = verdict_of(BETTER, tied, control=OFF)
    assert (judgement.verdict, look.n) == ("PASS", 8)
    first = judge(BETTER, INFO, Evidence(tied), looks_of(BETTER, seeds=None)[0])
    assert first.needs == "seeds"
    assert "every seed gave the same margin" in first.summary
    worse = {"new": arm(x=[0.5] * 8, y=around(1.0)), "old": GOOD["old"]}
    judgement, look = verdict_of(BETTER, worse)
    assert (judgement.verdict, look.n) == ("FAIL", 8)


def test_an_exact_tie_satisfies_only_an_operator_that_allows_it():
    tied = {"new": arm(x=[1.5] * 8, y=[0.0] * 8), "old": arm(x=[1.0] * 8, y=around(0.5))}
    control = {"new": arm(x=around(0.5), y=[0.0] * 8, key="control"), "old": tied["old"]}
    # x differs by exactly 0.5, so that the arms are not identical.
    assert verdict_of(claim("new.x - 0.5 >= old.x"), tied, control=control)[0].verdict == "PASS"
    strict, _ = verdict_of(claim("new.x - 0.5 > old.x"), tied, control=control)
    assert strict.verdict == "INCONCLUSIVE"
    assert "exactly 0" in strict.summary


def test_a_control_tied_on_the_claims_side_is_waited_for():
    tied = {"new": arm(x=[1.2] * 8, key="control"), "old": GOOD["old"]}
    first, *_, last = looks_of(BETTER, seeds=None)
    assert judge(BETTER, INFO, Evidence(GOOD, tied), first).needs == "seeds"
    assert judge(BETTER, INFO, Evidence(GOOD, tied), last).verdict == "VACUOUS"
    lost = {"new": arm(x=[0.8] * 8, key="control"), "old": GOOD["old"]}
    assert judge(BETTER, INFO, Evidence(GOOD, lost), first).verdict == "PASS"


def test_a_control_that_may_pass_yet_is_waited_for_however_much_better_the_claim_does():
    """Ten times the effect: what the check asks for holds without the mechanism all the same."""
    much_better = {"new": arm(x=around(4.0)), "old": arm(x=around(1.0)[::-1])}
    weak = [1.36, 1.25, 1.31, 1.28, 1.36, 1.27, 1.33, 1.26]
    control = {"new": arm(x=weak, key="control"), "old": much_better["old"]}
    first, second, _ = looks_of(BETTER, seeds=None)
    judgement = judge(BETTER, INFO, Evidence(much_better, control), first)
    assert (judgement.needs, judgement.control.difference.low > 0) == ("seeds", True)
    assert "the control does worse, but may pass yet: " in judgement.summary
    judgement, look = verdict_of(BETTER, much_better, control=control)
    assert (judgement.verdict, look) == ("VACUOUS", second)
    scattered = [
        1.3,
        0.8,
        1.1,
        1.5,
        0.7,
        1.2,
        1.1,
        0.8,
    ]  # the last look does not show that it holds
    control = {"new": arm(x=scattered, key="control"), "old": much_better["old"]}
    judgement, look = verdict_of(BETTER, much_better, control=control)
    assert (judgement.verdict, look.n) == ("PASS", 8)


def test_one_seed_decides_nothing():
    judgement, look = verdict_of(BETTER, GOOD, control=OFF, seeds=1)
    assert (judgement.verdict, judgement.summary) == ("INCONCLUSIVE", "one seed decides nothing")
    assert math.isinf(judgement.margin.high)
    exact = claim("new.error < 1e-6", kind="exact", control={"new": {"broken": True}})
    for error in (1e-9, 1.0):
        judgement, _ = verdict_of(exact, {"new": arm(error=[error])}, seeds=1)
        assert judgement.verdict == "INCONCLUSIVE"


def test_looks_follow_the_claim_its_kind_and_the_command_line():
    def schedule(claim, seeds=None):
        return [
            (look.index, look.n, look.alpha, look.last) for look in looks_of(claim, seeds=seeds)
        ]

    assert schedule(BETTER) == [(1, 3, 0.001, False), (2, 5, 0.0025, False), (3, 8, 0.005, True)]
    assert schedule(BETTER, seeds=6) == [(1, 6, 0.025, True)]
    assert schedule(claim("a.error < 1", kind="exact")) == [(1, 3, 0.0, True)]
    assert schedule(claim("a.error < 1", kind="exact"), seeds=10) == [(1, 10, 0.0, True)]
    assert schedule(claim("a.ms < b.ms", kind="timing"), seeds=4) == [(1, 1, 0.0085, True)]


def test_an_exploratory_look_decides_at_once():
    judgement, look = verdict_of(BETTER, GOOD, control=OFF, seeds=4)
    assert (judgement.verdict, judgement.margin.n, judgement.margin.alpha) == ("PASS", 4, 0.025)


@pytest.mark.parametrize(
    ("verdict", "expected", "result"),
    [
        ("PASS", "PASS", "as expected"),
        ("FAIL", "FAIL", "as expected"),
        ("INCONCLUSIVE", "INCONCLUSIVE", "as expected"),
        ("INCONCLUSIVE", "PASS", "inconclusive"),
        ("INCONCLUSIVE", "FAIL", "inconclusive"),
        ("FAIL", "PASS", "unexpected"),
        ("PASS", "FAIL", "unexpected"),
        ("PASS", "INCONCLUSIVE", "unexpected"),
        ("VACUOUS", "PASS", "unexpected"),
        ("VACUOUS", "FAIL", "unexpected"),
        ("ERROR", "PASS", "error"),
        ("ERROR", "FAIL", "error"),
    ],
)
def test_only_the_expected_verdict_is_as_expected(verdict, expected, result):
    assert outcome(verdict, expected) == result
    assert as_expected(verdict, expected) is (result == "as expected")


def test_a_part_that_the_control_passes_too_cannot_earn_the_difference():
    both = claim("new.x > old.x and new.y > old.y")
    old = arm(x=[1.0] * 8, y=[1.0] * 8)
    arms = {"new": arm(x=around(3.0), y=around(1.5)), "old": old}

    def judged(y):
        off = {"new": arm(x=[1.5, 1.52, 1.47, 1.5] * 2, y=y, key="control"), "old": old}
        return verdict_of(both, arms, control=off)[0]

    too_noisy = judged([1.9, 0.7, 1.8, 0.6, 1.9, 0.8, 1.7, 0.7])
    assert too_noisy.verdict == "INCONCLUSIVE"
    assert too_noisy.control.parts[0].margin.low > 0
    assert judged([0.5, 0.52, 0.49, 0.5] * 2).verdict == "PASS"


def test_a_conjunction_needs_as_many_seeds_as_its_hardest_part():
    noise = [0.3, -0.3, 0.4, -0.4, 0.2, -0.2, 0.1, -0.1]
    old = arm(x=[1.0] * 8, y=[1.0] * 8)
    arms = {
        "new": arm(x=[1.2 + each for each in noise], y=[1.05 + each for each in noise]),
        "old": old,
    }

    def step(check):
        return verdict_of(claim(check), arms)[0].next_step

    assert step("new.x > old.x and new.y > old.y") == step("new.y > old.y") != step("new.x > old.x")


def test_a_tie_over_so_few_seeds_that_chance_makes_it_decides_nothing():
    tied = {"new": arm(x=[1.0] * 2), "old": arm(x=[0.0] * 2)}
    short = claim("new.x > old.x", looks=(2,), alpha=(0.0125,))
    judgement, _ = verdict_of(short, tied, control={"new": arm(x=[0.0, -0.1]), "old": tied["old"]})
    assert judgement.verdict == "INCONCLUSIVE"


def test_a_verdict_names_the_parts_that_hold_without_the_mechanism_too():
    arms = {"new": arm(x=around(1.0), y=around(1.0)), "old": arm(x=around(0.0))}
    off = {"new": arm(x=around(0.5), y=around(0.0), key="off"), "old": arms["old"]}
    judgement, _ = verdict_of(claim("new.x > old.x and new.y > 0.8"), arms, control=off)
    assert judgement.verdict == "PASS"
    assert judgement.summary.endswith("(yet `new.x > old.x` holds there as well)")
