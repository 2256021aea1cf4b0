"""Runs side by side in one process: what one does is nothing to the others."""

from dataclasses import replace

import pytest

from paperbench.engine.execute import execute, execute_together
from paperbench.engine.isolation import process_state
from paperbench.engine.pool import InProcess, Workers
from paperbench.engine.speeds import Speeds
from paperbench.engine.waiting import Group, Waiting, block_of
from paperbench.plan import Site, plan_run
from paperbench.registry import find


def planned(name, seed=0, **params):
    info = find(f"trial/{name}")
    given = {key: spec.default for key, spec in info.parameters.items()} | params
    return plan_run(info, given, seed, Site("quick", "cpu"), label=f"trial {name}")


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


def carry_out(runs, known, workers=0):
    """What an engine makes of these runs, in their order."""
    outcomes = {}
    with Workers(workers, known) if workers else InProcess(known) as engine:
        for run in runs:
            engine.submit(run)
        while len(outcomes) < len(runs):
            outcomes |= {outcome.key: outcome for outcome in engine.collect(0.2)}
    return [outcomes[run.key] for run in runs]


def told(outcome):
    """All but how long it took, and where the source tree stands, which somebody may be editing."""
    environment = {**outcome.environment, "commit": None, "dirty": None}
    return outcome.status, outcome.metrics, outcome.curves, outcome.budget, environment


def as_alone(runs, outcomes):
    """Whether these are, to the last bit, the runs that never met a company."""
    for run, outcome in zip(runs, outcomes, strict=True):
        assert told(outcome) == told(execute(run))


@pytest.mark.parametrize("how", ["raise", "diverge"])
def test_a_run_that_crashes_or_diverges_takes_no_other_along(speeds, how):
    runs = group("one-breaks", how=how)
    whole = execute_together(runs, speeds(), [None] * 3)
    assert [outcome and outcome.environment["replicates"] for outcome in whole] == [
        "together",
        None,  # to be carried out again, by itself
        "together",
    ]
    for run, outcome in zip(runs[::2], whole[::2], strict=True):
        assert outcome.metrics == pytest.approx(execute(run).metrics, rel=1e-4)
    outcomes = carry_out(runs, speeds())
    as_alone(runs[1:2], outcomes[1:2])
    assert outcomes[1].status == ("crashed" if how == "raise" else "diverged")


def test_a_loss_that_is_not_a_number_ends_one_replicate_only(speeds):
    runs = group("one-breaks", how="late")
    outcomes = execute_together(runs, speeds(), [None] * 3)
    assert [outcome and outcome.status for outcome in outcomes] == ["done", None, "done"]


TROUBLES = (
    "batches",
    "build",
    "broad",
    "counter",
    "dtype",
    "environment",
    "folder",
    "global-draws",
    "moving-average",
    "picky-optimiser",
    "same-model",
    "shared-memory",
    "spending",
    "stream",
)


@pytest.mark.parametrize("what", TROUBLES)
def test_what_cannot_go_together_goes_alone_as_if_nothing_had_been_tried(speeds, what):
    runs = group("untogether", what=what)
    as_alone(runs, carry_out(runs, speeds("auto")))
    as_alone(runs, carry_out(runs, speeds("together")))


@pytest.fixture
def only_pauses_take_time(monkeypatch):
    """Clocks that only `time.sleep` moves on, at once: on any machine a run takes as long."""
    now = [1000.0]
    monkeypatch.setattr("time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    for clock in ("monotonic", "perf_counter"):
        monkeypatch.setattr(f"time.{clock}", lambda: now[0])


def test_waiting_for_the_others_is_not_counted_against_a_time_limit(speeds, only_pauses_take_time):
    runs = [replace(run, time_limit=1.0) for run in group("mixed", pause=0.4)]
    outcomes = execute_together(runs, speeds(), [None] * 3)
    assert [outcome and outcome.status for outcome in outcomes] == ["done"] * 3


@pytest.mark.parametrize("workers", [0, 2])
def test_what_cannot_be_stacked_is_released_and_carried_out_alone(speeds, tmp_path, workers):
    runs = group("unstackable")
    assert execute_together(runs, speeds("auto"), [None] * 3) == [None] * 3
    as_alone(runs, carry_out(runs, speeds("auto"), workers))


def test_what_trains_nothing_is_remembered_to_be_alone(speeds):
    runs = group("draw")
    as_alone(runs, carry_out(runs, speeds("auto")))
    assert speeds("auto").mode(runs[0]) == "alone"


def test_a_worker_that_is_killed_costs_the_others_of_its_group_nothing(speeds):
    runs = group("one-breaks", how="kill")
    outcomes = carry_out(runs, speeds(), workers=1)
    assert [outcome.status for outcome in outcomes] == ["done", "killed", "done"]


def test_a_runs_seconds_are_its_own_share(speeds, only_pauses_take_time):
    outcomes = execute_together(group("mixed", pause=0.3), speeds(), [None] * 3)
    assert [outcome.seconds for outcome in outcomes] == pytest.approx([0.3] * 3)


# Who goes next


def test_the_longest_goes_first_and_the_unknown_before_it(speeds):
    waiting = Waiting(speeds("alone"))
    for seed, seconds in enumerate((1.0, 5.0, None, 3.0)):
        waiting.add(planned("draw", seed), seconds)
    order = [waiting.take().runs[0].seed for _ in range(4)]
    assert order == [2, 1, 3, 0]
    assert waiting.take() is None


def test_a_group_is_the_same_seeds_whichever_of_them_are_asked_for(speeds):
    waiting = Waiting(speeds("together"))
    runs = group("fit", 8)
    for run in (runs[1], runs[4], runs[3], planned("fit", 1, lr=0.5)):
        waiting.add(run, run.seed)
    taken = [waiting.take() for _ in range(3)]
    assert [[run.seed for run in each.runs] for each in taken] == [[3, 4], [1], [1]]
    assert [[run.seed for run in each.every] for each in taken] == [[3, 4], [0, 1, 2], [0, 1, 2]]
    assert all(len({run.params["lr"] for run in each.every}) == 1 for each in taken)
    assert taken[1].every[0] == runs[0]


def test_blocks_of_seeds_cover_every_seed_once():
    assert [list(block_of(seed)) for seed in (0, 2, 3, 7, 8, 15, 16)] == [
        [0, 1, 2],
        [0, 1, 2],
        [3, 4],
        [5, 6, 7],
        [*range(8, 16)],
        [*range(8, 16)],
        [*range(16, 24)],
    ]
    assert all(seed in block_of(seed) for seed in range(50))


def test_a_run_that_must_be_alone_joins_nobody(speeds):
    waiting = Waiting(speeds("together"))
    runs = group("fit")
    waiting.add(runs[0], 9.0, alone=True)
    for run in runs[1:]:
        waiting.add(run, 1.0)
    assert waiting.take() == Group(runs[:1])
    assert waiting.take() == Group(runs[1:], runs[:1], alone=False)


def test_one_run_alone_finds_out_nothing(speeds):
    waiting = Waiting(speeds("auto"))
    waiting.add(planned("fit"), 1.0)
    assert waiting.take().alone


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


@pytest.mark.parametrize(
    "damage", ["", "{", "[]\n", "\xff", '{"key": 1}\n', '{"key": "a", "mode": "b"}\n']
)
def test_a_damaged_memory_is_no_memory(speeds, tmp_path, damage):
    (tmp_path / "speeds.jsonl").write_text(damage, encoding="latin-1")
    assert speeds("auto").mode(planned("fit")) is None
    assert speeds("auto").decide(planned("fit"), 9.0) == "together"
    assert speeds("auto").mode(planned("fit")) == "together"


def test_a_memory_that_cannot_be_kept_is_no_trouble(tmp_path):
    (tmp_path / "file").write_text("")
    known = Speeds(tmp_path / "file" / "speeds.jsonl")
    assert known.decide(planned("fit"), 9.0) == "together"
    assert known.mode(planned("fit")) is None
