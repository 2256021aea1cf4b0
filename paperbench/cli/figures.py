"""`paperbench figures`: pictures of what the runs behind the verdicts have kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paperbench.cli.consoles import stderr, stdout
from paperbench.cli.engines import LEDGER
from paperbench.cli.options import ClaimsOption, ResultsOption
from paperbench.cli.verify import TierName
from paperbench.errors import NothingSelected


def figures(
    selectors: Annotated[
        list[str] | None, typer.Argument(help="`mlp-1986`, a glob, or `all` (the default).")
    ] = None,
    tier: Annotated[
        TierName, typer.Option(help="Whose runs they are drawn from.")
    ] = TierName.quick,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    claims: ClaimsOption = None,
    results: ResultsOption = Path("results"),
) -> None:
    """Draw the papers' figures from finished runs. Nothing is trained."""
    from paperbench.cli.selection import load_selected
    from paperbench.drawing import draw
    from paperbench.engine.devices import resolve_device
    from paperbench.figures import NothingKept
    from paperbench.ledger import Ledger
    from paperbench.plan import Site
    from paperbench.recordings import write_recordings

    _, selected = load_selected(claims, selectors or [], tier.value)
    site, ledger = Site(tier.value, resolve_device(device)), Ledger(LEDGER)
    drawn, lacking = [], []
    for file in {file.slug: file for file, _ in selected}.values():
        write_recordings(file, site, ledger, results)
        done, undone = draw(file, site, ledger, results)
        drawn += done
        lacking += undone
    for each in drawn:
        state = "drawn" if each.changed else "as before"
        stdout.print(f"{each.path}.svg, .png: {state}", highlight=False, soft_wrap=True)
    for info, problem in lacking:
        stderr.print(
            f"{info.paper}/{info.name} is not drawn: {problem.message}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    if lacking:
        raise NothingKept(
            f"{len(lacking)} of {len(drawn) + len(lacking)} figures lack their runs",
            help=f"run `paperbench verify {lacking[0][0].paper} --tier {tier.value}` first; "
            "a changed experiment makes earlier runs stale",
        )
    if not drawn:
        raise NothingSelected(
            "the selected papers register no figure",
            help="write some: `@figure` in the `figures.py` of the paper's package",
        )
