"""A run depends neither on what ran before it in its process nor on the process's own settings."""

import time

import pytest
import torch
from trial_experiments import LEFT_BEHIND

from paperbench.engine.execute import execute
from paperbench.engine.isolation import isolated, prepare_process
from paperbench.engine.pool import InProcess, Workers
from paperbench.engine.speeds import Speeds
from paperbench.plan import Site, plan_run
from paperbench.registry import find


def planned(name, *, seed=0, **params):
    info = find(f"trial/{name}")
    site = Site("quick", "cpu")
    return plan_run(info, {**info.defaults, **params}, seed, site, label=f"trial {name}")


def numbers(outcome):
    assert outcome.status == "done", outcome.error
    return outcome.metrics, outcome.curves


@pytest.fixture
def as_it_was():
    """Whatever a test does to this process is undone, also where the code under test fails to."""
    with isolated(seed=0):
        yield


@pytest.fixture(scope="module")
def undisturbed():
    with isolated(seed=0):
        return numbers(execute(planned("careless")))


@pytest.mark.parametrize("then", ["return", "raise"])
@pytest.mark.parametrize("what", LEFT_BEHIND)
def test_what_a_run_leaves_behind_does_not_reach_the_next(as_it_was, undisturbed, what, then):
    left = execute(planned("litter", what=what, then=then))
    assert left.status == ("done" if then == "return" else "crashed")
    assert numbers(execute(planned("careless"))) == undisturbed


# Where a process stands, and its environment variables, are there for its runs to find.
@pytest.mark.parametrize("what", sorted(set(LEFT_BEHIND) - {"folder", "environment"}))
def test_how_a_process_is_set_does_not_reach_a_run(as_it_was, undisturbed, what):
    LEFT_BEHIND[what]()
    assert numbers(execute(planned("careless"))) == undisturbed


def test_a_process_is_after_a_run_as_it_was_before(as_it_was):
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.manual_seed(7)
    generator = torch.get_rng_state()
    numbers(execute(planned("careless")))
    assert torch.get_default_dtype() == torch.float64
    assert not torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), generator)


def test_another_seed_gives_a_careless_run_other_numbers_from_every_generator(undisturbed):
    _, here = undisturbed
    _, other = numbers(execute(planned("careless", seed=1)))
    for of_torch_numpy_and_python in range(3):
        assert here["seen"][of_torch_numpy_and_python] != other["seen"][of_torch_numpy_and_python]


def test_a_prepared_process_computes_with_one_thread_and_warns_of_what_cannot_repeat(as_it_was):
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(False)
    prepare_process()
    assert torch.get_num_threads() == 1
    assert torch.is_deterministic_algorithms_warn_only_enabled()


def carry_out(engine, runs):
    """Outcomes in the order of `runs`; each run has a key of its own."""
    outcomes, end = {}, time.monotonic() + 600  # for what never comes
    with engine:
        for run in runs:
            engine.submit(run)
        while len(outcomes) < len(runs):
            assert time.monotonic() < end
            outcomes |= {outcome.key: outcome for outcome in engine.collect(0.2)}
    return [outcomes[run.key] for run in runs]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("mode", ["alone", "together"])  # which is faster, a busy machine may err
def test_here_in_a_worker_and_in_two_side_by_side_the_bits_are_the_same(workers, mode, tmp_path):
    speeds = Speeds(tmp_path / "speeds.jsonl", mode)
    runs = [
        planned("fit"),
        planned("careless"),
        planned("litter", what="all"),
        planned("fit", seed=1),
        planned("careless", seed=1),
    ]
    good = [0, 1, 3, 4]
    here = carry_out(InProcess(speeds), runs)
    there = carry_out(Workers(workers, speeds), runs)
    assert [numbers(here[place]) for place in good] == [numbers(there[place]) for place in good]
    assert here[2].status == there[2].status == "crashed"
    assert len({here[0].environment["determinism"], there[0].environment["determinism"]}) == 1
