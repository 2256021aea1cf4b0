"""What is trained and measured. The claims about it are in claims/dropout.yaml."""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from paperbench.lab import (
    Metrics,
    Run,
    Split,
    Watch,
    accuracy,
    adam,
    cross_entropy,
    derive_seed,
    error,
    experiment,
    fraction,
    nats,
    ratio,
    train,
)
from paperbench.papers.dropout.ensemble import (
    distance,
    error_rate,
    geometric_mean,
    sample_probabilities,
)
from paperbench.papers.dropout.kept import keep_features, keep_sampled, watched
from paperbench.papers.dropout.measures import (
    activity_density,
    class_means_accuracy,
    mean_image_error,
    prior_nll,
    shortcut_accuracy,
)
from paperbench.papers.dropout.model import Autoencoder, Classifier, Dropout, reconstruction_loss


@experiment(
    "dropout/overfit",
    metrics={
        "train_acc": accuracy,
        "test_acc": accuracy,
        "gap": fraction,
        "test_error": error,
        "test_nll": nats,
        "mean_of_sampled_error": error,
        "one_sampled_error": error,
        "scaled_distance": error,
        "one_sampled_distance": error,
        "shortcut_acc": accuracy,
        "class_means_acc": accuracy,
        "prior_nll": nats,
    },
    chance={"test_acc": "shortcut_acc", "test_nll": "prior_nll"},
)
def overfit(
    run: Run,
    *,
    data: str = "digits",
    n_train: int = 300,
    label_noise: float = 0.2,
    d_hidden: int = 256,
    dropout: float = 0.5,
    input_share: float = 0.0,
    mask: Literal["fresh", "frozen", "unscaled"] = "fresh",
    n_samples: int = 50,
    steps: int = 600,
    stop_share: float = 1.0,
    batch_size: int = 64,
    lr: float = 1e-3,
) -> Metrics:
    """Train one classifier on too few examples; ask it, and networks sampled from it, for classes.

    input_share: the rate of dropout on the inputs, as a share of that on hidden units. stop_share:
    how much of the steps is trained, for early stopping. Test labels are clean. `gap` is the
    difference of training and test accuracy under the same noise of the labels, so that fitting no
    noise at all is a gap of zero.
    """
    split = run.data(data).split(run.generator("split"), train=n_train, label_noise=label_noise)
    fit = train(
        run,
        build=lambda: Classifier(
            split.n_features,
            d_hidden,
            split.n_classes,
            dropout=dropout,
            mask=mask,
            input_dropout=input_share * dropout,
        ),
        batches=split.train.batches(batch_size),
        loss=cross_entropy,
        optimizer=adam(lr),
        steps=max(1, round(stop_share * steps)),
        watch=Watch(every=max(1, steps // 12), measure=lambda m: watched(m, split)),
    )
    train_acc = split.train.accuracy(fit.model)
    predictions = _predict(run, fit.model, split, n_samples)
    test_acc = 1 - predictions["test_error"]
    noisy_test_acc = (1 - label_noise) * test_acc + label_noise / split.n_classes  # (8)
    return {
        "train_acc": train_acc,
        "test_acc": test_acc,
        "gap": train_acc - noisy_test_acc,
        **predictions,
        "shortcut_acc": shortcut_accuracy(split),
        "class_means_acc": class_means_accuracy(split),
        "prior_nll": prior_nll(split),
    }


@torch.no_grad()
def _predict(run: Run, model: nn.Module, split: Split, n_samples: int) -> dict[str, float]:
    """What the scaled pass, one sampled network and the mean of `n_samples` say of test data."""
    x, classes = run.to_device((split.test.inputs, split.test.classes))
    logits = model(x)
    scaled = F.softmax(logits, -1)  # (3)
    torch.manual_seed(derive_seed(run.seed, "sampled networks"))
    sampled = sample_probabilities(model, x, n_samples)  # (n_samples, n, n_classes)
    mean = sampled.mean(0)  # (5)
    keep_sampled(run, scaled, sampled, classes)
    return {
        "test_error": error_rate(scaled, classes),
        "test_nll": float(F.cross_entropy(logits, classes)),
        "mean_of_sampled_error": error_rate(mean, classes),
        "one_sampled_error": error_rate(sampled, classes),
        "scaled_distance": distance(scaled, mean),
        "one_sampled_distance": distance(sampled, mean),
    }


@experiment(
    "dropout/autoencoder",
    metrics={
        "test_mse": error,
        "mean_image_mse": error,
        "density": fraction,
        "active_share": fraction,
        "mean_activation": ratio,
    },
    chance={"test_mse": "mean_image_mse"},
)
def autoencoder(
    run: Run,
    *,
    data: str = "digits",
    n_train: int = 1000,
    d_hidden: int = 64,
    dropout: float = 0.5,
    mask: Literal["fresh", "frozen", "unscaled"] = "fresh",
    steps: int = 1000,
    batch_size: int = 64,
    lr: float = 1e-3,
) -> Metrics:
    """Train one autoencoder on images and measure how sparse its features of test images are."""
    split = run.data(data).split(run.generator("split"), train=n_train)
    fit = train(
        run,
        build=lambda: Autoencoder(split.n_features, d_hidden, dropout=dropout, mask=mask),
        batches=split.train.batches(batch_size),
        loss=reconstruction_loss,
        optimizer=adam(lr),
        steps=steps,
    )
    x = run.to_device(split.test.inputs)
    with torch.no_grad():
        hidden = fit.model.encode(x)  # (n, d_hidden)
        test_mse = float(F.mse_loss(fit.model(x), x))
    if run.seed == 0:
        keep_features(run, fit.model, hidden)
    return {
        "test_mse": test_mse,
        "mean_image_mse": mean_image_error(split),
        "density": activity_density(hidden),
        "mean_activation": float(hidden.mean()),
        "active_share": float((hidden > 0).double().mean()),
    }


@experiment("dropout/geometric-mean", metrics={"largest_error": error})
def exact_geometric_mean(
    run: Run,
    *,
    n_instances: int = 300,
    n_units: int = 8,
    n_classes: int = 4,
    mask: Literal["fresh", "unscaled"] = "fresh",
) -> Metrics:
    """Compare the scaled pass with the geometric mean over all masks, on random softmax layers.

    Nothing is trained. Every instance has its own weights, its own input, and its own rate in
    [0.1, 0.9]; `largest_error` is the largest difference of two probabilities.
    """
    generator = run.generator("instances")
    largest = 0.0
    for instance in range(n_instances):
        rate = 0.1 + 0.8 * float(torch.rand((), generator=generator))
        dropout = Dropout(n_units, rate, mask).eval()
        weight, bias, h = (
            torch.randn(*shape, dtype=torch.float64, generator=generator)
            for shape in ((n_classes, n_units), (n_classes,), (1, n_units))
        )
        output = partial(F.linear, weight=weight, bias=bias)
        scaled = F.softmax(output(dropout(h.relu())), -1)  # (3)
        enumerated = geometric_mean(h.relu(), output, dropout)  # (4)
        largest = max(largest, float((scaled - enumerated).abs().max()))
        run.progress(instance + 1, n_instances, largest_error=largest)
    return {"largest_error": largest}
