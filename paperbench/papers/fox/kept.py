"""What runs keep to be looked at: where heads look, and what their gates leave of it."""

from __future__ import annotations

import torch
from torch import Tensor

from paperbench.lab import Run
from paperbench.papers.fox.last_write import Recall, Streams, ages, draw_streams, spelled
from paperbench.papers.fox.model import LanguageModel
from paperbench.papers.fox.text import Text

EXCERPT = 64  # tokens, at most the training length
STREAM = 64  # tokens
VISIBLE = {" ": "\u2423", "\n": "\u21b5"}  # an open box, a return arrow


@torch.no_grad()
def keep_text(run: Run, model: LanguageModel, text: Text, seq_len: int, *, gated: bool) -> None:
    """Keep attention on an excerpt, and how far heads look in a window longer than in training."""
    excerpts = _excerpts(text, min(seq_len, EXCERPT), run.generator("what is looked at"))
    tokens = [text.vocabulary[token] for token in excerpts[0].tolist()]
    _keep_attention(
        run,
        "a line of the text",
        model,
        excerpts,
        [VISIBLE.get(token, token) for token in tokens],
        gated=gated,
        caption="Validation text from the beginning of a line, in one window.",
    )
    window = 4 * seq_len
    windows = text.valid[: 2 * window].view(2, window)
    run.keep("reach", _reach(model, run.to_device(windows), seq_len))


def keep_stream(run: Run, model: LanguageModel, *, write: float, read: float, gated: bool) -> None:
    """Keep attention on one stream of writes, noise and reads."""
    streams = draw_streams(run.generator("looked at"), 2, STREAM, write=write, read=read)
    _keep_attention(
        run,
        "a stream with rare writes",
        model,
        streams.tokens,
        spelled(streams.tokens[0]),
        gated=gated,
        caption="Writes four times rarer than in training. A read asks for the latest write.",
    )


def keep_by_age(run: Run, streams: Streams, recalled: Recall) -> None:
    """Keep how many reads there are, and how many are right, by the age of the latest write."""
    age = ages(streams)
    run.keep("by_age", torch.stack([age.bincount(), age.bincount(recalled.right)]))


@torch.no_grad()
def _keep_attention(
    run: Run,
    name: str,
    model: LanguageModel,
    batch: Tensor,
    tokens: list[str],
    *,
    gated: bool,
    caption: str,
) -> None:
    """Of the first sequence; a second is there for a gate that reads another one's."""
    layers = [(weights[0], decay[0]) for weights, decay in model.maps(run.to_device(batch))]
    weights, decay = (torch.stack(part) for part in zip(*layers, strict=True))
    run.attention(name, weights, queries=tokens, decay=decay if gated else None, caption=caption)
    if gated:
        run.keep("gates", decay.diagonal(-1, dim1=-2, dim2=-1))  # f of every token but the first


def _excerpts(text: Text, length: int, generator: torch.Generator) -> Tensor:
    """Two stretches of validation text, (2, length), from the beginning of a line if it has any."""
    ends = torch.tensor([token in ("\n", "<eos>") for token in text.vocabulary])
    n_starts = len(text.valid) - length
    starts = ends[text.valid[: n_starts - 1]].nonzero()[:, 0] + 1
    if len(starts) < 2:
        starts = torch.arange(n_starts)
    chosen = starts[torch.randint(len(starts), (2, 1), generator=generator)]
    return text.valid[chosen + torch.arange(length)]


def _reach(model: LanguageModel, windows: Tensor, n_queries: int) -> Tensor:
    """How much of its weight a head gives to tokens at least 1, 2, 4, ... back.

    A mean over the last `n_queries` positions: (layers, heads, distances).
    """
    positions = torch.arange(windows.shape[1], device=windows.device)
    distance = positions[-n_queries:, None] - positions
    farthest = 1 << torch.arange(int(windows.shape[1] - n_queries).bit_length())
    layers = []
    for weights, _ in model.maps(windows):
        last = weights[:, :, -n_queries:]
        shares = [(last * (distance >= far)).sum(-1).mean((0, 2)) for far in farthest.tolist()]
        layers.append(torch.stack(shares, -1))
    return torch.stack(layers)
