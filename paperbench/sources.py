"""Hashes of the source that computes a run, so that a change of code makes its result stale.

Only what an experiment's numbers can depend on is followed: its own package, `paperbench.lab`
and `paperbench.layers`; for an exhibit also the papers whose models it trains. The hash is of the
syntax tree without docstrings: neither a comment nor a reformatting re-runs a day of work. What
newer versions of Python add to every tree, empty, is left out, so that the same source has the
same hash under all of them.
"""

from __future__ import annotations

import ast
import atexit
import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from paperbench.registry import find

_FORMAT = 1  # of the hash; another number forgets what was remembered of the old one
_MOST = 2000  # files and parts that are remembered: what is older was edited since
_BENCH = ("paperbench.lab", "paperbench.layers")
_EXHIBITS = "paperbench.exhibits"
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def source_hashes(module: str) -> dict[str, str]:
    """Return module name -> hash for `module` and all it imports that can change its numbers."""
    own = _own_roots(module)
    hashes: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in hashes or not _followed(name, own):
            continue
        path = _module_path(name)
        if path is not None:
            hashes[name], imported = _read(name, path)
            waiting.extend(imported)
    return dict(sorted(hashes.items()))


@cache
def code_sha256(experiment: str) -> str:
    """One hash of all the source that can change an experiment's numbers."""
    hashes = source_hashes(find(experiment).module)
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()


def part_sha256(target: str) -> str:
    """Hash of a part that stands in for a component: `file.py:Name` or `package.module:Name`.

    Of a file, with the files beside it that it imports. Of a module that registers several parts,
    only the part, what it builds on and what they share: a new mutation ages none of the others.
    """
    place, _, name = target.rpartition(":")
    hashes = _hash_file(Path(place)) if place.endswith(".py") else _hash_part(place, name)
    return hashlib.sha256(json.dumps(sorted(hashes.items())).encode()).hexdigest()


def _hash_file(path: Path) -> dict[str, str]:
    hashes: dict[str, str] = {}
    beside = _beside(path.parent)
    waiting = [path.stem]
    while waiting:
        name = waiting.pop()
        file = _file_of(path.parent, name.split("."))
        if name.partition(".")[0] not in beside or name in hashes or file is None:
            continue
        hashes[name], imported = _read_changed(name, file)
        waiting += [above for each in imported for above in (each, *_packages_of(each))]
    return hashes


@cache
def _hash_part(module: str, name: str) -> dict[str, str]:
    """The hashes of a module and of what it imports, but of itself without what `name` ignores.

    That is every decorated definition, such as another part, which it does not build on.
    """
    path = _module_path(module)
    if path is None:
        raise ValueError(f"{module} has no source file")
    content = path.read_bytes()
    key = hashlib.sha256(content + f"{_FORMAT}/part/{name}".encode()).hexdigest()
    remembered = _MEMORY.get(key)
    if remembered is None:
        remembered = [hashlib.sha256(_part_text(content, name).encode()).hexdigest()]
        _MEMORY.put(key, remembered)
    return {**source_hashes(module), module: remembered[0]}


def _part_text(content: bytes, name: str) -> str:
    """A module as text, without the decorated definitions that `name` does not build on."""
    statements = _statements(content)
    decorated = {each.name: each.uses for each in statements if each.uses is not None}
    needed: set[str | None] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in decorated and current not in needed:
            needed.add(current)
            waiting += decorated[current]
    ignored = decorated.keys() - needed
    return "".join(each.text for each in statements if each.name not in ignored)


class _Statement(NamedTuple):
    """What stands at the top of a module. uses: the names in it; None where it has no decorator."""

    text: str
    name: str | None
    uses: list[str] | None


@cache
def _statements(content: bytes) -> list[_Statement]:
    """Every statement of a module, read once for all the parts that it registers."""
    return [_read_statement(node) for node in ast.parse(content).body]


def _read_statement(node: ast.stmt) -> _Statement:
    reader = _Reader()
    reader.read(node)
    uses = None
    if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.decorator_list:
        uses = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
    return _Statement("".join(reader.tokens), getattr(node, "name", None), uses)


def _own_roots(module: str) -> tuple[str, ...]:
    """The packages whose modules are a paper's own.

    Of paperbench itself one paper's folder, of a plugin its whole package; a plugin that is a
    single module may import the modules that lie beside it.
    """
    top, *rest = module.split(".")
    if top == "paperbench":
        package = module.rpartition(".")[0]
        return (package, "paperbench.papers") if package == _EXHIBITS else (package,)
    path = _module_path(module)
    if rest or path is None:
        return (top,)
    return (top, *sorted(_beside(path.parent)))


def _beside(folder: Path) -> set[str]:
    """The modules and packages of a folder, which its files import by name.

    Of a folder where packages are installed, which holds everybody's, the modules alone.
    """
    modules = {path.stem for path in folder.glob("*.py")}
    if folder.name in ("site-packages", "dist-packages"):
        return modules
    packages = {path.parent.name for path in folder.glob("*/*.py")}
    return modules | packages - {"paperbench"}


def _packages_of(name: str) -> Iterator[str]:
    """`a.b` and `a` of `a.b.c`: to import a module is to run the packages that it is in."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _followed(name: str, own: tuple[str, ...]) -> bool:
    return f"{name}.".startswith(tuple(f"{root}." for root in (*own, *_BENCH)))


@cache
def _module_path(name: str) -> Path | None:
    """The module's source file, found beside its package so that nothing gets imported."""
    root, *parts = name.split(".")
    found = importlib.util.find_spec(root)
    if found is None or found.origin is None:
        return None
    path = Path(found.origin)
    if not parts:
        return path
    return _file_of(path.parent, parts)


def _file_of(folder: Path, parts: Sequence[str]) -> Path | None:
    inside = os.path.join(folder, *parts)  # as text: most of what is asked for is no module
    for candidate in (f"{inside}.py", os.path.join(inside, "__init__.py")):
        if os.path.isfile(candidate):
            return Path(candidate)
    return None


@cache
def _read(module: str, path: Path) -> tuple[str, tuple[str, ...]]:
    """The hash of one module, and the names that it imports. Read once in a process."""
    return _read_changed(module, path)


def _read_changed(module: str, path: Path) -> tuple[str, tuple[str, ...]]:
    """The same of a file that may change while the process lives."""
    content = path.read_bytes()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    key = hashlib.sha256(content + f"{_FORMAT}/{package}".encode()).hexdigest()
    remembered = _MEMORY.get(key)
    if remembered is None:
        reader = _Reader()
        reader.read(ast.parse(content))
        digest = hashlib.sha256("".join(reader.tokens).encode()).hexdigest()
        remembered = [digest, *(name for node in reader.imports for name in _names(node, package))]
        _MEMORY.put(key, remembered)
    return remembered[0], tuple(remembered[1:])


class _Memory:
    """What was read of files with known content, kept in the user's cache between calls.

    Reading a tree takes far longer than hashing a file, and `list` must be quick. Losing the
    memory costs time and nothing else, so trouble with its file is passed over.
    """

    def __init__(self) -> None:
        self._entries: dict[str, list[str]] | None = None
        self._changed = False

    def get(self, key: str) -> list[str] | None:
        """What is known of a content, if anything."""
        if self._entries is None:
            try:
                self._entries = dict(json.loads(self._path().read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError):
                self._entries = {}
        return self._entries.get(key)

    def put(self, key: str, value: list[str]) -> None:
        """Remember it, and write the memory at the end of the process."""
        assert self._entries is not None
        if not self._changed:
            self._changed = True
            atexit.register(self._write)
        self._entries[key] = value

    def _write(self) -> None:
        path = self._path()
        partial = path.with_suffix(f".{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            newest = dict(list(self._entries.items())[-_MOST:]) if self._entries else {}
            partial.write_text(json.dumps(newest), encoding="utf-8")
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)

    def _path(self) -> Path:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(home) / "paperbench" / "sources.json"


_MEMORY = _Memory()


class _Reader:
    """A tree as text, in which only what is there leaves a trace, and its imports."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.imports: list[ast.Import | ast.ImportFrom] = []

    def read(self, node: ast.AST) -> None:
        """Append one node and all below it."""
        add = self.tokens.append
        if isinstance(node, ast.Import | ast.ImportFrom):
            self.imports.append(node)
        add(f"({type(node).__name__}")
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                if name == "body" and isinstance(node, _DOCUMENTED) and _is_docstring(value[:1]):
                    value = value[1:]
                if value:
                    add(f" {name}[")
                    for item in value:
                        if isinstance(item, ast.AST):
                            self.read(item)
                        else:
                            add(f"{item!r},")
                    add("]")
            elif isinstance(value, ast.AST):
                if not isinstance(value, ast.expr_context):  # follows from where it stands
                    add(f" {name}=")
                    self.read(value)
            elif value is not None:
                add(f" {name}={value!r}")
        add(")")


def _is_docstring(first: list[ast.stmt]) -> bool:
    return (
        bool(first)
        and isinstance(first[0], ast.Expr)
        and isinstance(first[0].value, ast.Constant)
        and isinstance(first[0].value.value, str)
    )


def _names(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        above = package.split(".")
        base = ".".join([*above[: len(above) - node.level + 1], base]).strip(".")
    if base:
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)
