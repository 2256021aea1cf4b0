"""The same claims give the same verdicts, bit for bit, however their runs are carried out.

Whether replicates train together or alone is chosen by a measurement and changes the last bits, so
here it is given.
"""

import json
import os
import subprocess
import sys
from functools import partial

import pytest
from claims_in_tests import DRAWS, write_claims

from paperbench.engine.pool import InProcess, Workers
from paperbench.engine.speeds import Speeds
from paperbench.ledger import Ledger
from paperbench.plan import Site
from paperbench.spec import load_claim_file
from paperbench.verify import Options, Watcher, verify

FITS = DRAWS.replace(
    "claims:\n",
    """\
  fits:
    run: trial/fit
    params: {steps: 60}
    arms: {slow: {lr: 0.002}, fast: {lr: 0.01}}
    tiers: {smoke: {}, quick: {}}
claims:
  fast-is-better:
    statement: A larger learning rate fits better.
    experiment: fits
    check: fast.test_acc - slow.test_acc > 0.1
    control: {fast: {lr: 0.0025}}
""",
    1,
)
OPTIONS = Options(Site("quick", "cpu"))


class Interrupting(Watcher):
    """Ctrl-C after so many runs, in the midst of a verify."""

    def __init__(self, after):
        self.left = after

    def run_ended(self, run, outcome, *, cached):
        self.left -= not cached
        if self.left == 0:
            raise KeyboardInterrupt


class Backwards(InProcess):
    """Carries runs out in the reverse order, and gives them back all at once."""

    submitted = 0

    def submit(self, run, seconds=None):
        self.submitted += 1
        super().submit(run, seconds=self.submitted)  # the longest first: the last one

    def collect(self, seconds):
        outcomes = []
        while got := super().collect(seconds):
            outcomes += got
        return outcomes


@pytest.fixture(params=["together", "alone"])
def replicates(request):
    return request.param


@pytest.fixture
def pursue(tmp_path, replicates):
    """Verify the claims with a ledger of the given name; returns records by claim."""
    file = load_claim_file(write_claims(tmp_path, FITS) / "draws.yaml")
    speeds = Speeds(tmp_path / "speeds.jsonl", replicates)

    def run(ledger, make_engine=InProcess, watcher=None):
        selected = [(file, claim) for claim in file.claims.values()]
        store = Ledger(tmp_path / ledger)
        answers = verify(selected, OPTIONS, store, lambda: make_engine(speeds), watcher)
        return {record.claim: told(record) for _, record in answers}

    return run


def told(record):
    """All that a record says but how long it took; as text, so that bits count."""
    return record.model_dump_json(exclude={"seconds"})


@pytest.fixture
def uninterrupted(pursue):
    return pursue("whole.sqlite")


@pytest.mark.parametrize(
    ("after", "make_engine"), [(1, InProcess), (5, partial(Workers, 2)), (11, InProcess)]
)
def test_a_verify_that_was_interrupted_and_resumed_says_the_same(
    pursue, uninterrupted, after, make_engine
):
    with pytest.raises(KeyboardInterrupt):
        pursue("cut.sqlite", watcher=Interrupting(after))
    assert pursue("cut.sqlite", make_engine) == uninterrupted


def test_the_runs_of_a_resumed_verify_are_those_of_an_uninterrupted_one(
    pursue, uninterrupted, tmp_path, replicates
):
    with pytest.raises(KeyboardInterrupt):
        pursue("cut.sqlite", watcher=Interrupting(5))
    pursue("cut.sqlite")
    keys = {key for record in uninterrupted.values() for key in json.loads(record)["runs"]}
    whole, cut = (Ledger(tmp_path / name).get_many(keys) for name in ("whole.sqlite", "cut.sqlite"))
    assert len(whole) == len(keys) > 15
    fits = [run for run in whole.values() if "parameters" in run.budget and "loss" in run.curves]
    assert {run.environment["replicates"] for run in fits} == {replicates}
    for key in keys:
        for part in ("metrics", "curves", "budget", "environment"):
            assert getattr(whole[key], part) == getattr(cut[key], part)


def test_the_order_in_which_runs_end_does_not_matter(pursue, uninterrupted):
    assert pursue("backwards.sqlite", Backwards) == uninterrupted


def test_neither_the_hash_seed_nor_the_number_of_workers_matters(tmp_path, replicates):
    stored = []
    for hash_seed, workers in (("1", "0"), ("4242", "2")):
        folder = tmp_path / hash_seed
        folder.mkdir()
        write_claims(folder, FITS)
        subprocess.run(
            [sys.executable, "-m", "paperbench", "verify", "-j", workers]
            + ["--replicates", replicates],
            cwd=folder,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
        )
        (result,) = (folder / "results" / "quick-cpu").glob("*.json")
        content = json.loads(result.read_text())
        del content["generated"]
        for claim in content["claims"]:
            del claim["seconds"]
        stored.append(json.dumps(content))  # the order of names counts as well
    assert stored[0] == stored[1]
    assert json.loads(stored[0])["environment"]["determinism"]["bitwise"] is True
