"""The claim judged again with the credited mechanism off. On it the claim must not pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from paperbench.judge.assess import Assessment, assess, difference, widths_from_zero
from paperbench.judge.evaluate import Sample, margin_of, satisfies, value_of
from paperbench.judge.looks import Look
from paperbench.judge.numbers import format_margin
from paperbench.judge.record import Control, Part, Values, Verdict
from paperbench.judge.samples import Runs, samples_of, values_of
from paperbench.spec.check import Check, Comparison, Term
from paperbench.spec.model import Claim


@dataclass(frozen=True)
class ControlFinding:
    """What the control says of the claim.

    separated: the control does not pass, and the claim does significantly better than it.
    survived: the claim holds without its mechanism. close: too little seen to tell.
    seeds: when close, about how many seeds would tell; None for more than 1000.
    p: of the difference at this look, shared parts counted; 0 where none was taken.
    """

    result: Literal["separated", "survived", "close"]
    record: Control
    detail: str
    seeds: int | None = None
    p: float = 0.0


def judge_control(
    claim: Claim, check: Check, assessed: Sequence[Assessment], runs: Runs, look: Look
) -> ControlFinding:
    """Judge the control's runs at the look at which the claim's own arms were judged."""
    samples = samples_of(runs, check, claim.kind)
    controlled = assess(check, claim.kind, samples, look)
    if claim.kind == "exact":
        return _judge_exact(claim, check, controlled, samples, runs)
    if all(each.state == "holds" for each in controlled):
        detail = f"the claim also holds with the mechanism off: {margin_text(controlled)}"
        return ControlFinding("survived", _record(claim, controlled, runs, check, detail), detail)
    # A part whose tie may yet pass at the last look does not count as failed before it.
    candidates = [
        (own, other)
        for own, other in zip(assessed, controlled, strict=True)
        if other.state != "holds" and not other.waits
    ]
    # The best of several is taken, so that they share the error (Bonferroni).
    shared = replace(look, alpha=look.alpha / max(1, len(candidates)))
    differences = [
        difference(own.comparison, claim.kind, own.margin, other.margin, shared)
        for own, other in candidates
    ]
    best = max(
        differences,
        default=None,
        key=lambda each: (each.state == "holds", widths_from_zero(each.margin)),
    )
    p = 0.0 if best is None else min(1.0, best.p * len(candidates))
    may_pass = not look.last and _leans_towards(controlled)
    if best is not None and best.state == "holds" and not may_pass:
        detail = f"the control does not pass: {margin_text(controlled)}{_also_held(controlled)}"
        return ControlFinding(
            "separated", _record(claim, controlled, runs, check, detail, best), detail, p=p
        )
    close = "does worse, but may pass yet" if may_pass else "is too close to tell"
    detail = f"the control {close}: {margin_text(controlled)}"
    seeds = None if best is None else best.seeds
    return ControlFinding(
        "close", _record(claim, controlled, runs, check, detail, best), detail, seeds, p
    )


def _leans_towards(controlled: Sequence[Assessment]) -> bool:
    """Whether every mean is on the claim's side: with more seeds such a control may well pass.

    However much better the claim does, it is not the mechanism that makes its check hold then.
    """
    return all(satisfies(each.comparison, each.margin.mean) for each in controlled)


def _also_held(controlled: Sequence[Assessment]) -> str:
    """Which parts the mechanism is not needed for."""
    held = [f"`{each.comparison.text}`" for each in controlled if each.state == "holds"]
    return f" (yet {' and '.join(held)} holds there as well)" if held else ""


def margin_text(assessed: Sequence[Assessment]) -> str:
    """The margins of every part, for a sentence."""
    return ", ".join(format_margin(each.margin) for each in assessed)


def values_by_arm(runs: Runs, metrics: dict[str, list[str]]) -> dict[str, Values]:
    """By arm and metric one value a seed, or every repeat of a timed metric; NaN where absent."""
    return {
        arm: {
            name: [value for run in runs[arm] for value in values_of(run, name) or [math.nan]]
            for name in names
        }
        for arm, names in metrics.items()
    }


def metrics_by_arm(check: Check) -> dict[str, list[str]]:
    """The metrics that the check names, each once, by arm."""
    named: dict[str, list[str]] = {}
    for metric in check.metrics():
        names = named.setdefault(metric.arm, [])
        if metric.name not in names:
            names.append(metric.name)
    return named


def _judge_exact(
    claim: Claim,
    check: Check,
    controlled: Sequence[Assessment],
    samples: Sequence[Sample],
    runs: Runs,
) -> ControlFinding:
    far = [
        part
        for part in check.parts
        if all(_far_outside(part, sample, claim.control_factor) for sample in samples)
    ]
    if far:
        detail = f"the control is far outside `{far[0].text}`: {margin_text(controlled)}"
        return ControlFinding("separated", _record(claim, controlled, runs, check, detail), detail)
    detail = (
        f"the control does not lie {claim.control_factor:g} times outside the tolerance: "
        f"{margin_text(controlled)}"
    )
    return ControlFinding("survived", _record(claim, controlled, runs, check, detail), detail)


def _far_outside(part: Comparison, sample: Sample, factor: float) -> bool:
    """Whether one seed of the control misses a tolerance by `factor`.

    A tolerance is a bound away from zero: `x < 1e-6` or `-1e-6 < x`. Any other comparison is
    far outside when it is violated.
    """
    less = part.operator in ("<", "<=")
    small, large = (part.left, part.right) if less else (part.right, part.left)
    if part.operator != "==":
        upper, lower = _literal(large), _literal(small)
        if upper is not None and upper > 0:
            return value_of(small, sample) >= factor * upper
        if lower is not None and lower < 0:
            return value_of(large, sample) <= factor * lower
    return not satisfies(part, margin_of(part, sample))


def _literal(term: Term) -> float | None:
    """The value of a number, written with a minus or without."""
    try:
        return value_of(term, {})
    except KeyError:
        return None


def _record(
    claim: Claim,
    controlled: Sequence[Assessment],
    runs: Runs,
    check: Check,
    detail: str,
    best: Assessment | None = None,
) -> Control:
    states = [each.state for each in controlled]
    verdict: Verdict = (
        "PASS"
        if all(state == "holds" for state in states)
        else "FAIL"
        if "fails" in states
        else "INCONCLUSIVE"
    )
    return Control(
        verdict=verdict,
        kind=claim.control_kind,
        parts=[Part(check=each.comparison.text, margin=each.margin) for each in controlled],
        difference=None if best is None else best.margin,
        arms=values_by_arm(runs, metrics_by_arm(check)),
        overrides=dict(claim.control),
        detail=detail,
    )
