import pytest
from judge_cases import arm, claim, verdict_of

from paperbench.errors import SpecError


def exact(check, **options):
    return claim(check, kind="exact", control={"new": {"broken": True}}, **options)


def control(**metrics):
    return {"new": arm(key="control", **metrics)}


def test_an_exact_claim_holds_on_every_seed_and_its_control_is_a_thousand_times_outside():
    within = exact("new.error < 1e-6")
    good = {"new": arm(error=[1e-8, 3e-8, 2e-8])}
    judgement, look = verdict_of(within, good, control=control(error=[0.5, 0.002, 0.9]))
    assert (judgement.verdict, look.n) == ("PASS", 3)
    assert (judgement.margin.low, judgement.margin.high) == pytest.approx((9.7e-7, 9.9e-7))
    near, _ = verdict_of(within, good, control=control(error=[0.5, 0.0009, 0.9]))
    assert near.verdict == "VACUOUS"
    assert "1000 times outside the tolerance" in near.summary
    lenient = exact("new.error < 1e-6", control_factor=10.0)
    assert verdict_of(lenient, good, control=control(error=[0.5, 2e-5, 0.9]))[0].verdict == "PASS"


def test_one_violation_refutes_an_exact_claim():
    judgement, _ = verdict_of(exact("new.error < 1e-6"), {"new": arm(error=[1e-8, 1e-8, 2e-6])})
    assert judgement.verdict == "FAIL"
    assert "is violated: the worst margin over 3 seeds is −1.0e−06" in judgement.summary


def test_a_two_sided_tolerance_is_far_outside_on_either_side():
    within = exact("-1e-6 < new.x < 1e-6")
    good = {"new": arm(x=[1e-8, -1e-8, 0.0])}
    assert verdict_of(within, good, control=control(x=[-0.5] * 3))[0].verdict == "PASS"
    assert verdict_of(within, good, control=control(x=[-5e-5] * 3))[0].verdict == "VACUOUS"


def test_an_equality_holds_within_rounding_and_its_control_violates_it_on_every_seed():
    counted = exact("new.params - old.params == 520 and new.x == 0.3")

    def arms(params, x=0.1 + 0.2):
        return {"new": arm(params=[params] * 3, x=[x] * 3), "old": arm(params=[1000] * 3)}

    off = {**control(params=[1520, 1584, 1584], x=[0.3] * 3), "old": arms(0)["old"]}
    caught = {**control(params=[1584] * 3, x=[0.3] * 3), "old": arms(0)["old"]}
    assert verdict_of(counted, arms(1520), control=caught)[0].verdict == "PASS"
    assert verdict_of(counted, arms(1520), control=off)[0].verdict == "VACUOUS"
    assert verdict_of(counted, arms(1521), control=caught)[0].verdict == "FAIL"
    assert verdict_of(counted, arms(1520, x=0.3001), control=caught)[0].verdict == "FAIL"


def test_equal_arms_and_other_budgets_are_no_defect_of_an_exact_claim():
    same = exact("new.x == old.x")
    arms = {
        "new": arm(x=[1.0, 2.0, 3.0], budget={"steps": 10}),
        "old": arm(x=[1.0, 2.0, 3.0], budget={"steps": 99}),
    }
    off = {**control(x=[1.1, 2.1, 3.1]), "old": arms["old"]}
    assert verdict_of(same, arms, control=off)[0].verdict == "PASS"


def timing(check="new.ms < 1.5 * old.ms"):
    return claim(check, kind="timing")


def test_timing_is_judged_over_the_repeats_of_one_run():
    arms = {"new": arm(ms=[[1.1, 1.2, 1.1, 1.3, 1.2, 1.2]]), "old": arm(ms=[[1.0] * 6])}
    slow = {"new": arm(ms=[[2.1, 2.2, 2.1, 2.3, 2.2, 2.3]], key="control"), "old": arms["old"]}
    judgement, look = verdict_of(timing(), arms, control=slow)
    assert (judgement.verdict, look.n, judgement.margin.n) == ("PASS", 1, 6)
    assert judgement.margin.alpha == 0.0085
    assert judgement.margin.mean == pytest.approx(0.95 / 3)
    assert {guard.name for guard in judgement.guards} == {"ceiling", "divergence"}
    assert verdict_of(timing(), slow)[0].verdict == "FAIL"
    assert verdict_of(timing(), arms, control=arms)[0].verdict == "VACUOUS"


def test_too_few_repeats_decide_nothing():
    arms = {"new": arm(ms=[[1.1, 1.2, 1.1, 1.3]]), "old": arm(ms=[[1.0] * 4])}
    judgement, _ = verdict_of(timing(), arms)
    assert (judgement.verdict, judgement.summary) == ("INCONCLUSIVE", "4 repeats decide nothing")
    assert "at least 5 repeats" in judgement.next_step


def test_noisy_repeats_are_inconclusive_and_count_repeats():
    arms = {"new": arm(ms=[[1.1, 1.9, 1.2, 1.8, 1.3, 1.6]]), "old": arm(ms=[[1.0] * 6])}
    judgement, _ = verdict_of(timing(), arms)
    assert judgement.verdict == "INCONCLUSIVE"
    assert "repeats would probably decide it" in judgement.next_step


def test_a_timed_metric_may_stand_beside_a_single_number():
    arms = {"new": arm(ms=[[1.1, 1.2, 1.1, 1.3, 1.2]], x=[2.0])}
    assert verdict_of(timing("new.ms < new.x"), arms)[0].needs == "control"


def test_repeats_that_do_not_pair_are_an_error():
    arms = {"new": arm(ms=[[1.0] * 6]), "old": arm(ms=[[1.0] * 5])}
    judgement, _ = verdict_of(timing(), arms)
    assert judgement.verdict == "ERROR"
    assert "different numbers of repeats: [5, 6]" in judgement.summary
    arms = {"new": arm(ms=[[1.1, 1.2, 1.1, 1.3, 1.2]]), "old": arm(ms=[[1.0] * 5])}
    longer = {"new": arm(ms=[[2.0] * 6], key="control"), "old": arm(ms=[[1.0] * 6])}
    judgement, _ = verdict_of(timing(), arms, control=longer)
    assert "timed over 6 repeats, the arms over 5" in judgement.summary


def rate(check="new.solved > 0.5"):
    return claim(check, kind="rate")


@pytest.mark.parametrize(
    ("solved", "verdict"),
    [([1] * 8, "PASS"), ([0] * 8, "FAIL"), ([1, 1, 1, 1, 1, 1, 1, 0], "INCONCLUSIVE")],
)
def test_a_rate_is_judged_by_the_exact_binomial_interval(solved, verdict):
    off = control(solved=[0] * 8)
    for check in ("new.solved > 0.5", "0.5 < new.solved", "new.solved > 1 / 2"):
        judgement, _ = verdict_of(rate(check), {"new": arm(solved=solved)}, control=off)
        assert (judgement.verdict, judgement.margin.n) == (verdict, 8)
    assert judgement.margin.mean == pytest.approx(sum(solved) / 8 - 0.5)


def test_a_rate_below_a_bound_has_the_mirrored_interval():
    above, _ = verdict_of(rate("new.solved > 0.3"), {"new": arm(solved=[1, 0] * 4)})
    below, _ = verdict_of(rate("new.solved < 0.3"), {"new": arm(solved=[1, 0] * 4)})
    assert (below.margin.low, below.margin.high) == pytest.approx(
        (-above.margin.high, -above.margin.low)
    )


def test_the_control_of_a_rate_must_lose_by_the_exact_test_of_the_pairs():
    always = {"new": arm(solved=[1] * 8)}
    close, _ = verdict_of(rate(), always, control=control(solved=[1, 1, 1, 1, 1, 0, 1, 0]))
    assert close.verdict == "INCONCLUSIVE"
    assert close.summary.startswith("the control is too close to tell")
    assert (
        verdict_of(rate(), always, control=control(solved=[1] * 8, x=[0.0] * 8))[0].verdict
        == "VACUOUS"
    )


def test_a_rate_counts_only_zeros_and_ones():
    judgement, _ = verdict_of(rate(), {"new": arm(solved=[0.5] * 8)})
    assert judgement.verdict == "ERROR"
    assert "0.5 is neither 0 nor 1" in judgement.summary


def test_a_rate_of_two_arms_is_refused():
    arms = {"new": arm(solved=[1] * 8), "old": arm(solved=[0] * 8)}
    with pytest.raises(SpecError, match="compares one metric with one number"):
        verdict_of(rate("new.solved > old.solved"), arms)
