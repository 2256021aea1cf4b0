"""The exercises at the end of the notes: what is right passes its claim, what is tempting does not.

The claims are the paper's own exact ones, at the quick tier.
"""

import json
from pathlib import Path

import pytest

import paperbench
from paperbench.cli import run

CLAIMS = Path(__file__).parents[2] / "claims"
NOTES = Path(paperbench.__file__).parent / "papers" / "resnet" / "NOTES.md"
CONTAINS = "resnet/deeper-contains-shallower"
COST = "resnet/shortcuts-cost-nothing"

BLOCKS = """
from torch import nn


def convolution(n_channels, size=3):
    return nn.Conv2d(n_channels, n_channels, size, padding=size // 2, bias=False)


class MyBlock(nn.Module):
    def __init__(self, n_channels, shortcut):
        super().__init__()
        self.first, self.second = convolution(n_channels), convolution(n_channels)
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(n_channels, track_running_stats=False) for _ in range(2)
        )
        self.shortcut = shortcut
        if shortcut == "projection":
            self.projection = convolution(n_channels, 1)

    def around(self, x):
        if self.shortcut == "none":
            return 0
        return self.projection(x) if self.shortcut == "projection" else x

    def forward(self, x):
        h = self.norms[0](self.first(x)).relu()
        return (self.norms[1](self.second(h)) + self.around(x)).relu()


class NormalisesTheSum(MyBlock):
    def forward(self, x):
        h = self.norms[0](self.first(x)).relu()
        return self.norms[1](self.second(h) + self.around(x)).relu()


class PreActivation(MyBlock):
    def forward(self, x):
        h = self.first(self.norms[0](x).relu())
        return self.second(self.norms[1](h).relu()) + self.around(x)


class ShortcutAfterTheActivation(MyBlock):
    def forward(self, x):
        active = self.norms[0](x).relu()
        return self.second(self.norms[1](self.first(active)).relu()) + self.around(active)
"""


@pytest.fixture
def verdicts(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(BLOCKS)

    def call(part, *claims):
        run(
            ["verify", "-j", "0", "--device", "cpu", "--claims", str(CLAIMS), *claims]
            + ["--with", f"resnet/block=mine.py:{part}", "--json"]
        )
        out, err = capsys.readouterr()
        assert out, err
        records = json.loads(out)[0]["claims"]
        found = {f"resnet/{record['claim']}": record["verdict"] for record in records}
        return [found[claim] for claim in claims]

    return call


def test_the_block(verdicts):
    assert verdicts("MyBlock", CONTAINS, COST) == ["PASS", "PASS"]


def test_the_block_that_normalises_the_sum(verdicts):
    """It costs nothing either, which is why the exercise asks for both claims."""
    assert verdicts("NormalisesTheSum", CONTAINS, COST) == ["FAIL", "PASS"]


def test_the_block_that_begins_with_its_activation(verdicts):
    assert verdicts("PreActivation", CONTAINS) == ["PASS"]


def test_the_block_whose_shortcut_begins_after_the_activation(verdicts):
    assert verdicts("ShortcutAfterTheActivation", CONTAINS) == ["FAIL"]


@pytest.mark.parametrize(
    "command",
    [
        f"verify {CONTAINS} {COST} --with resnet/block=mine.py:MyBlock",
        f"verify {CONTAINS} --with resnet/block=mine.py:PreActivation",
    ],
)
def test_the_notes_give_the_commands_that_are_tested_here(command):
    exercises = NOTES.read_text().partition("## Exercises: put your own part in\n")[2]
    assert f"paperbench {command}\n" in exercises
