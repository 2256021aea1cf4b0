"""The file `claims.lock`: where it lies, how it is written, and what is refused when it is read.

For each claim, as `<paper>/<claim>`, it holds what `ClaimFile.claim_content` returns and the
SHA-256 of that: the content, so that a change can be shown; the hash, so that an edit of the lock
is seen. It is JSON, because every value then reads back as the one that was hashed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from paperbench.errors import Location, LockError, UsageError
from paperbench.spec.model import ClaimFile, canonical_sha256
from paperbench.spec.quoting import quoted

SCHEMA_VERSION = 1
MAX_BYTES = 20_000_000  # a claim takes about two thousand
Contents = Mapping[str, Mapping[str, Any]]  # `<paper>/<claim>` -> what is hashed
_ADVICE = (
    "restore it from version control; or remove it, run `paperbench lock`, and look at what "
    "version control says has changed"
)


def lock_path(folder: Path) -> Path:
    """The lock of a claims folder: `claims/` has `claims.lock`. Raises UsageError for a root."""
    named = folder if folder.name not in ("", "..") else folder.resolve()
    if not named.name:
        raise UsageError(
            f"{folder} has no name that a lock could take", help="put the claim files into a folder"
        )
    return named.with_name(f"{named.name}.lock")


def contents_of(files: Iterable[ClaimFile]) -> dict[str, dict[str, Any]]:
    """What a lock of these claims would hold."""
    return {
        f"{file.slug}/{claim.name}": file.claim_content(claim)
        for file in files
        for claim in file.claims.values()
    }


def lock_text(files: Iterable[ClaimFile]) -> str:
    """The lock of these claims as the text of its file: sorted, one key a line."""
    entries = {
        name: {"sha256": canonical_sha256(content), **content}
        for name, content in contents_of(files).items()
    }
    return _as_text({"schema_version": SCHEMA_VERSION, "claims": entries}) + "\n"


def read_lock(path: Path) -> Contents:
    """What was locked. Raises LockError when there is no lock, or one that is damaged or edited."""
    if not path.is_file():
        raise LockError(
            f"there is no lock {path}", help="run `paperbench lock` and commit what it writes"
        )
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        text = path.read_text(encoding="utf-8")
        lock = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse)
        return {name: _content(entry, name, path, text) for name, entry in _entries(lock).items()}
    except json.JSONDecodeError as broken:
        where = Location(path, broken.lineno, broken.colno)
        raise LockError(f"this is not a lock: {broken.msg}", where=where, help=_ADVICE) from None
    except (OSError, ValueError, RecursionError) as broken:
        reason = "it is nested too deeply" if isinstance(broken, RecursionError) else broken
        raise LockError(f"{path} is not a lock: {reason}", help=_ADVICE) from None


def _as_text(value: Any, indent: str = "") -> str:
    """JSON with sorted keys, each on a line of its own; a list stays on one."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False)
    deeper = f"{indent} "
    lines = [
        f"{deeper}{json.dumps(key, ensure_ascii=False)}: {_as_text(item, deeper)}"
        for key, item in sorted(value.items())
    ]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


def _entries(lock: object) -> dict[str, Any]:
    if not isinstance(lock, dict) or set(lock) != {"schema_version", "claims"}:
        raise ValueError("a lock is a mapping of `schema_version` and `claims`")
    version, entries = lock["schema_version"], lock["claims"]
    if type(version) is not int or version != SCHEMA_VERSION:
        raise ValueError(
            f"its schema version is {quoted(str(version))}; this paperbench reads {SCHEMA_VERSION}"
        )
    if not isinstance(entries, dict):
        raise ValueError("`claims` is a mapping of names to what was locked")
    return entries


def _content(entry: object, name: str, path: Path, text: str) -> Mapping[str, Any]:
    """The content of one entry, if it is what its hash was taken of."""
    if isinstance(entry, dict) and set(entry) == {"sha256", "claim", "experiment"}:
        content = {key: entry[key] for key in ("claim", "experiment")}
        if canonical_sha256(content) == entry["sha256"]:
            return content
    raise LockError(
        f"the lock was edited: what it says of {quoted(name)} does not have the hash beside it",
        where=_place(name, path, text),
        help=_ADVICE,
    )


def _place(name: str, path: Path, text: str) -> Location:
    key = json.dumps(name, ensure_ascii=False)
    found = re.search(rf"^[ \t]*({re.escape(key)})[ \t]*:", text, flags=re.MULTILINE)
    if found is None:
        return Location(path, 1, 1)
    start = found.start(1)
    line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
    return Location(path, line, column, len(key))


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    built = dict(pairs)
    if len(built) < len(names):  # of two entries, as a merge may leave them, which one counts?
        repeated = next(name for name in built if names.count(name) > 1)
        raise ValueError(f"{quoted(repeated)} stands in it twice")
    return built


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a finite number")
