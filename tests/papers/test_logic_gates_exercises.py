"""The exercises of the notes: what is right passes its claim, what is tempting does not.

What stands for the learner's file imports nothing of the paper's. The claims are the paper's own,
at the quick tier.
"""

import json
from pathlib import Path

import pytest

import paperbench
from paperbench.cli import run

CLAIMS = Path(__file__).parents[2] / "claims" / "logic-gates.yaml"
NOTES = Path(paperbench.__file__).parent / "papers" / "logic_gates" / "NOTES.md"
PROBABILITIES = "logic-gates/gates-are-their-probabilities"
BITS = "logic-gates/bits-equal-floats"

TABLE = """
import torch


def solve(outputs):
    lines = torch.tensor([[1.0, a, b, a * b] for a in (0, 1) for b in (0, 1)])
    return torch.linalg.solve(lines, outputs.mT).mT.round()


def my_table():
    return solve(torch.tensor([[float(bit) for bit in f"{i:04b}"] for i in range(16)]))


def least_bit_first():
    return solve(torch.tensor([[float(i >> line & 1) for line in range(4)] for i in range(16)]))
"""

GATE = """
def my_gate(masks, a, b):
    return masks[0] ^ (masks[1] & a) ^ (masks[2] & b) ^ (masks[3] & a & b)


def with_or(masks, a, b):
    return masks[0] | (masks[1] & a) | (masks[2] & b) | (masks[3] & a & b)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for all, so that what the solutions are compared with is computed once."""
    folder = tmp_path_factory.mktemp("exercises")
    (folder / "claims").mkdir()
    (folder / "claims" / "logic-gates.yaml").write_text(CLAIMS.read_text())
    return folder


@pytest.fixture
def verify(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def call(source, part, *arguments):
        (folder / "mine.py").write_text(source)
        code = run(["verify", "-j", "0", "--device", "cpu", *arguments, "--with", part])
        return code, *capsys.readouterr()

    return call


@pytest.mark.parametrize(
    ("source", "part", "claim", "verdict"),
    [
        (TABLE, "logic-gates/table=mine.py:my_table", PROBABILITIES, "PASS"),
        (TABLE, "logic-gates/table=mine.py:least_bit_first", PROBABILITIES, "FAIL"),
        (GATE, "logic-gates/bit-gate=mine.py:my_gate", BITS, "PASS"),
        (GATE, "logic-gates/bit-gate=mine.py:with_or", BITS, "FAIL"),
    ],
)
def test_what_is_right_passes_and_what_is_tempting_does_not(verify, source, part, claim, verdict):
    _, out, err = verify(source, part, claim, "--json")
    assert out, err
    assert [each["verdict"] for each in json.loads(out)[0]["claims"]] == [verdict]


@pytest.mark.parametrize(
    "command",
    [
        f"verify {PROBABILITIES} --with logic-gates/table=mine.py:my_table",
        f"verify {BITS} --with logic-gates/bit-gate=mine.py:my_gate",
    ],
)
def test_the_notes_give_the_commands_that_are_tested_here(command):
    exercises = NOTES.read_text().partition("## Exercises: put your own part in\n")[2]
    assert f"paperbench {command}\n" in exercises


@pytest.mark.parametrize(
    ("source", "part", "old", "new", "fault"),
    [
        (TABLE, "logic-gates/table=mine.py:my_table", "mT.round()", "mT / 2", "neither 0 nor"),
        (TABLE, "logic-gates/table=mine.py:my_table", "range(16)", "range(15)", "shape (15, 4)"),
        (GATE, "logic-gates/bit-gate=mine.py:my_gate", "masks[0] ^", "1.0 -", "raised"),
        (GATE, "logic-gates/bit-gate=mine.py:my_gate", "masks, a, b", "a, b, masks", "in another"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(verify, source, part, old, new, fault):
    code, _, err = verify(source.replace(old, new), part, "logic-gates", "--dry-run")
    assert code == 2
    assert fault in err
    assert "what fits: " in err
