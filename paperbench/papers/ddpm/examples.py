"""What a seed learns to draw: images in [-1, 1], or points. And who says what was drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from paperbench.lab import Examples, Run, Split
from paperbench.papers.ddpm.measures import distances
from paperbench.papers.ddpm.mixture import Mixture

Judge = Callable[[Tensor], Tensor]  # inputs -> classes
N_POINTS, N_TEST = 20_000, 2000  # points of a mixture; held out, of MNIST too


def read_examples(
    run: Run, data: str, n_train: int, labels: Literal["true", "shuffled"] = "true"
) -> tuple[Split, Judge]:
    """The run's own split, and a judge that was not trained on it.

    labels: `shuffled` are those of other training examples. Images are judged by the nearest one
    held out, the Gaussians' points by Bayes' rule.
    """
    judge: Judge
    if data == "gaussians":
        mixture = ring(run, spread=0.45)
        split, judge = draw_points(run, mixture), mixture.classify
    else:
        known = run.data(data)
        n_test = None if known.test is None else N_TEST
        split = known.split(run.generator("split"), train=n_train, test=n_test)
        train, test = (
            Examples(2 * part.inputs - 1, part.classes) for part in (split.train, split.test)
        )
        split = Split(train, test, split.n_features, split.n_classes)

        def judge(x: Tensor) -> Tensor:
            return test.classes[distances(x, test.inputs).argmin(1)]

    if labels == "shuffled":
        order = torch.randperm(len(split.train), generator=run.generator("labels"))
        shuffled = Examples(split.train.inputs, split.train.classes[order])
        split = Split(shuffled, split.test, split.n_features, split.n_classes)
    return split, judge


def ring(run: Run, spread: float) -> Mixture:
    """Five Gaussians, turned by an angle of the run's own."""
    return Mixture(5, spread, 2 * np.pi * run.rng("angle").random())


def draw_points(run: Run, mixture: Mixture) -> Split:
    """Points to train on, and others."""
    train = Examples(*mixture.draw(N_POINTS, run.generator("train points")))
    test = Examples(*mixture.draw(N_TEST, run.generator("test points")))
    return Split(train, test, 2, mixture.n_classes)
