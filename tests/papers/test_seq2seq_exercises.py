"""The exercises of the notes: a right solution passes its claim, a tempting wrong one does not.

The claims are the paper's own, checks and controls as they stand, at a size of seconds: shorter
lists, narrower models, fewer steps, and one look at three seeds or five.
"""

import json
from pathlib import Path

import pytest
import torch
import yaml

from paperbench.cli import run
from paperbench.components import find_component
from paperbench.engine.interface import check_parts
from paperbench.errors import UsageError

CLAIMS = Path(__file__).parents[2] / "claims" / "seq2seq.yaml"
SECONDS = {"d_model": 32, "longest": 2, "lr": 0.015}
DIGITS = {**SECONDS, "spelling": "digits", "steps": 130}
SHORT = {
    "attention-beats-none": {**SECONDS, "steps": 250},
    "reversal-helps-without-attention": DIGITS,
    "beam-raises-likelihood": {**DIGITS, "steps": 160},
}
# Seeds other than the test's: margins of .08 to .23, which three seeds need not decide, five do.
N_SEEDS = {"attention-beats-none": 5}
NO_ANCHOR = {"attention-beats-none"}  # which asks for more than so short a training reaches

ATTENTION = """
import torch
from torch import nn

class Mine(nn.Module):
    def __init__(self, d_model, score):
        super().__init__()
        self.match = nn.Linear(d_model, d_model) if score == "general" else nn.Identity()
        self.combine = nn.Linear(2 * d_model, d_model)

    def forward(self, h, memory, mask):
        scores = torch.einsum("btd,bsd->bts", h, self.match(memory))
        scores = torch.where(mask[:, None, :], scores, -1e9)
        weights = torch.softmax(scores, dim=2)
        context = torch.einsum("bts,bsd->btd", weights, memory)
        return torch.tanh(self.combine(torch.cat([context, h], dim=2))), weights
"""
# Every sentence is turned round by itself, and its padding stays behind it.
READ = """
import torch

def mine(layer, x, mask, *, backward):
    if not backward:
        return layer(x, mask=mask)
    places = torch.arange(x.shape[1]).expand(len(x), -1)
    last = mask.sum(dim=1, keepdim=True) - 1
    turned = torch.where(mask, last - places, places)[:, :, None]
    outputs, state = layer(x.gather(1, turned.expand(x.shape)), mask=mask)
    return outputs.gather(1, turned.expand(outputs.shape)), state
"""
CELL = """
import torch

def mine(gates, c):
    i, f, g, o = torch.split(gates, c.shape[1], dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c
"""
# One sentence after another; a beam is (sum of log p, words, its row in the decoder's state).
BEAM = """
import torch
from paperbench.papers.seq2seq.decoding import Translations, next_log_probs
from paperbench.papers.seq2seq.pairs import BOS, EOS, PAD

def search(model, source, width, max_len):
    beams = [(0.0, [BOS], 0)]
    state = model.start(source)
    for _ in range(max_len):
        live = [beam for beam in beams if beam[1][-1] != EOS]
        if not live:
            break
        state = state.select(torch.tensor([row for _, _, row in live]))
        logits, state = model.decode(torch.tensor([[words[-1]] for _, words, _ in live]), state)
        candidates = [beam for beam in beams if beam[1][-1] == EOS]
        for row, (so_far, words, _) in enumerate(live):
            values, next_words = next_log_probs(logits)[row].topk(width)
            for value, word in zip(values.tolist(), next_words.tolist()):
                candidates.append((so_far + value, [*words, word], row))
        beams = sorted(candidates, key=lambda beam: -beam[0])[:width]
    return beams[0]

@torch.no_grad()
def mine(model, source, *, width, max_len, rank="total"):
    best = [search(model, sentence[None], width, max_len) for sentence in source]
    longest = max(len(words) for _, words, _ in best) - 1
    words = torch.full((len(best), longest), PAD)
    for row, (_, found, _) in enumerate(best):
        words[row, : len(found) - 1] = torch.tensor(found[1:])
    return Translations(words, torch.tensor([total for total, _, _ in best]))
"""
EXERCISES = {
    "attention": (
        "seq2seq/attention",
        "attention-beats-none",
        ATTENTION,
        # The softmax over the target's steps.
        ("dim=2)\n        context", "dim=1)\n        context"),
    ),
    "read": (
        "seq2seq/read",
        "reversal-helps-without-attention",
        READ,
        # The outputs are turned round, and not what is read.
        ("x.gather(1, turned.expand(x.shape))", "x"),
    ),
    "cell": (
        "seq2seq/cell",
        "reversal-helps-without-attention",
        CELL,
        # One sigmoid for all four: the content can only grow.
        ("torch.tanh(g)", "torch.sigmoid(g)"),
    ),
    "beam-search": (
        "seq2seq/beam-search",
        "beam-raises-likelihood",
        BEAM,
        # As many beginnings as there are beams, all of them the same.
        ("[(0.0, [BOS], 0)]", "[(0.0, [BOS], 0)] * width"),
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One folder for all solutions, so that the controls are trained once."""
    folder = tmp_path_factory.mktemp("exercises")
    (folder / "claims").mkdir()
    (folder / "claims" / "seq2seq.yaml").write_text(yaml.safe_dump(shortened(), sort_keys=False))
    return folder


def shortened():
    """The paper's claim file, with an experiment of seconds for each claim of an exercise."""
    document = yaml.safe_load(CLAIMS.read_text())
    experiments, claims = {}, {}
    for name, params in SHORT.items():
        claim = document["claims"][name]
        own = document["experiments"][claim["experiment"]]
        kept = {key: value for key, value in own["params"].items() if key not in params}
        tiers = {**own["tiers"], "quick": params}
        experiments[name] = {**own, "params": kept, "tiers": tiers}
        look = N_SEEDS.get(name, 3)
        claims[name] = {**claim, "experiment": name, "looks": [look], "alpha": [0.025]}
        if name in NO_ANCHOR:
            del claims[name]["anchor"]
    return {**document, "experiments": experiments, "claims": claims}


def name_in(solution):
    """What the solution calls its part."""
    return "Mine" if "class Mine" in solution else "mine"


@pytest.fixture
def verdict(folder, monkeypatch, capsys):
    """Write a solution, verify its claim with it, and return the claim's record."""

    def verify(component, claim, solution):
        (folder / "mine.py").write_text(solution)
        name = name_in(solution)
        monkeypatch.chdir(folder)
        run(
            ["verify", f"seq2seq/{claim}", "-j", "0", "--json"]
            + ["--with", f"{component}=mine.py:{name}"]
        )
        out, err = capsys.readouterr()
        assert out, err
        (paper,) = json.loads(out)
        assert paper["parts"] == {component: f"mine.py:{name}"}
        return paper["claims"][0]

    return verify


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_right_solution_passes(exercise, verdict):
    component, claim, solution, _ = EXERCISES[exercise]
    found = verdict(component, claim, solution)
    assert found["verdict"] == "PASS", found


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_tempting_wrong_solution_does_not_pass(exercise, verdict):
    component, claim, solution, (right, wrong) = EXERCISES[exercise]
    assert solution.count(right) == 1
    found = verdict(component, claim, solution.replace(right, wrong))
    assert found["verdict"] in {"FAIL", "INCONCLUSIVE", "VACUOUS"}, found


@pytest.mark.parametrize(
    ("component", "solution", "edit", "fault"),
    [
        ("attention", ATTENTION, ("d_model, score", "d_model"), "takes no argument `score`"),
        (
            "attention",
            ATTENTION,
            ("dim=2))), weights", "dim=2)))"),
            "returned a Tensor, not a pair",
        ),
        (
            "attention",
            ATTENTION,
            ('"bts,bsd->btd", weights', '"bts,bsd->btd", weights.detach()'),
            "passes no gradient to parameter `match.weight`",
        ),
        (
            "attention",
            ATTENTION,
            ("dim=2))), weights", "dim=2))), weights.mT"),
            "returned, as weights, shape (3, 5, 4), not (3, 4, 5)",
        ),
        (
            "read",
            READ,
            ("turned.expand(outputs.shape)), state", "turned.expand(outputs.shape))[:, :3], state"),
            "returned, as outputs, shape (3, 3, 4), not (3, 5, 4)",
        ),
        (
            "cell",
            CELL,
            ("torch.sigmoid(f) * c", "torch.sigmoid(f) * c.detach()"),
            "passes no gradient to input 2",
        ),
        (
            "cell",
            CELL,
            ("def mine(gates, c):", "def mine(c, gates):"),
            "takes c, gates in another order, or by name only",
        ),
        ("beam-search", BEAM, ("so_far + value", "value"), "says log_prob"),
    ],
)
def test_what_does_not_fit_is_refused(component, solution, edit, fault, tmp_path):
    assert solution.count(edit[0]) == 1
    (tmp_path / "mine.py").write_text(solution.replace(*edit))
    with pytest.raises(UsageError) as refused:
        check_parts({f"seq2seq/{component}": f"{tmp_path / 'mine.py'}:{name_in(solution)}"})
    named = f"`mine.py:{name_in(solution)}` does not fit component `seq2seq/{component}`"
    assert str(refused.value).startswith(f"error: {named}: it {fault}")


def test_a_search_that_leaves_the_states_behind_is_refused():
    broken = {m.name: m.target for m in find_component("seq2seq/beam-search").mutations}
    with pytest.raises(UsageError, match="says log_prob .* of words to which the model gives"):
        check_parts({"seq2seq/beam-search": broken["states-not-reordered"]})


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_papers_own_part_and_the_right_solution_fit(exercise, tmp_path):
    component, _, solution, _ = EXERCISES[exercise]
    check_parts({component: find_component(component).original})
    (tmp_path / "mine.py").write_text(solution)
    check_parts({component: f"{tmp_path / 'mine.py'}:{name_in(solution)}"})


def test_trying_a_beam_search_draws_nothing_from_torchs_generator():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    check_parts({"seq2seq/beam-search": find_component("seq2seq/beam-search").original})
    assert torch.equal(torch.get_rng_state(), before)
