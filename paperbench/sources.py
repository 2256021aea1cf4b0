"""Hashes of the source that computes a run, so that a change of code makes its result stale.

Only what an experiment's numbers can depend on is followed: its own package, `paperbench.lab`
and `paperbench.layers`. The hash is of the syntax tree without docstrings: neither a comment nor
a reformatting re-runs a day of work.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_BENCH = ("paperbench.lab", "paperbench.layers")


@cache
def source_hashes(module: str) -> dict[str, str]:
    """Return module name -> hash for `module` and all it imports that can change its numbers."""
    own_package = module.rpartition(".")[0] or module
    hashes: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _module_path(name)
        if name in hashes or path is None or not _followed(name, own_package):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        hashes[name] = _tree_hash(tree)
        waiting.extend(_imported(tree, name, is_package=path.name == "__init__.py"))
    return dict(sorted(hashes.items()))


def _followed(name: str, own_package: str) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in (own_package, *_BENCH))


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
    inside = path.parent.joinpath(*parts)
    for candidate in (inside.with_suffix(".py"), inside / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _imported(tree: ast.Module, module: str, *, is_package: bool) -> Iterator[str]:
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, node.module or ""]).strip(".") if node.level else node.module
            if base:
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)


def _tree_hash(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()
