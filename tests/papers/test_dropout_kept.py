"""What runs with dropout keep to be looked at."""

from __future__ import annotations

import base64

import numpy as np
import torch

from paperbench.lab import Examples, Run, Split
from paperbench.papers.dropout.ensemble import error_rate
from paperbench.papers.dropout.kept import WATCHED, keep_features, keep_sampled, watched
from paperbench.papers.dropout.model import Autoencoder


def array(run, name):
    kept = run.kept[name]
    return np.frombuffer(base64.b64decode(kept["float32"]), "<f4").reshape(kept["shape"])


def test_the_mean_of_all_sampled_networks_comes_last():
    generator = torch.Generator().manual_seed(0)
    sampled = torch.rand(7, 20, 3, generator=generator).softmax(-1)
    classes = torch.randint(3, (20,), generator=generator)
    run = Run(seed=0)
    keep_sampled(run, sampled[3], sampled, classes)
    errors = array(run, "error_by_samples")
    assert np.isclose(errors[0], error_rate(sampled[0], classes))
    assert np.isclose(errors[-1], error_rate(sampled.mean(0), classes))
    truth = [float(each[5, classes[5]]) for each in (sampled[3], sampled.mean(0), sampled[0])]
    assert np.allclose(array(run, "predicted")[5], truth)


def test_what_is_large_is_kept_of_the_first_seed_alone():
    run = Run(seed=1)
    keep_sampled(run, torch.rand(4, 3), torch.rand(2, 4, 3), torch.zeros(4, dtype=torch.long))
    assert list(run.kept) == ["error_by_samples"]


def test_watching_asks_the_first_examples_of_either_part():
    inputs = torch.eye(2)[(torch.arange(2 * WATCHED) >= WATCHED).long()]
    first = Examples(inputs, torch.zeros(2 * WATCHED, dtype=torch.long))
    second = Examples(inputs, torch.ones(2 * WATCHED, dtype=torch.long))
    model = torch.nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.eye(2))
    split = Split(first, second, 2, 2)
    assert watched(model, split) == {"train_acc": 1.0, "test_acc": 0.0}


def test_features_are_the_weights_into_the_first_units():
    run = Run(seed=0)
    model = Autoencoder(16, 40, dropout=0.5, mask="fresh")
    keep_features(run, model, torch.rand(200, 40))
    assert np.array_equal(array(run, "features"), model.encoder.weight[:36].detach().numpy())
    assert array(run, "codes").shape == (100, 40)
