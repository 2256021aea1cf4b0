"""Which broken versions of a paper's model its claims notice: mutation testing of claims."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from paperbench.components import MutationInfo, components_of
from paperbench.engine.pool import Engine
from paperbench.judge.decide import looks_of
from paperbench.judge.mutation import Finding, judge_mutation
from paperbench.judge.mutation_record import Trial, TriedClaim
from paperbench.judge.record import ClaimRecord
from paperbench.judge.samples import values_of
from paperbench.ledger import FinishedRun, Ledger
from paperbench.plan import PlannedRun, Site, plan_claim
from paperbench.pursuit import Pursuit, group, pursue
from paperbench.registry import ExperimentInfo, find
from paperbench.spec.model import Claim, ClaimFile
from paperbench.verify import Options, Selected, Watcher, verify

_CONTINUOUS = ("nats", "perplexity", "error", "score")  # kinds of metric


@dataclass(frozen=True)
class Tried:
    """What `falsify` found of one claim."""

    file: ClaimFile
    claim: TriedClaim
    mutations: Sequence[MutationInfo]
    trials: Sequence[Trial]


def mutations_of(file: ClaimFile, claim: Claim) -> list[MutationInfo]:
    """The registered mutations of the components that belong to the claim's experiment."""
    if claim.experiment is None:
        return []
    paper = file.experiment_of(claim).run.partition("/")[0]
    return [each for component in components_of(paper) for each in component.mutations]


def falsify(
    selected: Sequence[Selected],
    site: Site,
    ledger: Ledger,
    make_engine: Callable[[], Engine],
    watcher: Watcher | None = None,
    *,
    fresh: bool = False,
) -> Iterator[Tried]:
    """Verify the selected claims, then try each that passes on every mutation of its paper."""
    watcher = watcher or Watcher()
    by_name = {f"{file.slug}/{claim.name}": (file, claim) for file, claim in selected}
    records: dict[str, ClaimRecord] = {}
    for file, record in verify(selected, Options(site, fresh=fresh), ledger, make_engine, watcher):
        records[f"{file.slug}/{record.claim}"] = record
    pursuits: dict[str, Pursuit[Trial]] = {}
    for name, record in records.items():
        file, claim = by_name[name]
        for mutation in mutations_of(file, claim) if record.verdict == "PASS" else ():
            pursuits[f"{name} {mutation.full_name}"] = _try(file, claim, record, mutation, site)
    trials: dict[str, list[Trial]] = {name: [] for name in records}
    trained = {key for record in records.values() for key in record.runs}  # a moment ago
    every = pursue(
        pursuits, ledger, make_engine, watcher, fresh=lambda run: fresh and run.key not in trained
    )
    for key, trial in every:
        trials[key.partition(" ")[0]].append(trial)
    for name, record in records.items():
        file, claim = by_name[name]
        mutations = mutations_of(file, claim)
        order = {each.full_name: i for i, each in enumerate(mutations)}
        yield Tried(
            file,
            _tried_claim(record),
            mutations,
            sorted(trials[name], key=lambda trial: order[trial.mutation]),
        )


def _try(
    file: ClaimFile, claim: Claim, record: ClaimRecord, mutation: MutationInfo, site: Site
) -> Pursuit[Trial]:
    """Try one mutation at the look that decided the claim; while it is too close, at the next."""
    info = find(file.experiment_of(claim).run)
    mutant = replace(site, parts={mutation.component: mutation.target})
    looks = [look for look in looks_of(claim, seeds=None) if look.index >= record.look]
    finding, n = Finding(None, ""), 0
    own = plan_claim(file, claim, site, seeds=1).arms
    mutated = plan_claim(file, claim, mutant, seeds=1).arms
    got = yield [*_runs(own), *_runs(mutated)]
    untouched = {
        arm for arm in own if _equal(info, group(own, got)[arm][0], group(mutated, got)[arm][0])
    }
    for look in looks:
        n = look.n
        own = plan_claim(file, claim, site, seeds=n).arms
        mutated = plan_claim(file, claim, mutant, seeds=n).arms
        # An arm that computes the very same on seed 0 does not use the part.
        mutated = {arm: own[arm] if arm in untouched else runs for arm, runs in mutated.items()}
        got = yield [*_runs(own), *_runs(mutated)]
        finding = judge_mutation(claim, info, group(own, got), group(mutated, got), look)
        if finding.fate is not None:
            break
    assert finding.fate is not None, "the last look decides"
    return Trial(
        claim=claim.name,
        mutation=mutation.full_name,
        fate=finding.fate,
        detail=finding.detail,
        n=n,
        margin=finding.margin,
        difference=finding.difference,
    )


def _runs(arms: Mapping[str, Sequence[PlannedRun]]) -> list[PlannedRun]:
    return [run for replicates in arms.values() for run in replicates]


def _equal(info: ExperimentInfo, one: FinishedRun, other: FinishedRun) -> bool:
    """Whether two runs computed the very same, by a number that cannot tie by chance.

    Successes, accuracies and BLEU count something, and may well be equal on one seed.
    """
    finished = one.status == other.status == "done"
    if not finished or (one.metrics, one.curves) != (other.metrics, other.curves):
        return False
    floors = set(info.chance.values())
    return any(
        value != round(value)
        for name in one.metrics
        if name not in floors and info.metrics[name].name in _CONTINUOUS
        for value in values_of(one, name)
        if math.isfinite(value)
    )


def _tried_claim(record: ClaimRecord) -> TriedClaim:
    control = record.control
    return TriedClaim(
        claim=record.claim,
        verdict=record.verdict,
        control="no control" if control is None else control.verdict,
        spec_sha256=record.spec_sha256,
        code_sha256=record.code_sha256,
    )
