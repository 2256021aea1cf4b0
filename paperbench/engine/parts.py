"""Load the parts that stand in for components, and put them in their place for one run."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from paperbench.components import ComponentInfo, Parts, find_component
from paperbench.errors import UsageError

Part = Callable[..., Any]  # a class or a function
_Undo = tuple[ModuleType, str, Part]
_LOADED: dict[tuple[str, int], ModuleType] = {}  # by file and its age: an edited one is loaded anew


def load_part(target: str) -> Part:
    """Import a target, `package.module:Name` or `/folder/file.py:Name`.

    Raises UsageError when the module does not import, or lacks the name.
    """
    place, _, name = target.rpartition(":")
    try:
        module = _load_file(target) if place.endswith(".py") else importlib.import_module(place)
    except (Exception, SystemExit) as broken:  # the file is the user's, and may fail in any way
        raise UsageError(
            f"{place} cannot be imported: {type(broken).__name__}: {broken}",
            help="run it by itself first: `python " + place + "`",
        ) from broken
    if not callable(part := getattr(module, name, None)):
        raise UsageError(f"{place} has no class or function `{name}`")
    return part  # type: ignore[no-any-return]


def load_original(info: ComponentInfo) -> Part:
    """Import what the component stands for."""
    return load_part(info.original)


@contextmanager
def in_place(parts: Parts) -> Iterator[None]:
    """While it lasts, every name in the paper's modules that means an original means the part.

    The paper's experiments must have been imported before, or they would keep the part. A part
    may import the files beside it as it runs, as it may when it is loaded.
    """
    undo: list[_Undo] = []
    places = [target.rpartition(":")[0] for target in parts.values()]
    folders = [str(Path(place).parent) for place in places if place.endswith(".py")]
    try:
        sys.path += folders
        for name, target in parts.items():
            info = find_component(name)
            original, part = load_original(info), load_part(target)
            importlib.import_module(info.module)  # its names stay what they are
            for module_name, module in list(sys.modules.items()):
                if info.is_at_home_in(module_name):
                    undo += _replace(module, original, part)
        yield
    finally:
        for folder in folders:
            sys.path.remove(folder)
        for module, attribute, original in undo:
            setattr(module, attribute, original)


def _replace(module: ModuleType, original: Part, part: Part) -> list[_Undo]:
    names = [name for name, value in vars(module).items() if value is original]
    for name in names:
        setattr(module, name, part)
    return [(module, name, original) for name in names]


def _load_file(target: str) -> ModuleType:
    """The module of a file, which may import the files beside it."""
    path = Path(target.rpartition(":")[0])
    version = str(path), path.stat().st_mtime_ns
    if version not in _LOADED:
        name = f"paperbench_part_{len(_LOADED)}_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses and pickle look modules up there
        sys.path.insert(0, str(path.parent))
        try:
            spec.loader.exec_module(module)
        finally:
            sys.path.remove(str(path.parent))
        _LOADED[version] = module
    return _LOADED[version]
