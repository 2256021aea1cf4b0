"""How often is a verdict wrong? Whole claims, simulated through the judge's public interface.

A claim's runs are made from margins of a known distribution, its control clearly fails, and the
judge goes through its looks as in `verify`. Rates are percentages with 95 % Wilson intervals.

    python -m benchmarks.calibration              # the adopted rules
    python -m benchmarks.calibration --compare    # other rules on the same margins
"""

from __future__ import annotations

import inspect
import math
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.margins import MARGINS, Array, draw, generator_for
from paperbench.judge.decide import Evidence, Judgement, Look, judge, looks_of
from paperbench.judge.record import Margin, Part
from paperbench.judge.shape import warnings_about
from paperbench.ledger import FinishedRun
from paperbench.metric_kinds import score
from paperbench.registry import ExperimentInfo
from paperbench.spec.model import DEFAULT_ALPHA, DEFAULT_LOOKS, Claim

INFO = ExperimentInfo(
    name="simulated/margins",
    module="simulated",
    function="margins",
    path=Path("simulated.py"),
    line=1,
    summary="",
    parameters={},
    metrics={"x": score, "y": score},
    chance={},
)
CHECKS = ("single", "chained", "conjunctive")
SCHEDULES: dict[str, tuple[tuple[int, ...], tuple[float, ...]] | int] = {
    "default": (DEFAULT_LOOKS, DEFAULT_ALPHA),
    "3, 5, 8 at .005, .0075, .0125": ((3, 5, 8), (0.005, 0.0075, 0.0125)),
    "5, 8 at .0025, .006": ((5, 8), (0.0025, 0.006)),
    "8 at .0085": ((8,), (0.0085,)),
    "3, 5, 8, 12 at .001, .0025, .005, .005": ((3, 5, 8, 12), (0.001, 0.0025, 0.005, 0.005)),
    "exploratory: 5 seeds": 5,
}
FEW = [name for name in MARGINS if "log-normal" not in name and "discrete" not in name]
EFFECTS = (0, 1, 2, 3)  # standard deviations
CLEAR = 5.0  # standard deviations: a part that is not in question
OFF = -1000.0  # the margin of a control that clearly fails
CHUNK = 500  # simulated claims a task


@dataclass(frozen=True)
class Cell:
    """What is simulated: one entry of a table.

    control: None: one that clearly fails; else (effect, correlation of its noise with the claim's).
    """

    check: str
    schedule: str
    margins: str
    effect: float
    replicates: int
    control: tuple[float, float] | None = None


@dataclass(frozen=True)
class Tally:
    """How the claims of a cell ended. warned: how many PASS carry a warning of their shape."""

    verdicts: Counter[str]
    seeds: int
    warned: int

    def rate(self, verdict: str) -> float:
        """The share of claims with this verdict."""
        return self.verdicts[verdict] / self.verdicts.total()

    @property
    def mean_seeds(self) -> float:
        """Seeds at the look that decided."""
        return self.seeds / self.verdicts.total()


def judged(cell: Cell, offset: int = 0) -> Iterator[tuple[Judgement, Look]]:
    """The last judgement of each of a cell's claims. offset: tells its chunks apart."""
    claim, looks = claim_of(cell)
    for margins, control in zip(*samples(cell, looks[-1].n, offset), strict=True):
        arms = runs_of(cell, margins)
        for look in looks:
            judgement = judge(claim, INFO, Evidence(arms), look)
            if judgement.needs == "control":
                judgement = judge(claim, INFO, Evidence(arms, runs_of(cell, control)), look)
            if judgement.needs == "nothing":
                yield judgement, look
                break
        else:
            raise AssertionError("the last look decides")


@cache
def _claim(check: str, schedule: str, width: float) -> tuple[Claim, tuple[Look, ...]]:
    chosen = SCHEDULES[schedule]
    text = {
        "single": "new.x > old.x",
        "chained": f"{-width} < new.x - old.x < {width}",
        "conjunctive": "new.x > old.x and new.y > old.y",
    }[check]
    options = {} if isinstance(chosen, int) else {"looks": chosen[0], "alpha": chosen[1]}
    claim = Claim(
        name="simulated", statement="", check=text, control={"new": {"off": 1}}, **options
    )
    return claim, looks_of(claim, seeds=chosen if isinstance(chosen, int) else None)


def claim_of(cell: Cell) -> tuple[Claim, tuple[Look, ...]]:
    """The claim and its looks. At a null one link of a chain is at its bound, the other clear."""
    return _claim(cell.check, cell.schedule, float(cell.effect or CLEAR))


def samples(cell: Cell, n: int, offset: int) -> tuple[Array, Array]:
    """Margins (claims, seeds, parts) of the claims and of their controls.

    Of a conjunction at its null the second part is clear, which is its least favourable case; in
    any other case both have the effect.
    """
    shape = (cell.replicates, n, 2)
    noise = draw(cell.margins, shape, cell.check, cell.effect, offset)
    margins = cell.effect + noise
    if cell.effect == 0:
        margins[..., 1] = CLEAR + noise[..., 1]
    if cell.control is None:
        own = generator_for("control", cell, offset).standard_normal(shape)
        return margins, OFF + 0.01 * own
    effect, shared = cell.control
    own = draw(cell.margins, shape, "control", cell.effect, offset)
    return margins, effect + shared * noise + math.sqrt(1 - shared**2) * own


def runs_of(cell: Cell, margins: Array) -> dict[str, list[FinishedRun]]:
    """Both arms' runs, whose check has the given margins (seeds, parts)."""
    if cell.check == "chained":  # d < width, whose margin is width - d
        margins = (cell.effect or CLEAR) - margins
    return {
        "new": [_run({"x": 1 + x, "y": 1 + y}) for x, y in margins.tolist()],
        "old": [_run({"x": 1.0, "y": 1.0})] * len(margins),
    }


def _run(metrics: dict[str, float]) -> FinishedRun:
    return FinishedRun(key="", lineage="", status="done", metrics=metrics)


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a rate."""
    z, rate = 1.959964, successes / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def percent(successes: int, n: int) -> str:
    """`2.5 [2.2, 2.8]`."""
    low, high = wilson(successes, n)
    return f"{100 * successes / n:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def simulate_all(cells: Sequence[Cell]) -> dict[Cell, Tally]:
    """Every cell, in chunks over all cores; the numbers do not depend on how many there are."""
    tasks = [(cell, chunk) for cell in cells for chunk in range(math.ceil(cell.replicates / CHUNK))]
    with multiprocessing.get_context("spawn").Pool(len(os.sched_getaffinity(0))) as pool:
        parts = pool.starmap(_chunk, tasks, chunksize=4)
    found: dict[Cell, Tally] = {}
    for (cell, _), part in zip(tasks, parts, strict=True):
        before = found.get(cell, Tally(Counter(), 0, 0))
        found[cell] = Tally(
            before.verdicts + part.verdicts, before.seeds + part.seeds, before.warned + part.warned
        )
    return found


def _chunk(cell: Cell, chunk: int) -> Tally:
    size = min(CHUNK, cell.replicates - chunk * CHUNK)
    part = Cell(cell.check, cell.schedule, cell.margins, cell.effect, size, cell.control)
    verdicts: Counter[str] = Counter()
    seeds = warned = 0
    for judgement, look in judged(part, chunk):
        verdicts[str(judgement.verdict)] += 1
        seeds += look.n
        warned += judgement.verdict == "PASS" and bool(
            warnings_about(judgement.parts, "PASS", "seed")
        )
    return Tally(verdicts, seeds, warned)


def error_rates() -> None:
    """False passes and power by check, looks and margins; seeds used at 0, 1, 2 and 3 sd.

    warned: of the false passes, the percentage that carries a warning of its shape.
    """
    rows = [("single", "default", margins, 10_000, 800) for margins in MARGINS]
    rows += [(check, "default", margins, 2500, 400) for check in CHECKS[1:] for margins in MARGINS]
    rows += [
        ("single", schedule, margins, 2500, 300)
        for schedule in list(SCHEDULES)[1:]
        for margins in FEW
    ]
    cells = {
        (check, schedule, margins, effect): Cell(
            check, schedule, margins, effect, powers if effect else nulls
        )
        for check, schedule, margins, nulls, powers in rows
        for effect in EFFECTS
    }
    found = simulate_all(list(cells.values()))
    print(
        "| check | looks | margins | null: PASS % | warned % | 1 sd: PASS % | 2 sd | 3 sd | seeds |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for check, schedule, margins, *_ in rows:
        tallies = [found[cells[check, schedule, margins, effect]] for effect in EFFECTS]
        null = tallies[0]
        passed = null.verdicts["PASS"]
        powers = " | ".join(f"{100 * tally.rate('PASS'):.1f}" for tally in tallies[1:])
        seeds = ", ".join(f"{tally.mean_seeds:.1f}" for tally in tallies)
        warned = f"{100 * null.warned / passed:.0f}" if passed else "-"
        print(
            f"| {check} | {schedule} | {margins} | {percent(passed, null.verdicts.total())} "
            f"| {warned} | {powers} | {seeds} |"
        )


def control_rates() -> None:
    """What the control adds: normal margins, a single check, the default looks."""
    cases: list[tuple[str, float, tuple[float, float]]] = [
        ("claim at its null, control at its null", 0, (0.0, 0.0))
    ]
    for effect in (1, 2, 3):
        cases += [
            (f"claim {effect} sd, control as good", effect, (float(effect), 0.0)),
            (f"claim {effect} sd, control as good, noise half shared", effect, (effect, 0.7)),
            (f"claim {effect} sd, control half as good", effect, (effect / 2, 0.0)),
            (f"claim {effect} sd, control without effect", effect, (0.0, 0.0)),
        ]
    cases.append(("claim 10 sd, control that would pass at 2 sd", 10, (2.0, 0.0)))
    cells = [Cell("single", "default", "normal", e, 4000, control) for _, e, control in cases]
    found = simulate_all(cells)
    verdicts = ("PASS", "VACUOUS", "INCONCLUSIVE", "FAIL")
    print(f"| claim and control | {' | '.join(f'{each} %' for each in verdicts)} | seeds |")
    print("|---|---|---|---|---|---|")
    for (name, *_), cell in zip(cases, cells, strict=True):
        tally = found[cell]
        first = percent(tally.verdicts["PASS"], cell.replicates)
        rest = " | ".join(f"{100 * tally.rate(verdict):.1f}" for verdict in verdicts[1:])
        print(f"| {name} | {first} | {rest} | {tally.mean_seeds:.1f} |")


def alarm_rates(replicates: int = 2000) -> None:
    """How often a sample that supports its claim is warned of. Of normal ones: false alarms."""
    sizes = (5, 8, 20)
    print("| margins | " + " | ".join(f"n = {n}: warned %" for n in sizes) + " |")
    print("|---|" + "---|" * len(sizes))
    for name in MARGINS:
        cells = []
        for n in sizes:
            rows = CLEAR + draw(name, (replicates, n), "alarms")
            cells.append(percent(sum(bool(_alarm(row)) for row in rows.tolist()), replicates))
        print(f"| {name} | " + " | ".join(cells) + " |")


def _alarm(values: list[float]) -> list[str]:
    mean = float(np.mean(values))
    margin = Margin(mean=mean, low=0, high=2 * mean, alpha=0, n=len(values), values=values)
    return warnings_about([Part(check="new.x > old.x", margin=margin)], "PASS", "seed")


def main(arguments: Sequence[str] = ()) -> None:
    started = time.perf_counter()
    if "--compare" in arguments:
        from benchmarks import methods

        methods.main()
    else:
        for table in (error_rates, control_rates, alarm_rates):
            print(f"\n{inspect.getdoc(table)}\n")
            table()
    cpu = sum(os.times()[:4])  # of this process and of its workers
    print(
        f"\n{time.perf_counter() - started:.0f} s on {len(os.sched_getaffinity(0))} cores, "
        f"{cpu:.0f} s of their time"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
