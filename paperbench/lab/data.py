"""Datasets as tensors and text. Loaded once a process; a seed draws its own subset."""

from __future__ import annotations

import ast
import csv
import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from paperbench.datasets import find_dataset, read_file
from paperbench.errors import DataError
from paperbench.lab.sharing import shared


@dataclass(frozen=True)
class Examples:
    """Inputs (n, n_features) float32 and classes (n,) int64."""

    inputs: Tensor
    classes: Tensor

    def __len__(self) -> int:
        return len(self.classes)

    def batches(self, batch_size: int) -> Callable[[torch.Generator], Iterator[Any]]:
        """An endless stream of (inputs, classes), shuffled anew every epoch."""

        def stream(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
            for rows in shuffled_batches(len(self), batch_size, generator):
                yield self.inputs[rows], self.classes[rows]

        return stream

    @torch.no_grad()
    def accuracy(self, model: nn.Module, *, batch_size: int = 2000) -> float:
        """Share of rows whose largest logit is the right class; the model's mode is its own."""
        device = next(model.parameters()).device
        right: int = sum(
            int((model(x.to(device)).argmax(-1).cpu() == y).sum())
            for x, y in zip(
                torch.split(self.inputs, batch_size),
                torch.split(self.classes, batch_size),
                strict=True,
            )
        )
        return right / len(self)

    def majority_accuracy(self) -> float:
        """Accuracy of always answering with the commonest class."""
        return float(self.classes.bincount().max()) / len(self)


@dataclass(frozen=True)
class Split:
    """What one seed trains on and is tested on; the two share no row."""

    train: Examples
    test: Examples
    n_features: int
    n_classes: int


@dataclass(frozen=True)
class Classification:
    """A labelled dataset. `test` is the official test set, None where there is none."""

    train: Examples
    test: Examples | None
    n_classes: int

    def split(
        self,
        generator: torch.Generator,
        *,
        train: int,
        test: int | None = None,
        label_noise: float = 0.0,
    ) -> Split:
        """Draw `train` rows, and a test set of `test` rows (None: all that there are).

        label_noise: share of the training labels drawn anew from all classes. Test labels stay.
        Raises DataError when there are too few rows.
        """
        order = torch.randperm(len(self.train), generator=generator)
        if train > len(order):
            raise DataError(f"{train} training rows asked for, {len(order)} there")
        chosen, rest = order[:train], order[train:]
        classes = self.train.classes[chosen].clone()
        noisy = torch.rand(train, generator=generator) < label_noise
        drawn = torch.randint(self.n_classes, (train,), generator=generator)
        classes[noisy] = drawn[noisy]
        if self.test is None:
            pool = Examples(self.train.inputs[rest], self.train.classes[rest])
        else:
            pool = self.test
        if test is not None:
            rows = torch.randperm(len(pool), generator=generator)[:test]
            pool = Examples(pool.inputs[rows], pool.classes[rows])
        if not len(pool):
            raise DataError("no row is left to test on", help="train on fewer rows")
        return Split(
            Examples(self.train.inputs[chosen], classes),
            pool,
            self.train.inputs.shape[1],
            self.n_classes,
        )


@dataclass(frozen=True)
class Corpus:
    """A text in three parts."""

    train: str
    valid: str
    test: str


@dataclass(frozen=True)
class ParallelCorpus:
    """Sentence pairs (source, target) in three parts."""

    train: list[tuple[str, str]]
    valid: list[tuple[str, str]]
    test: list[tuple[str, str]]


@dataclass(frozen=True)
class Files:
    """A dataset that is read file by file."""

    dataset: str

    def read(self, name: str) -> bytes:
        """The unpacked bytes of one file, checked; raises DataError when absent or wrong."""
        return read_file(self.dataset, name)


def shuffled_batches(n: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Endless row indices (batch,), epoch after epoch; the ragged end of an epoch is left out."""
    batch_size = min(batch_size, n)
    while True:
        order = torch.randperm(n, generator=generator)
        for start in range(0, n - batch_size + 1, batch_size):
            yield order[start : start + batch_size]


@shared
def load_data(name: str) -> Classification | Corpus | ParallelCorpus | Files:
    """Return the dataset `name`; raises DataError when a file is absent or wrong."""
    find_dataset(name)
    return _LOADERS[name]() if name in _LOADERS else Files(name)


def _load_digits() -> Classification:
    path = find_dataset("digits").embedded
    assert path is not None
    with gzip.open(path(), "rt") as stream:
        rows = np.array([[float(cell) for cell in row] for row in csv.reader(stream)])
    inputs = torch.tensor(rows[:, :64] / 16.0, dtype=torch.float32)  # pixels 0..16
    return Classification(Examples(inputs, torch.tensor(rows[:, 64], dtype=torch.long)), None, 10)


def _load_mnist(dataset: str = "mnist") -> Classification:
    def images(name: str) -> Tensor:
        pixels = np.frombuffer(read_file(dataset, name), np.uint8, offset=16)
        return torch.tensor(pixels.reshape(-1, 784) / np.float32(255))

    def labels(name: str) -> Tensor:
        return torch.tensor(np.frombuffer(read_file(dataset, name), np.uint8, offset=8)).long()

    return Classification(
        Examples(images("train-images-idx3-ubyte"), labels("train-labels-idx1-ubyte")),
        Examples(images("t10k-images-idx3-ubyte"), labels("t10k-labels-idx1-ubyte")),
        10,
    )


def _load_python_docs() -> Corpus:
    """The topics in alphabetical order, ASCII only; 90 % train, 5 % valid, 5 % test.

    Topics quote each other: of all stretches of 50 characters 3 % of the validation part and 20 %
    of the test part stand in the training part too (of 100 characters: none, and 16 %).
    """
    locate = find_dataset("python-docs").embedded
    assert locate is not None
    assignment = ast.parse(locate().read_text(encoding="utf-8")).body[-1]
    assert isinstance(assignment, ast.Assign)
    topics = ast.literal_eval(assignment.value)
    text = "\n".join(topics[name] for name in sorted(topics))
    text = text.encode("ascii", "ignore").decode()
    return _in_three(text)


def _in_three(text: str) -> Corpus:
    first, second = int(len(text) * 0.9), int(len(text) * 0.95)
    return Corpus(text[:first], text[first:second], text[second:])


def _load_tinyshakespeare() -> Corpus:
    """The first 90 % train, 5 % valid, 5 % test: there is no official split."""
    return _in_three(read_file("tinyshakespeare", "input.txt").decode())


def _load_wikitext() -> Corpus:
    train, valid, test = (
        read_file("wikitext-2", f"{part}.txt").decode() for part in ("train", "valid", "test")
    )
    return Corpus(train, valid, test)


def _load_multi30k() -> ParallelCorpus:
    def pairs(part: str) -> list[tuple[str, str]]:
        english, german = (
            read_file("multi30k", f"{part}.{language}").decode().splitlines()
            for language in ("en", "de")
        )
        return list(zip(english, german, strict=True))

    return ParallelCorpus(pairs("train"), pairs("val"), pairs("test_2016_flickr"))


_LOADERS: dict[str, Callable[[], Classification | Corpus | ParallelCorpus]] = {
    "digits": _load_digits,
    "python-docs": _load_python_docs,
    "mnist": _load_mnist,
    "fashion-mnist": partial(_load_mnist, "fashion-mnist"),
    "tinyshakespeare": _load_tinyshakespeare,
    "wikitext-2": _load_wikitext,
    "multi30k": _load_multi30k,
}
