"""What is wrong, or doubtful, in a claim file."""

from __future__ import annotations

from typing import Literal

from paperbench.errors import Location, SpecError, render
from paperbench.spec.model import ClaimFile
from paperbench.spec.positions import Loc

Severity = Literal["error", "warning"]


class Problem(SpecError):
    """An error refuses the file; a warning is shown and stops nothing."""

    def __init__(
        self,
        message: str,
        *,
        where: Location | None = None,
        help: str | None = None,
        severity: Severity = "error",
    ) -> None:
        super().__init__(message, where=where, help=help)
        self.severity = severity

    def __str__(self) -> str:
        return render(self, severity=self.severity)


def at_key(
    file: ClaimFile,
    loc: Loc,
    message: str,
    help: str | None = None,
    *,
    severity: Severity = "error",
) -> Problem:
    """A problem with the key at `loc`."""
    where = file.positions.key(loc) if file.positions else None
    return Problem(message, where=where, help=help, severity=severity)


def at_value(
    file: ClaimFile,
    loc: Loc,
    message: str,
    help: str | None = None,
    *,
    severity: Severity = "error",
) -> Problem:
    """A problem with the value at `loc`."""
    where = file.positions.value(loc) if file.positions else None
    return Problem(message, where=where, help=help, severity=severity)


def at_word(
    file: ClaimFile,
    loc: Loc,
    text: str,
    column: int,
    length: int,
    message: str,
    help: str | None = None,
) -> Problem:
    """A problem with a stretch of the text at `loc`; column counts from 0 inside it."""
    where = file.positions.inside(loc, text, column, length) if file.positions else None
    return Problem(message, where=where, help=help)
