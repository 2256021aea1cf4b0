"""The exercises at the end of the notes: what is right passes its claim, what is tempting does not.

The claims are the paper's own, at the quick tier, with a tenth of the random instances and a
quarter of the samples and half of the steps of what is exact. Nothing here is trained.
"""

import json
from pathlib import Path

import pytest
import yaml

import paperbench
from paperbench.cli import run

CLAIMS = Path(__file__).parents[2] / "claims" / "ddpm.yaml"
NOTES = Path(paperbench.__file__).parent / "papers" / "ddpm" / "NOTES.md"
POSTERIOR = "ddpm/posterior-is-bayes-rule"
TRADE = "ddpm/exact-guidance-trades-the-same"

MINE = """
def coefficients(beta, alpha_bar, alpha_bar_before):
    precision_of_path = (1 - beta) / beta
    precision_of_start = 1 / (1 - alpha_bar_before)
    total = precision_of_path + precision_of_start
    of_x0 = alpha_bar_before.sqrt() * precision_of_start / total
    of_x_t = precision_of_path / (1 - beta).sqrt() / total
    return of_x0, of_x_t


def from_now(beta, alpha_bar, alpha_bar_before):
    return coefficients(beta, alpha_bar, alpha_bar)


def guided(conditional, unconditional, weight):
    return conditional + weight * (conditional - unconditional)


def scaled(conditional, unconditional, weight):
    return unconditional + weight * (conditional - unconditional)


def one(conditional, unconditional, weight):
    return conditional.sum(1)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for all, so that what the solutions are compared with is computed once."""
    folder = tmp_path_factory.mktemp("exercises")
    claims = yaml.safe_load(CLAIMS.read_text())
    claims["experiments"]["algebra"]["tiers"]["quick"]["instances"] //= 10
    known = claims["experiments"]["classes-known"]["tiers"]["quick"]
    known["n_steps"] //= 2
    known["n_samples"] //= 4
    (folder / "claims").mkdir()
    (folder / "claims" / "ddpm.yaml").write_text(yaml.safe_dump(claims, sort_keys=False))
    (folder / "mine.py").write_text(MINE)
    return folder


@pytest.fixture
def verify(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def call(part, claim, *options):
        code = run(["verify", claim, "-j", "0", "--device", "cpu", *options, "--with", part])
        return code, *capsys.readouterr()

    return call


@pytest.mark.parametrize(
    ("claim", "part", "verdict"),
    [
        (POSTERIOR, "ddpm/posterior=mine.py:coefficients", "PASS"),
        (POSTERIOR, "ddpm/posterior=mine.py:from_now", "FAIL"),
        (TRADE, "ddpm/guide=mine.py:guided", "PASS"),
        (TRADE, "ddpm/guide=mine.py:scaled", "FAIL"),
    ],
)
def test_a_solution_is_judged(verify, claim, part, verdict):
    _, out, err = verify(part, claim, "--json")
    assert out, err
    (record,) = json.loads(out)[0]["claims"]
    assert record["verdict"] == verdict


def test_what_does_not_fit_is_refused_before_anything_runs(verify):
    code, _, err = verify("ddpm/guide=mine.py:one", TRADE, "--dry-run")
    assert code == 2
    assert "it returned shape (4,), not (4, 3)" in err


@pytest.mark.parametrize(
    "command",
    [
        f"verify {POSTERIOR} --with ddpm/posterior=mine.py:coefficients",
        f"verify {TRADE} --with ddpm/guide=mine.py:guided",
    ],
)
def test_the_notes_give_the_commands_that_are_tested_here(command):
    exercises = NOTES.read_text().partition("## Exercises: put your own part in\n")[2]
    assert f"paperbench {command}\n" in exercises
