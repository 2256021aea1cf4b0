"""A paper's source as HTML: a line each with its anchor, and where each name is defined."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape

_NUMBERED = re.compile(r"#\s*(\(\d+\).*)$")
_BEGINS = re.compile(r"#\s*\(\d+\)")
_NUMBER = re.compile(r"\((\d+)\)")
# They break the model on purpose, or draw it: no line of theirs computes an equation.
_NO_EQUATIONS = ("components.py", "figures.py")


@dataclass(frozen=True)
class Line:
    """One line of a file. code: without its indentation and the number behind it."""

    file: str
    number: int
    code: str = ""

    @property
    def anchor(self) -> str:
        """The id of its line on the page."""
        return f"{self.file}-L{self.number}"


@dataclass(frozen=True)
class SourceIndex:
    """Where things are in the source. names: `Class.method`, `function`, `model.py` -> its line.

    equations: number -> the lines that compute it, as their comments say.
    """

    names: Mapping[str, Line] = field(default_factory=dict)
    equations: Mapping[str, list[Line]] = field(default_factory=dict)


def index_sources(sources: Mapping[str, str]) -> SourceIndex:
    """Find definitions and numbered lines; a name that two files define is the first one's."""
    names: dict[str, Line] = {}
    equations: dict[str, list[Line]] = {}
    for file, content in sources.items():
        names.setdefault(file, Line(file, 1))
        for name, number in _definitions(content):
            names.setdefault(name, Line(file, number))
            names.setdefault(f"{file}:{name}", Line(file, number))
        if file not in _NO_EQUATIONS:
            for number, text in enumerate(content.splitlines(), start=1):
                for equation in equation_numbers(text):
                    code = _NUMBERED.sub("", text).strip()
                    equations.setdefault(equation, []).append(Line(file, number, code))
    return SourceIndex(names, equations)


def equation_numbers(line: str) -> list[str]:
    """The numbers in a comment that begins with one: `# (3), (4) and (5)`."""
    found = _NUMBERED.search(line)
    return _NUMBER.findall(found[1]) if found else []


def _definitions(content: str) -> Iterator[tuple[str, int]]:
    """Functions, classes, their methods, and what a module assigns; methods last."""
    try:
        tree = ast.parse(content)
    except SyntaxError:
        return
    methods: list[tuple[str, int]] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        if isinstance(node, ast.ClassDef):
            for each in node.body:
                if isinstance(each, ast.FunctionDef):
                    methods.append((f"{node.name}.{each.name}", each.lineno))
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Name):
                yield target.id, node.lineno
    yield from methods


def highlighted(file: str, content: str, known_equations: set[str]) -> str:
    """A file as lines of coloured code.

    known_equations: the numbers that the page has an equation of; their comments link to it.
    """
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    coloured = highlight(content, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    plain = content.splitlines()
    lines = coloured.rstrip("\n").split("\n")
    return "\n".join(
        f'<span class="line" id="{escape(file)}-L{number}">'
        f"{_linked(line, plain[number - 1] if number <= len(plain) else '', known_equations)}"
        "</span>"
        for number, line in enumerate(lines, start=1)
    )


def _linked(line: str, plain: str, known: set[str]) -> str:
    numbers = [number for number in equation_numbers(plain) if number in known]
    if not numbers:
        return line
    begin = _BEGINS.search(line)
    start = begin.start() if begin else len(line)

    def link(match: re.Match[str]) -> str:
        if match[1] not in numbers:
            return match[0]
        return f'<a href="#Eq-{match[1]}" title="the equation in the notes">{match[0]}</a>'

    return line[:start] + _NUMBER.sub(link, line[start:])
