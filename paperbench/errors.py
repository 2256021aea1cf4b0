"""Errors that a person can act on: what is wrong, where, and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Location:
    """A place in a file the user wrote. Lines and columns count from 1."""

    path: Path
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class PaperbenchError(Exception):
    """A failure to show to the user, not a defect of paperbench.

    `exit_code` follows the table in the README: 2 usage or invalid spec, 3 a run errored,
    5 nothing selected, 6 lock mismatch.
    """

    exit_code = 2

    def __init__(self, message: str, *, where: Location | None = None, help: str | None = None):
        super().__init__(message)
        self.message = message
        self.where = where
        self.help = help

    def __str__(self) -> str:
        return render(self)


class UsageError(PaperbenchError):
    """The command line asks for something that cannot be done."""


class SpecError(PaperbenchError):
    """A claim file is not valid."""


class DataError(PaperbenchError):
    """A data file is missing or is not the one that was asked for."""

    exit_code = 3


class RunError(PaperbenchError):
    """A run crashed, diverged, timed out or was killed."""

    exit_code = 3


class NothingSelected(PaperbenchError):
    """No claim matches the selectors."""

    exit_code = 5


class LockError(PaperbenchError):
    """The claims are not those that were locked, or there is no lock that can be trusted."""

    exit_code = 6


class SpecErrors(SpecError):
    """Every problem found in the claim files, shown together."""

    def __init__(self, problems: Iterable[PaperbenchError]):
        self.problems = list(problems)
        super().__init__("\n\n".join(render(problem) for problem in self.problems))

    def __str__(self) -> str:
        return self.message


def suggest(name: str, options: Iterable[str]) -> str | None:
    """Return the option nearest to a misspelt `name`, or None when none is near."""
    near = difflib.get_close_matches(name, list(options), n=1, cutoff=0.6)
    return near[0] if near else None


def did_you_mean(name: str, options: Iterable[str], *, label: str = "known") -> str:
    """Return a help text: the nearest option if there is one, and the whole list."""
    known = sorted(options)
    near = suggest(name, known)
    listing = f"{label}: {', '.join(known)}" if known else f"{label}: none"
    return f"did you mean `{near}`? {listing}" if near else listing


def render(error: PaperbenchError, *, severity: str = "error") -> str:
    """Return the error as text: message, the user's own line with a caret, help."""
    parts = [f"{severity}: {error.message}"]
    margin = ""
    if error.where is not None:
        margin = " " * len(str(error.where.line))
        parts.append(f"{margin}--> {error.where}")
        parts.extend(_quote(error.where, margin))
    if error.help is not None:
        parts.append(f"{margin} = help: {error.help}" if margin else f"help: {error.help}")
    return "\n".join(parts)


def _quote(where: Location, margin: str) -> list[str]:
    try:
        lines = where.path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    if not 1 <= where.line <= len(lines):
        return []
    # A terminal must not act on what a file holds, and a tab must not shift the caret.
    source = "".join(c if c.isprintable() else " " for c in lines[where.line - 1])
    start, width = where.column - 1, 160
    if len(source) > width:  # a 10 MB scalar must not fill the screen
        left = max(0, start - width // 2)
        source, start = source[left : left + width], start - left
    carets = "^" * max(1, min(where.length, len(source) - start))
    return [f"{where.line} | {source}", f"{margin} | {' ' * start}{carets}"]
