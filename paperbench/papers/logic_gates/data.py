"""Inputs as bits: images by thresholds, the first MONK's problem, and what one bit can tell."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor
from torch.nn import functional as F

from paperbench.lab import Examples, Split

MONK_VALUES = (3, 3, 2, 3, 4, 2)  # how many values each of the six attributes has


def thermometer(split: Split, n_thresholds: int) -> Split:
    """Write each pixel in [0, 1] as bits: does it reach 1/(k+1), 2/(k+1), ... k/(k+1)?"""
    levels = torch.arange(1, n_thresholds + 1) / (n_thresholds + 1)

    def bits(examples: Examples) -> Examples:
        reached = examples.inputs[..., None] >= levels  # (n, n_features, n_thresholds)
        return Examples(reached.flatten(1).float(), examples.classes)

    n_bits = split.n_features * n_thresholds
    return Split(bits(split.train), bits(split.test), n_bits, split.n_classes)


def monk(problem: str, n_train: int, generator: torch.Generator) -> Split:
    """The 432 robots, six attributes in 17 one-hot bits; `n_train` random ones to learn from.

    problem: `monk-1`, head and body have the same shape or the jacket is red; `jacket`, it is red.
    """
    robots = torch.tensor(list(itertools.product(*map(range, MONK_VALUES))))  # (432, 6)
    red = robots[:, 4] == 0
    holds = red | (robots[:, 0] == robots[:, 1]) if problem == "monk-1" else red
    bits = torch.cat([F.one_hot(a, n) for a, n in zip(robots.mT, MONK_VALUES, strict=True)], 1)
    order = torch.randperm(len(robots), generator=generator)
    train, test = (
        Examples(bits[rows].float(), holds[rows].long())
        for rows in (order[:n_train], order[n_train:])
    )
    return Split(train, test, sum(MONK_VALUES), 2)


def one_bit_accuracy(split: Split) -> float:
    """Test accuracy of the best rule that reads a single bit, or none: the shortcut."""
    bits, classes = split.train.inputs, F.one_hot(split.train.classes, split.n_classes).float()
    counts = torch.stack([(1 - bits).mT @ classes, bits.mT @ classes])  # (2, n_bits, n_classes)
    right, answers = counts.max(-1)
    best = int(right.sum(0).argmax())
    said = answers[split.test.inputs[:, best].long(), best]
    return max(_share(said, split.test.classes), split.test.majority_accuracy())


def _share(said: Tensor, classes: Tensor) -> float:
    return float((said == classes).double().mean())
