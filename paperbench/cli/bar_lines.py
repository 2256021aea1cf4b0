"""The runs under way as lines of text: one an arm, never longer than the terminal is wide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from paperbench.engine.progress import Progress
from paperbench.plan import PlannedRun

FULL_BAR, SHORT_BAR = 20, 8  # columns
LEAST_NAME = 24  # columns of a name before its neighbours give way
GAP = 2


@dataclass(frozen=True)
class Row:
    """What one line says; a cell that is empty has nothing to say yet."""

    name: str
    share: float
    steps: str
    left: str
    speed: str
    shown: str


def bar_lines(runs: Iterable[tuple[PlannedRun, Progress]], width: int) -> list[str]:
    """One line an arm, for all of its seeds that are under way.

    Where `width` is scarce the values, the speed and the length of the bar give way, in this
    order, and last the beginning of the name: the arm and the seed stand at its end.
    """
    arms: dict[str, list[tuple[PlannedRun, Progress]]] = {}
    for run, progress in runs:
        arms.setdefault(run.label, []).append((run, progress))
    rows = [_row(label, arm) for label, arm in arms.items()]
    if not rows:
        return []
    name = max(len(row.name) for row in rows)
    for bar, facts in (
        (FULL_BAR, ("steps", "speed", "left", "shown")),
        (FULL_BAR, ("steps", "speed", "left")),
        (FULL_BAR, ("steps", "left")),
        (SHORT_BAR, ("steps", "left")),
        (SHORT_BAR, ("steps",)),
        (SHORT_BAR, ()),
    ):
        columns = [max(len(getattr(row, fact)) for row in rows) for fact in facts]
        room = width - GAP - bar - sum(column + GAP for column in columns if column)
        if room >= min(name, LEAST_NAME):
            break
    name = max(1, min(name, room))
    return [
        (" " * GAP)
        .join(
            [
                f"{cut_left(row.name, name):<{name}}",
                _bar(row.share, bar),
                *(f"{getattr(row, f):<{c}}" for f, c in zip(facts, columns, strict=True) if c),
            ]
        )
        .rstrip()
        for row in rows
    ]


def _row(label: str, arm: Sequence[tuple[PlannedRun, Progress]]) -> Row:
    """An arm's seeds in one: their mean step and values, and the time of the slowest."""
    every = [progress for _, progress in arm]
    steps, step = max(each.steps for each in every), fmean([each.step for each in every])
    # The first steps are slow and say little about the rest.
    going = [each for each in every if 0.02 * each.steps < each.step < each.steps]
    speeds = [each.steps_per_second() for each in every if each.step]
    names = dict.fromkeys(name for each in every for name in each.shown)
    means = {n: fmean([each.shown[n] for each in every if n in each.shown]) for n in names}
    return Row(
        name=f"{label} {seeds_text([run.seed for run, _ in arm])}",
        share=step / max(1, steps),
        steps=f"{int(step)}/{steps}" if steps else "starting",
        left=format_seconds(max(each.seconds_left() for each in going)) if going else "",
        speed=f"{fmean(speeds):.0f} it/s" if speeds else "",
        shown=" ".join(f"{name} {value:.3g}" for name, value in means.items()),
    )


def seeds_text(seeds: Sequence[int]) -> str:
    """`seed 3`, `seeds 0-7`, or each where they do not follow one another."""
    first, last = min(seeds), max(seeds)
    if first == last:
        return f"seed {first}"
    if sorted(seeds) == list(range(first, last + 1)):
        return f"seeds {first}-{last}"
    return f"seeds {', '.join(map(str, sorted(seeds)))}"


def _bar(share: float, columns: int) -> str:
    """What is done is heavy and the rest is light: also without colour."""
    done = min(columns, int(share * columns))
    return "━" * done + "─" * (columns - done)


def cut_left(text: str, width: int) -> str:
    """The end of a text that is too long, after an ellipsis."""
    return text if len(text) <= width else f"…{text[len(text) - width + 1 :]}"


def format_seconds(seconds: float) -> str:
    """`7.4 s`, `2 m 41 s` or `1 h 05 m`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes} m {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} m"
    )
