"""Runs that wait for a worker: the longest first, and replicates that go together as one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from paperbench.engine.speeds import Speeds
from paperbench.plan import PlannedRun, with_seed

# Where blocks of seeds begin: those of the default looks are asked for at once.
_EDGES = (0, 3, 5, 8)


@dataclass(frozen=True)
class Group:
    """Runs of one arm for one process.

    companions: more seeds of the arm, which nobody waits for. Who trains together shows in the last
    bits; so it is always the same seeds, whichever of them are asked for.
    """

    runs: Sequence[PlannedRun]
    companions: Sequence[PlannedRun] = ()
    alone: bool = True

    @property
    def every(self) -> list[PlannedRun]:
        """Runs and companions by seed."""
        return sorted([*self.runs, *self.companions], key=lambda run: run.seed)


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

    def add(self, run: PlannedRun, seconds: float | None = None, *, alone: bool = False) -> None:
        """Let a run wait. seconds: what it will take; None: unknown. alone: not with others."""
        self._runs[run.key] = run
        self._seconds[run.key] = math.inf if seconds is None else seconds
        if alone:
            self._alone.add(run.key)

    def take(self) -> Group | None:
        """What to carry out next, in one process; None when nothing waits.

        Until it is known whether replicates go faster together, a block of them goes to find out.
        """
        if not self._runs:
            return None
        longest = max(self._runs.values(), key=lambda run: self._seconds[run.key])
        group = self._group_of(longest)
        for run in group.runs:
            del self._runs[run.key]
        return group

    def _group_of(self, run: PlannedRun) -> Group:
        mode = "alone" if run.key in self._alone else self._speeds.mode(run)
        if mode == "alone":
            return Group([run])
        block = [with_seed(run, seed) for seed in block_of(run.seed)]
        wanted = [each for each in block if each.key in self._runs and each.key not in self._alone]
        if mode is None and len(wanted) == 1:  # too few to find out with
            return Group([run])
        return Group(wanted, [each for each in block if each not in wanted], alone=False)


def block_of(seed: int) -> range:
    """The seeds that train together with this one; beyond the default looks, eight each."""
    if seed >= _EDGES[-1]:
        start = seed // _EDGES[-1] * _EDGES[-1]
        return range(start, start + _EDGES[-1])
    end = next(edge for edge in _EDGES if edge > seed)
    return range(max(edge for edge in _EDGES if edge <= seed), end)
