"""Figures are drawn from what finished runs have kept, and from nothing else."""

import json
import re
import sqlite3
import sys
from contextlib import closing

import numpy as np
import pytest
from claims_in_tests import DRAWS, write_claims

from paperbench.cli import run
from paperbench.panels import LEAST_INCHES, told_figures
from paperbench.recordings import MOST_POINTS, thinned
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
    run.figure("map", values, draw="heatmap", caption="A map.", x="place", y="row")
    weights = abs(values[:, :2]) / abs(values[:, :2]).sum(1, keepdims=True)
    run.attention("pair", weights[None, None], queries=["one", "two"], caption="Looked at.")
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
    assert set(before) == {
        "values.svg",
        "values.png",
        "README.md",
        "figures.json",
        "draws-map.svg",
        "draws-map.png",
    }
    assert before["values.png"].startswith(b"\x89PNG")
    assert b"Numbers, | and more of them." in before["README.md"]
    told = json.loads(before["figures.json"])
    assert [(each["name"], each["caption"]) for each in told] == [
        ("values", "Numbers, | and more of them."),
        ("draws-map", "A map."),
    ]
    assert all(title in before["draws-map.svg"].decode() for title in ("<!-- high -->", "<!-- low"))
    assert run(["figures", "draws"]) == 0
    assert "values.svg, .png: as before" in capsys.readouterr().out
    (drawn / "values.svg").unlink()
    assert run(["figures", "draws"]) == 0
    assert {path.name: path.read_bytes() for path in drawn.iterdir()} == before


def test_a_picture_reaches_as_far_as_its_text(folder):
    beside = '    picture.text(1.5, 0.5, "beside it")\n    return picture'
    (folder / "draws" / "figures.py").write_text(FIGURES.replace("    return picture", beside))
    assert run(["verify", "-j", "0"]) == 0
    assert run(["figures"]) == 0
    text = (folder / "results/quick-cpu/figures/draws/values.svg").read_text()
    width = float(re.search(r'viewBox="0 0 ([\d.]+) ', text)[1])
    assert width > 1.5 * 3 * 72  # the text begins half a picture beyond its edge


def test_a_paper_may_draw_itself_what_a_run_has_described(folder):
    (folder / "draws" / "figures.py").write_text(
        FIGURES.replace('"values", exp', '"draws-map", exp')
    )
    assert run(["verify", "-j", "0"]) == 0
    assert run(["figures"]) == 0
    drawn = folder / "results" / "quick-cpu" / "figures" / "draws"
    told = json.loads((drawn / "figures.json").read_text())
    captions = [each["caption"] for each in told if each["name"] == "draws-map"]
    assert captions == ["Numbers, | and more of them."]
    assert "<!-- high -->" not in (drawn / "draws-map.svg").read_text()


def test_what_was_not_kept_is_named(folder, capsys):
    (folder / "draws" / "figures.py").write_text(FIGURES.replace('", "values")', '", "valeus")'))
    assert run(["verify", "-j", "0"]) == 0
    assert run(["figures"]) == 2
    assert "arm `high`, seed 0 has kept no `valeus`" in capsys.readouterr().err


@pytest.mark.parametrize("draw", ["heatmap", "lines", "points", "images"])
def test_each_kind_of_picture_is_drawn(draw):
    shapes = {"heatmap": (2, 3, 4), "lines": (3, 5), "points": (6, 3), "images": (5, 4, 4)}
    values = np.random.default_rng(0).normal(size=shapes[draw]).astype("<f4")
    told = {"draw": draw, "caption": "", "x": "across", "y": "up", "labels": ["a", "b"]}
    kept = Recorded({"arm": values, "other": values + 1}, told)
    (info,) = told_figures("paper", "experiment", kept)
    axes = info.draw(kept).axes
    assert info.name == "experiment-picture"
    titles = [each.get_title() for each in axes if each.get_title()]
    assert titles == (
        ["arm, a", "arm, b", "other, a", "other, b"] if draw == "heatmap" else ["arm", "other"]
    )
    assert axes[0].get_xlabel() == "across"
    if draw == "lines":
        assert [line.get_label() for line in axes[0].get_lines()] == ["a", "b"]
        assert axes[1].get_lines()[1].get_ydata() == pytest.approx(values[2] + 1)
    if draw == "heatmap":  # one scale for all of them
        limits = [each.images[0].get_clim() for each in axes if each.images]
        assert limits == [pytest.approx((values.min(), values.max() + 1))] * 4


@pytest.mark.parametrize(("shape", "titles"), [((3, 4), []), ((2, 3, 4), ["a", "b"])])
def test_a_single_arm_is_not_named_and_its_picture_is_wide_enough(shape, titles):
    told = {"draw": "heatmap", "caption": "", "x": "", "y": "", "labels": ["a", "b"]}
    (info,) = told_figures("paper", "experiment", Recorded({"ours": np.zeros(shape, "<f4")}, told))
    picture = info.draw(Recorded({"ours": np.zeros(shape, "<f4")}, told))
    assert [each.get_title() for each in picture.axes if each.get_title()] == titles
    assert picture.get_size_inches()[0] >= LEAST_INCHES


class Recorded:
    """What told_figures asks of Kept."""

    def __init__(self, arrays, told):
        self.runs = {arm: {0: None} for arm in [*arrays, "arm of a-claim"]}
        self.arrays, self._told = arrays, told

    def told(self, arm, *, seed):
        return {"picture": self._told}

    def array(self, arm, name, *, seed):
        return self.arrays[arm]


def test_recordings_hold_curves_of_every_seed_and_attention_of_the_first(folder):
    assert run(["verify", "-j", "0"]) == 0
    path = folder / "results" / "quick-cpu" / "recordings" / "draws.json"
    arms = json.loads(path.read_text())["experiments"]["draws"]
    assert set(arms) == {"high", "low", "high of high-is-higher"}
    assert arms["high of high-is-higher"]["control_of"] == "high-is-higher"
    runs = arms["high"]["runs"]
    assert sorted(runs) == ["0", "1", "2"]
    steps, values = runs["1"]["curves"]["value"]
    assert steps == list(range(16)) and len(values) == 16
    record = json.loads((folder / "results" / "quick-cpu" / "draws.json").read_text())
    assert {each["key"] for each in runs.values()} <= set(record["claims"][0]["runs"])
    assert runs["1"]["attention"] == []
    (example,) = runs["0"]["attention"]
    assert example["name"] == "pair" and example["queries"] == ["one", "two"]
    assert example["shape"] == [1, 1, 2, 2] and example["decay"] is None


def test_a_run_that_the_ledger_lacks_keeps_its_recording(folder):
    assert run(["verify", "-j", "0"]) == 0
    path = folder / "results" / "quick-cpu" / "recordings" / "draws.json"
    before = path.read_text()
    with closing(sqlite3.connect(folder / ".paperbench" / "ledger.sqlite")) as ledger, ledger:
        ledger.execute("DELETE FROM runs")
    run(["figures"])
    assert path.read_text() == before
    path.write_text(before.replace('"key":"', '"key":"0'))  # of runs that nobody plans any more
    run(["figures"])
    assert '"key":"0' in path.read_text()  # nothing is known anew, so nothing is written
    assert run(["verify", "-j", "0"]) == 0
    assert path.read_text() == before


def test_what_was_trained_besides_the_verdicts_is_not_recorded(folder):
    assert run(["verify", "-j", "0"]) == 0
    path = folder / "results" / "quick-cpu" / "recordings" / "draws.json"
    before = path.read_text()
    run(["verify", "-j", "0", "--seeds", "5"])  # exploratory: seeds 3 and 4 rest in the ledger
    run(["figures"])
    assert path.read_text() == before


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    steps, values = thinned([[i, i / 3] for i in range(1000)])
    assert len(steps) == MOST_POINTS and (steps[0], steps[-1]) == (0, 999)
    assert values[-1] == 333.0 and values[1] == pytest.approx(steps[1] / 3, rel=1e-3)
    assert thinned([[5, float("nan")]]) == [[5], [None]]
    assert thinned([]) == [[], []]


def test_a_paper_without_figures_says_so(folder, capsys):
    (folder / "draws" / "figures.py").unlink()
    assert run(["figures"]) == 5
    assert "the selected papers register no figure" in capsys.readouterr().err
