"""Could the seeds and the alpha of a claim ever decide it?"""

from __future__ import annotations

from collections.abc import Iterator

from paperbench.spec.check import Check, Comparison, Metric, Number
from paperbench.spec.model import Claim, ClaimFile
from paperbench.spec.positions import Loc
from paperbench.spec.problems import Problem, at_value

TOTAL_ALPHA = 0.025  # one-sided, over all looks


def schedule_problems(file: ClaimFile, claim: Claim, check: Check | None) -> Iterator[Problem]:
    """Problems of `looks` and `alpha`. An exact claim has no alpha: it has no variance."""
    loc: Loc = ("claims", claim.name, "looks")
    looks = claim.looks
    if not looks or looks[0] < 1:
        yield at_value(file, loc, "`looks` needs at least one look, at one seed or more")
        return
    if any(later <= earlier for earlier, later in zip(looks, looks[1:], strict=False)):
        yield at_value(file, loc, f"`looks` must increase, and is {_listing(looks)}")
    if claim.kind in ("margin", "rate") and looks[0] < 2:
        yield at_value(file, loc, "one seed can never decide", "start at two seeds or more")
    if claim.kind != "exact":
        found = list(_alpha_problems(file, claim))
        yield from found
        if claim.kind == "rate" and check is not None and not found:
            yield from _rate_problems(file, claim, check)


def _alpha_problems(file: ClaimFile, claim: Claim) -> Iterator[Problem]:
    loc: Loc = ("claims", claim.name, "alpha")
    looks, alpha = claim.looks, claim.alpha
    if len(alpha) != len(looks):
        written = "alpha" in claim.model_fields_set
        yield at_value(
            file,
            loc if written else (*loc[:-1], "looks"),
            f"{len(looks)} looks ({_listing(looks)}) need as many values of `alpha`; "
            f"there are {len(alpha)} ({_listing(alpha)})",
        )
    for i, value in enumerate(alpha):
        if not 0 < value < 0.5:
            yield at_value(file, (*loc, i), f"alpha must lie between 0 and 0.5, and is {value}")
    if sum(alpha) > TOTAL_ALPHA + 1e-9:
        yield at_value(
            file,
            loc,
            f"the alpha of all looks adds up to {sum(alpha):.4g}, more than {TOTAL_ALPHA}",
            "a null claim would pass too often",
        )


def _rate_problems(file: ClaimFile, claim: Claim, check: Check) -> Iterator[Problem]:
    n, alpha = claim.looks[-1], claim.alpha[-1]
    if 0.5**n > alpha:
        yield at_value(
            file,
            ("claims", claim.name, "looks"),
            f"the claim can never be told from its control: even {n} of {n} pairs of seeds in its "
            f"favour have the probability {0.5**n:.3g} by chance, above alpha {alpha}",
            "add seeds to the last look",
        )
        return
    for part in check.parts:
        threshold = _threshold(part)
        if threshold is None:
            yield at_value(
                file,
                ("claims", claim.name, "check"),
                f"`{part.text}` is no rate: `kind: rate` compares one metric with one number",
                "write for example `learner.solved > 0.5`",
            )
            continue
        if threshold <= 0:
            continue
        least = threshold**n  # the chance of n of n at the threshold itself
        if least > alpha:
            yield at_value(
                file,
                ("claims", claim.name, "check"),
                f"`{part.text}` can never pass: even {n} of {n} seeds have the "
                f"probability {least:.3g} under a rate of {threshold:g}, above alpha "
                f"{alpha}",
                "add seeds to the last look, or claim a lower rate",
            )


def _threshold(part: Comparison) -> float | None:
    """The rate that the extreme outcome must exceed, for `arm.metric > p` and its mirrors."""
    match part:
        case Comparison(left=Metric(), operator=">" | ">=", right=Number(value=p)):
            return p
        case Comparison(left=Number(value=p), operator="<" | "<=", right=Metric()):
            return p
        case Comparison(left=Metric(), operator="<" | "<=", right=Number(value=p)):
            return 1 - p
        case Comparison(left=Number(value=p), operator=">" | ">=", right=Metric()):
            return 1 - p
    return None


def _listing(values: tuple[int, ...] | tuple[float, ...]) -> str:
    return ", ".join(str(value) for value in values)
