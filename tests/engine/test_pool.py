"""Both engines carry the same runs out with the same numbers, whatever goes wrong in one."""

import os
import signal
import tempfile
import time
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import pytest

from paperbench.engine import pool
from paperbench.engine.pool import InProcess, Workers
from paperbench.engine.progress import Progress
from paperbench.engine.speeds import Speeds
from paperbench.engine.waiting import Group
from paperbench.plan import Site, plan_run
from paperbench.registry import find

SITE = Site("quick", "cpu")
PATIENCE = 600.0  # seconds after which a test stops waiting for what never comes


def planned(name, *, seed=0, time_limit=None, **params):
    info = find(f"trial/{name}")
    run = plan_run(info, {**info.defaults, **params}, seed, SITE, label=f"trial {name}")
    if time_limit is not None:
        object.__setattr__(run, "time_limit", time_limit)
    return run


def carry_out(engine, runs):
    outcomes = {}
    with engine:
        for run in runs:
            engine.submit(run)
        end = time.monotonic() + PATIENCE
        while len(outcomes) < len(runs):
            assert time.monotonic() < end, f"only {len(outcomes)} of {len(runs)} came back"
            outcomes.update({o.key: o for o in engine.collect(0.2)})
    return [outcomes[run.key] for run in runs]


@pytest.fixture(scope="module")
def outcomes_of_workers():
    """One pool for all the ways to go wrong, with good runs before, between and after."""
    runs = {
        "fit": planned("fit"),
        "kill": planned("trouble", how="kill"),
        "raise": planned("trouble", how="raise"),
        "hang": planned("trouble", how="hang", time_limit=-28.0),  # two seconds with grace
        "diverge": planned("trouble", how="diverge"),
        "slow": planned("trouble", how="slow", time_limit=0.3),
        "wrong-metrics": planned("trouble", how="wrong-metrics"),
        "exit": planned("trouble", how="exit"),
        "fit-1": planned("fit", seed=1),
    }
    with tempfile.TemporaryDirectory() as folder:
        engine = Workers(2, one_by_one(Path(folder)))
        return dict(zip(runs, carry_out(engine, list(runs.values())), strict=True))


def one_by_one(folder):
    """No measurement that could come out one way here and another there."""
    return Speeds(folder / "speeds.jsonl", "alone")


@pytest.mark.parametrize(
    ("run", "status", "text"),
    [
        ("kill", "killed", "its process ended with code -9"),
        ("exit", "crashed", "SystemExit: 0"),
        ("raise", "crashed", "ValueError: the trial went wrong on purpose"),
        ("hang", "timeout", "did not stop by itself: killed"),
        ("slow", "timeout", "over the time limit at step"),
        ("diverge", "diverged", "loss is"),
        ("wrong-metrics", "crashed", "returned ['lost'], but registers ['floor', 'loss']"),
    ],
)
def test_a_run_that_goes_wrong_says_how(outcomes_of_workers, run, status, text):
    outcome = outcomes_of_workers[run]
    assert outcome.status == status
    assert text in outcome.error
    assert not outcome.metrics


def test_a_worker_that_dies_takes_only_its_own_run_with_it(outcomes_of_workers):
    good = [name for name, outcome in outcomes_of_workers.items() if outcome.status == "done"]
    assert good == ["fit", "fit-1"]


def test_in_process_and_in_a_worker_the_bits_are_the_same(outcomes_of_workers, tmp_path):
    runs = [planned("fit"), planned("fit", seed=1)]
    here = carry_out(InProcess(one_by_one(tmp_path)), runs)
    for mine, theirs in zip(
        here, (outcomes_of_workers["fit"], outcomes_of_workers["fit-1"]), strict=True
    ):
        assert mine.metrics == theirs.metrics
        assert mine.curves == theirs.curves
    assert here[0].metrics != here[1].metrics


def test_a_run_accounts_for_what_it_used(outcomes_of_workers):
    budget = outcomes_of_workers["fit"].budget
    assert budget["parameters"] == 64 * 16 + 16 + 16 * 10 + 10
    assert budget["examples"] == 32 * 60
    assert budget["steps"] == 60
    assert budget["flops"] == 60 * 32 * (2 * 64 * 16 * 2 + 2 * 16 * 10 * 3)  # no input gradient


def test_progress_of_a_run_under_way_can_be_seen():
    run = planned("trouble", how="slow", time_limit=PATIENCE)
    with Workers(1) as engine:
        engine.submit(run)
        end = time.monotonic() + PATIENCE
        while not (seen := engine.progress()) or seen[run.key][1].step == 0:
            assert not engine.collect(0.05)
            assert time.monotonic() < end
        progress = seen[run.key][1]
        assert progress.steps == 10_000
        # A step sleeps for a hundredth of a second, and on a busy machine for longer.
        assert 0 < progress.steps_per_second() <= 100
        assert progress.seconds_left() >= (progress.steps - progress.step) / 100


def test_a_run_may_end_while_another_thread_asks_for_progress(monkeypatch):
    with Workers(1) as engine:
        for seed in range(3):
            engine._futures[Future()] = Group([planned("fit", seed=seed)])

        def ends_meanwhile(folder, key):
            engine._futures.clear()
            return Progress(1, 2, {}, 0.0)

        monkeypatch.setattr(pool, "read_progress", ends_meanwhile)
        assert len(engine.progress()) == 3


def test_in_process_a_failure_is_an_outcome_too():
    (outcome,) = carry_out(InProcess(), [planned("trouble", how="raise")])
    assert outcome.status == "crashed"
    assert os.getpid()


def start_and_stay(folder):
    """In the place of `_start_worker`: the first worker that starts is never ready for a run."""
    with suppress(FileExistsError):
        (folder / "first").mkdir()
        (folder / "pid.partial").write_text(str(os.getpid()))
        (folder / "pid.partial").rename(folder / "pid")
        time.sleep(PATIENCE)
    start_worker(folder)


start_worker = pool._start_worker


def test_a_worker_that_dies_before_it_has_a_run_costs_no_run(monkeypatch):
    monkeypatch.setattr(pool, "_start_worker", start_and_stay)
    with Workers(1) as engine:
        engine.submit(planned("fit"))
        assert not engine.collect(0)
        end = time.monotonic() + PATIENCE
        while not (told := engine._folder / "pid").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        os.kill(int(told.read_text()), signal.SIGKILL)
        outcomes = []
        while not outcomes:
            assert time.monotonic() < end
            outcomes = engine.collect(0.2)
    assert outcomes[0].status == "done"
