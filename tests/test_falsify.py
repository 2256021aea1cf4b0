"""Mutations of the trial experiments: each ends in its own way."""

import pytest
from claims_in_tests import DRAWS, write_claims

from paperbench.cli import run
from paperbench.cli.falsify import _exit_code
from paperbench.engine.pool import InProcess
from paperbench.falsify import _equal, falsify
from paperbench.judge.mutation_record import MutationRecord, TriedMutation, read_mutations
from paperbench.ledger import FinishedRun, Ledger
from paperbench.plan import Site
from paperbench.registry import find
from paperbench.spec import load_claim_file
from paperbench.verify import Watcher


class Counter(Watcher):
    def __init__(self):
        self.ran = []

    def run_ended(self, run, outcome, *, cached):
        if not cached:
            self.ran.append((run.label, run.seed))


@pytest.fixture
def tried(tmp_path):
    """Falsify the claims of a text; returns what became of each claim, and the runs."""

    def run(text=DRAWS):
        file = load_claim_file(write_claims(tmp_path, text) / "draws.yaml")
        counter = Counter()
        found = falsify(
            [(file, claim) for claim in file.claims.values()],
            Site("quick", "cpu"),
            Ledger(tmp_path / "ledger.sqlite"),
            InProcess,
            counter,
        )
        return {each.claim.claim: each for each in found}, counter.ran

    return run


def fates(tried_claim):
    return {trial.mutation.partition(":")[2]: trial.fate for trial in tried_claim.trials}


def test_each_mutation_meets_its_fate(tried):
    claims, _ = tried()
    assert fates(claims["high-is-higher"]) == {
        "upside-down": "killed",
        "louder": "survived",
        "other-way-round": "survived",
        "no-change": "did not apply",
        "not-a-number": "killed",
        "broken": "error",
    }


def test_why_is_told(tried):
    claims, _ = tried()
    details = {t.mutation.partition(":")[2]: t.detail for t in claims["high-is-higher"].trials}
    assert details["upside-down"].startswith("by the check: −1.")
    assert details["louder"].startswith("too close to tell after 8 seeds: ")
    assert details["other-way-round"].startswith("the claim still holds: +0.")
    assert details["no-change"] == "it changed no number"
    assert "diverged" in details["not-a-number"]
    assert details["broken"].endswith("ValueError: no level today")


def test_a_claim_that_does_not_pass_is_not_tried(tried):
    claims, _ = tried()
    assert claims["low-is-higher"].claim.verdict == "FAIL"
    assert claims["low-is-higher"].trials == []


def test_an_arm_that_the_part_leaves_alone_is_not_trained_again(tried):
    text = DRAWS.replace("low: {mean: 0.0}", "low: {mean: -0.25, spread: 0.0}")
    _, ran = tried(text)
    mutated = [label for label, _ in ran if "other-way-round" in label]
    assert sum("high" in label for label in mutated) == 3
    assert sum("low" in label for label in mutated) == 1


def test_a_count_that_ties_on_one_seed_does_not_show_that_an_arm_is_left_alone():
    def left_alone(experiment, **metrics):
        run = FinishedRun("key", "lineage", "done", metrics=metrics, curves={"loss": [[0, 1.5]]})
        return _equal(find(experiment), run, run)

    assert not left_alone("trial/fit", test_acc=0.95, majority_acc=0.1)
    assert not left_alone("trial/draw", value=1.0, floor=0.5)
    assert left_alone("trial/draw", value=1.01, floor=0.5)


def record_of(*trials):
    return MutationRecord.model_validate(
        {
            "paper": "p",
            "title": "P",
            "tier": "quick",
            "device": "cpu",
            "environment": {},
            "generated": "",
            "mutations": [
                TriedMutation(name=name, summary="", sha256="")
                for name in dict.fromkeys(mutation for mutation, _ in trials)
            ],
            "trials": [
                {"claim": f"c{i}", "mutation": mutation, "fate": fate, "detail": ""}
                for i, (mutation, fate) in enumerate(trials)
            ],
        }
    )


def test_one_claim_that_catches_a_mutation_is_enough():
    record = record_of(("m", "survived"), ("m", "killed"), ("m", "unseen"))
    assert record.fate("m") == "killed"
    assert (record.killed, record.applied) == (1, 1)


def test_a_mutation_that_no_claim_looks_at_has_survived():
    record = record_of(("m", "unseen"), ("m", "did not apply"))
    assert record.fate("m") == "survived"
    assert (record.killed, record.applied) == (0, 1)


def test_what_did_not_apply_or_crashed_is_in_no_score():
    record = record_of(("m", "did not apply"), ("n", "error"), ("n", "killed"), ("k", "killed"))
    assert record.fate("m") == "did not apply"
    assert record.fate("n") == "error"
    assert (record.killed, record.applied) == (1, 1)


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def falsify(*arguments, text=DRAWS):
        write_claims(tmp_path, text)
        code = run(["falsify", "-j", "0", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return falsify


def test_the_command_tells_fates_and_survivors_and_writes_a_page(call, tmp_path):
    code, out, _ = call()
    assert code == 3  # one mutation crashed, one did not apply
    assert "draws: 2 of 4 mutations killed (50 %)" in out
    assert "survived: trial/level:louder, trial/level:other-way-round" in out
    stored = read_mutations(tmp_path / "results/mutations/quick-cpu/draws.json")
    assert stored.killed == 2
    page = (tmp_path / "results/mutations/quick-cpu/draws.md").read_text()
    assert "| trial/level:upside-down | The mean's sign is flipped. | killed |" in page


def test_a_second_call_trains_nothing(call):
    call()
    _, out, _ = call()
    assert [line for line in out.splitlines() if line.startswith("  ran ")] == [
        line for line in out.splitlines() if " with broken " in line or " with not-a-n" in line
    ]


def runs_of(text):
    """The runs that a call carried out, without their times."""
    return sorted(line.split("  ")[1] for line in text.splitlines() if line.startswith("  ran "))


def test_fresh_trains_each_run_once_more_and_none_twice(call):
    _, first, _ = call()
    _, again, _ = call("--fresh")
    assert runs_of(again) == runs_of(first)
    assert len(set(runs_of(again))) == len(runs_of(again))


def test_part_of_a_paper_is_not_stored(call, tmp_path):
    _, out, _ = call("draws/high-is-higher")
    assert "2 of 4 mutations killed" in out
    assert not (tmp_path / "results").exists()


def test_a_claim_without_mutations_is_nothing_to_falsify(call, monkeypatch):
    monkeypatch.setattr("paperbench.falsify.components_of", lambda paper: [])
    code, _, err = call()
    assert code == 5
    assert "no mutation is registered for the selected claims" in err


def test_where_no_claim_passes_no_mutation_is_blamed(call, tmp_path):
    code, out, _ = call("draws/low-is-higher")
    assert code == 0
    assert "draws: no mutation applied; not tried, since no claim passes: trial/level:ups" in out
    assert "did not apply" not in out
    assert call("draws/low-is-higher", "--at-least", "0.1")[0] == 1
    assert call("draws/low-is-higher", "--at-least", "0")[0] == 0


def test_a_claim_that_errors_is_an_error_here_too(call):
    text = DRAWS.replace("trial/draw", "trial/trouble").replace("{spread: 0.01}", "{}")
    text = text.replace("{mean: 0.0}", "{how: none}").replace("{mean: 1.0}", "{how: raise}")
    text = text.replace("{mean: 0.01}", "{how: diverge}").replace("{mean: -1.0}", "{how: diverge}")
    assert call(text=text.replace(".value", ".loss"))[0] == 3


def test_the_smoke_tier_kills_nothing(call):
    code, _, err = call("--tier", "smoke")
    assert code == 2
    assert "the smoke tier gives no verdict, so nothing can be killed there" in err


def test_an_interrupted_call_says_what_is_kept(call, monkeypatch, tmp_path):
    from paperbench.engine import pool

    collect, calls = pool.InProcess.collect, iter(range(99))

    def interrupted(self, seconds):
        if next(calls) == 4:
            raise KeyboardInterrupt
        return collect(self, seconds)

    monkeypatch.setattr(pool.InProcess, "collect", interrupted)
    code, out, _ = call()
    assert code == 130
    kept = out.count("  ran ")
    assert kept >= 4
    assert f"interrupted: {kept} finished runs are kept; the same command resumes" in out
    assert not (tmp_path / "results").exists()


@pytest.fixture
def shown(call, tmp_path, capsys):
    """Falsify and verify; then what `report`, the page and `why` say after a change."""
    call()
    assert run(["verify", "-j", "0"]) == 0

    def show():
        capsys.readouterr()
        assert run(["report"]) == 0
        report = capsys.readouterr().out
        assert run(["why", "high-is-higher"]) == 0
        page = (tmp_path / "results/mutations/quick-cpu/draws.md").read_text()
        return report, page, " ".join(capsys.readouterr().out.split())

    return show


def test_trials_of_today_are_not_marked(shown):
    report, page, why = shown()
    assert "| 2 of 4 |" in report
    assert "tale" not in page
    assert "mutants 2 of 4 mutations killed; survived: trial/level:louder, trial" in why
    assert "tale" not in why


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("claims", "> 0.5", "> 0.4"), "the claim high-is-higher or its code has changed since"),
        (("record", '"rules": ', '"rules": 1'), "the rules of judging have changed since"),
        (
            ("record", '"sha256": "', '"sha256": "0'),
            "the mutation trial/level:broken was added, removed or changed since",
        ),
    ],
)
def test_trials_of_another_day_do_not_count(shown, tmp_path, change, reason):
    which, old, new = change
    path = tmp_path / "results/mutations/quick-cpu/draws.json"
    path = tmp_path / "claims/draws.yaml" if which == "claims" else path
    path.write_text(path.read_text().replace(old, new))
    report, page, why = shown()
    assert "| 2 of 4 stale |" in report
    assert f"**Stale: T{reason[1:]}. This does not count until `paperbench falsify`" in page
    if which == "record":
        assert f"(stale: {reason})" in why
    else:  # the verdict itself says so
        assert "(quick, cpu, stale)" in why


def test_a_low_score_can_fail():
    record = record_of(("m", "killed"), ("n", "survived"))
    assert _exit_code([record], None) == 0
    assert _exit_code([record], 0.5) == 0
    assert _exit_code([record], 0.6) == 1
    assert _exit_code([record, record_of(("m", "error"))], None) == 3
