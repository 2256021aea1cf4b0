"""Today's claims beside those that were locked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from paperbench.errors import Location, LockError
from paperbench.lock.changes import Change, changes_between
from paperbench.lock.lock_file import Contents, contents_of, read_lock
from paperbench.spec.model import ClaimFile, canonical_sha256
from paperbench.spec.quoting import printable
from paperbench.spec.select import matches


@dataclass(frozen=True)
class Difference:
    """A claim that is not as locked. where: its place in the claim file; None when it is gone."""

    name: str
    kind: Literal["added", "changed", "removed"]
    where: Location | None = None
    changes: tuple[Change, ...] = ()

    def lines(self) -> list[str]:
        """The claim on one line, and each of its changes on one below it."""
        head = f"{self.kind:<7}  {printable(self.name)}"
        width = max((len(change.key) for change in self.changes), default=0)
        return [
            f"{head}  {self.where}" if self.where else head,
            *(f"  {change.key:<{width}}  {change}" for change in self.changes),
        ]


def differences(
    files: Iterable[ClaimFile], locked: Contents, selectors: Sequence[str] = ()
) -> list[Difference]:
    """What was added, changed or removed since, among the claims that a selector means.

    A locked claim that is gone counts where a selector would have meant it; no selector means
    every claim.
    """
    files = list(files)
    current = contents_of(files)
    places = {
        f"{file.slug}/{name}": file.positions.key(("claims", name)) if file.positions else None
        for file in files
        for name in file.claims
    }
    found = []
    for name in sorted({*current, *locked}):
        if selectors and not any(matches(selector, name) for selector in selectors):
            continue
        if name not in locked:
            found.append(Difference(name, "added", places[name]))
        elif name not in current:
            found.append(Difference(name, "removed"))
        elif canonical_sha256(locked[name]) != canonical_sha256(current[name]):
            changes = changes_between(locked[name], current[name])
            found.append(Difference(name, "changed", places[name], changes))
    return found


def require_as_locked(
    files: Iterable[ClaimFile], path: Path, selectors: Sequence[str] = ()
) -> None:
    """Raise LockError, with what differs, unless the selected claims are those in the lock."""
    found = differences(files, read_lock(path), selectors)
    if not found:
        return
    count = "1 claim differs" if len(found) == 1 else f"{len(found)} claims differ"
    lines = [f"  {line}" for difference in found for line in difference.lines()]
    raise LockError(
        "\n".join([f"{count} from {path}", *lines]),
        help="undo the change; or run `paperbench lock` to lock the new text, and say in the "
        "commit why it changed",
    )
