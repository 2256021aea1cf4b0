"""Each guard alone stands between a claim and a PASS: without the defect the same claim passes."""

import math
from dataclasses import replace

import pytest
from judge_cases import arm, around, claim, verdict_of

from paperbench.judge.evaluate import margins_of
from paperbench.judge.samples import samples_of


def verdict(claim, arms, *, control=None, anchor=None):
    """The verdict and the names of the guards that tripped."""
    off = control or {
        "new": arm(
            x=around(0.5),
            y=around(0.5),
            acc=around(0.3),
            floor=[0.1] * 8,
            loss=around(5.0),
            key="control",
        ),
        "old": arms["old"],
    }
    judgement, _ = verdict_of(claim, arms, control=off, anchor=anchor)
    return judgement.verdict, [guard.name for guard in judgement.guards if not guard.ok]


def test_an_arm_no_better_than_chance_makes_a_claim_vacuous():
    better = claim("new.acc > old.acc")

    def arms(floor):
        return {
            "new": arm(acc=around(0.8), floor=[0.3] * 8),
            "old": arm(acc=around(0.5), floor=[floor] * 8),
        }

    assert verdict(better, arms(0.3)) == ("PASS", [])
    assert verdict(better, arms(0.505)) == ("VACUOUS", ["chance"])
    judgement, _ = verdict_of(better, arms(0.6))
    assert judgement.summary == (
        "the check holds and means nothing, says the chance guard: "
        "on seed 0 old.acc is 0.5, no better than chance (floor 0.6)"
    )
    for exempt in ("old", "old.acc"):
        excused = claim("new.acc > old.acc", exempt={exempt: "it is the chance baseline"})
        assert verdict(excused, arms(0.6)) == ("PASS", [])


def test_chance_speaks_of_the_metric_that_the_check_names_where_it_can():
    floors = {"acc": [0.1] * 8, "floor": [0.2] * 8, "loss_floor": [1.0] * 8}
    arms = {"new": arm(loss=around(2.0), **floors), "old": arm(loss=around(3.0), **floors)}
    for check, named in (("new.loss < old.loss", "new.loss"), ("new.acc >= old.acc", "new.acc")):
        judgement, _ = verdict_of(claim(check), arms)
        (tripped,) = [g for g in judgement.guards if g.name == "chance"]
        assert tripped.detail.startswith(f"on seed 0 {named} is ")


def test_chance_knows_that_a_loss_is_better_when_lower_and_that_an_unmeasured_one_has_no_floor():
    better = claim("new.loss < old.loss")

    def arms(old_floor, old_loss=2.0):
        return {
            "new": arm(loss=around(1.0), loss_floor=[3.0] * 8),
            "old": arm(loss=around(old_loss), loss_floor=[old_floor] * 8),
        }

    assert verdict(better, arms(3.0)) == ("PASS", [])
    assert verdict(better, arms(1.5)) == ("VACUOUS", ["chance"])
    unmeasured = {
        "new": arm(x=around(2.0), acc=[math.nan] * 8, floor=[0.5] * 8),
        "old": arm(x=[1.0] * 8),
    }
    assert verdict(claim("new.x > old.x"), unmeasured) == ("PASS", [])


def test_a_chance_floor_that_the_run_does_not_report_cannot_be_beaten():
    arms = {"new": arm(x=around(2.0), acc=[0.9] * 8), "old": arm(x=[1.0] * 8)}
    assert verdict(claim("new.x > old.x"), arms) == ("VACUOUS", ["chance"])


def test_an_anchor_that_the_losing_arm_misses_makes_a_claim_vacuous():
    anchored = claim(
        "new.x > old.x", anchor={"arm": "old", "params": {"easy": True}, "check": "old.acc > 0.95"}
    )
    arms = {"new": arm(x=around(2.0)), "old": arm(x=[1.0] * 8)}
    solved, broken = arm(acc=[0.99] * 8), arm(acc=[0.99, 0.99, 0.4] + [0.99] * 5)
    assert verdict(anchored, arms, anchor=solved) == ("PASS", [])
    assert verdict(anchored, arms, anchor=broken) == ("VACUOUS", ["anchor"])
    judgement, _ = verdict_of(anchored, arms)
    assert (judgement.verdict, judgement.needs) == (None, "anchor")
    judgement, _ = verdict_of(anchored, arms, anchor=solved)
    assert judgement.needs == "control"
    assert [guard.name for guard in judgement.guards].count("anchor") == 1


def test_arms_that_are_all_at_the_best_possible_value_make_a_claim_vacuous():
    no_worse = claim("new.acc > old.acc - 0.05")

    def arms(old):
        return {
            "new": arm(acc=[1.0, 0.9995] * 4, floor=[0.1] * 8),
            "old": arm(acc=[old, 0.9991] * 4, floor=[0.1] * 8),
        }

    assert verdict(no_worse, arms(0.995)) == ("PASS", [])
    assert verdict(no_worse, arms(0.9999)) == ("VACUOUS", ["ceiling"])


@pytest.mark.parametrize(
    ("name", "within", "beyond"),
    [
        ("parameters", 1009, 1020),
        ("examples", 1009, 1020),
        ("steps", 1009, 1020),
        ("flops", 1049, 1060),
    ],
)
def test_arms_with_another_budget_make_a_claim_vacuous_unless_it_says_why(name, within, beyond):
    better = claim("new.x > old.x")

    def arms(amount):
        return {
            "new": arm(x=around(2.0), budget={name: amount, "other": 5}),
            "old": arm(x=[1.0] * 8, budget={name: 1000, "other": 50}),
        }

    assert verdict(better, arms(within)) == ("PASS", [])
    assert verdict(better, arms(beyond)) == ("VACUOUS", ["budget"])
    assert verdict(claim("new.x > old.x", budget="the gate is the claim"), arms(beyond)) == (
        "PASS",
        [],
    )
    judgement, _ = verdict_of(better, arms(beyond))
    assert f"new / old differ: {name} {beyond:,} / 1,000" in judgement.summary


def test_a_budget_that_only_some_runs_report_is_not_the_same_budget():
    def arms(told, untold):
        return {"new": [*told[:4], *untold[4:]], "old": arm(x=[1.0] * 8, budget={"steps": 5})}

    told, untold = arm(x=around(2.0), budget={"steps": 5}), arm(x=around(2.0))
    better = claim("new.x > old.x", looks=(5, 8), alpha=(0.001, 0.005))
    assert verdict(better, arms(told, told)) == ("PASS", [])
    for silent, first in ((arms(untold, untold), 0), (arms(told, untold), 4)):  # the model was kept
        judgement, _ = verdict_of(better, silent)
        assert judgement.verdict == "VACUOUS"
        assert f"steps is not reported by `new` on seed {first}" in judgement.summary
        excused = claim("new.x > old.x", budget="new is no training")
        assert verdict(excused, silent) == ("PASS", [])


def test_where_nobody_says_what_it_spent_the_budget_guard_says_so():
    arms = {"new": arm(x=around(2.0)), "old": arm(x=around(1.0)[::-1])}
    judgement, _ = verdict_of(claim("new.x > old.x"), arms)
    assert "no arm reports what it spent" in [guard.detail for guard in judgement.guards]


def test_arms_that_computed_the_same_make_a_claim_vacuous():
    no_worse = claim("new.x > old.x - 0.1 and new.y > old.y - 0.1")
    same = arm(x=around(1.0), y=around(2.0))
    other = arm(x=around(1.0), y=[*around(2.0)[1:], 2.0])
    control = {"new": arm(x=around(0.2), y=[0.2, 0.21] * 4, key="control"), "old": other}
    assert verdict(no_worse, {"new": same, "old": other}, control=control) == ("PASS", [])
    assert verdict(no_worse, {"new": same, "old": same}, control=control) == (
        "VACUOUS",
        ["identical"],
    )


def test_a_number_that_is_not_finite_makes_a_claim_vacuous_at_once():
    def check(loss):
        arms = {
            "new": arm(x=around(2.0), loss=around(1.0), loss_floor=[9.0] * 8),
            "old": arm(x=[1.0] * 8, loss=[loss] * 8, loss_floor=[9.0] * 8),
        }
        return verdict(claim("new.x > old.x + 0 * old.loss"), arms)

    assert check(3.0) == ("PASS", [])
    for loss in (math.inf, math.nan):
        assert check(loss) == ("VACUOUS", ["divergence"])


def test_an_undefined_margin_names_the_part_without_a_value():
    def judged(old):
        arms = {"new": arm(x=around(9.0)), "old": arm(x=[old] * 8)}
        return verdict_of(claim("new.x > log(old.x)"), arms)[0]

    assert judged(1.0).needs == "control"
    assert judged(-1.0).verdict == "VACUOUS"
    assert "`new.x > log(old.x)` has no value for sample 0" in judged(-1.0).summary


def test_a_control_that_diverged_proves_nothing():
    arms = {"new": arm(x=around(2.0)), "old": arm(x=[1.0] * 8)}
    off = {"new": arm(x=[math.nan] * 8, key="control"), "old": arms["old"]}
    judgement, _ = verdict_of(claim("new.x > old.x"), arms, control=off)
    assert judgement.verdict == "VACUOUS"
    assert "in the control, new.x is nan on seed 0" in judgement.summary
    assert [guard.name for guard in judgement.guards].count("divergence") == 1


def test_a_control_that_changed_no_number_is_named_as_such():
    arms = {"new": arm(x=around(2.0), ms=[1.0] * 8), "old": arm(x=[1.0] * 8)}
    same = {"new": arm(x=around(2.0), ms=[1.1] * 8, key="control"), "old": arms["old"]}
    judgement, _ = verdict_of(claim("new.x > old.x"), arms, control=same)
    assert judgement.verdict == "VACUOUS"
    assert judgement.summary == (
        "the check holds and means nothing, says the identical guard: "
        "the control computed exactly what the arm did"
    )
    barely = {"new": arm(x=around(2.0001), key="control"), "old": arms["old"]}
    judgement, _ = verdict_of(claim("new.x > old.x"), arms, control=barely)
    assert judgement.summary.startswith("the claim also holds with the mechanism off")


def test_a_control_that_turns_an_arm_into_the_other_one_controls_nothing():
    """Its parameters may differ, in one that does nothing: a thing never beats itself."""
    arms = {"new": arm(x=around(2.0), y=around(3.0)), "old": arm(x=around(1.0), y=around(4.0))}
    case = claim("new.x > old.x")

    def turned(y):
        return {"new": arm(x=around(1.0), y=y, key="control"), "old": arms["old"]}

    judgement, _ = verdict_of(case, arms, control=turned(around(4.0)))
    assert judgement.verdict == "VACUOUS"
    assert judgement.summary.endswith(
        "the control turned `new` into `old`: the same numbers on every seed"
    )
    # Of a metric that is compared a tie alone is no identity.
    assert verdict(case, arms, control=turned(around(4.1)))[1] == []


def test_whole_numbers_and_floors_that_tie_do_not_show_that_the_seed_is_ignored():
    def guards(**metrics):
        arms = {"new": arm(**metrics), "old": arm(x=[0.0] * 8)}
        return verdict(claim("new.x > old.x"), arms)[1]

    assert guards(x=[1.0] * 8) == []
    assert guards(x=[1.0] * 8, ms=[0.1 * i for i in range(8)]) == []
    assert guards(x=[1.0] * 8, acc=[1.0] * 8, floor=[0.1] * 8) == []
    assert guards(x=[1.5] * 8) == ["seeds"]
    assert guards(x=[1.5] * 8, ms=[0.1 * i for i in range(8)]) == ["seeds"]
    assert guards(x=[1.5] * 7 + [1.6]) == []


def test_a_curve_tells_one_seed_from_another():
    def guards(last):
        runs = [
            replace(run, curves={"loss": [[0, 2.5], [1, last(seed)]]})
            for seed, run in enumerate(arm(x=[1.0] * 8))
        ]
        return verdict(claim("new.x > old.x"), {"new": runs, "old": arm(x=[0.0] * 8)})[1]

    assert guards(lambda seed: 1.5 + seed) == []
    assert guards(lambda seed: 1.5) == ["seeds"]


def test_guards_are_shown_whatever_the_verdict():
    judgement, _ = verdict_of(
        claim("new.x > old.x"), {"new": arm(x=around(0.5)), "old": arm(x=[1.0] * 8)}
    )
    assert judgement.verdict == "FAIL"
    assert [guard.name for guard in judgement.guards] == [
        "chance",
        "ceiling",
        "budget",
        "identical",
        "divergence",
        "seeds",
    ]


def test_samples_hold_one_seed_each():
    check = claim("new.x > old.x").parsed_check()
    runs = {"new": arm(x=[1, 2, 3]), "old": arm(x=[0, 0, 5])}
    assert margins_of(check.parts[0], samples_of(runs, check, "margin")) == [1.0, 2.0, -2.0]


@pytest.mark.parametrize("name", ["steps", "examples"])
def test_a_control_that_was_only_trained_less_makes_a_claim_vacuous(name):
    arms = {
        "new": arm(x=around(1.0), budget={name: 100}),
        "old": arm(x=around(0.0), budget={name: 100}),
    }

    def control(amount):
        return {"new": arm(x=around(-1.0), budget={name: amount}, key="off"), "old": arms["old"]}

    better = claim("new.x > old.x", budget="an excuse for the arms is none for the control")
    assert verdict(better, arms, control=control(100)) == ("PASS", [])
    assert verdict(better, arms, control=control(10)) == ("VACUOUS", ["budget"])
