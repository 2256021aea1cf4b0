"""The exercises at the end of the notes: what is right passes its claim, what is tempting does not.

What stands for the learner's file imports nothing of the paper's. The claim is the paper's own, at
the quick tier, where it trains nothing.
"""

import json
from pathlib import Path

import pytest

import paperbench
from paperbench.cli import run

CLAIMS = Path(__file__).parents[2] / "claims" / "alphago-zero.yaml"
NOTES = Path(paperbench.__file__).parent / "papers" / "alphago_zero" / "NOTES.md"
CLAIM = "alphago-zero/search-improves-any-policy"

BACK_UP = """
import numpy as np


def back_up(path, leaf_values, visits, total):
    length = np.zeros(len(leaf_values), int)
    for trees, _ in path:
        length[trees] += 1
    for depth, (trees, edges) in enumerate(path):
        plies_to_leaf = length[trees] - depth
        visits[edges] += 1
        total[edges] += (-1) ** plies_to_leaf * leaf_values[trees]


def from_the_root(path, leaf_values, visits, total):
    for depth, (trees, edges) in enumerate(path):
        visits[edges] += 1
        total[edges] += leaf_values[trees] if depth % 2 else -leaf_values[trees]


def for_the_mover_below(path, leaf_values, visits, total):
    value = leaf_values.copy()
    for trees, edges in reversed(path):
        visits[edges] += 1
        total[edges] += value[trees]
        value[trees] *= -1
"""

PUCT = """
import numpy as np


def score(prior, visits, total, c_puct):
    tried = visits > 0
    scores = c_puct * prior * np.sqrt(1 + visits.sum(1))[:, None] / (1 + visits)
    scores[tried] += total[tried] / visits[tried]
    return scores


def u_alone(prior, visits, total, c_puct):
    return c_puct * prior * np.sqrt(1 + visits.sum(1))[:, None] / (1 + visits)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for all, so that what the solutions are compared with is trained once."""
    folder = tmp_path_factory.mktemp("exercises")
    (folder / "claims").mkdir()
    (folder / "claims" / "alphago-zero.yaml").write_text(CLAIMS.read_text())
    return folder


@pytest.fixture
def verify(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def call(source, part, *arguments):
        (folder / "mine.py").write_text(source)
        options = ["-j", "0", "--device", "cpu", "--with", f"alphago-zero/{part}"]
        return run(["verify", CLAIM, *options, *arguments]), *capsys.readouterr()

    return call


@pytest.mark.parametrize(
    ("part", "source", "verdict"),
    [
        ("back-up=mine.py:back_up", BACK_UP, "PASS"),
        ("back-up=mine.py:from_the_root", BACK_UP, "FAIL"),
        ("back-up=mine.py:for_the_mover_below", BACK_UP, "FAIL"),
        ("puct=mine.py:score", PUCT, "PASS"),
        ("puct=mine.py:u_alone", PUCT, "FAIL"),
    ],
)
def test_the_verdict_on_a_solution(verify, part, source, verdict):
    _, out, err = verify(source, part, "--json")
    assert out, err
    assert [each["verdict"] for each in json.loads(out)[0]["claims"]] == [verdict]


@pytest.mark.parametrize("part", ["back-up=mine.py:back_up", "puct=mine.py:score"])
def test_the_notes_give_the_commands_that_are_tested_here(part):
    exercises = NOTES.read_text().partition("## Exercises: put your own part in\n")[2]
    assert f"paperbench verify {CLAIM} --with alphago-zero/{part}\n" in exercises


@pytest.mark.parametrize(
    ("part", "source", "old", "new", "fault"),
    [
        ("back-up", BACK_UP, "visits[edges] += 1", "pass", "does not count a visit to every edge"),
        ("puct", PUCT, "return scores", "return scores[0]", "returned (2,), not an array (2, 2)"),
        ("puct", PUCT, "= c_puct", "= np.inf", "returned values that are not finite"),
        ("puct", PUCT, "visits, total, c_puct", "total, visits, c_puct", "in another order"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_played(
    verify, part, source, old, new, fault
):
    assert old in source
    name = "back_up" if part == "back-up" else "score"
    code, _, err = verify(source.replace(old, new, 1), f"{part}=mine.py:{name}", "--dry-run")
    assert code == 2
    assert f"error: `mine.py:{name}` does not fit component `alphago-zero/{part}`" in err
    assert fault in err
