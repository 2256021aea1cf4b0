"""Do an experiment's parameters, arms and tiers fit the function that it runs?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from paperbench.errors import suggest
from paperbench.registry import ExperimentInfo, Parameter, Scalar
from paperbench.spec.model import TIERS, ClaimFile, Tier
from paperbench.spec.positions import Loc
from paperbench.spec.problems import Problem, at_key, at_value
from paperbench.spec.quoting import describe, quoted
from paperbench.spec.resolve import resolve_parameters


def experiment_problems(file: ClaimFile, name: str, info: ExperimentInfo) -> Iterator[Problem]:
    """Problems of one experiment of the file, which runs `info`."""
    experiment, loc = file.experiments[name], ("experiments", name)
    found = list(parameter_problems(file, (*loc, "params"), experiment.params, info))
    for arm, parameters in experiment.arms.items():
        found += parameter_problems(file, (*loc, "arms", arm), parameters, info)
    for tier, parameters in experiment.tiers.items():
        found += parameter_problems(file, (*loc, "tiers", tier), parameters, info)
    yield from found
    if not experiment.arms:
        yield at_key(file, (*loc, "arms"), f"experiment `{name}` has no arm")
    for tier in TIERS:
        if tier not in experiment.tiers:
            yield at_key(
                file,
                (*loc, "tiers"),
                f"experiment `{name}` has no tier `{tier}`",
                f"add `{tier}: {{...}}` with the parameters of its budget",
                severity="warning" if tier == "full" else "error",
            )
    if not found:
        yield from _equal_arms(file, name, info)


def parameter_problems(
    file: ClaimFile, loc: Loc, values: Mapping[str, Scalar], info: ExperimentInfo
) -> Iterator[Problem]:
    """Problems of the parameters written at `loc`: unknown ones, and those of a wrong type."""
    for name, value in values.items():
        parameter = info.parameters.get(name)
        if parameter is None:
            near = suggest(name, info.parameters)
            guess = f"did you mean `{near}`? " if near else ""
            yield at_key(
                file,
                (*loc, name),
                f"unknown parameter {quoted(name)} for experiment `{info.name}`",
                f"{guess}`paperbench show {file.slug}` lists them all",
            )
        elif not parameter.accepts(value):
            yield at_value(
                file,
                (*loc, name),
                f"parameter `{name}` of experiment `{info.name}` must be "
                f"{parameter.describe()}, and is {describe(value)}",
                _mend(parameter, value),
            )


def _mend(parameter: Parameter, value: Scalar) -> str | None:
    if isinstance(value, float) and value.is_integer() and parameter.accepts(int(value)):
        return f"write {int(value)}"
    if isinstance(value, str) and parameter.choices:
        near = suggest(value, [str(choice) for choice in parameter.choices])
        return f"did you mean `{near}`?" if near else None
    return None


def _equal_arms(file: ClaimFile, name: str, info: ExperimentInfo) -> Iterator[Problem]:
    """Two arms that compute the same thing, at any tier."""
    experiment = file.experiments[name]
    arms = list(experiment.arms)
    for i, arm in enumerate(arms):
        for other in arms[:i]:
            tiers: list[Tier] = [
                tier
                for tier in experiment.tiers
                if resolve_parameters(info, experiment, arm, tier)
                == resolve_parameters(info, experiment, other, tier)
            ]
            if tiers:
                yield at_key(
                    file,
                    ("experiments", name, "arms", arm),
                    f"arms `{other}` and `{arm}` have the same parameters"
                    f"{at_tiers(tiers, experiment.tiers)}",
                    "a comparison of a thing with itself can never pass",
                )


def at_tiers(some: list[Tier], every: Mapping[Tier, object]) -> str:
    """Where something holds, for the end of a sentence; nothing when it holds at every tier."""
    if len(some) == len(every):
        return ""
    return f" at tier {' and '.join(f'`{tier}`' for tier in some)}"
