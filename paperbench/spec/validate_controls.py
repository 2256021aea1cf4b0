"""Does a claim's control switch anything off?"""

from __future__ import annotations

from collections.abc import Iterator

from paperbench.errors import did_you_mean
from paperbench.registry import ExperimentInfo
from paperbench.spec.check import Check
from paperbench.spec.model import Claim, ClaimFile, Tier
from paperbench.spec.positions import Loc
from paperbench.spec.problems import Problem, at_key
from paperbench.spec.quoting import quoted
from paperbench.spec.resolve import resolve_parameters
from paperbench.spec.validate_experiments import at_tiers, parameter_problems


def control_problems(
    file: ClaimFile, claim: Claim, check: Check, info: ExperimentInfo, *, comparable: bool
) -> Iterator[Problem]:
    """Problems of the control of a claim. comparable: the experiment itself has no error."""
    loc: Loc = ("claims", claim.name, "control")
    experiment = file.experiment_of(claim)
    found = []
    named = set(check.arms())
    known = named <= set(experiment.arms)  # else a misspelt arm is reported already
    for arm, overrides in claim.control.items():
        if arm not in experiment.arms:
            found.append(
                at_key(
                    file,
                    (*loc, arm),
                    f"the control names no arm: {quoted(arm)}",
                    did_you_mean(arm, experiment.arms, label="arms"),
                )
            )
        elif arm not in named and known:
            found.append(
                at_key(
                    file,
                    (*loc, arm),
                    f"the control changes arm `{arm}`, which the check does not name",
                    "change an arm of the check",
                )
            )
        found += parameter_problems(file, (*loc, arm), overrides, info)
    yield from found
    if comparable and known and not found:
        for arm in claim.control:
            yield from _powerless(file, claim, check, info, arm)


def _powerless(
    file: ClaimFile, claim: Claim, check: Check, info: ExperimentInfo, arm: str
) -> Iterator[Problem]:
    loc: Loc = ("claims", claim.name, "control", arm)
    experiment = file.experiment_of(claim)
    unchanged: list[Tier] = []
    twins: dict[str, list[Tier]] = {}
    for tier in experiment.tiers:
        before = {a: resolve_parameters(info, experiment, a, tier) for a in check.arms()}
        after = {
            a: resolve_parameters(info, experiment, a, tier, claim.control.get(a))
            for a in check.arms()
        }
        if after[arm] == before[arm]:
            unchanged.append(tier)
            continue
        for other in check.arms():
            if other != arm and after[arm] in (before[other], after[other]):
                twins.setdefault(other, []).append(tier)
    if unchanged:
        yield at_key(
            file,
            loc,
            f"the control changes nothing about arm `{arm}`{at_tiers(unchanged, experiment.tiers)}",
            "switch the credited mechanism off",
        )
    for other, tiers in twins.items():
        yield at_key(
            file,
            loc,
            f"the control turns arm `{arm}` into arm `{other}`{at_tiers(tiers, experiment.tiers)}",
            "a comparison of a thing with itself can never pass, so it controls nothing",
        )
