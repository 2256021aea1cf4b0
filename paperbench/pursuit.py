"""Several questions at once, each of which asks for runs until it has its answer.

A pursuit is a coroutine that yields the runs it needs next and returns an answer. A run that
several need is carried out once; one that is answered early asks for no more.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from paperbench.engine.pool import Engine
from paperbench.ledger import FinishedRun, Ledger
from paperbench.plan import Costs, PlannedRun, finished

POLL_SECONDS = 0.25
Answer = TypeVar("Answer")
Outcomes = dict[str, FinishedRun]
Pursuit = Generator[list[PlannedRun], Outcomes, Answer]


class RunWatcher:
    """Is told what becomes of runs; shows nothing. The command line's displays derive from it."""

    def run_ended(self, run: PlannedRun, outcome: FinishedRun, *, cached: bool) -> None:
        """A run is there, carried out or from the ledger."""

    def waiting(self, engine: Engine, *, queued: int) -> None:
        """Called a few times a second; `queued` runs have been asked for and not ended."""


@dataclass
class _Board(Generic[Answer]):
    """Which coroutine waits for which runs, and what has come in."""

    pursuits: dict[str, Pursuit[Answer]]
    wanted: dict[str, list[PlannedRun]]  # by pursuit
    outcomes: Outcomes = field(default_factory=dict)
    asked: dict[str, PlannedRun] = field(default_factory=dict)  # under way, by key
    held_back: list[PlannedRun] = field(default_factory=list)  # exclusive runs

    def ready(self) -> list[str]:
        """Those all of whose runs are there."""
        return [
            name
            for name, runs in self.wanted.items()
            if all(run.key in self.outcomes for run in runs)
        ]


def pursue(
    pursuits: Mapping[str, Pursuit[Answer]],
    ledger: Ledger,
    make_engine: Callable[[], Engine],
    watcher: RunWatcher,
    *,
    fresh: Callable[[PlannedRun], bool] = lambda run: False,
    known_seconds: Callable[[], Mapping[str, float]] = dict,
) -> Iterator[tuple[str, Answer]]:
    """Yield each pursuit's name and answer as soon as it has one.

    make_engine is called only when a run must be carried out. Every outcome that is `done` goes to
    the ledger before anything else happens, so an interrupted call resumes. fresh: of which runs to
    ignore what the ledger holds. known_seconds: gives arm label -> what a run took
    elsewhere, so that the longest can start first.
    """
    costs = Costs(ledger, known_seconds)
    board = _Board(dict(pursuits), {name: [] for name in pursuits})
    engine: Engine | None = None
    try:
        while board.pursuits:
            for name in board.ready():
                for answer in _advance(board, name, ledger, watcher, fresh=fresh):
                    yield name, answer
            if board.ready() or not board.pursuits:
                continue
            engine = engine or make_engine()
            _submit(board, engine, costs)
            watcher.waiting(engine, queued=len(board.asked) + len(board.held_back))
            ended = engine.collect(POLL_SECONDS)
            for outcome in ended:
                if outcome.status == "done":
                    ledger.put(outcome)
            for outcome in ended:
                board.outcomes[outcome.key] = outcome
                watcher.run_ended(board.asked.pop(outcome.key), outcome, cached=False)
    finally:
        if engine is not None:
            engine.close()


def group(
    runs: Mapping[str, Iterable[PlannedRun]], outcomes: Outcomes
) -> dict[str, list[FinishedRun]]:
    """What became of each arm's runs."""
    return {arm: [outcomes[run.key] for run in replicates] for arm, replicates in runs.items()}


def _advance(
    board: _Board[Answer],
    name: str,
    ledger: Ledger,
    watcher: RunWatcher,
    *,
    fresh: Callable[[PlannedRun], bool],
) -> list[Answer]:
    """Give a pursuit the runs it waits for; return its answer, if it has one now."""
    pursuit = board.pursuits[name]
    try:
        got = {run.key: board.outcomes[run.key] for run in board.wanted[name]}
        runs = pursuit.send(got) if got else next(pursuit)
    except StopIteration as ended:
        del board.pursuits[name], board.wanted[name]
        return [ended.value]
    board.wanted[name] = runs
    missing = {
        run.key: run for run in runs if run.key not in board.outcomes and run.key not in board.asked
    }
    held = {run.key for run in board.held_back}
    cached = ledger.get_many(key for key, run in missing.items() if not fresh(run))
    for key, run in missing.items():
        if finished(run, cached.get(key)):
            board.outcomes[key] = cached[key]
            watcher.run_ended(run, cached[key], cached=True)
        elif key not in held:
            board.held_back.append(run)
    return []


def _submit(board: _Board[Answer], engine: Engine, costs: Costs) -> None:
    """Hand over what waits. An exclusive run goes alone, when nothing else is under way or left."""
    shared = [run for run in board.held_back if not run.exclusive]
    alone = [run for run in board.held_back if run.exclusive]
    if shared:
        chosen = shared
    else:
        chosen = alone[:1] if not board.asked else []
    for run in chosen:
        board.held_back.remove(run)
        board.asked[run.key] = run
        engine.submit(run, costs.seconds(run))
