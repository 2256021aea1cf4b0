"""Which datasets exist, where their files come from, and whether a file is the right one.

Knows names, checksums and folders; reading the content into tensors is `lab.data`'s part. A
checksum is always of the unpacked content, so a file may lie gzipped or plain.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from paperbench.errors import DataError, did_you_mean

MAX_UNPACKED = 512 * 2**20  # bytes; no dataset here comes near it
_GITHUB = "https://raw.githubusercontent.com"
_WIKITEXT = (
    f"{_GITHUB}/pytorch/examples/77f55b912142e11fcfdf5b530231fb9c52f181e8"
    "/word_language_model/data/wikitext-2"
)
_MULTI30K = f"{_GITHUB}/multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw"
_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist"


@dataclass(frozen=True)
class DataFile:
    """One file: `name` without `.gz`, the SHA-256 of its unpacked bytes, its canonical home."""

    name: str
    sha256: str
    url: str


@dataclass(frozen=True)
class Dataset:
    """A dataset: files to be found or fetched, or one that comes with a package (`embedded`)."""

    name: str
    summary: str
    licence: str
    files: tuple[DataFile, ...] = ()
    embedded: Callable[[], Path] | None = None

    def sha256(self) -> str:
        """One hash for the whole dataset; needs no file unless the dataset is embedded."""
        if self.embedded is not None:
            return _sha256(self.embedded().read_bytes())
        joined = "\n".join(f"{file.name} {file.sha256}" for file in self.files)
        return hashlib.sha256(joined.encode()).hexdigest()


def _package_file(package: str, *parts: str) -> Callable[[], Path]:
    def locate() -> Path:
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:
            raise DataError(
                f"package `{package}` is not installed",
                help="install paperbench with its dependencies",
            )
        return Path(found.origin).parent.joinpath(*parts)

    return locate


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "digits",
            "1,797 handwritten digits of 8 x 8 pixels, 10 classes",
            "CC BY 4.0 (UCI)",
            embedded=_package_file("sklearn", "datasets", "data", "digits.csv.gz"),
        ),
        Dataset(
            "python-docs",
            "the Python language reference as it ships with Python, about 460 kB",
            "PSF-2.0",
            embedded=_package_file("pydoc_data", "topics.py"),
        ),
        Dataset(
            "mnist",
            "70,000 handwritten digits of 28 x 28 pixels, 10 classes",
            "CC BY-SA 3.0",
            (
                DataFile(
                    "train-images-idx3-ubyte",
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                    f"{_MNIST}/train-images-idx3-ubyte.gz",
                ),
                DataFile(
                    "train-labels-idx1-ubyte",
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                    f"{_MNIST}/train-labels-idx1-ubyte.gz",
                ),
                DataFile(
                    "t10k-images-idx3-ubyte",
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                    f"{_MNIST}/t10k-images-idx3-ubyte.gz",
                ),
                DataFile(
                    "t10k-labels-idx1-ubyte",
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                    f"{_MNIST}/t10k-labels-idx1-ubyte.gz",
                ),
            ),
        ),
        Dataset(
            "wikitext-2",
            "2.1 million words of Wikipedia, vocabulary 33,278",
            "CC BY-SA 3.0",
            (
                DataFile(
                    "train.txt",
                    "9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f",
                    f"{_WIKITEXT}/train.txt",
                ),
                DataFile(
                    "valid.txt",
                    "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
                    f"{_WIKITEXT}/valid.txt",
                ),
                DataFile(
                    "test.txt",
                    "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
                    f"{_WIKITEXT}/test.txt",
                ),
            ),
        ),
        Dataset(
            "multi30k",
            "29,000 image captions in English and German",
            "non-commercial",
            tuple(
                DataFile(name, sha256, f"{_MULTI30K}/{name}.gz")
                for name, sha256 in (
                    (
                        "train.en",
                        "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6",
                    ),
                    (
                        "train.de",
                        "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72",
                    ),
                    ("val.en", "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227"),
                    ("val.de", "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660"),
                    (
                        "test_2016_flickr.en",
                        "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
                    ),
                    (
                        "test_2016_flickr.de",
                        "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
                    ),
                )
            ),
        ),
    )
}


def find_dataset(name: str) -> Dataset:
    """Return the dataset called `name`; raises DataError with the nearest name."""
    if name not in DATASETS:
        raise DataError(f"no dataset is called `{name}`", help=did_you_mean(name, DATASETS))
    return DATASETS[name]


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
