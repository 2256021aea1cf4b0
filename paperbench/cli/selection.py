"""The claim files that a command is about, validated, and the claims selected from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paperbench.components import components
from paperbench.errors import NothingSelected, UsageError, did_you_mean
from paperbench.judge.looks import looks_of
from paperbench.registry import experiments
from paperbench.report.staleness import Hashes
from paperbench.sources import code_sha256, part_sha256
from paperbench.spec.load import claims_folder
from paperbench.spec.model import Claim, ClaimFile, Tier
from paperbench.spec.select import select
from paperbench.spec.validate import load_and_validate


def load_files(claims: Path | None, *, show_warnings: bool = False) -> list[ClaimFile]:
    """Every claim file, valid. Raises SpecErrors with the problems of all of them."""
    files, warnings = load_and_validate([claims_folder(claims)], experiments())
    if warnings and show_warnings:
        from paperbench.cli.consoles import is_screen, stderr

        count = f"{len(warnings)} warning{'s' if len(warnings) != 1 else ''}"
        stderr.print(
            f"{count} about the claim files: `paperbench validate` shows them",
            highlight=False,
            markup=False,
            soft_wrap=not is_screen(stderr),
        )
    return files


def load_selected(
    claims: Path | None, selectors: Sequence[str], tier: Tier
) -> tuple[list[ClaimFile], list[tuple[ClaimFile, Claim]]]:
    """Every claim file, and the selected claims that exist at `tier`.

    Raises NothingSelected when there is none.
    """
    files = load_files(claims, show_warnings=True)
    selected = [(one.file, one.claim) for one in select(files, selectors)]
    here = [
        (file, claim)
        for file, claim in selected
        if claim.asked_at(tier)
        and (claim.experiment is None or tier in file.experiment_of(claim).tiers)
    ]
    if not here:
        raise NothingSelected(
            f"none of the selected claims has a `{tier}` tier",
            help="`paperbench show PAPER` lists the tiers of its experiments",
        )
    return files, here


def find_file(files: Sequence[ClaimFile], slug: str) -> ClaimFile:
    """The claim file of the paper called `slug`; raises NothingSelected with the nearest name."""
    by_slug = {file.slug: file for file in files}
    if slug not in by_slug:
        raise NothingSelected(
            f"no paper is called `{slug}`", help=did_you_mean(slug, by_slug, label="papers")
        )
    return by_slug[slug]


def current_hashes(files: Sequence[ClaimFile]) -> dict[str, Hashes]:
    """`<paper>/<claim>` -> the hashes and looks that a verdict must carry to be current."""
    return {
        f"{file.slug}/{claim.name}": Hashes(
            file.claim_sha256(claim),
            code_sha256(file.experiment_of(claim).run) if claim.experiment else "",
            tuple(look.n for look in looks_of(claim, seeds=None)),
        )
        for file in files
        for claim in file.claims.values()
    }


def todays_mutations() -> dict[str, str]:
    """The registered mutations by full name, with the SHA-256 of their source."""
    return {
        mutation.full_name: part_sha256(mutation.target)
        for component in components().values()
        for mutation in component.mutations
    }


def files_if_any(claims: Path | None) -> list[ClaimFile] | None:
    """Every claim file, valid; None when no folder was asked for and there is none."""
    if claims is None:
        try:
            claims_folder(None)
        except UsageError:
            return None
    return load_files(claims)


def hashes_if_any(claims: Path | None) -> dict[str, Hashes] | None:
    """The current hashes; None when no folder was asked for and there is none."""
    files = files_if_any(claims)
    return None if files is None else current_hashes(files)
