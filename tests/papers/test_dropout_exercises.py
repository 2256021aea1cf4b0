"""The exercises at the end of the notes: what is right passes its claim, what is tempting does not.

What stands for the learner's file imports nothing of the paper's. The claims are the paper's own,
at the quick tier, with half of a classifier's training steps and a tenth of the random instances.
"""

import json
from pathlib import Path

import pytest
import yaml

import paperbench
from paperbench.cli import run

CLAIMS = Path(__file__).parents[2] / "claims" / "dropout.yaml"
NOTES = Path(paperbench.__file__).parent / "papers" / "dropout" / "NOTES.md"
EXACT = "dropout/weight-scaling-is-exact-for-a-softmax-layer"
ERRORS = "dropout/better-test-accuracy"
SAMPLES = "dropout/weight-scaling-matches-monte-carlo"
SPARSE = "dropout/sparser-features"

LAYER = """
import math
import torch
from torch import nn
from torch.nn import functional as F


class PaperDropout(nn.Module):
    def __init__(self, n_units, rate, mask="fresh"):
        super().__init__()
        self.keep = 1 - rate
        self.scale = 1.0
        self.is_random = rate > 0

    def forward(self, h):
        if self.training:
            return h * torch.bernoulli(torch.full_like(h, self.keep))
        return h * self.keep


class BothConventions(PaperDropout):
    def __init__(self, n_units, rate, mask="fresh"):
        super().__init__(n_units, rate, mask)
        self.scale = 1 / self.keep

    def forward(self, h):
        return F.dropout(h, 1 - self.keep) if self.training else h * self.keep


class NeverDrops(BothConventions):
    def forward(self, h):
        return h


class GaussianDropout(nn.Module):
    def __init__(self, n_units, rate, mask="fresh"):
        super().__init__()
        self.keep = 1 - rate
        self.scale = 1 / self.keep
        self.is_random = rate > 0
        self.spread = math.sqrt(rate / self.keep)

    def forward(self, h):
        return h * (1 + self.spread * torch.randn(h.shape)) if self.training else h


class NoiseWithoutGradient(GaussianDropout):
    def forward(self, h):
        with torch.no_grad():
            noise = self.spread * torch.randn(h.shape) * h
        return h + noise if self.training else h
"""

MEAN = """
import itertools
import torch


def weighted(h, dropout):
    n_units = h.shape[-1]
    for mask in itertools.product((0.0, 1.0), repeat=n_units):
        n_kept = sum(mask)
        chance = dropout.keep**n_kept * (1 - dropout.keep) ** (n_units - n_kept)
        yield chance, h * torch.tensor(mask, dtype=h.dtype) * dropout.scale


def mean_of_all(h, output, dropout):
    product = 1.0
    for chance, thinned in weighted(h, dropout):
        product = product * output(thinned).softmax(-1) ** chance
    return product / product.sum(-1, keepdim=True)


def arithmetic(h, output, dropout):
    return sum(chance * output(thinned).softmax(-1) for chance, thinned in weighted(h, dropout))
"""

SAMPLE = """
import torch


@torch.no_grad()
def sample(model, x, n_samples):
    model.train()
    found = [model(x).softmax(-1) for _ in range(n_samples)]
    model.eval()
    return torch.stack(found)


@torch.no_grad()
def in_eval_mode(model, x, n_samples):
    model.eval()
    return torch.stack([model(x).softmax(-1) for _ in range(n_samples)])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for all, so that what the solutions are compared with is trained once."""
    folder = tmp_path_factory.mktemp("exercises")
    claims = yaml.safe_load(CLAIMS.read_text())
    quick = {name: each["tiers"]["quick"] for name, each in claims["experiments"].items()}
    quick["overfit"]["steps"] //= 2
    quick["softmax-layer"]["n_instances"] //= 10
    (folder / "claims").mkdir()
    (folder / "claims" / "dropout.yaml").write_text(yaml.safe_dump(claims, sort_keys=False))
    return folder


@pytest.fixture
def verify(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def call(source, part, *arguments):
        (folder / "mine.py").write_text(source)
        code = run(["verify", "-j", "0", "--device", "cpu", *arguments, "--with", part])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def verdicts(verify):
    def call(source, part, *claims):
        _, out, err = verify(source, part, *claims, "--json")
        assert out, err
        records = json.loads(out)[0]["claims"]
        found = {f"dropout/{record['claim']}": record["verdict"] for record in records}
        return [found[claim] for claim in claims]

    return call


def test_the_layer_in_the_paper_s_own_form(verdicts):
    assert verdicts(LAYER, "dropout/mask=mine.py:PaperDropout", EXACT, ERRORS) == ["PASS", "PASS"]


def test_the_layer_that_scales_in_training_and_in_testing(verdicts):
    assert verdicts(LAYER, "dropout/mask=mine.py:BothConventions", EXACT) == ["FAIL"]


def test_the_layer_that_never_drops(verdicts):
    """Why the exercise asks for both claims: it passes the exact one."""
    part = "dropout/mask=mine.py:NeverDrops"
    assert verdicts(LAYER, part, EXACT, ERRORS) == ["PASS", "FAIL"]


def test_the_mean_of_all_networks(verdicts):
    assert verdicts(MEAN, "dropout/geometric-mean=mine.py:mean_of_all", EXACT) == ["PASS"]


def test_the_arithmetic_mean_of_all_networks(verdicts):
    assert verdicts(MEAN, "dropout/geometric-mean=mine.py:arithmetic", EXACT) == ["FAIL"]


def test_the_sampled_networks(verdicts):
    assert verdicts(SAMPLE, "dropout/sampled-networks=mine.py:sample", SAMPLES) == ["PASS"]


def test_the_samples_of_a_model_in_eval_mode(verdicts):
    assert verdicts(SAMPLE, "dropout/sampled-networks=mine.py:in_eval_mode", SAMPLES) == ["FAIL"]


def test_the_gaussian_noise(verdicts):
    assert verdicts(LAYER, "dropout/mask=mine.py:GaussianDropout", SPARSE) == ["PASS"]


def test_the_noise_whose_size_has_no_gradient(verdicts):
    part = "dropout/mask=mine.py:NoiseWithoutGradient"
    assert verdicts(LAYER, part, SPARSE) == ["FAIL"]


@pytest.mark.parametrize(
    "command",
    [
        f"verify {EXACT} {ERRORS} --with dropout/mask=mine.py:PaperDropout",
        f"verify {EXACT} --with dropout/geometric-mean=mine.py:mean_of_all",
        f"verify {SAMPLES} --with dropout/sampled-networks=mine.py:sample",
        f"verify {SPARSE} --with dropout/mask=mine.py:GaussianDropout",
    ],
)
def test_the_notes_give_the_commands_that_are_tested_here(command):
    exercises = NOTES.read_text().partition("## Exercises: put your own part in\n")[2]
    assert f"paperbench {command}\n" in exercises


NETWORK = """
from torch import nn
from paperbench.papers.dropout.model import Dropout


class Network(nn.Module):
    def __init__(
        self, n_features, d_hidden, n_classes, *, dropout, mask="fresh", input_dropout=0.0
    ):
        super().__init__()
        self.first = nn.Linear(n_features, d_hidden)
        self.dropout = Dropout(d_hidden, dropout, mask)
        self.output = nn.Linear(d_hidden, n_classes)

    def forward(self, x):
        return self.output(self.dropout(self.first(x).relu()))
"""
FITTING = {
    "dropout/mask=mine.py:PaperDropout": LAYER,
    "dropout/classifier=mine.py:Network": NETWORK,
    "dropout/sampled-networks=mine.py:sample": SAMPLE,
    "dropout/geometric-mean=mine.py:mean_of_all": MEAN,
}
MASK, CLASSIFIER, SAMPLED, GEOMETRIC = FITTING
A_FUNCTION = 'def PaperDropout(n_units, rate, mask="fresh"):\n    ...\n\n\nclass GaussianDropout'


@pytest.mark.parametrize("part", FITTING)
def test_what_fits_is_accepted(verify, part):
    assert verify(FITTING[part], part, "dropout", "--dry-run")[0] == 0


@pytest.mark.parametrize(
    ("part", "old", "new", "fault"),
    [
        (MASK, 'mask="fresh"', "kind=None", "takes no argument `mask`"),
        (MASK, "n_units, rate, mask", "rate, n_units, mask", "takes rate, n_units, mask in"),
        (MASK, "class GaussianDropout", A_FUNCTION, "is not a class"),
        (MASK, "self.is_random", "self.random", "has no `is_random`, which the experiments use"),
        (MASK, "= 1 - rate", "= rate", "has a `keep` of 0.3 at rate 0.3"),
        (MASK, "h * self.keep", "h.sum(-1)", "returned shape (4, 3), not (4, 3, 6)"),
        (MASK, "h * torch", "h.detach() * torch", "passes no gradient: its result does not depend"),
        (MASK, "h * self.keep", "h.float() * self.keep", "returned torch.float32 for an input of"),
        (MASK, "h * self.keep", "h / 2", "changes its input at rate 0"),
        (MASK, "h * torch", "h + torch", "changes its input at rate 0"),
        (CLASSIFIER, "*, dropout", "*, rate", "takes no argument `dropout`"),
        (CLASSIFIER, "self.output(self", "self.first(self", "raised RuntimeError: mat1 and mat2"),
        (CLASSIFIER, "Dropout(d_hidden, dropout, mask)", "nn.Dropout(dropout)", "holds no"),
        (CLASSIFIER, "self.first(x)", "self.first(x).detach()", "passes no gradient to input 1"),
        (SAMPLED, "return torch.stack(found)", "return found", "returned a list, not a tensor"),
        (SAMPLED, "(found)", "(found).mean(0)", "returned shape (4, 3), not (5, 4, 3)"),
        (SAMPLED, "model(x).softmax(-1)", "model(x)", "returned numbers that are no probabilities"),
        (SAMPLED, "model.eval()", "pass", "leaves the model in training mode"),
        (GEOMETRIC, "product / product", "product * product", "returned numbers that are no prob"),
        (GEOMETRIC, "(-1, keepdim=True)", "(-1)", "raised RuntimeError: The size of tensor a"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_trained(verify, part, old, new, fault):
    assert old in FITTING[part]
    code, _, err = verify(FITTING[part].replace(old, new), part, "dropout", "--dry-run")
    assert code == 2
    component, _, name = part.partition("=")
    assert f"error: `{name}` does not fit component `{component}`: it {fault}" in err
    assert "mine.py:" in err.splitlines()[1]
    assert "what fits: " in err
