"""The exercises at the end of the notes: what is right passes its claim, what is tempting does not.

What stands for the learner's file imports nothing of the paper's. The claims are the paper's own,
at the quick tier.
"""

import json
from pathlib import Path

import pytest

import paperbench
from paperbench.cli import run

CLAIMS = Path(__file__).parents[2] / "claims" / "transformer.yaml"
NOTES = Path(paperbench.__file__).parent / "papers" / "transformer" / "NOTES.md"
EQUATION = "transformer/scaled-dot-product-attention"
SHIFT = "transformer/positions-shift-linearly"

ATTENTION = """
import torch


def attention(q, k, v, mask=None, *, scaled=True):
    scores = torch.einsum("...qd,...kd->...qk", q, k)
    if scaled:
        scores = scores / q.shape[-1] ** 0.5
    if mask is not None:
        scores = torch.where(mask, scores, torch.full_like(scores, -1e30))
    weights = torch.exp(scores - scores.amax(-1, keepdim=True))
    weights = weights / weights.sum(-1, keepdim=True)
    return torch.einsum("...qk,...kd->...qd", weights, v), weights


def masked_late(q, k, v, mask=None, *, scaled=True):
    weights = (q @ k.mT / (q.shape[-1] ** 0.5 if scaled else 1)).softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ v, weights


def mask_of_torch(q, k, v, mask=None, *, scaled=True):
    return attention(q, k, v, None if mask is None else ~mask, scaled=scaled)
"""

POSITIONS = """
import torch


def positions(seq_len, d_model):
    frequency = 100.0 ** -torch.linspace(0, 1, d_model // 2).double()
    angle = torch.arange(seq_len).double()[:, None] * frequency
    return torch.cat([angle.cos(), angle.sin()], 1)


def binary(seq_len, d_model):
    digit = 2 ** torch.arange(d_model).clamp_max(40)
    return (torch.arange(seq_len)[:, None] // digit % 2).double()
"""


@pytest.fixture
def verify(tmp_path, monkeypatch, capsys):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "transformer.yaml").write_text(CLAIMS.read_text())
    monkeypatch.chdir(tmp_path)

    def call(source, part, *arguments):
        (tmp_path / "mine.py").write_text(source)
        code = run(["verify", "-j", "0", "--device", "cpu", *arguments, "--with", part])
        return code, *capsys.readouterr()

    return call


def verdict(verify, source, part, claim):
    _, out, err = verify(source, part, claim, "--json")
    assert out, err
    return json.loads(out)[0]["claims"][0]["verdict"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("attention", "PASS"), ("masked_late", "FAIL"), ("mask_of_torch", "FAIL")],
)
def test_attention(verify, name, expected):
    assert verdict(verify, ATTENTION, f"transformer/attend=mine.py:{name}", EQUATION) == expected


@pytest.mark.parametrize(("name", "expected"), [("positions", "PASS"), ("binary", "FAIL")])
def test_positions(verify, name, expected):
    assert verdict(verify, POSITIONS, f"transformer/positions=mine.py:{name}", SHIFT) == expected


@pytest.mark.parametrize(
    "command",
    [
        f"verify {EQUATION} --with transformer/attend=mine.py:attention",
        f"verify {SHIFT} --with transformer/positions=mine.py:positions",
    ],
)
def test_the_notes_give_the_commands_that_are_tested_here(command):
    exercises = NOTES.read_text().partition("## Exercises: put your own part in\n")[2]
    assert f"paperbench {command}\n" in exercises
