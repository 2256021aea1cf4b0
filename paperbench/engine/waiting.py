"""Runs that wait for a worker: the longest first, and replicates that go together as one."""

from __future__ import annotations

import json
import math

from paperbench.engine.speeds import Speeds
from paperbench.plan import PlannedRun


class Waiting:
    """A queue whose order is decided when something is taken.

    An arm that takes long and starts last would keep one worker busy while the others have nothing
    left to do.
    """

    def __init__(self, speeds: Speeds) -> None:
        self._speeds = speeds
        self._runs: dict[str, PlannedRun] = {}
        self._seconds: dict[str, float] = {}
        self._alone: set[str] = set()

    def __len__(self) -> int:
        return len(self._runs)

    def add(self, run: PlannedRun, seconds: float | None = None, *, alone: bool = False) -> None:
        """Let a run wait. seconds: what it will take; None: unknown. alone: not with others."""
        self._runs[run.key] = run
        self._seconds[run.key] = math.inf if seconds is None else seconds
        if alone:
            self._alone.add(run.key)

    def seconds(self, run: PlannedRun) -> float | None:
        """What was said when it was added."""
        known = self._seconds[run.key]
        return None if math.isinf(known) else known

    def take(self, workers: int) -> list[PlannedRun]:
        """The replicates of one arm to carry out next, in one process; empty when none waits.

        No more than leaves every one of the `workers` something to do. Until it is known whether
        they go faster together, several are taken to find out.
        """
        if not self._runs:
            return []
        longest = max(self._runs.values(), key=lambda run: self._seconds[run.key])
        group = [longest]
        if longest.key not in self._alone and self._speeds.mode(longest) != "alone":
            alike = [run for run in self._runs.values() if self._may_join(run, longest)]
            group = alike[: max(1, math.ceil(len(self._runs) / max(1, workers)))]
        for run in group:
            del self._runs[run.key]
        return group

    def must_be_alone(self, run: PlannedRun) -> bool:
        """Whether it was added so."""
        return run.key in self._alone

    def _may_join(self, run: PlannedRun, first: PlannedRun) -> bool:
        return run.key not in self._alone and _kind(run) == _kind(first)


def _kind(run: PlannedRun) -> str:
    """An arm on a CPU. On an accelerator an experiment: whose arms are alike is found out later."""
    arm = dict(run.params) if run.device == "cpu" else {}
    return json.dumps([run.experiment, arm, dict(run.parts), run.device], sort_keys=True)
