"""What runs keep to be looked at: accuracies on the way, sampled networks, features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from paperbench.lab import Examples, Run, Split
from paperbench.papers.dropout.ensemble import error_rate
from paperbench.papers.dropout.model import Autoencoder

WATCHED = 300  # examples of either part, so that watching costs little
PREDICTED = 300  # test cases
FEATURES = 36  # units, of which each has an image
CODES = 100  # test images


def watched(model: nn.Module, split: Split) -> dict[str, float]:
    """The training accuracy under the noise of the labels, and the test accuracy, of the first."""
    parts = {"train_acc": split.train, "test_acc": split.test}
    return {
        name: Examples(part.inputs[:WATCHED], part.classes[:WATCHED]).accuracy(model)
        for name, part in parts.items()
    }


def keep_sampled(run: Run, scaled: Tensor, sampled: Tensor, classes: Tensor) -> None:
    """Keep what averaging ever more sampled networks comes to, and what is said of single cases.

    scaled: (n, n_classes), sampled: (n_samples, n, n_classes). error_by_samples: (n_samples,), of
    the mean of the first 1, 2, ... networks. predicted: (n, 3), the probability of the true class
    by the scaled pass, by the mean of the sampled networks and by one of them.
    """
    n_summed = torch.arange(1, len(sampled) + 1, device=sampled.device)
    means = sampled.cumsum(0) / n_summed[:, None, None]
    run.keep("error_by_samples", torch.tensor([error_rate(mean, classes) for mean in means]))
    if run.seed == 0:
        said = torch.stack([scaled, sampled.mean(0), sampled[0]], -1)[:PREDICTED]
        run.keep("predicted", said[torch.arange(len(said)), classes[:PREDICTED]])


def keep_features(run: Run, model: Autoencoder, hidden: Tensor) -> None:
    """Keep the weights of some units, (units, n_features), and all units' code of some images."""
    run.keep("features", model.encoder.weight[:FEATURES])
    run.keep("codes", hidden[:CODES])
