"""From claims to verdicts: asks the plan for runs, the engine for outcomes, the judge for answers.

Each claim is pursued by a coroutine that yields the runs it needs next. A run that several claims
need is carried out once; a claim that is decided early asks for no more.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from paperbench.engine.pool import Engine
from paperbench.judge.build_record import reading_record, to_record
from paperbench.judge.decide import Evidence, Judgement, Look, judge, looks_of
from paperbench.judge.outcome import outcome
from paperbench.judge.record import ClaimRecord
from paperbench.ledger import FinishedRun, Ledger
from paperbench.plan import ClaimRuns, PlannedRun, Site, finished, plan_claim
from paperbench.registry import find
from paperbench.sources import code_sha256
from paperbench.spec.model import Claim, ClaimFile

POLL_SECONDS = 0.25
Selected = tuple[ClaimFile, Claim]
Outcomes = dict[str, FinishedRun]
Pursuit = Generator[list[PlannedRun], Outcomes, ClaimRecord]


@dataclass(frozen=True)
class Options:
    """seeds: one exploratory look of so many instead of the claim's looks. fresh: ignore what the
    ledger holds. fail_fast: stop at the first claim that is not as expected.
    """

    site: Site
    seeds: int | None = None
    fresh: bool = False
    fail_fast: bool = False


class Watcher:
    """Is told what happens; shows nothing. The command line's displays derive from it."""

    def look(self, file: ClaimFile, claim: Claim, look: Look, judgement: Judgement) -> None:
        """A claim was judged at one look."""

    def run_ended(self, run: PlannedRun, outcome: FinishedRun, *, cached: bool) -> None:
        """A run is there, carried out or from the ledger."""

    def claim_ended(self, file: ClaimFile, record: ClaimRecord) -> None:
        """A claim has its verdict."""

    def waiting(self, engine: Engine, *, queued: int) -> None:
        """Called a few times a second; `queued` runs have been asked for and not ended."""


@dataclass
class _Board:
    """Which coroutine waits for which runs, and what has come in."""

    pursuits: dict[str, tuple[ClaimFile, Pursuit]] = field(default_factory=dict)
    wanted: dict[str, list[PlannedRun]] = field(default_factory=dict)  # by claim
    outcomes: Outcomes = field(default_factory=dict)
    asked: dict[str, PlannedRun] = field(default_factory=dict)  # under way, by key
    held_back: list[PlannedRun] = field(default_factory=list)  # exclusive runs

    def ready(self) -> list[str]:
        """Claims all of whose runs are there."""
        return [
            claim
            for claim, runs in self.wanted.items()
            if all(run.key in self.outcomes for run in runs)
        ]


def verify(
    selected: Iterable[Selected],
    options: Options,
    ledger: Ledger,
    make_engine: Callable[[], Engine],
    watcher: Watcher | None = None,
) -> Iterator[tuple[ClaimFile, ClaimRecord]]:
    """Pursue every selected claim and yield its record as soon as it is decided.

    make_engine is called only when a run must be carried out. Every outcome that is `done` goes to
    the ledger before anything else happens, so an interrupted call resumes.
    """
    watcher = watcher or Watcher()
    board = _Board()
    for file, claim in selected:
        name = f"{file.slug}/{claim.name}"
        board.pursuits[name] = file, _pursue(file, claim, options, watcher)
        board.wanted[name] = []
    engine: Engine | None = None
    try:
        while board.pursuits:
            for name in board.ready():
                ended = _advance(board, name, options, ledger, watcher)
                if ended is None:
                    continue
                watcher.claim_ended(*ended)
                yield ended
                if options.fail_fast and _is_unexpected(ended[1]):
                    return
            if not _pending(board):
                continue
            engine = engine or make_engine()
            _submit(board, engine)
            watcher.waiting(engine, queued=len(board.asked) + len(board.held_back))
            for ended_run in engine.collect(POLL_SECONDS):
                _take_in(board, ended_run, ledger, watcher)
    finally:
        if engine is not None:
            engine.close()


def _pursue(file: ClaimFile, claim: Claim, options: Options, watcher: Watcher) -> Pursuit:
    sha256 = file.claim_sha256(claim)
    if claim.kind == "reading":
        return reading_record(claim, tier=options.site.tier, spec_sha256=sha256)
    info = find(file.experiment_of(claim).run)
    looks = looks_of(claim, seeds=options.seeds)
    for look in looks:
        runs = plan_claim(file, claim, options.site, seeds=look.n)
        got = yield [run for arm in runs.arms.values() for run in arm]
        evidence = Evidence(arms=_group(runs.arms, got))
        judgement = judge(claim, info, evidence, look)
        while judgement.needs in ("anchor", "control"):
            watcher.look(file, claim, look, judgement)
            evidence = yield from _more_evidence(runs, evidence, judgement)
            judgement = judge(claim, info, evidence, look)
        watcher.look(file, claim, look, judgement)
        if judgement.needs == "nothing":
            return to_record(
                claim,
                info,
                evidence,
                judgement,
                look,
                looks=looks,
                tier=options.site.tier,
                exploratory=options.seeds is not None,
                spec_sha256=sha256,
                code_sha256=code_sha256(info.name),
            )
    raise AssertionError(f"{claim.name}: the last look decided nothing")


def _more_evidence(
    runs: ClaimRuns, evidence: Evidence, judgement: Judgement
) -> Generator[list[PlannedRun], Outcomes, Evidence]:
    if judgement.needs == "anchor":
        got = yield list(runs.anchor)
        return Evidence(evidence.arms, evidence.control, [got[run.key] for run in runs.anchor])
    got = yield [run for arm in runs.control.values() for run in arm]
    return Evidence(evidence.arms, _group(runs.control, got), evidence.anchor)


def _group(
    runs: Mapping[str, Iterable[PlannedRun]], outcomes: Outcomes
) -> dict[str, list[FinishedRun]]:
    return {arm: [outcomes[run.key] for run in replicates] for arm, replicates in runs.items()}


def _advance(
    board: _Board, name: str, options: Options, ledger: Ledger, watcher: Watcher
) -> tuple[ClaimFile, ClaimRecord] | None:
    """Give a claim the runs it waits for; return its record when it is decided."""
    file, pursuit = board.pursuits[name]
    try:
        got = {run.key: board.outcomes[run.key] for run in board.wanted[name]}
        runs = pursuit.send(got) if got else next(pursuit)
    except StopIteration as ended:
        del board.pursuits[name], board.wanted[name]
        return file, ended.value
    board.wanted[name] = runs
    missing = {
        run.key: run for run in runs if run.key not in board.outcomes and run.key not in board.asked
    }
    held = {run.key for run in board.held_back}
    cached = {} if options.fresh else ledger.get_many(missing)
    for key, run in missing.items():
        if finished(run, cached.get(key)):
            board.outcomes[key] = cached[key]
            watcher.run_ended(run, cached[key], cached=True)
        elif key not in held:
            board.held_back.append(run)
    return None


def _pending(board: _Board) -> bool:
    """Whether any claim waits for a run that is not there."""
    return not board.ready()


def _submit(board: _Board, engine: Engine) -> None:
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
        engine.submit(run)


def _take_in(board: _Board, ended: FinishedRun, ledger: Ledger, watcher: Watcher) -> None:
    if ended.status == "done":
        ledger.put(ended)
    board.outcomes[ended.key] = ended
    watcher.run_ended(board.asked.pop(ended.key), ended, cached=False)


def _is_unexpected(record: ClaimRecord) -> bool:
    return record.verdict is not None and outcome(record.verdict, record.expected) in (
        "unexpected",
        "error",
    )
