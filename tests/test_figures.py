"""Figures are drawn from what finished runs have kept, and from nothing else."""

import sys

import pytest
from claims_in_tests import DRAWS, write_claims

from paperbench.cli import run
from paperbench.registry import experiments

EXPERIMENTS = '''
from paperbench.lab import Metrics, Run, experiment, score


@experiment(
    "draws/kept", metrics={"value": score, "floor": score}, chance={"value": "floor"}
)
def kept(run: Run, *, mean: float = 0.0, spread: float = 1.0) -> Metrics:
    """Draw numbers and keep them."""
    values = run.rng(f"values {mean}").normal(mean, spread, (2, 8))
    run.keep("values", values)
    for step, value in enumerate(values.flat):
        run.record("value", step, value)
    return {"value": float(values.mean()), "floor": -9.0}
'''
FIGURES = """
from matplotlib.figure import Figure

from paperbench.figures import Kept, figure


@figure("values", experiment="draws", caption="Numbers, | and more of them.")
def values(kept: Kept) -> Figure:
    picture = Figure(figsize=(3, 2))
    axes = picture.subplots()
    axes.plot(kept.array("high", "values").ravel())
    axes.plot(*kept.curve("low", "value", seed=1))
    axes.plot(kept.metric("high of high-is-higher", "value"))
    for steps, points in kept.curves("low", "value"):
        axes.plot(steps, points)
    assert (kept.array("high", "values").ravel() == kept.curve("high", "value")[1]).all()
    assert kept.array("high", "values").shape == (2, 8)
    assert kept.seeds("low") == [0, 1, 2]
    return picture
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    package = tmp_path / "draws"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "experiments.py").write_text(EXPERIMENTS)
    (package / "figures.py").write_text(FIGURES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PAPERBENCH_PLUGINS", "draws.experiments")
    monkeypatch.chdir(tmp_path)
    write_claims(tmp_path, DRAWS.replace("trial/draw", "draws/kept"))
    experiments.cache_clear()
    yield tmp_path
    experiments.cache_clear()
    for module in [name for name in sys.modules if name.partition(".")[0] == "draws"]:
        del sys.modules[module]


def test_without_finished_runs_nothing_is_drawn(folder, capsys):
    assert run(["figures", "draws"]) == 2
    error = capsys.readouterr().err
    assert "draws/values is not drawn: no finished run of arm `high`, seed 0" in error
    assert "run `paperbench verify draws --tier quick` first" in error
    assert not (folder / "results").exists()


def test_figures_are_the_same_bytes_each_time(folder, capsys):
    assert run(["verify", "-j", "0"]) == 0
    assert run(["figures"]) == 0
    drawn = folder / "results" / "quick-cpu" / "figures" / "draws"
    assert "values.svg, .png: drawn" in capsys.readouterr().out
    before = {path.name: path.read_bytes() for path in drawn.iterdir()}
    assert set(before) == {"values.svg", "values.png", "README.md"}
    assert before["values.png"].startswith(b"\x89PNG")
    assert b"Numbers, | and more of them." in before["README.md"]
    assert run(["figures", "draws"]) == 0
    assert "values.svg, .png: as before" in capsys.readouterr().out
    (drawn / "values.svg").unlink()
    assert run(["figures", "draws"]) == 0
    assert {path.name: path.read_bytes() for path in drawn.iterdir()} == before


def test_what_was_not_kept_is_named(folder, capsys):
    (folder / "draws" / "figures.py").write_text(FIGURES.replace('", "values")', '", "valeus")'))
    assert run(["verify", "-j", "0"]) == 0
    assert run(["figures"]) == 2
    assert "arm `high`, seed 0 has kept no `valeus`" in capsys.readouterr().err


def test_a_paper_without_figures_says_so(folder, capsys):
    (folder / "draws" / "figures.py").unlink()
    assert run(["figures"]) == 5
    assert "the selected papers register no figure" in capsys.readouterr().err
