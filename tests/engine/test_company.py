"""Runs side by side in one process: what one does is nothing to the others."""

import dataclasses
import json

import pytest

from paperbench.engine.execute import execute, execute_together
from paperbench.engine.isolation import process_state
from paperbench.engine.pool import InProcess, Workers
from paperbench.engine.speeds import Speeds
from paperbench.engine.waiting import Waiting
from paperbench.plan import Site, plan_run
from paperbench.registry import find


def planned(name, seed=0, *, parts=None, **params):
    info = find(f"trial/{name}")
    given = {key: spec.default for key, spec in info.parameters.items()} | params
    run = plan_run(info, given, seed, Site("quick", "cpu"), label=f"trial {name}")
    return dataclasses.replace(run, key=f"{name} {seed} {json.dumps(params)}")


@pytest.fixture
def speeds(tmp_path):
    return lambda chosen="together": Speeds(tmp_path / "speeds.jsonl", chosen)


def group(name, n=3, **params):
    return [planned(name, seed, **params) for seed in range(n)]


def test_runs_train_together_and_say_so(speeds):
    runs = group("fit")
    outcomes = execute_together(runs, speeds(), [None] * 3)
    for run, outcome in zip(runs, outcomes, strict=True):
        alone = execute(run)
        assert outcome.environment.pop("replicates") == "together"
        assert alone.environment.pop("replicates") == "alone"
        assert outcome.key == run.key and outcome.status == "done", outcome.error
        assert outcome.metrics == pytest.approx(alone.metrics, rel=1e-3)
        assert outcome.budget == alone.budget
        assert outcome.environment == alone.environment


def test_what_a_run_draws_and_sets_is_its_own(speeds):
    runs = group("mixed")
    before = [value for _, value in process_state()[:-5]]
    outcomes = execute_together(runs, speeds(), [None] * 3)
    assert [value for _, value in process_state()[:-5]] == before
    for run, outcome in zip(runs, outcomes, strict=True):
        assert outcome.environment["replicates"] == "together"
        alone = execute(run)
        assert outcome.metrics["value"] == pytest.approx(alone.metrics["value"], rel=1e-5)
        for place in ("before", "after"):
            assert outcome.curves[place] == alone.curves[place]


def test_a_run_that_crashes_or_diverges_takes_no_other_along(speeds):
    runs = group("one-breaks", how="raise")
    outcomes = execute_together(runs, speeds(), [None] * 3)
    assert [outcome.status for outcome in outcomes] == ["done", "crashed", "done"]
    assert "on purpose" in outcomes[1].error
    runs = group("one-breaks", how="diverge")
    outcomes = execute_together(runs, speeds(), [None] * 3)
    assert [outcome.status for outcome in outcomes] == ["done", "diverged", "done"]
    for run, outcome in zip(runs[::2], outcomes[::2], strict=True):
        assert outcome.metrics == pytest.approx(execute(run).metrics, rel=1e-4)


def test_what_cannot_be_stacked_is_released_and_carried_out_alone(speeds, tmp_path):
    runs = group("unstackable")
    assert execute_together(runs, speeds("auto"), [None] * 3) == [None] * 3
    assert "Unstackable" in (tmp_path / "speeds.jsonl").read_text()
    for make in (InProcess, lambda known: Workers(2, known)):
        with make(speeds("auto")) as engine:
            for run in runs:
                engine.submit(run)
            outcomes = {}
            while len(outcomes) < 3:
                outcomes |= {outcome.key: outcome for outcome in engine.collect(0.2)}
        for run in runs:
            assert outcomes[run.key].status == "done", outcomes[run.key].error
            assert outcomes[run.key].environment["replicates"] == "alone"
            assert outcomes[run.key].metrics == execute(run).metrics


def test_a_worker_that_is_killed_costs_the_others_of_its_group_nothing(speeds):
    runs = group("one-breaks", how="kill")
    with Workers(1, speeds()) as engine:
        for run in runs:
            engine.submit(run)
        outcomes = {}
        while len(outcomes) < 3:
            outcomes |= {outcome.key: outcome for outcome in engine.collect(0.2)}
    assert [outcomes[run.key].status for run in runs] == ["done", "killed", "done"]


def test_a_runs_seconds_are_its_own_share(speeds):
    outcomes = execute_together(group("mixed", pause=0.3), speeds(), [None] * 3)
    assert all(0.3 <= outcome.seconds < 0.9 for outcome in outcomes)


# Who goes next


def test_the_longest_goes_first_and_the_unknown_before_it(speeds):
    waiting = Waiting(speeds("alone"))
    for seed, seconds in enumerate((1.0, 5.0, None, 3.0)):
        waiting.add(planned("draw", seed), seconds)
    order = [waiting.take(2)[0].seed for _ in range(4)]
    assert order == [2, 1, 3, 0]
    assert waiting.take(2) == []


def test_replicates_of_one_arm_are_taken_together_but_leave_work_for_every_worker(speeds):
    waiting = Waiting(speeds("together"))
    for run in [*group("fit", 3, lr=0.01), *group("fit", 3, lr=0.02)]:
        waiting.add(run, 1.0)
    first = waiting.take(2)
    assert len(first) == 3 and len({run.params["lr"] for run in first}) == 1
    assert [len(waiting.take(2)) for _ in range(3)] == [2, 1, 0]


def test_a_run_that_must_be_alone_joins_nobody(speeds):
    waiting = Waiting(speeds("together"))
    runs = group("fit")
    waiting.add(runs[0], 9.0, alone=True)
    for run in runs[1:]:
        waiting.add(run, 1.0)
    assert waiting.take(1) == runs[:1]
    assert waiting.take(1) == runs[1:]


# What is remembered


def test_the_first_measurement_decides_for_every_arm_of_that_size(speeds):
    fit, other_arm, wider = planned("fit"), planned("fit", lr=0.5), planned("fit", hidden=99)
    known = speeds("auto")
    assert known.mode(fit) is None
    assert known.decide(fit, 2.0) == "together"
    assert known.decide(other_arm, 0.5) == "together"
    assert known.mode(other_arm) == "together" and known.mode(wider) is None
    assert known.decide(wider, 1.0) == "alone"
    known.refuse(other_arm, "a reason")
    assert (known.mode(fit), known.mode(other_arm)) == ("together", "alone")
    assert speeds("alone").mode(fit) == "alone"


@pytest.mark.parametrize("damage", ["", "{", "[]\n", '{"key": 1}\n', '{"key": "a", "mode": "b"}\n'])
def test_a_damaged_memory_is_no_memory(speeds, tmp_path, damage):
    (tmp_path / "speeds.jsonl").write_text(damage)
    assert speeds("auto").mode(planned("fit")) is None
    assert speeds("auto").decide(planned("fit"), 9.0) == "together"
    assert speeds("auto").mode(planned("fit")) == "together"
