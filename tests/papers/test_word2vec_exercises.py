"""The exercises at the end of the notes: what is right passes its claim, what is tempting does not.

What stands for the learner's file imports nothing of the paper's. The claims are the paper's own,
at the quick tier, with half of the training steps and a tenth of the random tables.
"""

import json
from pathlib import Path

import pytest
import yaml

import paperbench
from paperbench.cli import run

CLAIMS = Path(__file__).parents[2] / "claims" / "word2vec.yaml"
NOTES = Path(paperbench.__file__).parent / "papers" / "word2vec" / "NOTES.md"
OPTIMUM = "word2vec/optimum-is-shifted-pmi"
ANALOGIES = "word2vec/offsets-answer-analogies"

TABLE = """
import math
import torch


def table(counts, noise, n_negatives):
    word = counts.sum(1, keepdim=True)
    return (counts / (n_negatives * word * noise)).log()


def pmi_minus_log_k(counts, noise, n_negatives):
    word, context = counts.sum(1, keepdim=True), counts.sum(0)
    return (counts * counts.sum() / (word * context)).log() - math.log(n_negatives)
"""

ANALOGY = """
import torch


def answer(vectors, asked, sign=1):
    unit = vectors / vectors.norm(dim=1, keepdim=True)
    found = []
    for a, b, c in asked.tolist():
        cosines = unit @ (sign * (unit[b] - unit[a]) + unit[c])
        cosines[[a, b, c]] = -9.0
        found.append(int(cosines.argmax()))
    return torch.tensor(found)


def from_b_to_a(vectors, asked):
    return answer(vectors, asked, sign=-1)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for all, so that the controls are trained once."""
    folder = tmp_path_factory.mktemp("exercises")
    claims = yaml.safe_load(CLAIMS.read_text())
    quick = {name: each["tiers"]["quick"] for name, each in claims["experiments"].items()}
    quick["crossed"]["steps"] //= 2
    quick["random-tables"]["n_instances"] //= 10
    (folder / "claims").mkdir()
    (folder / "claims" / "word2vec.yaml").write_text(yaml.safe_dump(claims, sort_keys=False))
    return folder


@pytest.fixture
def verdict(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def call(source, part, claim):
        (folder / "mine.py").write_text(source)
        run(["verify", "-j", "0", "--device", "cpu", claim, "--with", part, "--json"])
        out, err = capsys.readouterr()
        assert out, err
        (record,) = json.loads(out)[0]["claims"]
        return record["verdict"]

    return call


def test_the_table_for_any_noise(verdict):
    assert verdict(TABLE, "word2vec/table=mine.py:table", OPTIMUM) == "PASS"


def test_the_table_for_unigram_noise_alone(verdict):
    assert verdict(TABLE, "word2vec/table=mine.py:pmi_minus_log_k", OPTIMUM) == "FAIL"


def test_the_word_nearest_to_the_offset(verdict):
    assert verdict(ANALOGY, "word2vec/analogy=mine.py:answer", ANALOGIES) == "PASS"


def test_the_offset_the_wrong_way_round(verdict):
    assert verdict(ANALOGY, "word2vec/analogy=mine.py:from_b_to_a", ANALOGIES) == "FAIL"


@pytest.mark.parametrize(
    "command",
    [
        f"verify {OPTIMUM} --with word2vec/table=mine.py:table",
        f"verify {ANALOGIES} --with word2vec/analogy=mine.py:answer",
    ],
)
def test_the_notes_give_the_commands_that_are_tested_here(command):
    exercises = NOTES.read_text().partition("## Exercises: put your own part in\n")[2]
    assert f"paperbench {command}\n" in exercises
