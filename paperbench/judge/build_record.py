"""The verdict record of one claim, from its judgement and the runs it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, cast

from paperbench.judge.control import metrics_by_arm, values_by_arm
from paperbench.judge.decide import Evidence, Judgement
from paperbench.judge.looks import Look
from paperbench.judge.origin import origin_of
from paperbench.judge.outcome import Expected, as_expected
from paperbench.judge.record import RULES, ClaimRecord, Control
from paperbench.judge.samples import Runs
from paperbench.judge.shape import warnings_about
from paperbench.judge.support import support_of
from paperbench.ledger import FinishedRun
from paperbench.registry import ExperimentInfo
from paperbench.spec.model import Claim, Tier


def to_record(
    claim: Claim,
    info: ExperimentInfo,
    evidence: Evidence,
    judgement: Judgement,
    look: Look,
    *,
    looks: Sequence[Look],
    tier: Tier,
    exploratory: bool,
    spec_sha256: str,
    code_sha256: str = "",
) -> ClaimRecord:
    """The record of a decided claim. Raises ValueError while it is undecided.

    look: the one that decided, of `looks`. arms holds the metrics that the check names and their
    chance floors; for timing the repeats of seed 0.
    """
    if judgement.verdict is None:
        raise ValueError(f"claim `{claim.name}` is undecided: it needs {judgement.needs}")
    check = claim.parsed_check()
    runs = {arm: evidence.arms[arm][: look.n] for arm in check.arms()}
    metrics = {arm: [*names, *_floors(info, names)] for arm, names in metrics_by_arm(check).items()}
    expected = _expected(claim, tier)
    used = {run.key: run for run in _used(runs, evidence, look)}
    estimated = claim.kind != "exact" and judgement.verdict != "ERROR"
    spent = sum(each.alpha for each in looks if each.index < look.index)
    return ClaimRecord(
        claim=claim.name,
        statement=claim.statement,
        kind=claim.kind,
        check=claim.check,
        verdict=judgement.verdict,
        expected=expected,
        as_expected=as_expected(judgement.verdict, expected),
        reason=claim.reason,
        summary=judgement.summary,
        next_step=judgement.next_step,
        margin=judgement.margin,
        parts=judgement.parts,
        look=look.index,
        looks=[each.n for each in looks],
        exploratory=exploratory,
        seeds=list(range(look.n)),
        arms=values_by_arm(runs, metrics),
        budgets={arm: _mean_budget(by_seed) for arm, by_seed in runs.items()},
        control=judgement.control or _not_run(claim, judgement),
        guards=judgement.guards,
        source=str(claim.source) or None,
        reported=claim.reported,
        because=claim.because,
        spec_sha256=spec_sha256,
        code_sha256=code_sha256,
        runs=list(used),
        seconds={
            arm: sum(run.seconds for run in by_seed) / len(by_seed) for arm, by_seed in runs.items()
        },
        environment=origin_of(used.values()),
        rules=RULES,
        support=support_of(check, judgement.parts, len(looks)) if estimated else None,
        # Whoever is decided at a later look had the earlier ones' chances as well.
        p_value=min(1.0, spent + judgement.p) if estimated else None,
        warnings=_warnings(claim, judgement) if estimated else [],
    )


def reading_record(claim: Claim, *, tier: Tier, spec_sha256: str) -> ClaimRecord:
    """The record of a claim of `kind: reading`, which carries no verdict and fails nothing."""
    return ClaimRecord(
        claim=claim.name,
        statement=claim.statement,
        kind=claim.kind,
        check=claim.check,
        verdict=None,
        expected=_expected(claim, tier),
        as_expected=True,
        reason=claim.reason,
        summary="read, not tried: a reading carries no verdict",
        source=str(claim.source) or None,
        reported=claim.reported,
        because=claim.because,
        spec_sha256=spec_sha256,
        rules=RULES,
    )


def _warnings(claim: Claim, judgement: Judgement) -> list[str]:
    """Of 0/1 outcomes the count says everything that their shape could."""
    if claim.kind == "rate" or judgement.verdict is None:
        return []
    unit: Literal["seed", "repeat"] = "repeat" if claim.kind == "timing" else "seed"
    return warnings_about(judgement.parts, judgement.verdict, unit)


def _expected(claim: Claim, tier: Tier) -> Expected:
    return cast(Expected, claim.expected(tier).upper())


def _floors(info: ExperimentInfo, names: Sequence[str]) -> list[str]:
    floors = dict.fromkeys(info.chance[name] for name in names if name in info.chance)
    return [floor for floor in floors if floor not in names]


def _not_run(claim: Claim, judgement: Judgement) -> Control | None:
    if not claim.control:
        return None
    detail = (
        "a run errored before it was judged"
        if judgement.verdict == "ERROR"
        else "the verdict did not need it"
    )
    return Control(
        verdict="NOT RUN", kind=claim.control_kind, overrides=dict(claim.control), detail=detail
    )


def _mean_budget(by_seed: Sequence[FinishedRun]) -> dict[str, float]:
    """Means over the seeds, of what every seed reports, in an order that no ledger changes."""
    return {
        name: sum(run.budget[name] for run in by_seed) / len(by_seed)
        for name in sorted(by_seed[0].budget)
        if all(name in run.budget for run in by_seed)
    }


def _used(runs: Runs, evidence: Evidence, look: Look) -> Iterator[FinishedRun]:
    others = [] if evidence.anchor is None else [evidence.anchor]
    for by_seed in [*runs.values(), *(evidence.control or {}).values(), *others]:
        yield from by_seed[: look.n]
