"""`paperbench lock`, and what the other commands say of the lock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from paperbench.cli.options import ClaimsOption
from paperbench.errors import LockError, UsageError, render

if TYPE_CHECKING:  # `--help` imports the module of every command
    from paperbench.lock import Contents
    from paperbench.spec import ClaimFile

LockState = Literal["locked", "changed", "not locked"]
_MEND = "make room, or give yourself the right to write there, and run the same command again"


def lock(
    claims: ClaimsOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 6 when a claim is not as locked.")
    ] = False,
) -> None:
    """Write down what every claim says, so that `verify --locked` refuses a changed one."""
    from paperbench.cli.selection import load_files
    from paperbench.lock import differences, lock_path, lock_text, read_lock, require_as_locked
    from paperbench.report.store import write_if_changed

    folder = claims or Path("claims")
    if claims is None and not folder.is_dir():  # those that are shipped are not the user's to lock
        raise UsageError("there is no folder `claims` here", help="`--claims FOLDER` names another")
    files, path = load_files(claims), lock_path(folder)
    every = sum(len(file.claims) for file in files)
    if check:
        require_as_locked(files, path)
        _say(f"{path}: {_claims(every)} as locked")
        return
    found = differences(files, read_lock(path) if path.exists() else {})
    for difference in found:
        for line in difference.lines():
            _say(line)
    counts = {kind: sum(each.kind == kind for each in found) for kind in _KINDS}
    parts = [f"{count} {kind}" for kind, count in counts.items() if count]
    unchanged = every - counts["added"] - counts["changed"]
    written = write_if_changed(path, lock_text(files), help=_MEND)
    _say(
        f"{'wrote ' if written else ''}{path}: {_claims(every)}, "
        + ", ".join([*parts, f"{unchanged} unchanged"])
    )


_KINDS = ("added", "changed", "removed")


def refuse_unlocked(
    files: Sequence[ClaimFile], claims: Path | None, selectors: Sequence[str]
) -> None:
    """Raise LockError unless the selected claims are those in the lock of the claims folder."""
    from paperbench.lock import lock_path, require_as_locked
    from paperbench.spec import claims_folder

    require_as_locked(files, lock_path(claims_folder(claims)), selectors)


def lock_states(files: Sequence[ClaimFile], claims: Path | None) -> dict[str, LockState]:
    """`<paper>/<claim>` -> its state; empty without a lock. A broken lock is a warning."""
    from paperbench.lock import differences, lock_path, read_lock
    from paperbench.spec import claims_folder

    path = lock_path(claims_folder(claims))
    if not path.exists():
        return {}
    try:
        locked: Contents = read_lock(path)
    except LockError as broken:
        from paperbench.cli.consoles import stderr

        stderr.print(render(broken, severity="warning"), markup=False, soft_wrap=True)
        return {}
    states: dict[str, LockState] = {
        f"{file.slug}/{name}": "locked" for file in files for name in file.claims
    }
    for difference in differences(files, locked):
        if difference.kind != "removed":
            states[difference.name] = "changed" if difference.kind == "changed" else "not locked"
    return states


def _claims(count: int) -> str:
    return f"{count} claim{'' if count == 1 else 's'}"


def _say(line: str) -> None:
    from paperbench.cli.consoles import stdout

    stdout.print(line, highlight=False, markup=False, soft_wrap=True)
