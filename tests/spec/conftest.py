from pathlib import Path

import pytest

from paperbench.errors import SpecErrors
from paperbench.metric_kinds import accuracy, fraction, nats
from paperbench.registry import ExperimentInfo, Parameter
from paperbench.spec import load_claim_file, validate

CLAIMS = """\
schema_version: 1
paper:
  title: Dropout
  authors: [Srivastava, Hinton]
  year: 2014
  url: https://example.org/dropout
experiments:
  overfit:
    run: dropout/overfit
    params: {hidden: 256, label_noise: 0.2}
    arms:
      plain: {dropout: 0}
      dropout: {dropout: 0.5}
    tiers:
      smoke: {steps: 5}
      quick: {steps: 600}
      full: {steps: 20000, label_noise: 0}
claims:
  shrinks-gap:
    statement: Dropout shrinks the gap.
    experiment: overfit
    check: plain.gap - dropout.gap > 0.02
    control:
      dropout: {mask: frozen}
    because: Units are absent at random.
"""


def parameter(name, type_name, default, choices=()):
    return Parameter(name, frozenset({type_name}), default, choices)


def info(name="dropout/overfit", *, chance=True, **more):
    parameters = [
        parameter("data", "str", "digits"),
        parameter("hidden", "int", 128),
        parameter("label_noise", "float", 0),
        parameter("dropout", "float", 0.0),
        parameter("mask", "str", "random", ("random", "frozen", "off")),
        parameter("steps", "int", 800),
    ]
    metrics = {
        "train_acc": accuracy,
        "test_acc": accuracy,
        "gap": fraction,
        "loss": nats,
        "majority_acc": accuracy,
    }
    return ExperimentInfo(
        name=name,
        module="none",
        function="overfit",
        path=Path("none.py"),
        line=1,
        summary="",
        parameters={one.name: one for one in parameters},
        metrics=metrics,
        chance={"test_acc": "majority_acc"} if chance else {},
    )


@pytest.fixture
def registry():
    return {"dropout/overfit": info(), "dropout/floorless": info("dropout/floorless", chance=False)}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a claim file where the test runs, so that messages show a short path."""
    monkeypatch.chdir(tmp_path)

    def _write(text=CLAIMS, name="dropout.yaml"):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return _write


@pytest.fixture
def load(write):
    def _load(text=CLAIMS, name="dropout.yaml"):
        return load_claim_file(write(text, name))

    return _load


@pytest.fixture
def problems(load, registry):
    """The problems of the example claim file with each (old, new) replaced, as text."""

    def _problems(*edits):
        return [str(problem) for problem in validate(load(edited(*edits)), registry)]

    return _problems


@pytest.fixture
def refusal(load):
    """The text of the errors with which a file is refused."""

    def _refusal(text):
        with pytest.raises(SpecErrors) as caught:
            load(text)
        return str(caught.value)

    return _refusal


@pytest.fixture
def edit():
    """The text of the example claim file with each (old, new) replaced."""
    return edited


@pytest.fixture
def make_info():
    return info


def edited(*edits):
    text = CLAIMS
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the example"
        text = text.replace(old, new)
    return text
