"""`--with COMPONENT=TARGET`: another one's parts in the place of a paper's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paperbench.components import find_component, part_name, read_part
from paperbench.errors import UsageError
from paperbench.judge.record import PaperRecord, Values
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


def notes_on_parts(swapped: PaperRecord, official: PaperRecord | None) -> list[str]:
    """Which claims gave, to the last bit, the numbers that the paper's own parts gave."""
    notes = []
    for record in swapped.claims if official else ():
        own = official.find(record.claim) if official else None
        if own is not None and record.arms and _same_numbers(record.arms, own.arms):
            notes.append(
                f"{swapped.paper}/{record.claim}: every number is the one that the paper's own "
                f"part gives; is {' or '.join(swapped.parts)} used there?"
            )
    return notes


def _same_numbers(arms: Mapping[str, Values], others: Mapping[str, Values]) -> bool:
    """Whether all metrics of all arms agree on the seeds that both have."""
    pairs = [
        pair
        for arm, metrics in arms.items()
        for name, values in metrics.items()
        for pair in zip(values, others.get(arm, {}).get(name, []), strict=False)
    ]
    return bool(pairs) and all(one == other for one, other in pairs)
