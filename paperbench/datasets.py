"""Which datasets exist, where their files come from, and whether a file is the right one.

Knows names, checksums and folders; reading the content into tensors is `lab.data`'s part. A
checksum is always of the unpacked content, so a file may lie gzipped or plain.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from paperbench.dataset_table import DATASETS, DataFile, Dataset
from paperbench.errors import DataError, did_you_mean

__all__ = [
    "DATASETS",
    "DataFile",
    "Dataset",
    "check",
    "datasets_named",
    "fetch",
    "find_dataset",
    "folders",
    "locate",
    "read_file",
]
MAX_UNPACKED = 512 * 2**20  # bytes; no dataset here comes near it


def find_dataset(name: str) -> Dataset:
    """Return the dataset called `name`; raises DataError with the nearest name."""
    if name not in DATASETS:
        raise DataError(f"no dataset is called `{name}`", help=did_you_mean(name, DATASETS))
    return DATASETS[name]


def datasets_named(params: Mapping[str, object]) -> tuple[str, ...]:
    """The datasets that an experiment's parameters name: `data`, and all called `..._data`."""
    return tuple(
        dict.fromkeys(
            value
            for name, value in params.items()
            if (name == "data" or name.endswith("_data"))
            and isinstance(value, str)
            and value in DATASETS
        )
    )


def folders() -> list[Path]:
    """Where files are looked for, in order: `PAPERBENCH_DATA`, then the user's cache."""
    listed = os.environ.get("PAPERBENCH_DATA", "")
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return [
        *(Path(part) for part in listed.split(os.pathsep) if part),
        cache_home / "paperbench" / "data",
    ]


def locate(dataset: Dataset, file: DataFile) -> Path | None:
    """Return the file's path, plain or gzipped, in the first folder that has it."""
    for folder in folders():
        for name in (file.name, f"{file.name}.gz"):
            path = folder / dataset.name / name
            if path.is_file():
                return path
    return None


@cache
def read_file(dataset_name: str, file_name: str) -> bytes:
    """Return the unpacked bytes of one file, checked; raises DataError when absent or wrong."""
    dataset = find_dataset(dataset_name)
    file = next(file for file in dataset.files if file.name == file_name)
    path = locate(dataset, file)
    mend = f"run `paperbench data fetch {dataset.name}`, or point PAPERBENCH_DATA at its folder"
    if path is None:
        searched = ", ".join(str(folder / dataset.name) for folder in folders())
        raise DataError(
            f"dataset `{dataset.name}` lacks the file {file.name}; looked in {searched}", help=mend
        )
    content = _unpack(path)
    got = _sha256(content)
    if got != file.sha256:
        raise DataError(
            f"{path} is not the file it should be: sha256 wanted {file.sha256}, got {got}",
            help=f"remove it and {mend}",
        )
    return content


def check(dataset: Dataset) -> list[tuple[str, Path | None, str]]:
    """Check every file of a dataset: (name, path, `ok` or what is wrong)."""
    if dataset.embedded is not None:
        inside = dataset.embedded()
        return [(inside.name, inside, "ok" if inside.is_file() else "missing")]
    rows: list[tuple[str, Path | None, str]] = []
    for file in dataset.files:
        path = locate(dataset, file)
        try:
            read_file(dataset.name, file.name)
            rows.append((file.name, path, "ok"))
        except DataError as problem:
            rows.append((file.name, path, "missing" if path is None else problem.message))
    return rows


def fetch(dataset: Dataset, report: Callable[[str], None]) -> None:
    """Download the files that are absent or wrong, each checked before it takes its place."""
    for name, path, state in check(dataset):
        if state == "ok":
            report(f"{dataset.name}/{name}: already there")
            continue
        file = next(file for file in dataset.files if file.name == name)
        packed = ".gz" if file.url.endswith(".gz") else ""
        target = _target_folder() / dataset.name / f"{file.name}{packed}"
        report(f"{dataset.name}/{name}: fetching {file.url}")
        _download(file, target)
        if path is not None and path != target:
            report(f"{dataset.name}/{name}: {path} is damaged and comes first; remove it")


def _target_folder() -> Path:
    for folder in folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise DataError(
        "no data folder can be written", help="point PAPERBENCH_DATA at a folder that you own"
    )


def _download(file: DataFile, target: Path) -> None:
    from urllib.request import urlopen  # only `data fetch` needs it, and it is slow

    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        dir=target.parent, prefix=f".{target.name}.", suffix=target.suffix
    )
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, urlopen(file.url, timeout=60) as reply:
            shutil.copyfileobj(reply, out)
        got = _sha256(_unpack(partial))
        if got != file.sha256:
            raise DataError(
                f"{file.url} is not the file it should be: sha256 wanted {file.sha256}, got {got}",
                help="try again, or fetch it by hand",
            )
        partial.replace(target)
        read_file.cache_clear()
    except OSError as broken:
        raise DataError(
            f"{file.url} cannot be fetched: {broken}", help=f"put the file at {target} by hand"
        ) from None
    finally:
        partial.unlink(missing_ok=True)


def _unpack(path: Path) -> bytes:
    """Return the content of a plain or gzipped file, refusing one that unpacks without end."""
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        with gzip.open(path) as stream:
            content = stream.read(MAX_UNPACKED + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as broken:
        raise DataError(
            f"{path} is damaged: {broken}", help="remove it and run `paperbench data fetch`"
        ) from None
    if len(content) > MAX_UNPACKED:
        raise DataError(f"{path} unpacks to more than {MAX_UNPACKED} bytes", help="remove it")
    return content


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
