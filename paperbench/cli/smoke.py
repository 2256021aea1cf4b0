"""The smoke tier: every arm, control and anchor runs for a few steps. Never a verdict."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping

from paperbench.cli.bar_lines import format_seconds
from paperbench.cli.consoles import stdout
from paperbench.cli.live import last_line
from paperbench.engine.pool import Engine
from paperbench.ledger import FinishedRun
from paperbench.plan import PlannedRun, Site, plan_claim
from paperbench.spec.model import Claim, ClaimFile


def smoke(
    selected: list[tuple[ClaimFile, Claim]],
    site: Site,
    make_engine: Callable[[], Engine],
    *,
    as_json: bool,
) -> int:
    """Carry out one seed of everything, print what became of it, and return the exit code."""
    runs = {
        run.key: run
        for file, claim in selected
        if claim.kind != "reading"
        for run in plan_claim(file, claim, site, seeds=1).every()
    }
    outcomes: dict[str, FinishedRun] = {}
    with make_engine() as engine:
        for run in runs.values():
            engine.submit(run)
        while len(outcomes) < len(runs):
            for outcome in engine.collect(0.25):
                outcomes[outcome.key] = outcome
                if not as_json:
                    stdout.print(
                        _line(runs[outcome.key], outcome),
                        highlight=False,
                        markup=False,
                        soft_wrap=True,
                    )
    troubles = {key: trouble for key, outcome in outcomes.items() if (trouble := _trouble(outcome))}
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "run": runs[key].label,
                        "seed": runs[key].seed,
                        "status": outcome.status,
                        "seconds": outcome.seconds,
                        "trouble": troubles.get(key),
                    }
                    for key, outcome in outcomes.items()
                ]
            )
        )
        return 3 if troubles else 0
    for key in troubles:
        if outcomes[key].error:
            stdout.print(
                f"\n{runs[key].label}:\n{outcomes[key].error}", highlight=False, markup=False
            )
    stdout.print(
        f"smoke: {len(runs) - len(troubles)} of {len(runs)} runs ran; "
        "this tier proves that the code runs and gives no verdict",
        highlight=False,
    )
    return 3 if troubles else 0


def _line(run: PlannedRun, outcome: FinishedRun) -> str:
    trouble = _trouble(outcome)
    state = f"{outcome.status if outcome.error else 'bad'}: {trouble}" if trouble else "ok"
    return f"  {run.label}  {format_seconds(outcome.seconds)}  {state}"


def _trouble(outcome: FinishedRun) -> str | None:
    if outcome.status != "done":
        return last_line(outcome.error)
    bad = [name for name, value in _numbers(outcome.metrics).items() if not math.isfinite(value)]
    return f"not finite: {', '.join(bad)}" if bad else None


def _numbers(metrics: Mapping[str, float | list[float]]) -> dict[str, float]:
    return {
        name: sum(value) if isinstance(value, list) else value for name, value in metrics.items()
    }
