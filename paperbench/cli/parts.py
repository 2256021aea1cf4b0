"""`--with COMPONENT=TARGET`: another one's parts in the place of a paper's own."""

from __future__ import annotations

from collections.abc import Sequence

from paperbench.components import find_component, part_name, read_part
from paperbench.errors import UsageError
from paperbench.plan import Site
from paperbench.spec.model import Claim, ClaimFile


def read_parts(texts: Sequence[str], selected: Sequence[tuple[ClaimFile, Claim]]) -> dict[str, str]:
    """Component -> target, each of them tried in its place. Imports torch unless there is none.

    Raises UsageError for what does not exist, does not fit, or is in no selected claim.
    """
    parts: dict[str, str] = {}
    papers = {
        file.experiment_of(claim).run.partition("/")[0]
        for file, claim in selected
        if claim.experiment is not None
    }
    for text in texts:
        name, target = read_part(text)
        if name in parts:
            raise UsageError(f"component `{name}` is replaced twice")
        paper = find_component(name).paper
        if paper not in papers:
            raise UsageError(
                f"component `{name}` is in no selected claim",
                help=f"select its paper: `paperbench verify {paper} --with ...`",
            )
        parts[name] = target
    if parts:
        from paperbench.engine.interface import check_parts

        check_parts(parts)
    return parts


def named_parts(file: ClaimFile, site: Site) -> dict[str, str]:
    """The parts that are in any experiment of the file, as a person names them."""
    runs = dict.fromkeys(experiment.run for experiment in file.experiments.values())
    return {name: part_name(part) for run in runs for name, part in site.parts_in(run).items()}
