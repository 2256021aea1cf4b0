"""Read a YAML file as plain values with the place of each, and refuse what is hostile.

The scalars are those of YAML 1.2's core schema, decimal only: `no` and `on` are text, `1e-3` is a
number. There are no tags, no merge keys and no duplicate keys; aliases count as if written out.
"""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from paperbench.errors import Location, SpecError
from paperbench.spec.positions import Loc, Positions
from paperbench.spec.quoting import quoted

MAX_BYTES = 1_000_000
MAX_NODES = 20_000  # aliases written out
MAX_DEPTH = 50
MAX_KEY = 100  # characters
MAX_SCALAR = 10_000  # characters

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What YAML does not call printable; UTF-8 holds no surrogates. As a list of what is refused: the
# other way round it takes ten times as long to compile as a claim file to read.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_CONSTANTS = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True)
class Document:
    """One YAML file: its values, and where they stand."""

    value: dict[str, Any]
    positions: Positions


@dataclass(frozen=True)
class _Scalar:
    text: str
    plain: bool  # neither quoted nor a block
    where: Location


@dataclass(frozen=True)
class _Sequence:
    items: list[_Node]
    where: Location


@dataclass(frozen=True)
class _Mapping:
    items: list[tuple[_Scalar, _Node]]
    where: Location


_Node = _Scalar | _Sequence | _Mapping


def read_yaml(path: Path) -> Document:
    """Read one mapping from a YAML file. Raises SpecError at the file's line and column."""
    text = _read_text(path)
    root = _Composer(path, text).document()
    builder = _Builder()
    if isinstance(root, _Scalar) and root.plain and root.text == "":
        raise SpecError("the file is empty", where=Location(path, 1, 1), help=_START)
    value = builder.build(root, (), 0)
    if not isinstance(value, dict):
        raise SpecError(
            "a claim file is a mapping of keys to values", where=root.where, help=_START
        )
    return Document(value, Positions(path, tuple(text.splitlines()), builder.keys, builder.values))


_START = "it starts with `schema_version: 1`, then `paper:`, `experiments:` and `claims:`"


def _read_text(path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise SpecError(f"{path} is not a regular file")
        if status.st_size > MAX_BYTES:
            raise SpecError(
                f"{path} has {status.st_size:,} bytes; a claim file has at most {MAX_BYTES:,}"
            )
        content = path.read_bytes()
    except OSError as broken:
        raise SpecError(f"{path} cannot be read: {broken.strerror}") from None
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as broken:
        before = content[: broken.start].decode("utf-8")
        raise SpecError(
            f"byte 0x{content[broken.start]:02x} is not UTF-8",
            where=_end_of(path, before),
            help="save the file as UTF-8",
        ) from None
    control = _CONTROL.search(text)
    if control:
        raise SpecError(
            f"the control character U+{ord(control[0]):04X} is not allowed",
            where=_end_of(path, text[: control.start()]),
            help="remove it",
        )
    return text


def _end_of(path: Path, before: str) -> Location:
    lines = (before + "|").splitlines()
    return Location(path, len(lines), len(lines[-1]))


class _Composer:
    """Events to nodes. Recursion is bounded by MAX_DEPTH, never by the input."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        self.anchors: dict[str | None, _Node] = {}
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))

    def document(self) -> _Node:
        """The one document of the stream; an empty scalar where there is none."""
        self.next()  # the start of the stream
        event = self.next()
        if isinstance(event, yaml.StreamEndEvent):
            return _Scalar("", True, Location(self.path, 1, 1))
        root = self.node(self.next(), 0)
        self.next()  # the end of the document
        event = self.next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise SpecError(
                "the file holds more than one document",
                where=self.place(event),
                help="one paper a file: remove the `---`, or split the file",
            )
        return root

    def next(self) -> Any:
        try:
            return next(self.events)
        except yaml.MarkedYAMLError as broken:
            mark = broken.problem_mark or broken.context_mark
            where = Location(self.path, mark.line + 1, mark.column + 1) if mark else None
            lines = self.text.splitlines()
            line = lines[mark.line] if mark and mark.line < len(lines) else ""
            tab = mark is not None and line[mark.column : mark.column + 1] == "\t"
            said = " ".join(filter(None, (broken.context, broken.problem)))
            raise SpecError(
                f"this is not YAML: {said}",
                where=where,
                help="indent with spaces, not with tabs" if tab else None,
            ) from None
        except yaml.YAMLError as broken:
            raise SpecError(
                f"this is not YAML: {broken}", where=Location(self.path, 1, 1)
            ) from None

    def node(self, event: Any, depth: int) -> _Node:
        where = self.place(event)
        _refuse_depth(depth, where)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise SpecError(
                    f"the alias {quoted(str(event.anchor))} stands for nothing that is "
                    "complete above it",
                    where=where,
                )
            return self.anchors[event.anchor]
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise SpecError(
                f"the tag {quoted(tag)} is not allowed",
                where=where,
                help="write the plain value; quotes make a text of it",
            )
        node: _Node
        if isinstance(event, yaml.ScalarEvent):
            node = self.scalar(event, where)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = _Sequence(list(self.sequence(depth + 1)), where)
        else:
            node = _Mapping(list(self.mapping(depth + 1)), where)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def scalar(self, event: Any, where: Location) -> _Scalar:
        if len(event.value) > MAX_SCALAR:
            raise SpecError(
                f"a value of {len(event.value):,} characters; there may be at most {MAX_SCALAR:,}",
                where=where,
            )
        text = event.value
        if event.style in ("|", ">"):  # the style of writing is no part of the text
            text = text.rstrip("\n")
        return _Scalar(text, bool(event.implicit[0]), where)

    def sequence(self, depth: int) -> Iterator[_Node]:
        while not isinstance(event := self.next(), yaml.SequenceEndEvent):
            yield self.node(event, depth)

    def mapping(self, depth: int) -> Iterator[tuple[_Scalar, _Node]]:
        lines: dict[str, int] = {}
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            key = self.node(event, depth)
            if not isinstance(key, _Scalar):
                raise SpecError(
                    "a key must be a word, not a list or a mapping", where=self.place(event)
                )
            _refuse_key(key, lines)
            lines[key.text] = key.where.line
            yield key, self.node(self.next(), depth)

    def place(self, event: Any) -> Location:
        start, end = event.start_mark, event.end_mark
        length = end.column - start.column if end.line == start.line else 1
        return Location(self.path, start.line + 1, start.column + 1, max(1, length))


def _refuse_key(key: _Scalar, lines: dict[str, int]) -> None:
    if key.text == "<<" and key.plain:
        raise SpecError(
            "merge keys (`<<`) are not allowed",
            where=key.where,
            help="write the keys out; what all arms share belongs under `params`",
        )
    if len(key.text) > MAX_KEY:
        raise SpecError(
            f"a key of {len(key.text):,} characters; there may be at most {MAX_KEY}",
            where=key.where,
        )
    if key.text in lines:
        raise SpecError(
            f"the key {quoted(key.text)} is written twice: on line "
            f"{lines[key.text]} and on line {key.where.line}",
            where=key.where,
            help="remove one of them",
        )


def _refuse_depth(depth: int, where: Location) -> None:
    if depth > MAX_DEPTH:
        raise SpecError(f"the nesting is deeper than {MAX_DEPTH} levels", where=where)


class _Builder:
    """Nodes to plain values and positions, aliases written out."""

    def __init__(self) -> None:
        self.keys: dict[Loc, Location] = {}
        self.values: dict[Loc, Location] = {}
        self.count = 0

    def build(self, node: _Node, loc: Loc, depth: int) -> Any:
        self.count += 1
        if self.count > MAX_NODES:
            raise SpecError(
                f"the file holds more than {MAX_NODES:,} values once its aliases are written out",
                where=node.where,
            )
        _refuse_depth(depth, node.where)
        self.values[loc] = node.where
        if isinstance(node, _Scalar):
            return _resolve(node)
        if isinstance(node, _Sequence):
            return [self.build(item, (*loc, i), depth + 1) for i, item in enumerate(node.items)]
        built = {}
        for key, value in node.items:
            self.keys[*loc, key.text] = key.where
            built[key.text] = self.build(value, (*loc, key.text), depth + 1)
        return built


def _resolve(node: _Scalar) -> str | int | float | bool | None:
    text = node.text
    if not node.plain:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.fullmatch(text) and len(text) <= 18:
        return int(text)
    number = float(text) if _FLOAT.fullmatch(text) else None
    if _NOT_FINITE.fullmatch(text) or (number is not None and not math.isfinite(number)):
        raise SpecError(
            f"{quoted(text)} is not a finite number",
            where=node.where,
            help="write `null` for no limit, or quote it to make it a text",
        )
    if _INT.fullmatch(text):
        raise SpecError(f"the integer {quoted(text)} has more than 18 digits", where=node.where)
    return text if number is None else number
