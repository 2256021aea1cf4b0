"""What runs of FoX keep to be looked at says what the model does."""

from __future__ import annotations

import pytest
import torch

from paperbench.lab import Run
from paperbench.papers.fox import kept
from paperbench.papers.fox.last_write import READ, Recall, Streams, ages, draw_streams, spelled
from paperbench.papers.fox.model import LanguageModel
from paperbench.papers.fox.text import Text, periodic_text

N_TOKENS = 12


def a_model(gate="data", position="none"):
    run = Run(seed=0)
    return run.build(
        lambda: LanguageModel(
            8, d_model=16, n_layers=2, n_heads=2, gate=gate, position=position
        ).eval()
    )


@pytest.mark.parametrize(
    "gate, position", [("data", "none"), ("open", "rope"), ("foreign", "rope")]
)
@torch.no_grad()
def test_maps_are_what_the_model_reads_by(gate, position):
    model, tokens = a_model(gate, position), torch.arange(2 * N_TOKENS).view(2, -1) % 8
    x = model.embedding(tokens)
    for block, (weights, decay) in zip(model.blocks, model.maps(tokens), strict=True):
        normed = block.attention_norm(x)
        _, _, v, log_forget = block.attention._project(normed, start=0)
        torch.testing.assert_close(
            block.attention._merge(weights @ v), block.attention(normed), rtol=1e-4, atol=1e-5
        )
        gates = torch.ones_like(v[..., 0]) if log_forget is None else log_forget.exp()
        torch.testing.assert_close(decay.diagonal(-1, dim1=-2, dim2=-1), gates[..., 1:])
        x = block(x)


def test_a_run_keeps_the_first_of_two_excerpts_and_its_gates():
    run, model = Run(seed=0), a_model("foreign")
    text = periodic_text(torch.Generator().manual_seed(0), n_tokens=400)
    kept.keep_text(run, model, text, N_TOKENS, gated=True)
    shown = run.kept["attention/a line of the text"]
    assert shown["shape"] == [2, 2, N_TOKENS, N_TOKENS] and len(shown["queries"]) == N_TOKENS
    assert "decay" in shown
    assert run.kept["gates"]["shape"] == [2, 2, N_TOKENS - 1]
    assert run.kept["reach"]["shape"] == [2, 2, 6]  # 1, 2, ..., 32 of 48 - 12 tokens
    ungated = Run(seed=0)
    kept.keep_text(ungated, a_model("open"), text, N_TOKENS, gated=False)
    plain = ungated.kept["attention/a line of the text"]
    assert plain["queries"] == shown["queries"]
    assert "gates" not in ungated.kept and "decay" not in plain


def test_an_excerpt_begins_where_a_line_does():
    vocabulary = ("\n", "a", "b")
    lines = torch.tensor([1, 2, 2, 0] * 20)
    text = Text(lines, lines, 3, vocabulary)
    assert kept._excerpts(text, 4, torch.Generator().manual_seed(0)).tolist() == [[1, 2, 2, 0]] * 2


class Looking:
    """A model of one layer and head that always looks so many tokens back."""

    def __init__(self, back):
        self.back = back

    def maps(self, tokens):
        """All of the weight in one place."""
        n = tokens.shape[1]
        weights = torch.zeros(len(tokens), 1, n, n)
        weights[:, 0, torch.arange(self.back, n), torch.arange(n - self.back)] = 1
        yield weights, weights


def test_reach_is_how_much_weight_lies_so_far_back():
    windows = torch.zeros(2, 32, dtype=torch.long)
    assert kept._reach(Looking(2), windows, 8).tolist() == [[[1, 1, 0, 0, 0]]]
    assert kept._reach(Looking(0), windows, 8).tolist() == [[[0, 0, 0, 0, 0]]]


def test_the_age_of_a_write_is_counted_from_the_read():
    tokens = torch.tensor([[3, READ, 8, READ], [READ - 1, 0, 1, READ]])
    streams = Streams(tokens, torch.where(tokens == READ, 0, -100))
    assert ages(streams).tolist() == [1, 3, 1]
    assert spelled(tokens[0]) == ["write 3", "read", "noise 0", "read"]
    run = Run(seed=0)
    kept.keep_by_age(run, streams, Recall(1 / 3, 0.0, torch.tensor([True, False, False])))
    assert run.kept["by_age"]["shape"] == [2, 4]


def test_a_stream_is_kept_with_its_words():
    run = Run(seed=0)
    model = run.build(lambda: LanguageModel(17, d_model=16, n_layers=1, n_heads=2).eval())
    kept.keep_stream(run, model, write=0.1, read=0.2, gated=True)
    words = run.kept["attention/a stream with rare writes"]["queries"]
    drawn = draw_streams(run.generator("looked at"), 2, kept.STREAM, write=0.1, read=0.2)
    assert words == spelled(drawn.tokens[0]) and words[0].startswith("write")
