"""Could a claim be judged, and would the judgement mean anything?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from paperbench.errors import did_you_mean, suggest
from paperbench.registry import ExperimentInfo
from paperbench.spec.check import Check, CheckSyntaxError, is_literal, parse_check
from paperbench.spec.model import Claim, ClaimFile, Experiment
from paperbench.spec.positions import Loc
from paperbench.spec.problems import Problem, at_key, at_value, at_word
from paperbench.spec.quoting import quoted
from paperbench.spec.validate_controls import control_problems
from paperbench.spec.validate_experiments import parameter_problems
from paperbench.spec.validate_schedule import schedule_problems

TRAINED = {"accuracy", "nats", "perplexity", "bleu", "score"}  # kinds of metric with a spread
TIMED = {"duration", "count", "size"}  # what repeats in one process may be compared by
LEAST_FACTOR = 10  # times the tolerance, that a control of an exact claim must miss it by
READING_HAS_NO = ("experiment", "check", "control", "anchor")


def claim_problems(
    file: ClaimFile,
    claim: Claim,
    registry: Mapping[str, ExperimentInfo],
    sound: Mapping[str, ExperimentInfo],
) -> Iterator[Problem]:
    """Problems of one claim. sound: the file's experiments whose parameters can be resolved."""
    loc: Loc = ("claims", claim.name)
    if not claim.statement.strip():
        yield at_value(file, (*loc, "statement"), f"the statement of `{claim.name}` is empty")
    yield from _expectation_problems(file, claim)
    if claim.kind == "reading":
        for key in READING_HAS_NO:
            if getattr(claim, key):
                yield at_key(
                    file,
                    (*loc, key),
                    f"a reading carries no {key}",
                    "remove it, or say what kind of claim this is",
                )
        return
    yield from _lacks(file, claim)
    check, found = _parse(file, (*loc, "check"), claim.check, exact=claim.kind == "exact")
    yield from found
    yield from schedule_problems(file, claim, check)
    if claim.experiment is None:
        return
    if claim.experiment not in file.experiments:
        yield at_value(
            file,
            (*loc, "experiment"),
            f"claim `{claim.name}` refers to an unknown experiment {quoted(claim.experiment)}",
            did_you_mean(claim.experiment, file.experiments, label="in this file"),
        )
        return
    experiment = file.experiments[claim.experiment]
    for tier in claim.tiers or ():
        if tier not in experiment.tiers:
            yield at_value(
                file,
                (*loc, "tiers"),
                f"claim `{claim.name}` is asked at `{tier}`, a tier that its experiment lacks",
                did_you_mean(tier, experiment.tiers, label="tiers"),
            )
    info = registry.get(experiment.run)
    if info is None:
        return
    yield from _anchor_problems(file, claim, info)
    if check is None:
        return
    found = list(_metric_problems(file, (*loc, "check"), check, claim.experiment, info))
    yield from found
    if not found:
        yield from _kind_problems(file, claim, check, info)
    yield from control_problems(file, claim, check, info, comparable=claim.experiment in sound)
    yield from _exempt_problems(file, claim, experiment, info)
    if not found:
        yield from _floor_problems(file, claim, check, info)


def _kind_problems(
    file: ClaimFile, claim: Claim, check: Check, info: ExperimentInfo
) -> Iterator[Problem]:
    """What `exact` and `timing` cannot judge: noise, and durations taken in different runs."""
    loc: Loc = ("claims", claim.name, "check")
    if claim.kind == "timing" and len(check.arms()) > 1:
        yield at_value(
            file,
            loc,
            "`kind: timing` compares repeats taken in turn in one process, so in one arm's run",
            "let one run report both lists: `x.ms_fast < x.ms_slow`",
        )
    if claim.kind == "timing":
        untimed = sorted(
            {m.name for m in check.metrics() if info.metrics[m.name].name not in TIMED}
        )
        if untimed:
            yield at_value(
                file,
                loc,
                f"`kind: timing` judges the repeats of one seed, and {', '.join(untimed)} is no "
                "duration",
                "leave `kind` out: margins over seeds are what decides it",
            )
    if claim.kind != "exact":
        return
    trained = sorted({m.name for m in check.metrics() if info.metrics[m.name].name in TRAINED})
    if trained:
        yield at_value(
            file,
            loc,
            f"`kind: exact` has no interval, and {', '.join(trained)} varies with the seed",
            "leave `kind` out: margins over seeds are what decides it",
        )
    for part in check.parts:
        if part.operator != "==" and not any(is_literal(t) for t in (part.left, part.right)):
            yield at_value(
                file,
                loc,
                f"`{part.text}` has no tolerance, and `kind: exact` needs one",
                "write `x.error < 1e-6`, or `==` for a count",
            )


def _expectation_problems(file: ClaimFile, claim: Claim) -> Iterator[Problem]:
    loc: Loc = ("claims", claim.name)
    expected = set(claim.expect.values()) if isinstance(claim.expect, dict) else {claim.expect}
    unusual = sorted(expected - {"pass"})
    if unusual and not (claim.reason or "").strip():
        yield at_value(
            file,
            (*loc, "expect"),
            f"claim `{claim.name}` expects {' and '.join(unusual)} without a `reason`",
            "add `reason:`: why does the claim not hold at this scale?",
        )
    if claim.reason is not None and not unusual:
        yield at_key(
            file,
            (*loc, "reason"),
            f"claim `{claim.name}` gives a reason and expects a pass",
            "remove `reason`, or say what to `expect`; `because` holds the mechanism",
            severity="warning",
        )


def _lacks(file: ClaimFile, claim: Claim) -> Iterator[Problem]:
    loc: Loc = ("claims", claim.name)
    if claim.experiment is None:
        yield at_key(
            file,
            loc,
            f"claim `{claim.name}` has no experiment",
            did_you_mean("", file.experiments, label="in this file"),
        )
    if claim.check is None:
        yield at_key(
            file,
            loc,
            f"claim `{claim.name}` has no check",
            "write for example `check: plain.gap - dropout.gap > 0.02`",
        )
    if not claim.control:
        yield at_key(
            file,
            loc,
            f"claim `{claim.name}` has no control",
            "add `control: {arm: {parameter: value}}` with the credited mechanism off",
        )
    if claim.control_factor < LEAST_FACTOR:
        yield at_value(
            file,
            (*loc, "control_factor"),
            f"`control_factor` must be at least {LEAST_FACTOR}: a control just outside the "
            "tolerance shows nothing",
        )


def _parse(
    file: ClaimFile, loc: Loc, text: str | None, *, exact: bool
) -> tuple[Check | None, list[Problem]]:
    if text is None:
        return None, []
    try:
        return parse_check(text, exact=exact), []
    except CheckSyntaxError as broken:
        return None, [
            at_word(file, loc, text, broken.column, broken.length, broken.message, broken.help)
        ]


def _metric_problems(
    file: ClaimFile, loc: Loc, check: Check, name: str, info: ExperimentInfo
) -> Iterator[Problem]:
    arms = file.experiments[name].arms
    for metric in check.metrics():
        if metric.arm not in arms:
            yield at_word(
                file,
                loc,
                check.text,
                metric.column,
                len(metric.arm),
                f"experiment `{name}` has no arm `{metric.arm}`",
                did_you_mean(metric.arm, arms, label="arms"),
            )
        if metric.name not in info.metrics:
            near = suggest(metric.name, info.metrics)
            guess = f"did you mean `{near}`? " if near else ""
            yield at_word(
                file,
                loc,
                check.text,
                metric.column,
                metric.length,
                f"experiment `{info.name}` reports no metric `{metric.name}`",
                f"{guess}It reports: {', '.join(info.metrics)}",
            )


def _anchor_problems(file: ClaimFile, claim: Claim, info: ExperimentInfo) -> Iterator[Problem]:
    if claim.anchor is None or claim.experiment is None:
        return
    loc: Loc = ("claims", claim.name, "anchor")
    anchor, arms = claim.anchor, file.experiments[claim.experiment].arms
    if anchor.arm not in arms:
        yield at_value(
            file,
            (*loc, "arm"),
            f"experiment `{claim.experiment}` has no arm {quoted(anchor.arm)}",
            did_you_mean(anchor.arm, arms, label="arms"),
        )
    yield from parameter_problems(file, (*loc, "params"), anchor.params, info)
    check, found = _parse(file, (*loc, "check"), anchor.check, exact=False)
    yield from found
    if check is None:
        return
    found = list(_metric_problems(file, (*loc, "check"), check, claim.experiment, info))
    yield from found
    for metric in check.metrics() if not found else ():
        if metric.arm != anchor.arm:
            yield at_word(
                file,
                (*loc, "check"),
                check.text,
                metric.column,
                len(metric.arm),
                f"the anchor runs only the arm {quoted(anchor.arm)}, and its check "
                f"names `{metric.arm}`",
            )


def _exempt_problems(
    file: ClaimFile, claim: Claim, experiment: Experiment, info: ExperimentInfo
) -> Iterator[Problem]:
    for key, reason in claim.exempt.items():
        loc: Loc = ("claims", claim.name, "exempt", key)
        arm, dot, metric = key.partition(".")
        if arm not in experiment.arms:
            yield at_key(
                file,
                loc,
                f"`exempt` names no arm: {quoted(key)}",
                did_you_mean(arm, experiment.arms, label="arms"),
            )
        elif dot and metric not in info.metrics:
            yield at_key(
                file,
                loc,
                f"`exempt` names no metric: {quoted(key)}",
                did_you_mean(metric, info.metrics, label="metrics"),
            )
        if not reason.strip():
            yield at_value(file, loc, f"{quoted(key)} is exempt without a reason")


def _floor_problems(
    file: ClaimFile, claim: Claim, check: Check, info: ExperimentInfo
) -> Iterator[Problem]:
    if claim.kind != "margin" or info.chance:
        return
    bare = dict.fromkeys(
        metric.arm
        for metric in check.metrics()
        if metric.arm not in claim.exempt and f"{metric.arm}.{metric.name}" not in claim.exempt
    )
    if bare:
        yield at_key(
            file,
            ("claims", claim.name),
            f"experiment `{info.name}` reports no chance floor, so nothing shows that "
            f"{' and '.join(f'`{arm}`' for arm in bare)} learned anything",
            "give `@experiment` a `chance=`, or say under `exempt` why an arm needs none",
        )
