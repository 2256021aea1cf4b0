"""What must hold for everything registered: a paper is tested because it is there."""

import dataclasses
import json
from functools import cache
from pathlib import Path

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from paperbench.components import components
from paperbench.engine.execute import execute, execute_together
from paperbench.engine.interface import Interface, check_parts
from paperbench.engine.isolation import prepare_process
from paperbench.engine.pool import Workers
from paperbench.engine.speeds import Speeds
from paperbench.plan import Site, plan_claim
from paperbench.registry import experiments, find
from paperbench.spec import discover, load_and_validate, load_claim_file

CLAIMS = Path(__file__).parents[2] / "claims"
FILES = [load_claim_file(path, folder=CLAIMS) for path in discover([CLAIMS])]
SMOKE = Site("smoke", "cpu")
# By experiment and parameters, each once: claims share most of their arms.
RUNS = {
    run.lineage: run
    for file in FILES
    for claim in file.claims.values()
    if claim.kind != "reading"
    for run in plan_claim(file, claim, SMOKE, seeds=1).every()
}
CONTROLS = {
    f"{file.slug}/{claim.name}": (file, claim)
    for file in FILES
    for claim in file.claims.values()
    if claim.control
}


@pytest.fixture(autouse=True)
def _prepared():
    prepare_process()


@cache
def outcome_of(lineage):
    """A smoke run, and the parameters that its optimisers were given without any gradient."""
    reached, all_parameters = set(), set()

    def note(optimizer, args, kwargs):
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                all_parameters.add(id(parameter))
                if parameter.grad is not None and parameter.grad.abs().max() > 0:
                    reached.add(id(parameter))

    handle = register_optimizer_step_pre_hook(note)
    try:
        outcome = execute(RUNS[lineage])
    finally:
        handle.remove()
    return outcome, len(all_parameters - reached)


def label(lineage):
    return RUNS[lineage].label.replace(" ", "-")


def test_every_claim_file_is_valid_without_a_warning():
    _, warnings = load_and_validate([CLAIMS], experiments())
    assert [str(problem) for problem in warnings] == []


def test_every_built_in_experiment_is_used_by_a_claim():
    used = {experiment.run for file in FILES for experiment in file.experiments.values()}
    assert {name for name in experiments() if not name.startswith("trial/")} <= used


@pytest.mark.parametrize("lineage", RUNS, ids=label)
def test_every_arm_runs_and_reports_what_it_registers(lineage):
    outcome, _ = outcome_of(lineage)
    assert outcome.status == "done", outcome.error
    assert set(outcome.metrics) == set(find(RUNS[lineage].experiment).metrics)


@pytest.mark.parametrize("lineage", RUNS, ids=label)
def test_every_parameter_gets_a_gradient(lineage):
    _, without = outcome_of(lineage)
    assert without == 0


@pytest.mark.parametrize("experiment", sorted({run.experiment for run in RUNS.values()}))
def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(experiment):
    lineage, run = next((key, run) for key, run in RUNS.items() if run.experiment == experiment)
    first, again = outcome_of(lineage)[0], execute(run)
    timed = {name for name, kind in find(experiment).metrics.items() if kind.name == "duration"}
    for name in set(first.metrics) - timed:
        assert first.metrics[name] == again.metrics[name]
    assert first.curves == again.curves
    if first.curves:
        other = plan_with_seed(run, 1)
        assert execute(other).curves != first.curves


@cache
def outcomes_of_workers():
    """One smoke run of every experiment, by name, in two worker processes side by side."""
    runs = {run.experiment: run for run in reversed(RUNS.values())}
    outcomes = {}
    with Workers(2) as engine:
        for run in runs.values():
            engine.submit(run)
        while len(outcomes) < len(runs):
            outcomes |= {outcome.key: outcome for outcome in engine.collect(1.0)}
    return {name: (run.lineage, outcomes[run.key]) for name, run in runs.items()}


@pytest.mark.parametrize("experiment", sorted({run.experiment for run in RUNS.values()}))
def test_in_a_worker_the_bits_are_the_same_as_here(experiment):
    lineage, there = outcomes_of_workers()[experiment]
    here, _ = outcome_of(lineage)
    kinds = find(experiment).metrics
    for name in here.metrics:
        if kinds[name].name != "duration":
            assert here.metrics[name] == there.metrics[name]
    assert here.curves == there.curves
    assert here.environment["determinism"] == there.environment["determinism"] is not None


@pytest.mark.parametrize("lineage", RUNS, ids=label)
def test_seeds_together_give_the_same_numbers_as_alone(lineage, tmp_path):
    seeds = [plan_with_seed(RUNS[lineage], seed) for seed in range(3)]
    alone = [execute(run) for run in seeds]
    noted = tmp_path / "speeds.jsonl"
    together = execute_together(seeds, Speeds(noted, "together"), [None] * 3)
    kinds = find(seeds[0].experiment).metrics
    lines = noted.read_text().split("\n") if noted.exists() else []  # only refusals are noted
    refused = {json.loads(line)["why"] for line in lines if line}
    if refused - {"nothing is trained"}:
        assert together == [None] * 3
        pytest.skip(f"goes alone: {'; '.join(refused)}")
    for own, other in zip(alone, together, strict=True):
        assert other is not None
        assert other.status == "done", other.error
        assert other.environment["replicates"] == ("alone" if refused else "together")
        assert other.budget == own.budget
        torch.testing.assert_close(other.curves, own.curves, rtol=1e-4, atol=1e-6)
        for name in own.metrics:
            if kinds[name].name != "duration":
                assert other.metrics[name] == pytest.approx(own.metrics[name], rel=1e-3, abs=1e-5)


def plan_with_seed(run, seed):
    return dataclasses.replace(run, seed=seed)


@pytest.mark.parametrize("experiment", sorted({run.experiment for run in RUNS.values()}))
def test_an_unknown_parameter_is_refused(experiment):
    from paperbench.lab import Run

    with pytest.raises(TypeError, match="unexpected keyword argument"):
        find(experiment).load()(Run(seed=0), no_such_parameter=1)


@pytest.mark.parametrize("claim", CONTROLS)
def test_the_control_changes_the_computation(claim):
    runs = plan_claim(*CONTROLS[claim], SMOKE, seeds=1)
    arms = [outcome_of(run.lineage)[0].metrics for group in runs.arms.values() for run in group]
    control = [
        outcome_of(run.lineage)[0].metrics for group in runs.control.values() for run in group
    ]
    assert arms != control


PAPERS = sorted(
    path.parent.name.replace("_", "-")
    for path in (CLAIMS.parent / "paperbench/papers").glob("*/NOTES.md")
)
COMPONENTS = {name: info for name, info in components().items() if info.paper in PAPERS}
MUTATIONS = {m.full_name: m for info in COMPONENTS.values() for m in info.mutations}


@pytest.mark.parametrize("paper", PAPERS)
def test_every_paper_has_at_least_four_mutations(paper):
    assert sum(info.paper == paper for info in COMPONENTS.values()) >= 1
    assert sum(each.component.startswith(f"{paper}/") for each in MUTATIONS.values()) >= 4


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_accepts_its_original(component):
    check_parts({component: COMPONENTS[component].original})


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_every_mutation_is_called_alike_and_changes_a_number_of_some_arm(mutation):
    """It is broken in what it computes, not in how it is called."""
    each = MUTATIONS[mutation]
    parts = {each.component: each.target}
    Interface(COMPONENTS[each.component], each.target).takes_the_same_arguments()
    paper = each.component.partition("/")[0]
    changed = []
    for run in RUNS.values():
        if run.experiment.startswith(f"{paper}/") and not changed:
            outcome = execute(dataclasses.replace(run, parts=parts))
            assert outcome.status in ("done", "diverged"), outcome.error
            if (outcome.metrics, outcome.curves) != numbers_of(run):
                changed.append(run.label)
    assert changed


def numbers_of(run):
    outcome, _ = outcome_of(run.lineage)
    return outcome.metrics, outcome.curves


def test_training_leaves_the_threads_and_modes_of_torch_as_the_engine_set_them():
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled()
