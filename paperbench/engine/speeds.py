"""Whether replicates of an experiment go faster together than one after the other: remembered.

One decision holds for all arms of an experiment at one size, so that an arm and its control are
computed alike to the last bit. An arm that cannot go together is remembered by itself.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock

from paperbench.engine.devices import device_name
from paperbench.plan import PlannedRun

Mode = Literal["together", "alone"]
WORTH_IT = 1.05  # a smaller gain may be the noise of its measurement


@dataclass(frozen=True)
class Speeds:
    """What was found on this machine. path: where it is kept, one JSON object a line.

    chosen: a person's answer to every question; with `auto` it is measured.
    """

    path: Path
    chosen: Literal["auto", "together", "alone"] = "auto"

    def mode(self, run: PlannedRun) -> Mode | None:
        """How to carry out the run; None when that is not known yet."""
        known = self._read()
        if known.get(_arm(run)) == "alone" or run.exclusive:
            return "alone"
        return known.get(_experiment(run)) if self.chosen == "auto" else self.chosen

    def decide(self, run: PlannedRun, gain: float) -> Mode:
        """Keep what was measured; who measured first has decided."""
        mode: Mode = "together" if gain > WORTH_IT else "alone"
        return self._keep(_experiment(run), mode, run, f"{gain:.2f} times the speed of one by one")

    def refuse(self, run: PlannedRun, why: str) -> None:
        """Its arm cannot go together."""
        self._keep(_arm(run), "alone", run, why)

    def _keep(self, key: str, mode: Mode, run: PlannedRun, why: str) -> Mode:
        line = {"key": key, "mode": mode, "label": run.label, "why": why}
        with suppress(OSError):  # what cannot be remembered is measured again
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_suffix(".lock")):
                if (known := self._read().get(key)) is not None:
                    return known
                with self.path.open("a") as file:
                    # Also after a line that was cut off.
                    file.write("\n" + json.dumps(line) + "\n")
        return mode

    def _read(self) -> dict[str, Mode]:
        try:
            lines = self.path.read_text(errors="replace").splitlines()
        except OSError:
            return {}
        found: dict[str, Mode] = {}
        for line in lines:
            try:
                entry = json.loads(line)
                key, mode = entry["key"], entry["mode"]
            except (ValueError, KeyError, TypeError):
                continue  # cut off, or not ours: measured again
            if mode in ("together", "alone"):
                found.setdefault(str(key), mode)
        return found


@dataclass(frozen=True)
class ArmSpeed:
    """`Speeds` as one arm sees it."""

    speeds: Speeds
    run: PlannedRun

    @property
    def mode(self) -> Mode | None:
        """How its replicates are to be carried out, where that is known."""
        return self.speeds.mode(self.run)

    def decide(self, gain: float) -> Mode:
        """What follows for the experiment from the gain measured."""
        return self.speeds.decide(self.run, gain)

    def refuse(self, why: str) -> None:
        """The arm cannot go together."""
        self.speeds.refuse(self.run, why)


def _experiment(run: PlannedRun) -> str:
    """One size of an experiment: whole numbers are sizes, other parameters are what arms vary."""
    sizes = {name: value for name, value in run.params.items() if type(value) is int}
    return _key(run, {"sizes": sizes})


def _arm(run: PlannedRun) -> str:
    code = hashlib.sha256(json.dumps(dict(run.inputs), sort_keys=True).encode()).hexdigest()
    return _key(run, {"params": dict(run.params), "parts": dict(run.parts), "code": code[:16]})


def _key(run: PlannedRun, what: dict[str, object]) -> str:
    place = {"torch": run.inputs.get("torch"), "processor": device_name(run.device)}
    return json.dumps({"experiment": run.experiment, **what, **place}, sort_keys=True)
