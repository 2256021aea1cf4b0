"""Is a claim file one that could be judged? The same answer for `validate` and for `verify`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from paperbench.errors import SpecError, SpecErrors, did_you_mean
from paperbench.registry import ExperimentInfo
from paperbench.spec.check import CheckSyntaxError, parse_check
from paperbench.spec.load import discover_with_folders, load_claim_file
from paperbench.spec.model import Claim, ClaimFile
from paperbench.spec.problems import Problem, at_key, at_value
from paperbench.spec.validate_claims import claim_problems
from paperbench.spec.validate_experiments import experiment_problems

__all__ = ["Problem", "load_and_validate", "validate"]


def load_and_validate(
    folders: Sequence[Path], registry: Mapping[str, ExperimentInfo]
) -> tuple[list[ClaimFile], list[Problem]]:
    """Every claim file under `folders`, and the warnings about them.

    Raises SpecErrors with the errors of all files. Two files of one slug are an error.
    """
    files: dict[str, ClaimFile] = {}
    errors: list[SpecError] = []
    warnings: list[Problem] = []
    for path, folder in discover_with_folders(folders):
        try:
            file = load_claim_file(path, folder=folder)
        except SpecErrors as broken:
            errors += [problem for problem in broken.problems if isinstance(problem, SpecError)]
            continue
        except SpecError as broken:
            errors.append(broken)
            continue
        if file.slug in files:
            errors.append(
                SpecError(
                    f"{path} and {files[file.slug].path} have the same slug `{file.slug}`",
                    help="rename one of them",
                )
            )
            continue
        files[file.slug] = file
        for problem in validate(file, registry):
            (warnings if problem.severity == "warning" else errors).append(problem)
    if errors:
        raise SpecErrors(errors)
    return list(files.values()), warnings


def validate(file: ClaimFile, registry: Mapping[str, ExperimentInfo]) -> list[Problem]:
    """Every problem of a claim file, errors and warnings, in the order of the file."""
    problems = list(_problems(file, registry))
    return sorted(
        problems,
        key=lambda problem: (problem.where.line, problem.where.column) if problem.where else (0, 0),
    )


def _problems(file: ClaimFile, registry: Mapping[str, ExperimentInfo]) -> Iterator[Problem]:
    sound = {}  # experiments whose parameters can be resolved
    for name, experiment in file.experiments.items():
        info = registry.get(experiment.run)
        if info is None:
            yield at_value(
                file,
                ("experiments", name, "run"),
                f"no experiment is registered as `{experiment.run}`",
                did_you_mean(experiment.run, registry, label="registered"),
            )
            continue
        found = list(experiment_problems(file, name, info))
        yield from found
        if not any(problem.severity == "error" for problem in found):
            sound[name] = info
    if not file.claims:
        yield at_key(file, ("claims",), "the file holds no claim")
    for claim in file.claims.values():
        yield from claim_problems(file, claim, registry, sound)
    yield from _unused(file)


def _arms_used(file: ClaimFile, claim: Claim) -> set[str]:
    """The arms of the check and the anchor; all of them where the check has an error of its own."""
    every = set(file.experiment_of(claim).arms)
    anchor = {claim.anchor.arm} if claim.anchor else set()
    try:
        used = anchor | set(parse_check(claim.check or "", exact=True).arms())
    except CheckSyntaxError:
        return every
    return used if used <= every else every


def _unused(file: ClaimFile) -> Iterator[Problem]:
    used: dict[str, set[str]] = {}
    for claim in file.claims.values():
        if claim.experiment in file.experiments:
            used.setdefault(claim.experiment, set()).update(_arms_used(file, claim))
    for name, experiment in file.experiments.items():
        if name not in used:
            yield at_key(
                file,
                ("experiments", name),
                f"no claim uses experiment `{name}`",
                severity="warning",
            )
            continue
        for arm in experiment.arms:
            if arm not in used[name]:
                yield at_key(
                    file,
                    ("experiments", name, "arms", arm),
                    f"no claim uses arm `{arm}` of experiment `{name}`",
                    severity="warning",
                )
