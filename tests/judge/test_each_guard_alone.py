"""What stands between a meaningless claim and a PASS: each guard shown to be the only thing.

Every test makes a claim that means nothing and whose evidence is sound in every other respect. It
shows that the claim passes with the one guard out of the way, and that it does not with the guard.
"""

import math
from typing import get_args

import pytest
from claims_in_tests import DRAWS, write_claims
from judge_cases import arm, around, claim, verdict_of
from records_in_tests import claim as stored_claim
from records_in_tests import margin
from records_in_tests import paper as stored_paper

from paperbench.cli import run
from paperbench.judge import decide
from paperbench.judge.control import ControlFinding
from paperbench.judge.outcome import as_expected
from paperbench.judge.record import Guard, dump_record, read_record
from paperbench.registry import experiments
from paperbench.report import staleness
from paperbench.sources import code_sha256
from paperbench.spec import load_and_validate, load_claim_file
from paperbench.spec import validate_schedule as schedule

BESIDES_GUARDS = {"control", "unreachable alpha", "seeds chosen by hand", "stale hash"}
PROVEN = {}


def alone(name):
    """Mark a test as the proof that `name` alone stands between its claim and a PASS."""

    def mark(test):
        PROVEN[name] = test.__name__
        return test

    return mark


def test_every_guard_there_is_has_its_own_proof():
    guards = set(get_args(Guard.model_fields["name"].annotation))
    assert set(PROVEN) == guards | BESIDES_GUARDS
    assert len(set(PROVEN.values())) == len(PROVEN)
    assert all(name in globals() for name in PROVEN.values())


@pytest.fixture
def without(monkeypatch):
    """Judge with the guard of the given name switched off: whatever it sees, it says ok."""

    def judged(name, *case, **evidence):
        def off(*_, **__):
            return Guard(name=name, ok=True, detail="switched off")

        with monkeypatch.context() as patch:
            patch.setattr(decide.guard, name, off)
            return verdict_of(*case, **evidence)[0].verdict

    return judged


def trips(name, *case, **evidence):
    """Judge with every guard; return the verdict after showing that only `name` tripped."""
    judgement, _ = verdict_of(*case, **evidence)
    assert [guard.name for guard in judgement.guards if not guard.ok] == [name]
    assert f"means nothing, says the {name} guard: " in judgement.summary
    return judgement.verdict


def off(arms, **metrics):
    """The control's runs: `new` with other numbers, `old` as it is."""
    return {"new": arm(key="control", **metrics), "old": arms["old"]}


@alone("chance")
def test_two_arms_that_learned_nothing_differ_and_that_is_no_finding(without):
    """FoX 8.53 against a Transformer's 8.56, where knowing nothing is worth 8.52."""
    arms = {
        "new": arm(loss=around(8.53), loss_floor=[8.517] * 8),
        "old": arm(loss=around(8.56), loss_floor=[8.517] * 8),
    }
    control = off(arms, loss=around(8.60), loss_floor=[8.517] * 8)
    case = claim("new.loss < old.loss"), arms
    assert without("chance", *case, control=control) == "PASS"
    assert trips("chance", *case, control=control) == "VACUOUS"


@alone("anchor")
def test_a_baseline_that_cannot_do_the_easy_instance_either_is_broken_not_beaten(without):
    arms = {"new": arm(x=around(2.0)), "old": arm(x=around(1.0)[::-1])}
    anchored = claim(
        "new.x > old.x", anchor={"arm": "old", "params": {"easy": True}, "check": "old.x > 5"}
    )
    evidence = {"control": off(arms, x=around(0.5)), "anchor": arm(x=[1.0] * 8, key="easy")}
    assert without("anchor", anchored, arms, **evidence) == "PASS"
    assert trips("anchor", anchored, arms, **evidence) == "VACUOUS"


@alone("ceiling")
def test_on_a_task_that_everything_solves_no_worse_is_no_finding(without):
    arms = {
        "new": arm(acc=[1.0, 0.9995] * 4, floor=[0.1] * 8),
        "old": arm(acc=[0.9999, 0.9993] * 4, floor=[0.1] * 8),
    }
    control = off(arms, acc=around(0.5), floor=[0.1] * 8)
    case = claim("new.acc > old.acc - 0.05"), arms
    assert without("ceiling", *case, control=control) == "PASS"
    assert trips("ceiling", *case, control=control) == "VACUOUS"


@alone("budget")
def test_ten_times_the_training_wins_and_the_mechanism_gets_the_credit(without):
    arms = {
        "new": arm(x=around(2.0), budget={"steps": 1000}),
        "old": arm(x=around(1.0)[::-1], budget={"steps": 100}),
    }
    control = off(arms, x=around(0.5), budget={"steps": 1000})
    case = claim("new.x > old.x"), arms
    assert without("budget", *case, control=control) == "PASS"
    assert trips("budget", *case, control=control) == "VACUOUS"


@alone("identical")
def test_a_switch_that_is_wired_to_nothing_is_no_worse_than_itself(without):
    arms = {"new": arm(x=around(1.0)), "old": arm(x=around(1.0))}
    control = off(arms, x=around(0.2))
    case = claim("new.x > old.x - 0.1"), arms
    assert without("identical", *case, control=control) == "PASS"
    assert trips("identical", *case, control=control) == "VACUOUS"


@alone("divergence")
def test_a_control_that_blew_up_misses_any_tolerance_and_proves_nothing(without):
    """Among a claim's own arms a NaN can never hold; in an exact control it would be `caught`."""
    arms = {"new": arm(params=[7.0] * 8)}
    exact = claim("new.params == 7", kind="exact")
    control = {"new": arm(params=[math.nan] * 8, key="control")}
    assert without("divergence", exact, arms, control=control) == "PASS"
    assert trips("divergence", exact, arms, control=control) == "VACUOUS"
    broken = {"new": arm(x=[math.nan] * 8), "old": arm(x=around(1.0))}
    assert without("divergence", claim("new.x > old.x"), broken) == "INCONCLUSIVE"


@alone("seeds")
def test_an_experiment_that_ignores_its_seed_has_one_seed_however_often_it_is_run(without):
    """Eight equal margins would be a sign test's 8 of 8."""
    arms = {"new": arm(x=[1.25] * 8), "old": arm(x=[1.125] * 8)}
    case, control = (claim("new.x > old.x"), arms), off(arms, x=[0.5] * 8)
    assert without("seeds", *case, control=control) == "PASS"
    assert trips("seeds", *case, control=control) == "VACUOUS"
    worse = claim("new.x < old.x"), arms
    assert without("seeds", *worse, control=control) == "FAIL"
    assert trips("seeds", *worse, control=control) == "VACUOUS"


@alone("control")
def test_what_holds_with_the_mechanism_off_is_not_the_mechanisms_doing(monkeypatch):
    arms = {"new": arm(x=around(2.0)), "old": arm(x=around(1.0)[::-1])}
    case, control = (claim("new.x > old.x"), arms), off(arms, x=around(1.9))
    judgement, _ = verdict_of(*case, control=control)
    assert judgement.verdict == "VACUOUS"
    assert judgement.summary.startswith("the claim also holds with the mechanism off: ")
    assert all(guard.ok for guard in judgement.guards)

    def content(*given):
        found = judge_control(*given)
        return ControlFinding("separated", found.record, found.detail)

    judge_control = decide.judge_control
    monkeypatch.setattr(decide, "judge_control", content)
    assert verdict_of(*case, control=control)[0].verdict == "PASS"


def problems(folder, text):
    """The errors of `draws.yaml` with this text, as `validate` and `verify` find them."""
    from paperbench.errors import SpecErrors

    try:
        load_and_validate([write_claims(folder, text)], experiments())
    except SpecErrors as broken:
        return str(broken)
    return ""


NOISE = {  # the mean is 0: it supports `new.x > old.x` by chance
    "new": arm(x=[1.3, 1.1, 0.9, 0.4, 1.2, 0.8, 1.1, 1.2]),
    "old": arm(x=[1.0] * 8),
}


@alone("unreachable alpha")
def test_a_schedule_cannot_spend_so_much_error_that_noise_passes_nor_so_little_that_nothing_can(
    tmp_path, monkeypatch
):
    control = off(NOISE, x=[-9.0, -9.3, -8.9, -9.1, -9.0, -9.2, -8.8, -9.1])
    spent = claim("new.x > old.x", looks=(3,), alpha=(0.4,))
    honest = claim("new.x > old.x")
    assert verdict_of(honest, NOISE, control=control)[0].verdict == "INCONCLUSIVE"
    assert verdict_of(spent, NOISE, control=control)[0].verdict == "PASS"
    generous = DRAWS.replace(
        "    because: Its", "    looks: [3]\n    alpha: [0.4]\n    because: Its", 1
    )
    assert "adds up to 0.4, more than 0.025" in problems(tmp_path, generous)

    # Three successes of three cannot show a rate above 0.9, so this one is undecided whatever
    # happens: predicting that would be met by every model there is.
    rate = claim("new.solved > 0.9", kind="rate", looks=(3,), alpha=(0.005,))
    for solved in ([1.0] * 8, [1.0, 0.0] * 4):
        verdict = verdict_of(rate, {"new": arm(solved=solved)})[0].verdict
        assert as_expected(verdict, "INCONCLUSIVE")
    hopeless = DRAWS.replace("high.value - low.value > 0.5", "high.value > 0.9").replace(
        "    because: Its",
        "    kind: rate\n    looks: [3]\n    alpha: [0.005]\n    because: Its",
        1,
    )
    refused = problems(tmp_path, hopeless)
    assert "can never be told from its control: even 3 of 3 pairs of seeds" in refused

    monkeypatch.setattr(schedule, "_alpha_problems", lambda *_: [])
    monkeypatch.setattr(schedule, "_rate_problems", lambda *_: [])
    assert [problems(tmp_path, text) for text in (generous, hopeless)] == ["", ""]


@pytest.fixture
def shown(tmp_path, monkeypatch, capsys):
    """Store a PASS on a claim of the trial file; return what each command shows of it."""
    monkeypatch.chdir(tmp_path)
    claims = write_claims(tmp_path)
    file = load_claim_file(claims / "draws.yaml")
    spec = file.claim_sha256(file.claims["high-is-higher"])
    page = "<!-- paperbench: results quick-cpu -->\n<!-- paperbench: end -->\n"

    def show(**changes):
        record = stored_claim(
            "high-is-higher", spec_sha256=spec, code_sha256=code_sha256("trial/draw"), **changes
        )
        place = tmp_path / "results" / "quick-cpu" / "draws.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(dump_record(stored_paper(record, paper="draws")))
        (tmp_path / "README.md").write_text(page)
        screens = {}
        for command in ("list", "why high-is-higher", "report --markdown --into README.md"):
            assert run(command.split()) == 0
            screens[command.split()[0]] = capsys.readouterr().out
        screens["README"] = (tmp_path / "README.md").read_text()
        return screens

    return show


def verdicts_in(screens):
    """Whether each screen marks the PASS that it shows as stale."""
    lines = {
        name: next(line for line in text.splitlines() if "PASS" in line)
        for name, text in screens.items()
    }
    return {name: "stale" in line for name, line in lines.items()}


def never_counts(screens):
    """Show that no screen holds the PASS as one of today, and that the counts leave it out."""
    assert verdicts_in(screens) == dict.fromkeys(("list", "why", "report", "README"), True)
    for page in (screens["report"], screens["README"]):
        assert "0 as expected, 1 stale." in page


def counts(screens):
    """Show that every screen holds the PASS as one of today."""
    assert not any(verdicts_in(screens).values())
    for page in (screens["report"], screens["README"]):
        assert "1 as expected." in page


def switched_off(monkeypatch):
    """From here on no stored verdict is questioned."""
    monkeypatch.setattr(staleness, "why_stale", lambda *_: None)


@alone("stale hash")
def test_a_threshold_that_was_moved_after_its_pass_leaves_no_pass(shown, tmp_path, monkeypatch):
    counts(shown())
    write_claims(tmp_path, DRAWS.replace("> 0.5", "> 0.0"))
    moved = shown()
    never_counts(moved)
    assert "The claim or its code has changed since" in moved["why"]
    switched_off(monkeypatch)
    counts(shown())


PICKED = {"seeds": [3, 11, 42]}


@pytest.mark.parametrize(
    "changes",
    [
        PICKED,
        {"seeds": [0, 1, 3]},
        {"seeds": [2, 1, 0]},
        {"seeds": [0, 1], "looks": [2, 5, 8], "margin": margin(n=2)},  # looks of its own
        {"seeds": [0, 1, 2, 3]},
        {"seeds": [0, 1, 2], "look": 2},
        {"look": 0},
        {"look": 4},
        {"seeds": [0, 1, 2, 3, 4], "look": 2},  # of which the margin shows three
        {"exploratory": True},
    ],
    ids=lambda changes: " ".join(changes),
)
def test_a_stored_verdict_on_other_seeds_than_a_look_asks_for_does_not_count(shown, changes):
    never_counts(shown(**changes))


@alone("seeds chosen by hand")
def test_nobody_chooses_the_seeds_that_a_verdict_rests_on(shown, tmp_path, monkeypatch, capsys):
    # Not in the claim file,
    text = DRAWS.replace("    because: Its", "    seeds: [3, 11, 42]\n    because: Its", 1)
    assert "unknown key `seeds` in claim `high-is-higher`" in problems(tmp_path, text)
    write_claims(tmp_path)
    # nor on the command line, which takes a number and then stores nothing,
    assert run(["verify", "draws", "--seeds", "3,11,42"]) == 2
    assert "Invalid value for '--seeds'" in capsys.readouterr().err
    assert run(["verify", "draws", "--seeds", "3", "-j", "0"]) == 0
    assert "exploratory" in capsys.readouterr().out
    assert not (tmp_path / "results").exists()
    # nor in a results file.
    picked = shown(**PICKED)
    never_counts(picked)
    assert "It rests on the seeds 3, 11, 42, which are not the first of the claim's looks" in (
        " ".join(picked["why"].split())
    )
    assert read_record(tmp_path / "results" / "quick-cpu" / "draws.json").claims[0].verdict
    switched_off(monkeypatch)
    counts(shown(**PICKED))
