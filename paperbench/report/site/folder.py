"""The folder of a site: only files that a site made are replaced or removed in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from paperbench.errors import UsageError
from paperbench.report.store import write_if_changed

MARKER = ".paperbench-site"
_HEAD = "The files of this folder that `paperbench report --html` made, and may replace:\n"
_HELP = "make room or choose another folder"


def write_site(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write the files of a site, by their path below `folder`; return those that changed.

    What an earlier site left and this one has not is removed. Raises UsageError, with nothing
    written, for a folder that holds other things than a site, or for one of these files that is
    somebody else's.
    """
    earlier = _earlier(folder)
    for name in files:
        if name not in earlier and (folder / name).exists():
            raise UsageError(
                f"{folder / name} is there and not of a site",
                help="move it away, or name another folder",
            )
    # The marker comes first: a site that was half written can be written again.
    marker = folder / MARKER
    write_if_changed(marker, _HEAD + _lines({*earlier, *files}), help=_HELP)
    changed = [
        folder / name
        for name, text in files.items()
        if write_if_changed(folder / name, text, help=_HELP)
    ]
    for name in earlier - set(files):
        (folder / name).unlink(missing_ok=True)
    write_if_changed(marker, _HEAD + _lines(files), help=_HELP)
    return changed


def _earlier(folder: Path) -> set[str]:
    """The files of the site that lies there; none in a folder that is empty or not there."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    if not folder.exists() or not any(folder.iterdir()):
        return set()
    try:
        text = (folder / MARKER).read_text(encoding="utf-8")
    except OSError:
        raise UsageError(
            f"{folder} holds other things than a site",
            help="name an empty folder, or one that `paperbench report --html` made",
        ) from None
    return {name for name in text.removeprefix(_HEAD).splitlines() if _is_inside(name)}


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts


def _lines(names: Mapping[str, str] | set[str]) -> str:
    return "".join(f"{name}\n" for name in sorted(names))
