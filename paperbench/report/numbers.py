"""What the numbers of a claim measure: their units, the part that decides, who supports it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from paperbench.judge.numbers import format_margin
from paperbench.judge.record import ClaimRecord, Margin, PaperRecord
from paperbench.metric_kinds import MetricKind
from paperbench.registry import experiments
from paperbench.spec.check import Arithmetic, Call, CheckSyntaxError, Metric, Term, parse_check

Kinds = Mapping[str, MetricKind]  # metric -> what it measures


def holds_on(part: str, values: list[float]) -> list[bool]:
    """Whether the comparison `part` holds, by margin: a tie is enough where it is not strict."""
    strict = "<=" not in part and ">=" not in part and "==" not in part
    return [value > 0 or (value == 0 and not strict) for value in values]


def supporting(part: str, values: list[float]) -> int:
    """How many of the margins support the comparison `part`."""
    return sum(holds_on(part, values))


def widths_from_zero(margin: Margin) -> float:
    """How many half-widths of its interval a mean lies above zero; none from 0 to 0."""
    half = (margin.high - margin.low) / 2
    if math.isnan(margin.mean):
        return -math.inf
    if margin.mean == 0:
        return 0.0
    return margin.mean / half if half > 0 else math.copysign(math.inf, margin.mean)


def kinds_of(paper: PaperRecord) -> dict[str, MetricKind]:
    """Metric -> kind for the metrics of a record, where every registered experiment agrees."""
    wanted = {name for claim in paper.claims for values in claim.arms.values() for name in values}
    found: dict[str, set[MetricKind]] = {}
    every = experiments().values()
    own = [info for info in every if info.name.startswith(f"{paper.paper}/")]
    for info in own or every:
        for name, kind in info.metrics.items():
            found.setdefault(name, set()).add(kind)
    return {
        name: kinds.pop() for name, kinds in found.items() if name in wanted and len(kinds) == 1
    }


def metrics_of(part: str) -> list[str]:
    """The metrics that a comparison names, each once; none where it cannot be read."""
    try:
        named = parse_check(part, exact=True).metrics()
    except CheckSyntaxError:
        return []
    return list(dict.fromkeys(metric.name for metric in named))


def deciding_part(claim: ClaimRecord) -> str:
    """The comparison whose margin is the claim's: the weakest; the check where none is known."""
    shown = [part for part in claim.parts if part.margin == claim.margin] or claim.parts
    return shown[0].check if shown else claim.check or ""


def unit_of(claim: ClaimRecord, part: str, kinds: Kinds) -> str:
    """The unit of a margin: that of its metrics, when they share one and are only added up."""
    if claim.kind == "rate":
        return ""
    try:
        comparison = parse_check(part, exact=True).parts[0]
    except CheckSyntaxError:
        return ""
    units = {_unit(side, kinds) for side in (comparison.left, comparison.right)} - {None}
    return str(units.pop()) if len(units) == 1 else ""


def decisive_margin(claim: ClaimRecord, kinds: Kinds) -> str:
    """The margin of the part that decides, with its interval and unit; `−` where there is none."""
    if claim.margin is None:
        return "−"
    return format_margin(claim.margin, unit_of(claim, deciding_part(claim), kinds))


def _unit(term: Term, kinds: Kinds) -> str | None:
    """None: a bare number, which takes the other side's unit."""
    match term:
        case Metric(name=name):
            return kinds[name].unit if name in kinds else ""
        case Arithmetic(operator="+" | "-", left=left, right=right):
            units = {_unit(left, kinds), _unit(right, kinds)} - {None}
            return units.pop() if len(units) == 1 else "" if units else None
        case Arithmetic() | Call(function="log" | "exp" | "sqrt"):
            return ""
        case Call(arguments=arguments):
            units = {_unit(each, kinds) for each in arguments} - {None}
            return units.pop() if len(units) == 1 else "" if units else None
    return None
