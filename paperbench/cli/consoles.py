"""The two consoles. Whoever imports this module imports rich: in a command, where it prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from rich.console import Console

UNBROKEN = 1000  # columns of a pipe: a line in a log is never broken in two
PIPE = 80  # of a page that is folded, where there is no terminal
WIDEST = 100  # of such a page in a terminal


def make_console(*, to_stderr: bool = False) -> Console:
    """A console as wide as the terminal; a pipe gets plain text whose lines are not broken.

    NO_COLOR and CLICOLOR=0 switch every style off, not the colours alone: dim is a grey too.
    FORCE_COLOR keeps the colours in a pipe. NO_COLOR wins over it.
    """
    stream = sys.stderr if to_stderr else sys.stdout
    fixed = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(
        stderr=to_stderr,
        highlight=False,
        width=UNBROKEN if fixed else None,
        color_system=None if is_colourless(os.environ) else "auto",
    )


def is_colourless(environ: Mapping[str, str]) -> bool:
    """Whether the user wants no colour, whatever the terminal can show."""
    if environ.get("NO_COLOR"):
        return True
    return environ.get("CLICOLOR") == "0" and not environ.get("FORCE_COLOR")


def is_screen(console: Console) -> bool:
    """Whether somebody is watching: a terminal that can write a line anew, no forced pipe."""
    return console.file.isatty() and console.is_terminal and not console.is_dumb_terminal


def page_width(console: Console) -> int:
    """Columns of a page that is folded: the terminal's, but never too wide to read."""
    return min(console.width, WIDEST) if console.file.isatty() else PIPE


stdout = make_console()
stderr = make_console(to_stderr=True)
