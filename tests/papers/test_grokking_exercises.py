"""The exercises at the end of the notes: what is right passes its claim, what is tempting does not.

What stands for the learner's file imports nothing of the paper's. The claims are the paper's own at
the quick tier, on a smaller table (modulo 23, 70 % of it shown, 64 units).
"""

import json
from pathlib import Path

import pytest
import yaml

import paperbench
from paperbench.cli import run

CLAIMS = Path(__file__).parents[2] / "claims" / "grokking.yaml"
NOTES = Path(paperbench.__file__).parent / "papers" / "grokking" / "NOTES.md"
DELAY = "grokking/generalises-long-after-memorising"

OPTIMIZER = """
import torch


class DecoupledAdam(torch.optim.Optimizer):
    coupled = False

    def __init__(self, parameters, lr, weight_decay, betas):
        super().__init__(parameters, {"lr": lr})
        self.weight_decay, self.betas, self.t = weight_decay, betas, 0

    @torch.no_grad()
    def step(self):
        self.t += 1
        one, two = self.betas
        for group in self.param_groups:
            for w in group["params"]:
                state = self.state[w]
                if not state:
                    state["m"], state["v"] = torch.zeros_like(w), torch.zeros_like(w)
                g = w.grad + self.weight_decay * w if self.coupled else w.grad
                state["m"].mul_(one).add_(g, alpha=1 - one)
                state["v"].mul_(two).add_(g * g, alpha=1 - two)
                m, v = state["m"] / (1 - one**self.t), state["v"] / (1 - two**self.t)
                if not self.coupled:
                    w.mul_(1 - group["lr"] * self.weight_decay)
                w.sub_(group["lr"] * m / (v.sqrt() + 1e-8))


class CoupledAdam(DecoupledAdam):
    coupled = True


def mine(lr, *, weight_decay=0.0, betas=(0.9, 0.999)):
    return lambda parameters: DecoupledAdam(parameters, lr, weight_decay, betas)


def as_a_penalty(lr, *, weight_decay=0.0, betas=(0.9, 0.999)):
    return lambda parameters: CoupledAdam(parameters, lr, weight_decay, betas)


def to_the_tables_alone(lr, *, weight_decay=0.0, betas=(0.9, 0.999)):
    return lambda parameters: lr
"""

NETWORK = """
import torch
from torch import nn


class Product(nn.Module):
    def __init__(self, p, d_hidden):
        super().__init__()
        self.a = nn.Parameter(torch.randn(p, d_hidden) * 0.5)
        self.b = nn.Parameter(torch.randn(p, d_hidden) * 0.5)
        self.w = nn.Parameter(torch.randn(d_hidden, p) * d_hidden**-0.5)

    def forward(self, pairs):
        return (self.a[pairs[..., 0]] * self.b[pairs[..., 1]]) @ self.w

    def operand_vectors(self):
        return self.a


class OneTable(Product):
    def __init__(self, p, d_hidden):
        super().__init__(p, d_hidden)
        del self.b

    def forward(self, pairs):
        return (self.a[pairs[..., 0]] * self.a[pairs[..., 1]]) @ self.w
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for all, so that what the solutions are compared with is trained once."""
    folder = tmp_path_factory.mktemp("exercises")
    claims = yaml.safe_load(CLAIMS.read_text())
    claims["experiments"]["table"]["tiers"]["quick"] |= {
        "p": 23,
        "train_fraction": 0.7,
        "d_model": 64,
    }
    (folder / "claims").mkdir()
    (folder / "claims" / "grokking.yaml").write_text(yaml.safe_dump(claims, sort_keys=False))
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
def verdict(verify):
    def call(source, part, claim):
        _, out, err = verify(source, part, claim, "--json")
        assert out, err
        (record,) = json.loads(out)[0]["claims"]
        return record["verdict"]

    return call


def test_decay_beside_the_gradient(verdict):
    assert verdict(OPTIMIZER, "grokking/optimizer=mine.py:mine", DELAY) == "PASS"


def test_decay_within_the_gradient(verdict):
    assert verdict(OPTIMIZER, "grokking/optimizer=mine.py:as_a_penalty", DELAY) == "FAIL"


def test_a_product_of_the_operands(verdict):
    assert verdict(NETWORK, "grokking/network=mine.py:Product", DELAY) == "PASS"


def test_one_table_for_both_operands(verdict):
    assert verdict(NETWORK, "grokking/network=mine.py:OneTable", DELAY) == "FAIL"


@pytest.mark.parametrize(
    ("source", "part", "old", "new", "fault"),
    [
        (OPTIMIZER, "optimizer=mine.py:to_the_tables_alone", "", "", "makes a float, not a torch"),
        (
            OPTIMIZER,
            "optimizer=mine.py:mine",
            'in group["params"]',
            "in []",
            "leaves a parameter as",
        ),
        (OPTIMIZER, "optimizer=mine.py:mine", "weight_decay=0.0", "decay=0.0", "takes no argument"),
        (NETWORK, "network=mine.py:Product", "return self.a\n", "return 1\n", "another shape than"),
        (NETWORK, "network=mine.py:Product", "@ self.w", "@ self.w.detach()", "passes no gradient"),
        (NETWORK, "network=mine.py:Product", "@ self.w", "", "returned shape (49, 5), not (49, 7)"),
    ],
)
def test_what_does_not_fit_is_refused(verify, source, part, old, new, fault):
    code, _, err = verify(source.replace(old, new), f"grokking/{part}", DELAY, "--dry-run")
    assert code == 2
    assert fault in err


@pytest.mark.parametrize(
    "command",
    [
        f"verify {DELAY} --with grokking/optimizer=mine.py:mine",
        f"verify {DELAY} --with grokking/network=mine.py:Product",
    ],
)
def test_the_notes_give_the_commands_that_are_tested_here(command):
    exercises = NOTES.read_text().partition("## Exercises: put your own part in\n")[2]
    assert f"paperbench {command}\n" in exercises
