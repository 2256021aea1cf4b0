"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ClaimsOption = Annotated[
    Path | None,
    typer.Option(
        "--claims",
        metavar="FOLDER",
        show_default=False,
        help="Folder of claim files. Default: ./claims, else the one that is shipped.",
    ),
]
ResultsOption = Annotated[
    Path, typer.Option("--results", metavar="FOLDER", help="Folder of verdict records.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JunitOption = Annotated[
    Path | None,
    typer.Option(
        "--junit-xml", metavar="FILE", help="Write the verdicts as JUnit XML, for a CI server."
    ),
]
