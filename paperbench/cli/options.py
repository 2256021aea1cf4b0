"""What several commands share: options and the two consoles."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

UNBROKEN = 1000  # columns of a pipe: a line in a log is never broken in two

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


def make_console(*, to_stderr: bool = False) -> Console:
    """A console as wide as the terminal; a pipe gets plain text whose lines are not broken."""
    stream = sys.stderr if to_stderr else sys.stdout
    fixed = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(stderr=to_stderr, highlight=False, width=UNBROKEN if fixed else None)


stdout = make_console()
stderr = make_console(to_stderr=True)
