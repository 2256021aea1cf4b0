"""Notes for a terminal: formulas stay the text that they are."""

from __future__ import annotations

import re

_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^\$\$[ \t]*\n?(.*?)\n?[ \t]*\$\$[ \t]*$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<![\\$`\w])\$(?=\S)([^$\n`]+?)(?<=\S)\$(?![\d$])")


def keep_formulas(markdown: str) -> str:
    """Put LaTeX into code spans and blocks, where no `_` or `*` of it becomes emphasis."""
    parts, position = [], 0
    for fence in _FENCE.finditer(markdown):
        parts += [_formulas(markdown[position : fence.start()]), fence[0]]
        position = fence.end()
    return "".join([*parts, _formulas(markdown[position:])])


def _formulas(text: str) -> str:
    blocks = _BLOCK.sub(lambda match: f"```text\n{match[1].strip()}\n```", text)
    return _INLINE.sub(lambda match: f"`{match[1]}`", blocks)
