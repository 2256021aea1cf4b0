"""What a person watches while `verify` works: bars in a terminal, lines in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from paperbench.engine.pool import Engine
from paperbench.judge.decide import Judgement, Look
from paperbench.judge.record import ClaimRecord
from paperbench.ledger import FinishedRun
from paperbench.plan import PlannedRun
from paperbench.report.terminal import format_margin
from paperbench.report.words import one_line
from paperbench.spec.model import Claim, ClaimFile
from paperbench.verify import Watcher

CLAIM_LINES = 8  # how many intervals stay in view


class Lines(Watcher):
    """One line an event, for logs: runs as they end, intervals as they form."""

    def __init__(self, console: Console):
        self.console = console
        self.cached = self.carried_out = 0

    def run_ended(self, run: PlannedRun, outcome: FinishedRun, *, cached: bool) -> None:
        if cached:
            self.cached += 1
            return
        self.carried_out += 1
        self._print(run_line(run, outcome))

    def look(self, file: ClaimFile, claim: Claim, look: Look, judgement: Judgement) -> None:
        self._print(look_line(file, claim, look, judgement))

    def _print(self, line: str) -> None:
        self.console.print(escape(line), highlight=False, soft_wrap=True)


class Bars(Watcher):
    """A bar for every run under way, below it the newest interval of each open claim."""

    def __init__(self, console: Console):
        self.console = console
        self.cached = self.carried_out = 0
        self._engine: Engine | None = None
        self._queued = 0
        self._claims: dict[str, str] = {}

    def run_ended(self, run: PlannedRun, outcome: FinishedRun, *, cached: bool) -> None:
        if cached:
            self.cached += 1
            return
        self.carried_out += 1
        if outcome.status != "done":
            self.console.print(Text(run_line(run, outcome), style="red"))

    def look(self, file: ClaimFile, claim: Claim, look: Look, judgement: Judgement) -> None:
        self._claims[f"{file.slug}/{claim.name}"] = look_line(file, claim, look, judgement)

    def claim_ended(self, file: ClaimFile, record: ClaimRecord) -> None:
        self._claims.pop(f"{file.slug}/{record.claim}", None)

    def waiting(self, engine: Engine, *, queued: int) -> None:
        self._engine, self._queued = engine, queued

    @contextmanager
    def live(self) -> Iterator[None]:
        """Keep the display on the screen for the time of the block."""
        with Live(
            get_renderable=self._render, console=self.console, refresh_per_second=4, transient=True
        ):
            yield

    def _render(self) -> RenderableType:
        bars = Table.grid(padding=(0, 1))
        under_way = self._engine.progress() if self._engine else {}
        for run, progress in under_way.values():
            # The first steps are slow and say little about the rest.
            left = progress.seconds_left() if progress.step > 0.02 * progress.steps else None
            shown = " ".join(f"{name} {value:.3g}" for name, value in progress.shown.items())
            bars.add_row(
                Text(f"{run.label} seed {run.seed}"),
                ProgressBar(total=max(1, progress.steps), completed=progress.step, width=20),
                f"{progress.step}/{progress.steps}",
                f"{progress.steps_per_second():.0f} it/s" if progress.step else "starting",
                "" if left is None else format_seconds(left),
                shown,
            )
        intervals = [
            Text(line, overflow="ellipsis", no_wrap=True)
            for line in list(self._claims.values())[-CLAIM_LINES:]
        ]
        waiting = max(0, self._queued - len(under_way))
        starting = "  workers are starting" if waiting and not under_way else ""
        counts = Text(
            f"{self.carried_out} runs done, {self.cached} cached, "
            f"{len(under_way)} under way, {waiting} waiting{starting}",
            style="dim",
        )
        return Group(bars, *intervals, counts)


def run_line(run: PlannedRun, outcome: FinishedRun) -> str:
    """What became of one run, in one line."""
    ended = "" if outcome.status == "done" else f"  {outcome.status}: {last_line(outcome.error)}"
    return f"  ran {run.label} seed {run.seed}  {format_seconds(outcome.seconds)}{ended}"


def look_line(file: ClaimFile, claim: Claim, look: Look, judgement: Judgement) -> str:
    """A claim's interval as it stands at one look."""
    margin = format_margin(judgement.margin) if judgement.margin else "no margin"
    state = (
        judgement.verdict
        or {
            "control": "looks decided, control next",
            "anchor": "looks decided, anchor next",
            "seeds": "undecided, more seeds next",
        }[judgement.needs]
    )
    return f"  {file.slug}/{claim.name}  look {look.index}  n={look.n}  margin {margin}  {state}"


def last_line(text: str) -> str:
    """The last line of a traceback: the exception itself, without what would steer a terminal."""
    lines = text.strip().splitlines()
    return one_line(lines[-1]) if lines else ""


def format_seconds(seconds: float) -> str:
    """`7.4 s`, `2 m 41 s` or `1 h 05 m`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes} m {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} m"
    )
