"""The guards: conditions without which a check may hold and mean nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

from paperbench.judge.evaluate import margin_of, satisfies
from paperbench.judge.record import Guard
from paperbench.judge.samples import Runs, samples_of, values_of
from paperbench.ledger import FinishedRun
from paperbench.metric_kinds import MetricKind
from paperbench.registry import ExperimentInfo
from paperbench.spec.check import Check, parse_check
from paperbench.spec.model import Anchor, Claim, Kind

NEAR_BEST = 1e-3  # of the best value; absolute where that is 0
BUDGET_TOLERANCE = {"parameters": 0.01, "examples": 0.01, "steps": 0.01, "flops": 0.05}


def chance(claim: Claim, info: ExperimentInfo, runs: Runs) -> Guard:
    """Every arm beats the trivial predictor of its own run, on every seed.

    A metric that a run did not measure (absent, or not finite) has no floor to beat.
    """
    seen: list[str] = []
    named = {metric.name for metric in claim.parsed_check().metrics()}
    floors = sorted(info.chance.items(), key=lambda pair: pair[0] not in named)
    for arm, by_seed in runs.items():
        for metric, floor in floors:  # those that the check names come first: they say it best
            reason = claim.exempt.get(f"{arm}.{metric}") or claim.exempt.get(arm)
            if reason:
                seen.append(f"{arm}.{metric} is exempt: {reason}")
                continue
            last = ""
            for seed, run in enumerate(by_seed):
                for value in filter(math.isfinite, values_of(run, metric)):
                    bar = next(iter(values_of(run, floor)), math.nan)
                    last = f"{arm}.{metric} {value:.4g} against {floor} {bar:.4g}"
                    if not _beats(value, bar, info.metrics[metric]):
                        return Guard(
                            name="chance",
                            ok=False,
                            detail=f"on seed {seed} {arm}.{metric} is {value:.4g}, no better than "
                            f"chance ({floor} {bar:.4g})",
                        )
            seen.extend([last] if last else [])
    return Guard(name="chance", ok=True, detail="; ".join(seen) or "no metric has a chance floor")


def anchor(stated: Anchor, runs: Runs, kind: Kind) -> Guard:
    """The arm that should lose solves an easier instance, on every seed."""
    check = parse_check(stated.check)
    for i, sample in enumerate(samples_of(runs, check, kind)):
        for part in check.parts:
            margin = margin_of(part, sample)
            if not satisfies(part, margin):
                return Guard(
                    name="anchor",
                    ok=False,
                    detail=f"on seed {i} the easier instance of `{stated.arm}` misses "
                    f"`{part.text}` by {abs(margin):.3g}",
                )
    return Guard(
        name="anchor", ok=True, detail=f"`{stated.arm}` solves the easier instance: {stated.check}"
    )


def ceiling(info: ExperimentInfo, check: Check, runs: Runs) -> Guard:
    """Some arm leaves room above it: were all at the best possible value, nothing is compared."""
    bounded = [
        (metric, best)
        for metric in check.metrics()
        if (best := info.metrics[metric.name].best) is not None
    ]
    if len(check.arms()) < 2 or not bounded:
        return Guard(name="ceiling", ok=True, detail="nothing here is bounded by a best value")
    for metric, best in bounded:
        for run in runs[metric.arm]:
            for value in values_of(run, metric.name):
                if not abs(value - best) <= NEAR_BEST * (abs(best) or 1.0):  # NaN is not best
                    return Guard(
                        name="ceiling",
                        ok=True,
                        detail=f"{metric.arm}.{metric.name} is {value:.4g}, {best:g} "
                        "would be the best possible",
                    )
    names = ", ".join(dict.fromkeys(f"{metric.arm}.{metric.name}" for metric, _ in bounded))
    return Guard(
        name="ceiling",
        ok=False,
        detail=f"every arm is at the best possible value on every seed: {names}",
    )


def budget(claim: Claim, runs: Runs) -> Guard:
    """The arms had the same parameters, examples, steps and FLOPs, or the claim says why not.

    What some runs report and others do not cannot be compared, and is no sameness.
    """
    compared, uneven = [], []
    for name, tolerance in BUDGET_TOLERANCE.items():
        silent = [
            f"`{arm}` on seed {seed}"
            for arm, by_seed in runs.items()
            for seed, run in enumerate(by_seed)
            if name not in run.budget
        ]
        if len(silent) == sum(map(len, runs.values())):
            continue
        if silent:
            uneven.append(f"{name} is not reported by {silent[0]}")
            continue
        means = {
            arm: sum(run.budget[name] for run in by_seed) / len(by_seed)
            for arm, by_seed in runs.items()
        }
        if len(means) < 2:
            continue
        largest = max(means.values())
        numbers = " / ".join(f"{mean:,.0f}" for mean in means.values())
        if largest - min(means.values()) > tolerance * largest:
            uneven.append(f"{name} {numbers}")
        else:
            compared.append(f"{name} {numbers}" if len(set(means.values())) > 1 else f"same {name}")
    if uneven:
        detail = f"{' / '.join(runs)} differ: {', '.join(uneven)}"
        if claim.budget is None:
            return Guard(name="budget", ok=False, detail=detail)
        return Guard(name="budget", ok=True, detail=f"{detail}; allowed: {claim.budget}")
    nothing = "no two arms to compare" if len(runs) < 2 else "no arm reports what it spent"
    return Guard(name="budget", ok=True, detail=", ".join(compared) or nothing)


def identical(check: Check, runs: Runs) -> Guard:
    """No two arms have the same value of every compared metric on every seed."""
    for one, other in combinations(check.arms(), 2):
        metrics = {metric.name for metric in check.metrics() if metric.arm in (one, other)}
        if _same(runs, one, runs, other, metrics):
            return Guard(
                name="identical",
                ok=False,
                detail=f"`{one}` and `{other}` have the same {', '.join(sorted(metrics))} "
                "on every seed",
            )
    return Guard(name="identical", ok=True, detail="the arms computed different numbers")


def seeds(info: ExperimentInfo, runs: Runs) -> Guard:
    """Something depends on the seed: otherwise many seeds are one, seen many times.

    Whole numbers (a count of successes) and a trivial predictor's score may well tie on all of
    them; where nothing else is reported, nothing is known.
    """
    n = max(map(len, runs.values()))
    floors = set(info.chance.values())
    telling = False
    for by_seed in runs.values():
        first, *others = all_numbers(info, by_seed)
        if any(numbers != first for numbers in others):
            return Guard(name="seeds", ok=True, detail="the numbers differ from seed to seed")
        telling |= any(
            value != round(value)
            for name, values in first.items()
            if name not in floors
            for value in values
            if math.isfinite(value)
        )
    if n < 2 or not telling:
        return Guard(name="seeds", ok=True, detail="nothing here could tell one seed from another")
    return Guard(
        name="seeds",
        ok=False,
        detail=f"every arm gave the very same numbers on all {n} seeds, so they are one seed",
    )


def all_numbers(
    info: ExperimentInfo, by_seed: Sequence[FinishedRun]
) -> list[dict[str, list[float]]]:
    """All that each run of an arm reports, but for durations."""
    return [_numbers(info, run) for run in by_seed]


def _numbers(info: ExperimentInfo, run: FinishedRun) -> dict[str, list[float]]:
    """All that a run reports, metrics and curves, but for durations, which no seed decides."""
    found = {
        name: values_of(run, name)
        for name in run.metrics
        if name not in info.metrics or info.metrics[name].name != "duration"
    }
    curves = {f"{name} curve": [y for _, y in points] for name, points in run.curves.items()}
    return found | curves


def divergence(check: Check, runs: Runs, margins: Sequence[Sequence[float]]) -> Guard:
    """Every number that the check names, and every margin, is finite."""
    for metric in check.metrics():
        for seed, run in enumerate(runs[metric.arm]):
            for value in values_of(run, metric.name):
                if not math.isfinite(value):
                    return Guard(
                        name="divergence",
                        ok=False,
                        detail=f"{metric.arm}.{metric.name} is {value} on seed {seed}",
                    )
    for part, values in zip(check.parts, margins, strict=True):
        for i, value in enumerate(values):
            if not math.isfinite(value):
                return Guard(
                    name="divergence",
                    ok=False,
                    detail=f"`{part.text}` has no value for sample {i}: "
                    "a logarithm, root, quotient or power that is undefined",
                )
    return Guard(name="divergence", ok=True, detail="every number is finite")


def same_numbers(
    info: ExperimentInfo, runs: Runs, others: Runs, check: Check | None = None
) -> bool:
    """Whether every arm has the same metrics in both, or those alone that a check names.

    Measured durations always differ a little and do not count.
    """
    compared = {name for name, kind in info.metrics.items() if kind.name != "duration"}
    for arm in runs:
        named = compared
        if check is not None:
            named = {metric.name for metric in check.metrics() if metric.arm == arm}
        if not _same(runs, arm, others, arm, named):
            return False
    return True


def _same(runs: Runs, one: str, others: Runs, other: str, metrics: set[str]) -> bool:
    """Whether all the numbers that both report are equal; False when there are none."""
    pairs = list(_pairs(runs, one, others, other, metrics))
    return bool(pairs) and all(a == b for a, b in pairs)


def _pairs(
    runs: Runs, one: str, others: Runs, other: str, metrics: set[str]
) -> Iterator[tuple[list[float], list[float]]]:
    for a, b in zip(runs[one], others[other], strict=True):
        for name in metrics & a.metrics.keys() & b.metrics.keys():
            yield values_of(a, name), values_of(b, name)


def _beats(value: float, floor: float, kind: MetricKind) -> bool:
    if kind.direction == "neither":  # such a pair has no side to be on
        return True
    return value > floor if kind.direction == "higher" else value < floor
