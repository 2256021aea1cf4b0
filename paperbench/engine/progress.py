"""How far a run is, told across processes by one small file a run.

A file that is replaced whole has no lock that a killed worker could keep, unlike a queue.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Report = Callable[[int, int, dict[str, float]], None]  # step, steps, what to show


@dataclass(frozen=True)
class Progress:
    """step of steps, `shown` beside it; started: seconds of the epoch."""

    step: int
    steps: int
    shown: dict[str, float]
    started: float

    def steps_per_second(self) -> float:
        """Mean speed since the run started."""
        return self.step / max(1e-9, time.time() - self.started)

    def seconds_left(self) -> float:
        """Time to the end at the mean speed so far."""
        return (self.steps - self.step) / max(1e-9, self.steps_per_second())


class ProgressFile:
    """The worker's end: called as `report(step, steps, shown)`."""

    def __init__(self, folder: Path, key: str):
        self._path = folder / f"{key}.json"
        self._started = time.time()
        self(0, 0, {})

    def __call__(self, step: int, steps: int, shown: dict[str, float]) -> None:
        """Replace the file by one that says how far the run is now."""
        partial = self._path.with_suffix(f".{os.getpid()}")
        try:
            partial.write_text(json.dumps([step, steps, shown, self._started]))
            partial.replace(self._path)
        except OSError:
            partial.unlink(missing_ok=True)  # a full disk must not fail the training itself

    @staticmethod
    def forget(folder: Path, key: str) -> None:
        """Remove the file of a run that has ended."""
        (folder / f"{key}.json").unlink(missing_ok=True)


def read_progress(folder: Path, key: str) -> Progress | None:
    """The parent's end: how far the run is, or None when it has not started."""
    try:
        step, steps, shown, started = json.loads((folder / f"{key}.json").read_text())
    except (OSError, ValueError):
        return None
    return Progress(step, steps, shown, started)
