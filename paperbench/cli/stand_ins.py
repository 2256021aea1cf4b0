"""What a terminal or a pipe shows that cannot show `●`: letters and marks that everything can."""

from __future__ import annotations

import unicodedata

# One for one wherever columns are counted: plots, bars, rules and the minus sign.
_MARKS = dict(
    zip("●○•─┄━│┼├┤┌┐└┘┬┴◀▶−–·…✗°↑↓‘’“”", "*o.-.=|+[]++++++<>---~x*^v''\"\"", strict=True)
)
_WORDS = {"✓": "ok", "±": "+-", "→": "->", "—": "--", "∞": "inf", "≠": "!=", "×": "x", "≤": "<="}


def stand_ins(error: UnicodeError) -> tuple[str, int]:
    """An error handler of `codecs`: marks and accented letters by what is like them, else `?`.

    Raises the error itself when it is none of encoding.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = "".join(map(_stand_in, error.object[error.start : error.end]))
    return text, error.end


def _stand_in(character: str) -> str:
    found = _MARKS.get(character) or _WORDS.get(character)
    if found is None:
        found = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return found or "?"
