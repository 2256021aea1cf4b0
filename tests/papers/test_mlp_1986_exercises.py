"""The exercises of the notes: what is right passes its claim, what is tempting does not."""

import json
from pathlib import Path

import pytest
import yaml

import paperbench
from paperbench.cli import run

CLAIMS = Path(__file__).parents[2] / "claims" / "mlp-1986.yaml"
NOTES = Path(paperbench.__file__).parent / "papers" / "mlp_1986" / "NOTES.md"
EXACT, XOR = "mlp-1986/gradient-is-exact", "mlp-1986/xor-is-learned"
BACKWARD, START = "mlp-1986/backward=mine.py:backward", "mlp-1986/initial-weights=mine.py:start"

MINE = """
import numpy as np


def backward(weights, activities, delta):
    gradients = []
    for w, y in zip(weights[::-1], activities[-2::-1]):
        ones = np.ones((*y.shape[:-1], 1))
        gradients.append(np.swapaxes(np.concatenate([ones, y], -1), -1, -2) @ delta)
        delta = y * (1 - y) * (delta @ np.swapaxes(w[:, 1:], 1, 2))
    return gradients[::-1]


def start(rng, nets, sizes, spread):
    pairs = zip(sizes[:-1], sizes[1:])
    return [rng.normal(0, spread / 3**0.5, (nets, 1 + n, m)) for n, m in pairs]


def zeros(rng, nets, sizes, spread):
    return [np.zeros((nets, 1 + n, m)) for n, m in zip(sizes[:-1], sizes[1:])]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for all, so that what the solutions are compared with is trained once."""
    folder = tmp_path_factory.mktemp("exercises")
    claims = yaml.safe_load(CLAIMS.read_text())
    claims["experiments"]["gradient"]["tiers"]["quick"]["instances"] = 5
    (folder / "claims").mkdir()
    (folder / "claims" / "mlp-1986.yaml").write_text(yaml.safe_dump(claims, sort_keys=False))
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
        found = {f"mlp-1986/{record['claim']}": record["verdict"] for record in records}
        return [found[claim] for claim in claims]

    return call


def test_errors_sent_back(verdicts):
    assert verdicts(MINE, BACKWARD, EXACT, XOR) == ["PASS", "PASS"]


def test_errors_sent_back_without_the_slope_of_hidden_units(verdicts):
    assert verdicts(MINE.replace("y * (1 - y) * ", ""), BACKWARD, EXACT) == ["FAIL"]


def test_a_normal_start(verdicts):
    assert verdicts(MINE, START, XOR) == ["PASS"]


def test_a_start_from_zero(verdicts):
    """No start solves it; and as nothing is drawn, all seeds are the same."""
    assert verdicts(MINE, "mlp-1986/initial-weights=mine.py:zeros", XOR) == ["VACUOUS"]


@pytest.mark.parametrize(
    "command", [f"verify {EXACT} {XOR} --with {BACKWARD}", f"verify {XOR} --with {START}"]
)
def test_the_notes_give_the_commands_that_are_tested_here(command):
    exercises = NOTES.read_text().partition("## Exercises: put your own part in\n")[2]
    assert f"paperbench {command}\n" in exercises


@pytest.mark.parametrize(
    ("part", "old", "new", "fault"),
    [
        (BACKWARD, "gradients[::-1]", "gradients", "gives"),
        (BACKWARD, "return gradients[::-1]", "return gradients[0]", "does not return a list"),
        (BACKWARD, "activities, delta)", "delta)", "takes no argument `activities`"),
        (START, "1 + n, m)) for n, m in pairs", "n, m)) for n, m in pairs", "gives (2, 3, 2), not"),
        (START, "return [rng", "return [np", "raised AttributeError"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_trained(verify, part, old, new, fault):
    assert old in MINE
    code, _, err = verify(MINE.replace(old, new), part, XOR, "--dry-run")
    assert code == 2
    assert fault in err


def test_a_rule_that_changes_nothing_is_refused(verify):
    source = """
class Rule:
    def __init__(self, epsilon, alpha, decay=0.0):
        self.epsilon, self.alpha = epsilon, alpha

    def update(self, weights, gradients):
        weights = [w - self.epsilon * g for w, g in zip(weights, gradients)]
"""
    code, _, err = verify(source, "mlp-1986/momentum=mine.py:Rule", XOR, "--dry-run")
    assert code == 2
    assert "leaves the weights as they are" in err
