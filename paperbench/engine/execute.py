"""Carry out one run: seed it, call the experiment, catch what goes wrong, keep what it cost."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from functools import partial

from paperbench.engine.company import carry_out
from paperbench.engine.determinism import probed
from paperbench.engine.isolation import isolated
from paperbench.engine.parts import in_place
from paperbench.engine.progress import Report
from paperbench.engine.provenance import run_environment
from paperbench.engine.speeds import ArmSpeed, Speeds
from paperbench.lab.run import Company, Diverged, OutOfTime, Run
from paperbench.ledger import FinishedRun, Status
from paperbench.plan import PlannedRun
from paperbench.registry import ExperimentInfo, find


def execute(planned: PlannedRun, report: Report | None = None) -> FinishedRun:
    """Train one arm on one seed. A failure is an outcome with its text, never lost.

    KeyboardInterrupt passes through.
    """
    with _prepared(planned) as info:
        return _execute(planned, info, report)


def execute_together(
    group: Sequence[PlannedRun], speeds: Speeds, reports: Sequence[Report | None]
) -> list[FinishedRun | None]:
    """Train one arm on several seeds, as one where that is faster; None: do this run by itself.

    That is also said of a run that ended badly: by itself it may end well.
    """
    with _prepared(group[0]) as info:
        bodies = [
            partial(_execute, planned, info, report)
            for planned, report in zip(group, reports, strict=True)
        ]
        outcomes = carry_out(bodies, ArmSpeed(speeds, group[0]))
    return [None if each is None or each.status != "done" else each for each in outcomes]


@contextmanager
def _prepared(planned: PlannedRun) -> Iterator[ExperimentInfo]:
    """What runs of one arm share: their experiment, imported, and the parts in their places."""
    info = find(planned.experiment)
    probed(planned.device)  # before a run's clock starts: it is no part of it
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(sys.stderr))  # it is no part of what `--json` prints
        with suppress(Exception, SystemExit):  # what fails here fails again in the run, and is told
            info.load()
            stack.enter_context(in_place(planned.parts))
        yield info


def _execute(
    planned: PlannedRun, info: ExperimentInfo, report: Report | None, company: Company | None = None
) -> FinishedRun:
    run = Run(
        seed=planned.seed,
        device=planned.device,
        data_names=planned.data_names,
        time_limit=planned.time_limit,
        report=report,
        company=company,
    )
    status: Status = "done"
    metrics: Mapping[str, float | list[float]] = {}
    error = ""
    started = time.perf_counter()
    try:
        experiment = info.load()
        with isolated(planned.seed), in_place(planned.parts):
            metrics = _checked(info, experiment(run, **planned.params))
    except Diverged as problem:
        status, error = "diverged", problem.message
    except OutOfTime as problem:
        status, error = "timeout", problem.message
    except (Exception, SystemExit) as problem:  # an experiment may not end the bench
        status = "crashed"
        error = "".join(traceback.format_exception(problem))
    return FinishedRun(
        key=planned.key,
        lineage=planned.lineage,
        status=status,
        metrics=metrics,
        curves=run.curves,
        kept=run.kept,
        budget=run.budget,
        seconds=time.perf_counter() - started - run.away,
        error=error,
        inputs=planned.inputs,
        environment={
            **run_environment(planned.device),
            **probed(planned.device),
            "replicates": "together" if run.together else "alone",
        },
    )


def failure(planned: PlannedRun, status: Status, error: str, seconds: float = 0.0) -> FinishedRun:
    """The outcome of a run whose process could not report one itself."""
    return FinishedRun(
        key=planned.key,
        lineage=planned.lineage,
        status=status,
        error=error,
        seconds=seconds,
        inputs=planned.inputs,
    )


def _checked(
    info: ExperimentInfo, metrics: Mapping[str, float | list[float]]
) -> dict[str, float | list[float]]:
    if set(metrics) != set(info.metrics):
        raise TypeError(
            f"experiment `{info.name}` returned {sorted(metrics)}, "
            f"but registers {sorted(info.metrics)}"
        )
    return {
        name: [float(v) for v in value] if isinstance(value, list) else float(value)
        for name, value in metrics.items()
    }
