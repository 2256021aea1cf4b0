"""The exercises at the end of the notes: what is right passes its claim, what is tempting does not.

The claims are the paper's own, at the quick tier, with a tenth of the random instances, half of the
training steps and three layers.
"""

import json
from pathlib import Path

import pytest
import yaml

import paperbench
from paperbench.cli import run

CLAIMS = Path(__file__).parents[2] / "claims" / "batchnorm.yaml"
NOTES = Path(paperbench.__file__).parent / "papers" / "batchnorm" / "NOTES.md"
BACKWARD = "batchnorm/backward-pass-is-exact"
BIAS = "batchnorm/bias-gets-no-gradient"
AVERAGES = "batchnorm/averages-stand-for-the-minibatch"
SCALE = "batchnorm/weight-scale-does-not-matter"

FORMULA = """
def backward(dy, normalised, inverse_std, gamma):
    back = dy - dy.mean(0) - normalised * (dy * normalised).mean(0)
    return gamma * inverse_std * back, (dy * normalised).sum(0), dy.sum(0)


def held_still(dy, normalised, inverse_std, gamma):
    return gamma * inverse_std * dy, (dy * normalised).sum(0), dy.sum(0)
"""

LAYER = """
import torch
from torch import nn


class MyNorm(nn.Module):
    def __init__(self, n_channels, statistics="batch", *, n_together=None, momentum=0.1, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.gamma = nn.Parameter(torch.ones(n_channels))
        self.beta = nn.Parameter(torch.zeros(n_channels))
        self.register_buffer("mean", torch.zeros(n_channels))
        self.register_buffer("variance", torch.ones(n_channels))

    def forward(self, x):
        mean, variance = self.mean, self.variance
        if self.training:
            mean, variance = x.mean(0), x.var(0, correction=0)
            self.record(mean.detach(), x.var(0).detach())
        return self.gamma * (x - mean) / (variance + self.eps).sqrt() + self.beta

    def record(self, mean, variance):
        self.mean.mul_(1 - self.momentum).add_(self.momentum * mean)
        self.variance.mul_(1 - self.momentum).add_(self.momentum * variance)


class NothingRecorded(MyNorm):
    def record(self, mean, variance):
        self.mean.mul(1 - self.momentum).add(self.momentum * mean)
        self.variance.mul(1 - self.momentum).add(self.momentum * variance)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for all, so that what the solutions are compared with is trained once."""
    folder = tmp_path_factory.mktemp("exercises")
    claims = yaml.safe_load(CLAIMS.read_text())
    quick = {name: each["tiers"]["quick"] for name, each in claims["experiments"].items()}
    quick["inside"] |= {"n_steps": 125, "n_layers": 3}
    quick["identities"]["n_instances"] //= 10
    (folder / "claims").mkdir()
    (folder / "claims" / "batchnorm.yaml").write_text(yaml.safe_dump(claims, sort_keys=False))
    return folder


@pytest.fixture
def verdicts(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def call(source, part, *claims):
        (folder / "mine.py").write_text(source)
        run(["verify", "-j", "0", "--device", "cpu", *claims, "--with", part, "--json"])
        out, err = capsys.readouterr()
        assert out, err
        records = json.loads(out)[0]["claims"]
        found = {f"batchnorm/{record['claim']}": record["verdict"] for record in records}
        return [found[claim] for claim in claims]

    return call


def test_the_backward_pass(verdicts):
    part = "batchnorm/gradients=mine.py:backward"
    assert verdicts(FORMULA, part, BACKWARD, BIAS) == ["PASS", "PASS"]


def test_the_backward_pass_that_holds_the_statistics_still(verdicts):
    part = "batchnorm/gradients=mine.py:held_still"
    assert verdicts(FORMULA, part, BACKWARD, BIAS) == ["FAIL", "FAIL"]


def test_the_layer(verdicts):
    assert verdicts(LAYER, "batchnorm/layer=mine.py:MyNorm", AVERAGES, SCALE) == ["PASS", "PASS"]


def test_the_layer_whose_averages_are_computed_and_dropped(verdicts):
    part = "batchnorm/layer=mine.py:NothingRecorded"
    assert verdicts(LAYER, part, AVERAGES, SCALE) == ["FAIL", "PASS"]


@pytest.mark.parametrize(
    "command",
    [
        f"verify {BACKWARD} {BIAS} --with batchnorm/gradients=mine.py:backward",
        f"verify {AVERAGES} {SCALE} --with batchnorm/layer=mine.py:MyNorm",
    ],
)
def test_the_notes_give_the_commands_that_are_tested_here(command):
    exercises = NOTES.read_text().partition("## Exercises: put your own part in\n")[2]
    assert f"paperbench {command}\n" in exercises
