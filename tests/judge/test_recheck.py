"""A stored verdict follows from the numbers beside it, or is shown not to."""

import json

import pytest
from judge_cases import INFO, arm, around, claim, verdict_of

from paperbench.judge.build_record import to_record
from paperbench.judge.decide import Evidence, looks_of
from paperbench.judge.recheck import departures
from paperbench.judge.record import ClaimRecord

ARMS = {
    "new": arm(acc=around(0.9), floor=[0.1] * 8, budget={"steps": 10}, key="new"),
    "old": arm(acc=around(0.5)[::-1], floor=[0.1] * 8, budget={"steps": 10}, key="old"),
}
OFF = {"new": arm(acc=around(0.3)[::-1], floor=[0.1] * 8, key="off"), "old": ARMS["old"]}
BETTER = claim("new.acc > old.acc + 0.1")


def recorded(claim, arms, **evidence):
    judgement, look = verdict_of(claim, arms, **evidence)
    record = to_record(
        claim,
        INFO,
        Evidence(arms, **evidence),
        judgement,
        look,
        looks=looks_of(claim, seeds=None),
        tier="quick",
        exploratory=False,
        spec_sha256="abc",
    )
    return ClaimRecord.model_validate_json(record.model_dump_json())


def found(claim, record):
    return list(departures(claim, INFO, record, "quick"))


ANCHORED = claim("new.x > old.x", anchor={"arm": "old", "params": {}, "check": "old.x > 5"})
NEW, OLD = arm(x=around(2.0)), arm(x=around(1.0)[::-1])
MS = [1.1, 1.2, 1.1, 1.3, 1.2, 1.2]
CASES = {
    "pass": (BETTER, ARMS, {"control": OFF}),
    "fail": (claim("new.acc < old.acc"), ARMS, {}),
    "no floor": (BETTER, ARMS | {"new": arm(acc=around(0.9), floor=[0.95] * 8)}, {}),
    "control passes": (BETTER, ARMS, {"control": ARMS | {"new": arm(acc=around(0.8)[::-1])}}),
    "undecided": (claim("new.x > old.x"), {"new": arm(x=[1, -1] * 4), "old": OLD}, {}),
    "diverged": (claim("new.x > old.x"), {"new": arm(x=[float("nan")] * 8), "old": OLD}, {}),
    "one seed in truth": (claim("new.x > 1"), {"new": arm(x=[1.5] * 8)}, {}),
    "anchored": (
        ANCHORED,
        {"new": NEW, "old": OLD},
        {"control": {"new": arm(x=around(0.5)), "old": OLD}, "anchor": arm(x=[9.0] * 8)},
    ),
    "anchor missed": (ANCHORED, {"new": NEW, "old": OLD}, {"anchor": arm(x=[1.0] * 8)}),
    "exact": (
        claim("new.error < 1e-6", kind="exact"),
        {"new": arm(error=[1e-9, 2e-9, 1e-9])},
        {"control": {"new": arm(error=[1.0, 2.0, 1.0])}},
    ),
    "rate": (
        claim("new.solved > 0.4", kind="rate", looks=(8,), alpha=(0.005,)),
        {"new": arm(solved=[1.0] * 8)},
        {"control": {"new": arm(solved=[0.0] * 8)}},
    ),
    "timing": (
        claim("new.ms < 1.5 * old.ms", kind="timing"),
        {"new": arm(ms=[MS]), "old": arm(ms=[[1.0] * 6])},
        {"control": {"new": arm(ms=[[2.0 * ms for ms in MS]]), "old": arm(ms=[[1.0] * 6])}},
    ),
    "later look": (
        claim("new.x > old.x + 0.5"),
        {"new": arm(x=[1.9, 1.6, 2.4, 2.0, 1.9, 2.1, 2.0, 2.2]), "old": OLD},
        {"control": {"new": arm(x=around(0.0)), "old": OLD}},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_the_judge_wrote_follows_from_its_numbers(case):
    stated, arms, evidence = case
    assert found(stated, recorded(stated, arms, **evidence)) == []


def test_the_cases_end_in_every_way():
    verdicts = {recorded(stated, arms, **given).verdict for stated, arms, given in CASES.values()}
    assert verdicts == {"PASS", "FAIL", "VACUOUS", "INCONCLUSIVE"}


def passed(record):
    record.update(verdict="PASS", as_expected=True)
    for guard in record["guards"]:
        guard["ok"] = True


@pytest.mark.parametrize(
    "name", [name for name in CASES if name not in ("one seed in truth", "anchor missed")]
)
def test_no_other_verdict_can_be_made_a_pass(name):
    stated, arms, evidence = CASES[name]
    record = recorded(stated, arms, **evidence)
    content = json.loads(record.model_dump_json())
    passed(content)
    edited = ClaimRecord.model_validate(content)
    said = found(stated, edited)
    if record.verdict == "PASS":
        assert said == []
    else:
        assert said and said[0].startswith("verdict PASS, where its numbers say ")


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda r: r.update(verdict=None), "verdict none, of a claim of `kind: margin`"),
        (lambda r: r.update(expected="FAIL"), "expected 'FAIL', where its numbers say 'PASS'"),
        (lambda r: r.update(as_expected=False), "as_expected False"),
        (lambda r: r.update(statement="Much better."), "statement 'Much better.'"),
        (lambda r: r["margin"].update(low=0.29), "margin.low 0.29, where its numbers say 0."),
        (lambda r: r["parts"][0]["margin"]["values"].__setitem__(0, 9.0), "parts[0].margin.values"),
        (lambda r: r.update(p_value=1e-9), "p_value 1e-09, where"),
        (lambda r: r["support"].update(holds=2), "support.holds 2, where"),
        (lambda r: r["warnings"].append("none"), "warnings ['none'], where"),
        (lambda r: r["control"].update(verdict="FAIL"), "control.verdict 'FAIL', where its"),
        (lambda r: r["control"].update(overrides={}), "control.overrides {}"),
        (lambda r: r.update(control=None), "its numbers say nothing without its control"),
        (lambda r: r.update(look=2, seeds=[0, 1, 2, 3, 4]), "look 2, where its numbers say 1"),
        (lambda r: r["arms"]["new"]["acc"].pop(), "its 3 seeds are not all among its numbers"),
        (lambda r: r["arms"]["new"]["acc"].__setitem__(0, 0.2), "nothing without its seeds"),
        (lambda r: r["budgets"]["new"].update(steps=99), "its numbers say VACUOUS"),
        (lambda r: r["arms"]["old"]["floor"].__setitem__(2, 0.6), "its numbers say VACUOUS"),
    ],
)
def test_an_edited_field_is_named(edit, said):
    content = json.loads(recorded(BETTER, ARMS, control=OFF).model_dump_json())
    assert content["look"] == 1
    edit(content)
    phrases = found(BETTER, ClaimRecord.model_validate(content))
    assert any(said in phrase for phrase in phrases), phrases
