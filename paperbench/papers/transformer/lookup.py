"""A task of several relations at a time: at every place say which tokens stand beside it.

A single softmax can split its weight over several places, but reads one mixture of what is there.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Literal

import torch
from torch import Tensor, nn

from paperbench.papers.transformer.model import Layer, MultiHeadAttention, sinusoids

VOCAB_SIZE, SEQ_LEN = 8, 12
FOUR = (1, 3, -1, -3)  # places back
OFFSETS = {"four": FOUR, "one": (1, 1, 1, 1), "own": (0, 0, 0, 0)}
IN_WORDS = {
    "four": "the tokens one and three places before and behind",
    "one": "the token one place before",
    "own": "the token itself",
}
EDGE = max(FOUR)  # places without all neighbours, at either end, are not asked about
Asked = Literal["four", "one", "own"]


def draw(n: int, asked: Asked, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Tokens (n, SEQ_LEN), and at inner places the four that are asked for, (n, inner, 4)."""
    tokens = torch.randint(VOCAB_SIZE, (n, SEQ_LEN), generator=generator)
    wanted = torch.stack([tokens.roll(offset, 1) for offset in OFFSETS[asked]], -1)
    return tokens, wanted[:, EDGE:-EDGE]


def commonest(tokens: Tensor, wanted: Tensor) -> float:
    """The accuracy of naming the commonest token of the sequence, for which no order is needed."""
    named = tokens.mode(1).values[:, None, None]
    return float((wanted == named).double().mean())


class Reader(nn.Module):
    """One layer of an encoder between an embedding and four answers at every place."""

    def __init__(self, d_model: int, attention: MultiHeadAttention, *, positions: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(VOCAB_SIZE, d_model)  # of variance 1
        self.layer = Layer(4 * d_model, attention)
        self.output = nn.Linear(d_model, len(FOUR) * VOCAB_SIZE)
        self.positions = positions

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (batch, SEQ_LEN) -> logits (batch, inner, 4, VOCAB_SIZE)."""
        logits: Tensor = self.output(self.layer(self._enter(tokens)))[..., EDGE:-EDGE, :]
        return logits.view(*logits.shape[:-1], len(FOUR), VOCAB_SIZE)

    def maps(self, tokens: Tensor) -> Tensor:
        """Where the heads look, (batch, n_heads, SEQ_LEN, SEQ_LEN)."""
        x = self._enter(tokens)
        weights: Tensor = self.layer.attention(x, x)[1].detach()
        return weights

    def _enter(self, tokens: Tensor) -> Tensor:
        x: Tensor = self.embed(tokens)
        return x + sinusoids(SEQ_LEN, x.shape[-1]).to(x) if self.positions else x


def least_served(maps: Tensor) -> float:
    """Of the four places: the one that gets least from the head that gives it most.

    One map, whatever it is, gives all four at most 1, so the least at most 1/4.
    """
    given = [maps.diagonal(-offset, -2, -1)[..., EDGE:-EDGE].mean((0, -1)) for offset in FOUR]
    return float(torch.stack(given).amax(1).min())


def distance(maps: Tensor) -> float:
    """Mean Jensen-Shannon distance of two heads' maps, in [0, 1]; 0 for one head."""

    def entropy(p: Tensor) -> Tensor:
        nats: Tensor = -torch.special.xlogy(p, p).sum(-1)
        return nats / math.log(2)  # bits

    found = [
        entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
        for p, q in combinations(maps.unbind(1), 2)
    ]
    return float(torch.stack(found).clamp_min(0).sqrt().mean()) if found else 0.0
