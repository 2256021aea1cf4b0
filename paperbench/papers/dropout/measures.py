"""How sparse features are, and what can be predicted without a network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from paperbench.lab import Examples, Split


def activity_density(hidden: Tensor) -> float:
    """The share of units that carries an example's code, whatever its scale: <h>^2 / <h^2>.

    hidden: (n, n_units), not negative. Treves and Rolls (1991): 1 when all units are equally
    active, k / n_units when k are and the others silent. A mean over the examples. Units that fire
    for no example are left out, so that a dead unit is not counted as a sparse one; so are
    examples for which no unit fires.
    """
    live = hidden[:, (hidden > 0).any(0)].double()
    live = live[(live > 0).any(1)]
    if not live.numel():
        return float("nan")
    return float((live.mean(1).square() / live.square().mean(1)).mean())  # (7)


def shortcut_accuracy(split: Split) -> float:
    """Test accuracy of the better of two trivial predictors.

    The commonest class, and the class whose training images hold the most similar amount of ink:
    one number per image.
    """
    majority = int(split.train.classes.bincount().argmax())
    commonest = float((split.test.classes == majority).double().mean())
    return max(commonest, _ink_accuracy(split.train, split.test, split.n_classes))


def _ink_accuracy(train: Examples, test: Examples, n_classes: int) -> float:
    ink = train.inputs.mean(1)  # (n,)
    counts = train.classes.bincount(minlength=n_classes)
    typical = torch.zeros(n_classes).index_add_(0, train.classes, ink) / counts.clamp(min=1)
    typical[counts == 0] = torch.inf
    nearest = (test.inputs.mean(1)[:, None] - typical).abs().argmin(1)
    return float((nearest == test.classes).double().mean())


def class_means_accuracy(split: Split) -> float:
    """Test accuracy of the nearest mean image: what a learner that cannot overfit reaches."""
    means = torch.stack(
        [split.train.inputs[split.train.classes == k].mean(0) for k in range(split.n_classes)]
    ).nan_to_num(torch.inf)
    # Not by a matrix product, which turns the infinite mean of an absent class into NaN.
    distances = torch.cdist(split.test.inputs, means, compute_mode="donot_use_mm_for_euclid_dist")
    nearest = distances.argmin(1)
    return float((nearest == split.test.classes).double().mean())


def prior_nll(split: Split) -> float:
    """Nats per test case when the frequencies of the training classes are always predicted."""
    counts = split.train.classes.bincount(minlength=split.n_classes).float() + 1  # none is 0
    return float(
        F.nll_loss((counts / counts.sum()).log().expand(len(split.test), -1), split.test.classes)
    )


def mean_image_error(split: Split) -> float:
    """Mean squared error per pixel when the mean training image is always predicted."""
    mean = split.train.inputs.mean(0)
    return float(F.mse_loss(mean.expand_as(split.test.inputs), split.test.inputs))
