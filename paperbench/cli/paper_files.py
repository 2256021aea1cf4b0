"""What lies beside a paper's claims: its notes, and the source of its package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import paperbench
from paperbench.registry import experiments
from paperbench.spec.model import ClaimFile

_PACKAGE = Path(paperbench.__file__).parent
_LAST = ("components.py", "figures.py")  # what breaks the model and what draws it: after the rest


def notes_places(slug: str, folder: Path) -> list[Path]:
    """Where notes on a paper may lie: with its code, then beside its claim file in `folder`."""
    return [_package(slug) / "NOTES.md", folder / f"{slug}.md"]


def read_notes(slug: str, folder: Path | None) -> str | None:
    """The notes on a paper, if there are any. folder: of the claim files, where there is one."""
    places = notes_places(slug, folder or Path())
    for path in places if folder else places[:1]:
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return None


def read_sources(slug: str, file: ClaimFile | None, notes: str | None) -> dict[str, str]:
    """The source of a paper's package, text by name, in the order in which its notes name it."""

    def order(path: Path) -> tuple[bool, bool, int, str]:
        told = (notes or "").find(path.name)
        return path.name in _LAST, told < 0, told, path.name

    paths = sorted(set(_source_files(slug, file)), key=order)
    texts = {path.name: path.read_text(encoding="utf-8") for path in paths}
    return {name: text for name, text in texts.items() if text.strip()}


def _source_files(slug: str, file: ClaimFile | None) -> Iterator[Path]:
    yield from _package(slug).glob("*.py")
    for experiment in file.experiments.values() if file else ():
        info = experiments().get(experiment.run)
        if info is not None:
            yield info.path


def _package(slug: str) -> Path:
    return _PACKAGE / "papers" / slug.replace("-", "_")
