"""The parameters that one arm runs with at one tier."""

from __future__ import annotations

from collections.abc import Mapping

from paperbench.errors import UsageError, did_you_mean
from paperbench.registry import ExperimentInfo, Parameter, Scalar
from paperbench.spec.model import Experiment, Tier


def resolve_parameters(
    info: ExperimentInfo,
    experiment: Experiment,
    arm: str,
    tier: Tier,
    overrides: Mapping[str, Scalar] | None = None,
) -> dict[str, Scalar]:
    """Every parameter of the experiment, in the order of its signature.

    A later one wins: the signature's defaults, `params`, the tier, the arm, `overrides` (a
    control's, or an anchor's). An int for a float parameter becomes a float, so that 0 and 0.0 are
    one run. Raises UsageError for an arm, a tier or a parameter that is not known.
    """
    if arm not in experiment.arms:
        raise UsageError(
            f"experiment `{experiment.run}` has no arm `{arm}`",
            help=did_you_mean(arm, experiment.arms, label="arms"),
        )
    if tier not in experiment.tiers:
        raise UsageError(
            f"experiment `{experiment.run}` has no tier `{tier}`",
            help=did_you_mean(tier, experiment.tiers, label="tiers"),
        )
    resolved = info.defaults
    for layer in (experiment.params, experiment.tiers[tier], experiment.arms[arm], overrides or {}):
        for name, value in layer.items():
            if name not in resolved:
                raise UsageError(
                    f"unknown parameter `{name}` for experiment `{info.name}`",
                    help=did_you_mean(name, resolved, label="parameters"),
                )
            resolved[name] = value
    return {name: _as_declared(info.parameters[name], value) for name, value in resolved.items()}


def _as_declared(parameter: Parameter, value: Scalar) -> Scalar:
    if type(value) is int and "float" in parameter.types and "int" not in parameter.types:
        return float(value)
    return value
