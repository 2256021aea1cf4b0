"""A stored verdict judged again from the numbers stored beside it: does it follow from them?

What was made up as a whole, numbers and all, no file can show: only running it again can. Of the
anchor, of metrics that the check does not name, and of what a control spent, a record holds what
their guards said and no numbers, so those are taken at their word.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from paperbench.judge.build_record import to_record
from paperbench.judge.decide import Evidence, Judgement, Look, judge, looks_of
from paperbench.judge.record import ClaimRecord, Values
from paperbench.ledger import FinishedRun
from paperbench.registry import ExperimentInfo
from paperbench.spec.model import Claim, Tier

_ROUNDING = 1e-6  # relative: other versions of SciPy round otherwise
_FIELDS = (
    "statement",
    "kind",
    "check",
    "expected",
    "as_expected",
    "reason",
    "exploratory",
    "look",
    "looks",
    "seeds",
    "margin",
    "parts",
    "support",
    "p_value",
    "warnings",
)
_CONTROL_FIELDS = ("verdict", "kind", "parts", "difference", "overrides")


def departures(
    claim: Claim, info: ExperimentInfo, record: ClaimRecord, tier: Tier
) -> Iterator[str]:
    """What in a record does not follow from its own numbers, a phrase each.

    The record is one of today's claim, code and rules. A reading has no verdict, and one of ERROR
    no numbers to follow from.
    """
    if (record.verdict is None) != (claim.kind == "reading"):
        yield f"verdict {record.verdict or 'none'}, of a claim of `kind: {claim.kind}`"
        return
    if record.verdict in (None, "ERROR"):
        return
    evidence = _evidence(record)
    judgement, look = _judged(claim.model_copy(update={"anchor": None}), info, record, evidence)
    if judgement is None:
        yield f"its {len(record.seeds)} seeds are not all among its numbers"
        return
    if not _agree(record, judgement):
        found = judgement.verdict or f"nothing without its {judgement.needs}"
        yield f"verdict {record.verdict}, where its numbers say {found}"
        return
    if judgement.verdict != record.verdict:  # by a guard whose numbers are not stored
        return
    derived = to_record(
        claim,
        info,
        evidence,
        judgement,
        look,
        looks=looks_of(claim, seeds=None),
        tier=tier,
        exploratory=False,
        spec_sha256=record.spec_sha256,
    )
    stored, again = record.model_dump(), derived.model_dump()
    for name in _FIELDS:
        yield from _differences(name, stored[name], again[name])
    for name in _CONTROL_FIELDS if derived.control and record.control else ():
        yield from _differences(f"control.{name}", stored["control"][name], again["control"][name])


def _judged(
    claim: Claim, info: ExperimentInfo, record: ClaimRecord, evidence: Evidence
) -> tuple[Judgement | None, Look]:
    """The judgement at the first look that decides, at the latest at the record's own."""
    looks = looks_of(claim, seeds=None)
    for look in looks[: max(1, record.look)]:
        try:
            judgement = judge(claim, info, evidence, look)
        except ValueError:  # fewer numbers than seeds
            return None, look
        if judgement.verdict is not None:
            break
    return judgement, look


def _agree(record: ClaimRecord, judgement: Judgement) -> bool:
    """The same verdict; or VACUOUS by a guard, which may have seen numbers that are not stored."""
    tripped = any(not guard.ok for guard in record.guards)
    return judgement.verdict == record.verdict or (record.verdict == "VACUOUS" and tripped)


def _evidence(record: ClaimRecord) -> Evidence:
    control = record.control.arms if record.control else {}
    return Evidence(
        arms={arm: _runs(record, arm, values, "arm") for arm, values in record.arms.items()},
        control={arm: _runs(record, arm, values, "control") for arm, values in control.items()},
    )


def _runs(record: ClaimRecord, arm: str, values: Values, role: str) -> list[FinishedRun]:
    """One arm's runs, with the numbers that are stored of them.

    A curve that no other run has stands for all that is not: whether two runs are one and the same
    is not to be found out from the metrics of the check alone.
    """
    count = 1 if record.kind == "timing" else min(map(len, values.values()), default=0)
    by_seed: list[Mapping[str, Any]] = [
        {name: each if record.kind == "timing" else each[seed] for name, each in values.items()}
        for seed in range(count)
    ]
    return [
        FinishedRun(
            key=f"{role} {arm} {seed}",
            lineage="",
            status="done",
            metrics=metrics,
            budget=record.budgets.get(arm, {}) if role == "arm" else {},
            curves={f"{role} {arm}": [[0.0, float(seed)]]},
        )
        for seed, metrics in enumerate(by_seed)
    ]


def _differences(path: str, stored: Any, again: Any) -> Iterator[str]:
    """Where two values differ by more than rounding."""
    if isinstance(stored, dict) and isinstance(again, dict) and stored.keys() == again.keys():
        for name in stored:
            yield from _differences(f"{path}.{name}", stored[name], again[name])
    elif isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        for place, pair in enumerate(zip(stored, again, strict=True)):
            yield from _differences(f"{path}[{place}]", *pair)
    elif not _same(stored, again):
        yield f"{path} {_shown(stored)}, where its numbers say {_shown(again)}"


def _same(stored: Any, again: Any) -> bool:
    numbers = (int, float)
    if isinstance(stored, bool) or isinstance(again, bool) or not isinstance(stored, numbers):
        return bool(stored == again)
    if not isinstance(again, numbers):
        return False
    if math.isnan(stored) or math.isnan(again):
        return math.isnan(stored) and math.isnan(again)
    return math.isclose(stored, again, rel_tol=_ROUNDING, abs_tol=1e-12)


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else repr(value)
