"""The loop from claims to verdicts, with trial experiments that cost nothing."""

import os
import signal
import subprocess
import sys

import pytest
from claims_in_tests import DRAWS, write_claims

from paperbench.engine.pool import InProcess
from paperbench.ledger import Ledger
from paperbench.plan import Site
from paperbench.spec import load_claim_file
from paperbench.verify import Options, Watcher, verify


class Counter(Watcher):
    def __init__(self):
        self.ran, self.cached = [], []

    def run_ended(self, run, outcome, *, cached):
        (self.cached if cached else self.ran).append((run.label, run.seed))


@pytest.fixture
def judged(tmp_path):
    """Verify a claim file's text; returns records by claim and what was run."""

    def run(text=DRAWS, **options):
        file = load_claim_file(write_claims(tmp_path, text) / "draws.yaml")
        counter = Counter()
        selected = [(file, claim) for claim in file.claims.values()]
        ledger = Ledger(tmp_path / "ledger.sqlite")
        records = {
            record.claim: record
            for _, record in verify(
                selected, Options(Site("quick", "cpu"), **options), ledger, InProcess, counter
            )
        }
        return records, counter

    return run


def test_a_true_claim_passes_at_the_first_look_and_a_false_one_fails(judged):
    records, counter = judged()
    assert records["high-is-higher"].verdict == "PASS"
    assert records["high-is-higher"].margin.n == 3
    assert records["low-is-higher"].verdict == "FAIL"
    assert records["low-is-higher"].as_expected


def test_runs_that_two_claims_share_are_carried_out_once(judged):
    _, counter = judged()
    assert len(counter.ran) == 9  # low, high and one control, three seeds each
    assert len(set(counter.ran)) == 9


def test_a_second_call_trains_nothing_and_says_the_same(judged):
    first, _ = judged()
    second, counter = judged()
    assert counter.ran == []
    assert first == second


def test_fresh_trains_again(judged):
    judged()
    _, counter = judged(fresh=True)
    assert len(counter.ran) == 9


def test_the_bench_asks_for_more_seeds_only_while_it_is_undecided(judged):
    records, counter = judged(DRAWS.replace("spread: 0.01", "spread: 1.0"))
    record = records["high-is-higher"]
    assert record.margin.n in (5, 8)
    assert max(seed for _, seed in counter.ran) == 7 or record.verdict != "INCONCLUSIVE"


def test_another_number_of_seeds_is_exploratory(judged):
    records, _ = judged(seeds=4)
    assert records["high-is-higher"].exploratory
    assert records["high-is-higher"].margin.n == 4


def test_a_run_that_fails_is_an_error_of_its_claim_only_and_is_not_kept(judged, tmp_path):
    text = (
        DRAWS
        + """\
  broken:
    statement: It raises.
    experiment: trouble
    check: good.loss < bad.loss
    control: {good: {how: nan}}
"""
    )
    text = text.replace(
        "claims:\n  high",
        """\
  trouble:
    run: trial/trouble
    arms:
      good: {how: none}
      bad: {how: raise}
    tiers: {smoke: {}, quick: {}}
claims:
  high""",
        1,
    )
    records, counter = judged(text)
    assert records["broken"].verdict == "ERROR"
    assert "the trial went wrong on purpose" in records["broken"].summary
    assert records["high-is-higher"].verdict == "PASS"
    _, again = judged(text)
    assert {label for label, _ in again.ran} == {"draws/trouble bad"}


def test_fail_fast_stops_at_the_first_claim_that_is_not_as_expected(judged):
    text = DRAWS.replace("    expect: fail\n    reason: It is the other way round.\n", "")
    first, second = text.split("  high-is-higher:")[0], text.split("  low-is-higher:")[1]
    text = (
        first
        + "  low-is-higher:"
        + second
        + "  high-is-higher:"
        + (text.split("  high-is-higher:")[1].split("  low-is-higher:")[0])
    )
    records, _ = judged(text, fail_fast=True)
    assert list(records) == ["low-is-higher"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_verify_keeps_what_finished_and_resumes(tmp_path, how):
    write_claims(tmp_path)
    command = [sys.executable, "-m", "paperbench", "verify", "draws", "-j", "1"]
    command += ["--replicates", "alone"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        stderr=subprocess.STDOUT,
        env={**os.environ, "STAYS_AT_SEED": "1"},
    )
    for line in process.stdout:
        if line.startswith("  ran "):
            break
    process.send_signal(how)
    output = process.stdout.read()
    code = process.wait(timeout=300)
    process.stdout.close()
    if how == signal.SIGINT:
        assert code == 130
        assert "finished runs are kept; the same command resumes" in output
    reply = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    ran = [line for line in reply.stdout.splitlines() if line.startswith("  ran ")]
    assert 0 < len(ran) < 9
    assert "PASS" in reply.stdout


def test_what_is_cached_needs_no_engine(tmp_path):
    file = load_claim_file(write_claims(tmp_path) / "draws.yaml")
    selected = [(file, file.claims["high-is-higher"])]
    ledger = Ledger(tmp_path / "ledger.sqlite")
    made = []

    def make_engine():
        made.append(1)
        return InProcess()

    for _ in range(2):
        list(verify(selected, Options(Site("quick", "cpu")), ledger, make_engine))
    assert made == [1]
