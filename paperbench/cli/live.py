"""What a person watches while `verify` works: bars in a terminal, lines in a pipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from paperbench.cli.bar_lines import bar_lines, cut_left, format_seconds
from paperbench.cli.consoles import is_screen
from paperbench.engine.pool import Engine
from paperbench.judge.decide import Judgement, Look
from paperbench.judge.record import ClaimRecord
from paperbench.ledger import FinishedRun
from paperbench.plan import PlannedRun
from paperbench.report.terminal import format_margin
from paperbench.report.words import marked_verdict, one_line
from paperbench.spec.model import Claim, ClaimFile
from paperbench.verify import Watcher

CLAIM_LINES = 8  # how many intervals stay in view
LEAST_NAME = 16  # columns of a claim's name before what is said of it becomes shorter
_NEXT = {
    "control": ("looks decided, control next", "control next"),
    "anchor": ("looks decided, anchor next", "anchor next"),
    "seeds": ("undecided, more seeds next", "more seeds"),
}


def watcher_for(console: Console) -> Bars | Lines:
    """Bars where lines can be written anew, else lines."""
    return Bars(console) if is_screen(console) else Lines(console)


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
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)


class Bars(Watcher):
    """A bar for every arm under way, below it the newest interval of each open claim."""

    def __init__(self, console: Console):
        self.console = console
        self.cached = self.carried_out = 0
        self._engine: Engine | None = None
        self._queued = 0
        self._claims: dict[str, tuple[ClaimFile, Claim, Look, Judgement]] = {}
        self._verdicts: Counter[str] = Counter()

    def run_ended(self, run: PlannedRun, outcome: FinishedRun, *, cached: bool) -> None:
        if cached:
            self.cached += 1
            return
        self.carried_out += 1
        if outcome.status != "done":
            self.console.print(Text(run_line(run, outcome), style="red"))

    def look(self, file: ClaimFile, claim: Claim, look: Look, judgement: Judgement) -> None:
        self._claims[f"{file.slug}/{claim.name}"] = file, claim, look, judgement

    def claim_ended(self, file: ClaimFile, record: ClaimRecord) -> None:
        self._claims.pop(f"{file.slug}/{record.claim}", None)
        self._verdicts[marked_verdict(record)] += 1

    def waiting(self, engine: Engine, *, queued: int) -> None:
        self._engine, self._queued = engine, queued

    @contextmanager
    def live(self) -> Iterator[None]:
        """Keep the display on the screen for the time of the block."""
        with Live(
            get_renderable=self._render, console=self.console, refresh_per_second=4, transient=True
        ):
            yield

    def _render(self) -> Text:
        width = self.console.width
        under_way = self._engine.progress() if self._engine else {}
        lines = bar_lines(under_way.values(), width)
        lines += [
            look_line(*each, width=width) for each in list(self._claims.values())[-CLAIM_LINES:]
        ]
        waiting = max(0, self._queued - len(under_way))
        counts = (
            f"{self.carried_out} runs done, {self.cached} cached, "
            f"{len(under_way)} under way, {waiting} waiting"
        )
        if waiting and not under_way:
            counts += "  workers are starting"
        verdicts = list(self._verdicts.items())
        judged = ", ".join(f"{count} {verdict}" for verdict, count in verdicts)
        screen = Text("\n".join([*lines, ""]))
        screen.append(counts + (f"; judged: {judged}" if judged else ""), style="dim")
        return screen


def run_line(run: PlannedRun, outcome: FinishedRun) -> str:
    """What became of one run, in one line."""
    ended = "" if outcome.status == "done" else f"  {outcome.status}: {last_line(outcome.error)}"
    return f"  ran {run.label} seed {run.seed}  {format_seconds(outcome.seconds)}{ended}"


def look_line(
    file: ClaimFile, claim: Claim, look: Look, judgement: Judgement, *, width: int | None = None
) -> str:
    """A claim's interval as it stands at one look. width: in which the interval must be seen."""
    name = f"{file.slug}/{claim.name}"
    margin = format_margin(judgement.margin) if judgement.margin else "no margin"
    verdict = judgement.verdict
    long, short = (verdict, verdict) if verdict else _NEXT[judgement.needs]
    line = f"  {name}  look {look.index}  n={look.n}  margin {margin}  {long}"
    if width is None or len(line) <= width:
        return line
    for said in (f"  n={look.n}  {margin}  {long}", f"  n={look.n}  {margin}  {short}"):
        room = width - 2 - len(said)
        if room >= min(len(name), LEAST_NAME):
            break
    return f"  {cut_left(name, max(1, room))}{said}"[:width]


def last_line(text: str) -> str:
    """The last line of a traceback: the exception itself, without what would steer a terminal."""
    lines = text.strip().splitlines()
    return one_line(lines[-1]) if lines else ""
