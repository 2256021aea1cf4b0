"""The check language: `plain.gap - dropout.gap > 0.02`. Parsed, never evaluated as Python.

A check is a conjunction of comparisons over `arm.metric`. A chain (`-0.01 < x < 0.01`) is the
conjunction of its links. Only what is listed in this module exists.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

FUNCTIONS = {"abs": 1, "min": None, "max": None, "log": 1, "exp": 1, "sqrt": 1}  # name: arity
MAX_LENGTH = 500  # characters; the deepest tree a check may need

Operator = Literal["<", "<=", ">", ">=", "=="]


class CheckSyntaxError(ValueError):
    """A check is not in the language. `column` counts from 0 inside the check's text."""

    def __init__(
        self, message: str, *, column: int, length: int = 1, help: str | None = None
    ) -> None:
        super().__init__(message)
        self.message, self.column, self.length, self.help = message, column, length, help


@dataclass(frozen=True)
class Number:
    """A literal."""

    value: float


@dataclass(frozen=True)
class Metric:
    """`arm.metric`. column and length say where it stands in the check's text."""

    arm: str
    name: str
    column: int = 0
    length: int = 0


@dataclass(frozen=True)
class Arithmetic:
    """One of `+ - * / **` between two terms."""

    operator: Literal["+", "-", "*", "/", "**"]
    left: Term
    right: Term


@dataclass(frozen=True)
class Negation:
    """`-term`."""

    term: Term


@dataclass(frozen=True)
class Call:
    """`abs`, `min`, `max`, `log`, `exp` or `sqrt` of terms."""

    function: str
    arguments: tuple[Term, ...]


Term = Number | Metric | Arithmetic | Negation | Call


@dataclass(frozen=True)
class Comparison:
    """One link of a check: it yields one margin a seed (right - left for `<`)."""

    left: Term
    operator: Operator
    right: Term
    text: str


@dataclass(frozen=True)
class Check:
    """A parsed check: every part must hold."""

    text: str
    parts: tuple[Comparison, ...]

    def metrics(self) -> list[Metric]:
        """Every `arm.metric` in reading order, repeats included."""
        return [
            metric
            for part in self.parts
            for side in (part.left, part.right)
            for metric in _metrics(side)
        ]

    def arms(self) -> list[str]:
        """The arms it names, each once, in reading order."""
        return list(dict.fromkeys(metric.arm for metric in self.metrics()))


_ARITHMETIC: dict[type[ast.operator], Literal["+", "-", "*", "/", "**"]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}
_COMPARISONS: dict[type[ast.cmpop], Operator] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
}


@cache
def parse_check(text: str, *, exact: bool = False) -> Check:
    """Parse a check. Raises CheckSyntaxError.

    exact: allow `==`, which only a claim of `kind: exact` may use. Arm names may hold hyphens,
    which Python would read as a minus: `no-gate.loss` is one metric.
    """
    if len(text) > MAX_LENGTH or not text.isascii() or not text.isprintable():
        raise CheckSyntaxError(
            f"a check is one line of at most {MAX_LENGTH} characters, all of them ASCII", column=0
        )
    try:
        with warnings.catch_warnings():  # Python has opinions on `1and 2`; it is refused
            warnings.simplefilter("error")
            tree = ast.parse(_hide_hyphens(_hide_arms(text)), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as broken:
        column = max(0, (getattr(broken, "offset", None) or 1) - 1)
        raise CheckSyntaxError(
            "this is not a comparison that can be parsed",
            column=column,
            help="write for example `fox.val_loss < transformer.val_loss`",
        ) from None
    parts = tuple(_comparisons(tree, text, exact))
    check = Check(text, parts)
    if not check.metrics():
        raise CheckSyntaxError(
            "a check compares at least one `arm.metric`", column=0, length=len(text)
        )
    return check


_SPACES = "write `arm.metric`; a difference needs spaces: `a.x - b.x`"
_ARM = re.compile(r"(?<![\w.-])(?!\d+\.[eE]\d)\w[\w-]*(?=\.[A-Za-z_])")


def _hide_arms(text: str) -> str:
    """Replace each arm by a name of the same length that Python can read: `lr-1`, `2x`, `with`."""
    return _ARM.sub(lambda match: "a" * len(match[0]), text)


def _hide_hyphens(text: str) -> str:
    """Replace a hyphen inside a name by an underscore: same length, so columns stay true."""
    characters = list(text)
    for i in range(1, len(text) - 1):
        inside_name = text[i - 1].isalnum() and text[i + 1].isalpha()
        if text[i] == "-" and inside_name and not _is_exponent(text, i):
            characters[i] = "_"
    return "".join(characters)


def _is_exponent(text: str, i: int) -> bool:
    return text[i - 1] in "eE" and i >= 2 and text[i - 2].isdigit() and text[i + 1].isdigit()


def _comparisons(node: ast.expr, text: str, exact: bool) -> Iterator[Comparison]:
    if isinstance(node, ast.BoolOp):
        if not isinstance(node.op, ast.And):
            raise _refuse(node, "`or` has no margin: split the claim in two")
        for value in node.values:
            yield from _comparisons(value, text, exact)
        return
    if not isinstance(node, ast.Compare):
        raise _refuse(node, "a check is a comparison, or several joined by `and`")
    sides = [node.left, *node.comparators]
    for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
        symbol = _COMPARISONS.get(type(operator))
        if symbol is None:
            raise _refuse(node, "a comparison is one of < <= > >=")
        if symbol == "==" and not exact:
            raise _refuse(
                node,
                "`==` needs `kind: exact`: two trained numbers are never equal",
                help="write an equivalence: -0.01 < a.x - b.x < 0.01",
            )
        start, end = left.col_offset, right.end_col_offset or len(text)
        yield Comparison(_term(left, text), symbol, _term(right, text), text[start:end])


def _term(node: ast.expr, text: str) -> Term:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return Number(_finite(node))
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        written = text[node.col_offset : node.end_col_offset]  # hyphens as the user wrote them
        arm, _, name = written.partition(".")
        return Metric(arm.strip(), name.strip(), node.col_offset, len(written))
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        symbol = _ARITHMETIC[type(node.op)]
        return Arithmetic(symbol, _term(node.left, text), _term(node.right, text))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return Negation(_term(node.operand, text))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _call(node, node.func.id, text)
    if isinstance(node, ast.Name):
        raise _refuse(
            node, f"`{text[node.col_offset : node.end_col_offset]}` is not a metric", help=_SPACES
        )
    raise _refuse(
        node,
        f"only numbers, `arm.metric`, + - * / ** and {' '.join(FUNCTIONS)} are allowed in a check",
        help=_SPACES if isinstance(node, ast.Attribute) else None,
    )


def _finite(node: ast.Constant) -> float:
    try:
        value = float(node.value)  # type: ignore[arg-type]
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise _refuse(node, "this number is too large")
    return value


def _call(node: ast.Call, name: str, text: str) -> Call:
    if name not in FUNCTIONS or node.keywords:
        raise _refuse(
            node,
            f"`{name}` is not a function of the check language",
            help=f"there are: {', '.join(FUNCTIONS)}",
        )
    arity = FUNCTIONS[name]
    if (arity is not None and len(node.args) != arity) or (arity is None and len(node.args) < 2):
        raise _refuse(node, f"`{name}` takes {'one term' if arity else 'two terms or more'}")
    return Call(name, tuple(_term(argument, text) for argument in node.args))


def is_literal(term: Term) -> bool:
    """Return whether a term is a number, with a minus or without."""
    return isinstance(term, Number) or (isinstance(term, Negation) and is_literal(term.term))


def _metrics(term: Term) -> Iterator[Metric]:
    match term:
        case Metric():
            yield term
        case Arithmetic(left=left, right=right):
            yield from _metrics(left)
            yield from _metrics(right)
        case Negation(term=inner):
            yield from _metrics(inner)
        case Call(arguments=arguments):
            for argument in arguments:
                yield from _metrics(argument)


def _refuse(node: ast.expr, message: str, help: str | None = None) -> CheckSyntaxError:
    length = (node.end_col_offset or node.col_offset + 1) - node.col_offset
    return CheckSyntaxError(message, column=node.col_offset, length=length, help=help)
