"""`paperbench prml`: a claim as a manifest for those who publish what they will test."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paperbench.cli.options import ClaimsOption, ResultsOption
from paperbench.cli.verify import TierName
from paperbench.errors import UsageError

if TYPE_CHECKING:  # `--help` imports the module of every command
    from paperbench.spec import ClaimFile

_MEND = "make room, or choose another folder with `--output`"


def prml(
    claim: Annotated[str, typer.Argument(help="`fox/ppl-below-baseline`.")],
    producer: Annotated[
        str, typer.Option(help="Who registers it: a DNS name, an ORCID or a GitHub handle.")
    ],
    tier: Annotated[TierName, typer.Option(help="Budget of every run.")] = TierName.quick,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write `<claim id>.prml` and its `.prml.sha256` there instead of printing it.",
        ),
    ] = None,
    amends: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The manifest that this one corrects and follows."),
    ] = None,
    claims: ClaimsOption = None,
    results: ResultsOption = Path("results"),
) -> None:
    """Print a claim as a PRML manifest, to publish before it is tried."""
    from paperbench.cli.selection import load_files
    from paperbench.prml import canonical, manifest_of, manifest_sha256, read_manifest
    from paperbench.report.store import write_if_changed
    from paperbench.spec import select

    selected = select(load_files(claims), [claim])
    if len(selected) > 1:
        raise UsageError(f"`{claim}` names {len(selected)} claims", help="a manifest is of one")
    file, chosen = selected[0]
    manifest = manifest_of(
        file,
        chosen,
        tier.value,
        producer=producer,
        created_at=datetime.now(UTC),
        earlier=read_manifest(amends) if amends else None,
    )
    _warn_if_judged(file, chosen.name, tier.value, results)
    text = canonical(manifest)
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())  # what is hashed is UTF-8, whatever the terminal is
        return
    path = output / f"{manifest['claim_id']}.prml"
    if amends is not None:  # the earlier one has the same name, and must stay
        path = output / f"{manifest['claim_id']}.{manifest['created_at'].replace(':', '')}.prml"
    write_if_changed(path, text, help=_MEND)
    write_if_changed(path.with_name(f"{path.name}.sha256"), f"{manifest_sha256(manifest)}\n")
    from paperbench.cli.consoles import stderr

    stderr.print(f"wrote {path} and {path.name}.sha256", markup=False, soft_wrap=True)


def _warn_if_judged(file: ClaimFile, claim: str, tier: str, results: Path) -> None:
    from paperbench.judge.record import read_records

    if any(
        (paper.paper, paper.tier) == (file.slug, tier) and paper.find(claim)
        for paper in read_records(results)
    ):
        from paperbench.cli.consoles import stderr

        stderr.print(
            f"warning: {results} holds a verdict on `{file.slug}/{claim}` at `{tier}` already: a "
            "manifest of today registers nothing beforehand",
            markup=False,
            soft_wrap=True,
        )
