"""What makes a control worthless, whatever its margin: a comparison that could only fail."""

from __future__ import annotations

from itertools import permutations

from paperbench.judge.guards import BUDGET_TOLERANCE, all_numbers, same_numbers
from paperbench.judge.record import Guard
from paperbench.judge.samples import Runs
from paperbench.registry import ExperimentInfo
from paperbench.spec.model import Kind


def tripped_by_control(kind: Kind, info: ExperimentInfo, runs: Runs, control: Runs) -> Guard | None:
    """The first guard that a control trips, or None.

    Budget and twins ask whether two trainings were a fair contest, as they do of the arms.
    """
    found = _unchanged(info, runs, control)
    if found is None and kind in ("margin", "rate"):
        found = _twins(info, runs, control) or _trained_otherwise(runs, control)
    return found


def _unchanged(info: ExperimentInfo, runs: Runs, control: Runs) -> Guard | None:
    """The control changed no number of any run."""
    if same_numbers(info, runs, control):
        return Guard(
            name="identical", ok=False, detail="the control computed exactly what the arm did"
        )
    return None


def _twins(info: ExperimentInfo, runs: Runs, control: Runs) -> Guard | None:
    """The control turned one arm into another, whatever their parameters are called.

    A comparison of a thing with itself can never pass, so it controls nothing.
    """
    for one, other in permutations(runs, 2):
        turned = all_numbers(info, control[one])
        others = [all_numbers(info, by_arm[other]) for by_arm in (runs, control)]
        if any(turned) and turned != all_numbers(info, runs[one]) and turned in others:
            return Guard(
                name="identical",
                ok=False,
                detail=f"the control turned `{one}` into `{other}`: the same numbers on every seed",
            )
    return None


def _trained_otherwise(runs: Runs, control: Runs) -> Guard | None:
    """A control was trained more or less than its own arm.

    Fewer steps would ablate the training, not the mechanism; no reason makes that a control.
    """
    for arm in runs:
        for name in ("steps", "examples"):
            pairs = [
                (own.budget[name], other.budget[name])
                for own, other in zip(runs[arm], control[arm], strict=True)
                if name in own.budget and name in other.budget
            ]
            for own_amount, other_amount in pairs:
                largest = max(own_amount, other_amount)
                if abs(own_amount - other_amount) > BUDGET_TOLERANCE[name] * largest:
                    return Guard(
                        name="budget",
                        ok=False,
                        detail=f"the control of `{arm}` has {name} {other_amount:,.0f}, the arm "
                        f"{own_amount:,.0f}",
                    )
    return None
