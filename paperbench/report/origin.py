"""Where numbers come from, in words: versions, machine, commit, and whether they repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COMMIT_CHARACTERS = 12


def origin_parts(environment: Mapping[str, Any]) -> list[str]:
    """`torch 2.9.0`, `AMD EPYC`, `commit 0123456789ab`, ...; several of a sort with commas."""
    parts = [
        f"{name} {_listed(environment[name])}"
        for name in ("paperbench", "torch", "numpy")
        if name in environment
    ]
    parts += [f"Python {_listed(environment['python'])}"] if "python" in environment else []
    parts += [_listed(environment[n]) for n in ("processor", "system") if environment.get(n)]
    if environment.get("commit"):
        dirty = " with uncommitted changes" if environment.get("dirty") else ""
        parts.append(f"commit {_listed(environment['commit'], COMMIT_CHARACTERS)}{dirty}")
    repeats = repeatability(environment)
    return [*parts, repeats] if repeats else parts


def repeatability(environment: Mapping[str, Any]) -> str | None:
    """Whether the same seed gave bitwise the same numbers; None where nothing is on record."""
    known = environment.get("determinism")
    if not isinstance(known, Mapping):
        return None
    digests = [str(probe["digest"] or "differs") for probe in known["probes"]]
    if known["bitwise"] is None:
        return "not known to repeat bit for bit"
    word = "repeats bit for bit" if known["bitwise"] else "does NOT repeat bit for bit"
    return f"{word} (probe {', '.join(digests)})"


def _listed(value: Any, characters: int | None = None) -> str:
    values = value if isinstance(value, list) else [value]
    return ", ".join(str(each)[:characters] for each in values)
