"""Where each key and value of a claim file stands, for the caret in an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paperbench.errors import Location

Loc = tuple[str | int, ...]  # ("claims", "shrinks-gap", "check")


@dataclass(frozen=True)
class Positions:
    """Places by path of keys. A path that is not in the file means its nearest parent."""

    path: Path
    lines: tuple[str, ...]
    keys: Mapping[Loc, Location]
    values: Mapping[Loc, Location]

    def key(self, loc: Loc) -> Location:
        """Where the last key of `loc` is written."""
        while loc and loc not in self.keys:
            loc = loc[:-1]
        return self.keys[loc] if loc else Location(self.path, 1, 1)

    def value(self, loc: Loc) -> Location:
        """Where the value at `loc` starts."""
        return self.values[loc] if loc in self.values else self.key(loc)

    def source(self, loc: Loc) -> str:
        """The value as it is written, quotes included; only the first line of a block."""
        where = self.value(loc)
        start = where.column - 1
        line = self.lines[where.line - 1] if where.line <= len(self.lines) else ""
        return line[start : start + where.length]

    def inside(self, loc: Loc, text: str, column: int, length: int) -> Location:
        """A stretch of the scalar `text` at `loc`; column counts from 0 inside `text`.

        A scalar that is not written on one line as it reads (a block, an escape) has no exact
        columns: then the place is where it starts.
        """
        where = self.value(loc)
        offset = self.source(loc).find(text)
        if offset < 0:
            return Location(where.path, where.line, where.column)
        return Location(where.path, where.line, where.column + offset + column, length)
