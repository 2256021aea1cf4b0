"""How a word or a value from a user's file is shown in a message: short and on one line."""

from __future__ import annotations

MAX_SHOWN = 60  # characters: a message stays on one screen


def quoted(text: str) -> str:
    """Return `text` in backticks, clipped, with nothing that a terminal would act on."""
    return f"`{_clean(text)}`"


def describe(value: object) -> str:
    """Return what a YAML value is, as a person would say it."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value!r}"
    if isinstance(value, str):
        return f'the text "{_clean(value)}"'
    return "a list" if isinstance(value, list) else "a mapping"


def printable(text: str) -> str:
    """Return `text` with a question mark for all that a terminal would act on."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _clean(text: str) -> str:
    return printable(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "...")
