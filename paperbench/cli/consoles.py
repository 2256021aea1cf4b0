"""The two consoles. Whoever imports this module imports rich: in a command, where it prints."""

from __future__ import annotations

import os
import sys

from rich.console import Console

UNBROKEN = 1000  # columns of a pipe: a line in a log is never broken in two


def make_console(*, to_stderr: bool = False) -> Console:
    """A console as wide as the terminal; a pipe gets plain text whose lines are not broken."""
    stream = sys.stderr if to_stderr else sys.stdout
    fixed = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(stderr=to_stderr, highlight=False, width=UNBROKEN if fixed else None)


stdout = make_console()
stderr = make_console(to_stderr=True)
