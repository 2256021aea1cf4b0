"""Carry out one run: seed it, call the experiment, catch what goes wrong, keep what it cost."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout

from paperbench.engine.determinism import probed
from paperbench.engine.isolation import isolated
from paperbench.engine.parts import in_place
from paperbench.engine.provenance import run_environment
from paperbench.lab.run import Diverged, OutOfTime, Run
from paperbench.ledger import FinishedRun, Status
from paperbench.plan import PlannedRun
from paperbench.registry import ExperimentInfo, find

Report = Callable[[int, int, dict[str, float]], None]


def execute(planned: PlannedRun, report: Report | None = None) -> FinishedRun:
    """Train one arm on one seed. A failure is an outcome with its text, never lost.

    KeyboardInterrupt passes through.
    """
    info = find(planned.experiment)
    found_out = probed(planned.device)  # before the run's clock starts: it is no part of it
    run = Run(
        seed=planned.seed,
        device=planned.device,
        data_name=planned.data_name,
        time_limit=planned.time_limit,
        report=report,
    )
    status: Status = "done"
    metrics: Mapping[str, float | list[float]] = {}
    error = ""
    started = time.perf_counter()
    try:
        with redirect_stdout(sys.stderr):  # what it prints is no part of what `--json` prints
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
        budget=run.budget,
        seconds=time.perf_counter() - started,
        error=error,
        inputs=planned.inputs,
        environment={**run_environment(planned.device), **found_out},
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
