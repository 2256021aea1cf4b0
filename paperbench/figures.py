"""What a paper's `figures.py` uses: pictures drawn from what finished runs have kept.

Nothing is trained for a figure. A run keeps curves, metrics, and the arrays that `run.keep` was
given; a figure is a function of those.
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paperbench.errors import PaperbenchError, UsageError, did_you_mean
from paperbench.ledger import FinishedRun, Ledger
from paperbench.registry import plugin_modules

if TYPE_CHECKING:  # `paperbench list` needs neither
    import numpy as np
    from matplotlib.figure import Figure

    Array = np.ndarray[Any, np.dtype[np.float32]]


ATTENTION = "attention/"  # how the examples of `run.attention` are named among what is kept


class NothingKept(PaperbenchError):
    """The ledger does not hold what a figure is drawn from."""


@dataclass(frozen=True)
class Kept:
    """The finished runs of one experiment of a claim file, and what they kept.

    runs: arm -> its finished runs by seed. An arm of a control is called `<arm> of <claim>`.
    """

    runs: Mapping[str, Mapping[int, FinishedRun]]
    ledger: Ledger

    def run(self, arm: str, seed: int = 0) -> FinishedRun:
        """One finished run; raises NothingKept with the arms that there are."""
        if seed not in self.runs.get(arm, {}):
            raise NothingKept(
                f"no finished run of arm `{arm}`, seed {seed}",
                help=f"run `verify` first; {did_you_mean(arm, self.runs, label='arms')}",
            )
        return self.runs[arm][seed]

    def array(self, arm: str, name: str, *, seed: int = 0) -> Array:
        """The array that the run kept as `name`, float32."""
        import numpy as np

        kept = self.ledger.kept(self.run(arm, seed).key)
        arrays = [each for each in kept if "float32" in kept[each]]
        if name not in arrays:
            raise NothingKept(
                f"arm `{arm}`, seed {seed} has kept no `{name}`",
                help=did_you_mean(name, arrays, label="kept"),
            )
        values = np.frombuffer(base64.b64decode(kept[name]["float32"]), "<f4")
        return values.reshape(kept[name]["shape"])

    def told(self, arm: str, *, seed: int = 0) -> dict[str, dict[str, Any]]:
        """Name -> how the run said to draw it, of the arrays that it gave to `run.figure`."""
        kept = self.ledger.kept(self.run(arm, seed).key)
        return {name: each["figure"] for name, each in kept.items() if "figure" in each}

    def attention(self, arm: str, name: str, *, seed: int = 0) -> Array:
        """The weights that the run gave to `run.attention`: (layers, heads, queries, keys)."""
        import numpy as np

        kept = self.ledger.kept(self.run(arm, seed).key)
        examples = {each.removeprefix(ATTENTION): kept[each] for each in kept if ATTENTION in each}
        if name not in examples:
            raise NothingKept(
                f"arm `{arm}`, seed {seed} has kept no attention on `{name}`",
                help=did_you_mean(name, examples, label="examples"),
            )
        weights = np.frombuffer(base64.b64decode(examples[name]["weights"]), "u1")
        return weights.reshape(examples[name]["shape"]).astype(np.float32) / np.float32(255)

    def curve(self, arm: str, name: str, *, seed: int = 0) -> tuple[Array, Array]:
        """A recorded series as (steps, values)."""
        import numpy as np

        curves = self.run(arm, seed).curves
        if name not in curves:
            raise NothingKept(
                f"arm `{arm}`, seed {seed} has no curve `{name}`",
                help=did_you_mean(name, curves, label="curves"),
            )
        steps, values = np.array(curves[name], dtype=np.float32).T
        return steps, values

    def curves(self, arm: str, name: str) -> list[tuple[Array, Array]]:
        """The series of every seed that has finished."""
        return [self.curve(arm, name, seed=seed) for seed in self.seeds(arm)]

    def seeds(self, arm: str) -> list[int]:
        """The seeds that have finished."""
        self.run(arm)
        return sorted(self.runs[arm])

    def metric(self, arm: str, name: str) -> list[float]:
        """A metric by seed; of a metric with repeats, their median."""
        from statistics import median

        values = [self.run(arm, seed).metrics[name] for seed in self.seeds(arm)]
        return [median(value) if isinstance(value, list) else value for value in values]


Draw = Callable[[Kept], "Figure"]


@dataclass(frozen=True)
class FigureInfo:
    """A registered figure. experiment: its name in the claim file."""

    name: str
    paper: str
    experiment: str
    caption: str
    draw: Draw


_REGISTERED: dict[str, dict[str, FigureInfo]] = {}  # by module


def figure(name: str, *, experiment: str, caption: str) -> Callable[[Draw], Draw]:
    """Register a function that draws one figure of the paper in whose `figures.py` it stands.

    name: of the file to be written. caption: what to see, in one or two sentences.
    """

    def register(draw: Draw) -> Draw:
        folder = Path(draw.__code__.co_filename).parent.name
        info = FigureInfo(name, folder.replace("_", "-"), experiment, caption, draw)
        _REGISTERED.setdefault(draw.__module__, {})[name] = info
        return draw

    return register


def figures_of(papers: Sequence[str]) -> list[FigureInfo]:
    """The figures of these papers, in the order of their files. Imports matplotlib.

    A plugin's are those of the module `figures` beside the one that registers its experiments.
    """
    modules = {
        f"paperbench.papers.{path.parent.name}.figures": path.parent.name.replace("_", "-")
        for path in sorted((Path(__file__).parent / "papers").glob("*/figures.py"))
    }
    found = [info for module, paper in modules.items() if paper in papers for info in _of(module)]
    for _, module in plugin_modules():
        beside = f"{module.rpartition('.')[0]}.figures".removeprefix(".")
        if beside != module and _exists(beside):
            found += [info for info in _of(beside) if info.paper in papers]
    return found


def _of(module: str) -> list[FigureInfo]:
    try:
        importlib.import_module(module)
    except Exception as broken:  # a plugin may fail in any way
        raise UsageError(f"{module} cannot be imported: {broken!r}") from broken
    return list(_REGISTERED.get(module, {}).values())


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
