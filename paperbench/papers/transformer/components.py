"""The parts of the Transformer that can be replaced, and broken versions of them for `falsify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from paperbench.components import component, mutation
from paperbench.papers.transformer.model import MultiHeadAttention, attend, sinusoids

if TYPE_CHECKING:
    from paperbench.engine.interface import Interface

BATCH, TARGET, SOURCE, D_MODEL, N_HEADS = 2, 4, 5, 6, 3  # of what the parts are tried on


@component("transformer/attend", original=attend)
def try_attend(part: Interface) -> None:
    """A function `(q, k, v, mask=None, *, scaled=True)` of q (..., target, d_head), k (..., source,
    d_head) and v (..., source, d_value), under any leading axes. `mask` broadcasts to (..., target,
    source) and is True where a query may look. Returns what is read, (..., target, d_value), and
    the weights, (..., target, source). `scaled` False is for the arm without the scaling.
    """
    for lead in ((), (BATCH, N_HEADS)):
        q, k, v = (part.input(*lead, n, 3) for n in (TARGET, SOURCE, SOURCE))
        for mask in (None, torch.ones(TARGET, SOURCE, dtype=torch.bool).tril()):
            for scaled in (True, False):
                read, weights = part.call(q, k, v, mask, scaled=scaled)
                part.tensor(weights, (*lead, TARGET, SOURCE), "returned, as weights,")
                part.passes_gradients(part.tensor(read, (*lead, TARGET, 3)), q, k, v)


@component("transformer/heads", original=MultiHeadAttention)
def try_heads(part: Interface) -> None:
    """A module built as `Mine(d_model, n_heads, d_head=None, scaled=True, look="own")`, called with
    x (batch, target, d_model), memory (batch, source, d_model) and a mask as `attend` takes it. It
    returns what is read, shaped as x, and the weights of the heads (batch, n_heads, target,
    source); `out` is its last linear layer. `look` is "own" wherever the part is used.
    """
    for options in ({}, {"d_head": 5}, {"scaled": False}):
        heads = part.module(D_MODEL, N_HEADS, **options)
        part.has(heads, "out")
        x, memory = part.input(BATCH, TARGET, D_MODEL), part.input(BATCH, SOURCE, D_MODEL)
        read, weights = part.run(heads, x, memory, torch.ones(TARGET, SOURCE).bool().tril())
        part.tensor(weights, (BATCH, N_HEADS, TARGET, SOURCE), "returned, as weights,")
        output = part.tensor(read, (BATCH, TARGET, D_MODEL))
        part.passes_gradients(output, x, memory, heads)


@component("transformer/positions", original=sinusoids)
def try_positions(part: Interface) -> None:
    """A function `(seq_len, d_model)` that returns an encoding of every position, a tensor of
    float64 (seq_len, d_model), the same at every call.
    """
    table = part.tensor(part.call(SOURCE, D_MODEL), (SOURCE, D_MODEL))
    if table.dtype != torch.float64 or not torch.equal(table, part.call(SOURCE, D_MODEL)):
        raise part.misfit("returned another dtype than float64, or another table at another call")


@mutation("transformer/attend", "divided-by-d")
def divided_by_d(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *, scaled: bool = True
) -> tuple[Tensor, Tensor]:
    """Scores are divided by d_head, not by its square root: every weight is nearly the same."""
    return attend(q * q.shape[-1] ** -0.5 if scaled else q, k, v, mask, scaled=scaled)


@mutation("transformer/attend", "mask-ignored")
def mask_ignored(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *, scaled: bool = True
) -> tuple[Tensor, Tensor]:
    """The mask is forgotten: padding is read, and in training the words that are to be said."""
    return attend(q, k, v, scaled=scaled)


@mutation("transformer/attend", "softmax-over-queries")
def softmax_over_queries(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *, scaled: bool = True
) -> tuple[Tensor, Tensor]:
    """The softmax runs over the queries, so that every key is shared out among them."""
    scores = q @ k.mT * (q.shape[-1] ** -0.5 if scaled else 1.0)
    weights = scores.softmax(-2) if mask is None else scores.softmax(-2) * mask
    return weights @ v, weights


@mutation("transformer/heads", "heads-scrambled")
class HeadsScrambled(MultiHeadAttention):
    """What the heads have read is put side by side without moving their axis behind positions."""

    def forward(
        self, x: Tensor, memory: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Flatten in the wrong order."""
        q, k, v = (
            linear(y).unflatten(-1, (self.n_heads, -1)).transpose(-3, -2)
            for linear, y in ((self.query, x), (self.key, memory), (self.value, memory))
        )
        read, weights = attend(q, k, v, mask, scaled=self.scaled)
        return self.out(read.reshape(*x.shape[:-1], -1)), weights


@mutation("transformer/heads", "same-heads")
class SameHeads(MultiHeadAttention):
    """Every head starts with the same weights of query and key, as by a seed set before each."""

    def reset_parameters(self) -> None:
        """Copy the first head's."""
        super().reset_parameters()
        for linear in (self.query, self.key):
            first = linear.weight.detach().chunk(self.n_heads)[0]
            linear.weight.data.copy_(first.repeat(self.n_heads, 1))


@mutation("transformer/positions", "sines-only")
def sines_only(seq_len: int, d_model: int) -> Tensor:
    """There is no cosine beside a sine, but the same sine again."""
    return sinusoids(seq_len, d_model)[:, ::2].repeat_interleave(2, 1)
