"""What changed between two contents of a claim, key by key, as a person would read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os.path import commonprefix
from typing import Any

from paperbench.spec.quoting import printable

WIDE = 70  # characters: a longer text is shown around what differs
CONTEXT = 20  # characters of it that stay on either side
LONGEST = 160  # characters of what differs


class _Absent:
    def __str__(self) -> str:
        return "(none)"


ABSENT = _Absent()


@dataclass(frozen=True)
class Change:
    """One key with its two values; ABSENT where there was or is none. As text: `old  →  new`."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        old, new = _shown(self.old), _shown(self.new)
        if old == new:  # a text that looks like a number, or white space
            old, new = _as_json(self.old), _as_json(self.new)
        if max(len(old), len(new)) > WIDE:
            old, new = _around_the_difference(old, new)
        return f"{old}  →  {new}"


def changes_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """The keys whose values differ. The claim's own come first and without a prefix."""
    before, after = dict(_flat(old)), dict(_flat(new))
    keys = sorted({*before, *after}, key=lambda key: (key.startswith("experiment."), key))
    changes = [Change(key, before.get(key, ABSENT), after.get(key, ABSENT)) for key in keys]
    return tuple(
        change
        for change in changes
        if _as_json(change.old) != _as_json(change.new)
        # A mapping that was filled or emptied is told by its keys.
        and not any(key.startswith(f"{change.key}.") for key in keys)
    )


def _flat(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from _leaves(content["claim"], ())
    yield from _leaves(content["experiment"], ("experiment",))


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """`control.fox.gate` and the like; a list is one value, and so is an empty mapping."""
    if isinstance(value, dict) and value:
        for key, item in sorted(value.items()):
            yield from _leaves(item, (*path, printable(key)))
    elif path != ("experiment",) or value is not None:  # of a reading: it has none
        yield ".".join(path), value


def _shown(value: Any) -> str:
    return printable(value) if isinstance(value, str) else _as_json(value)


def _as_json(value: Any) -> str:
    """Values of another type differ: to Python 1 is 1.0 and True, to the hash it is not."""
    return str(value) if value is ABSENT else json.dumps(value, sort_keys=True)


def _around_the_difference(old: str, new: str) -> tuple[str, str]:
    """Both texts from a little before they part to a little after they meet again."""
    same_before = len(commonprefix([old, new]))
    rest = min(len(old), len(new)) - same_before
    same_after = len(commonprefix([old[::-1], new[::-1]])[:rest])
    start = old.rfind(" ", 0, max(0, same_before - CONTEXT)) + 1
    return _cut(old, start, same_after), _cut(new, start, same_after)


def _cut(text: str, start: int, same_after: int) -> str:
    end = text.find(" ", min(len(text), len(text) - same_after + CONTEXT))
    end = len(text) if end < 0 else end
    if end - start > LONGEST:
        end = start + LONGEST
    return f"{'… ' if start else ''}{text[start:end]}{' …' if end < len(text) else ''}"
