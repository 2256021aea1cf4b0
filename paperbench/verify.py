"""From claims to verdicts: the plan names runs, the engine carries them out, the judge decides."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass

from paperbench.engine.pool import Engine
from paperbench.judge.build_record import reading_record, to_record
from paperbench.judge.decide import Evidence, Judgement, Look, judge, looks_of
from paperbench.judge.outcome import outcome
from paperbench.judge.record import ClaimRecord
from paperbench.ledger import Ledger
from paperbench.plan import ClaimRuns, PlannedRun, Site, plan_claim
from paperbench.pursuit import Outcomes, Pursuit, RunWatcher, group, pursue
from paperbench.registry import find
from paperbench.sources import code_sha256
from paperbench.spec.model import Claim, ClaimFile

Selected = tuple[ClaimFile, Claim]


@dataclass(frozen=True)
class Options:
    """seeds: one exploratory look of so many instead of the claim's looks. fresh: ignore what the
    ledger holds. fail_fast: stop at the first claim that is not as expected.
    """

    site: Site
    seeds: int | None = None
    fresh: bool = False
    fail_fast: bool = False


class Watcher(RunWatcher):
    """Is told what becomes of claims as well; shows nothing."""

    def look(self, file: ClaimFile, claim: Claim, look: Look, judgement: Judgement) -> None:
        """A claim was judged at one look."""

    def claim_ended(self, file: ClaimFile, record: ClaimRecord) -> None:
        """A claim has its verdict."""


def verify(
    selected: Iterable[Selected],
    options: Options,
    ledger: Ledger,
    make_engine: Callable[[], Engine],
    watcher: Watcher | None = None,
    *,
    known_seconds: Callable[[], Mapping[str, float]] = dict,
) -> Iterator[tuple[ClaimFile, ClaimRecord]]:
    """Pursue every selected claim and yield its record as soon as it is decided.

    known_seconds: gives arm label -> what a run took elsewhere; the longest start first.
    """
    watcher = watcher or Watcher()
    files: dict[str, ClaimFile] = {}
    pursuits: dict[str, Pursuit[ClaimRecord]] = {}
    for file, claim in selected:
        name = f"{file.slug}/{claim.name}"
        files[name], pursuits[name] = file, _pursue(file, claim, options, watcher)
    every = pursue(
        pursuits,
        ledger,
        make_engine,
        watcher,
        fresh=lambda run: options.fresh,
        known_seconds=known_seconds,
    )
    for name, record in every:
        watcher.claim_ended(files[name], record)
        yield files[name], record
        if options.fail_fast and _is_unexpected(record):
            return


def _pursue(
    file: ClaimFile, claim: Claim, options: Options, watcher: Watcher
) -> Pursuit[ClaimRecord]:
    sha256 = file.claim_sha256(claim)
    if claim.kind == "reading":
        return reading_record(claim, tier=options.site.tier, spec_sha256=sha256)
    info = find(file.experiment_of(claim).run)
    looks = looks_of(claim, seeds=options.seeds)
    for look in looks:
        runs = plan_claim(file, claim, options.site, seeds=look.n)
        got = yield [run for arm in runs.arms.values() for run in arm]
        evidence = Evidence(arms=group(runs.arms, got))
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
    return Evidence(evidence.arms, group(runs.control, got), evidence.anchor)


def _is_unexpected(record: ClaimRecord) -> bool:
    return record.verdict is not None and outcome(record.verdict, record.expected) in (
        "unexpected",
        "error",
    )
