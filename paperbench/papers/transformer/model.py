"""The Transformer: an encoder and a decoder of attention. Vaswani et al. 2017, arXiv:1706.03762."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.layers.attention import merge_heads, split_heads

PAD = 0
Look = Literal["own", "one-map", "first"]


def attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *, scaled: bool = True
) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention, equation 1: what is read, and the weights it is read with.

    q: (..., target, d_head), k: (..., source, d_head), v: (..., source, d_value). mask: broadcasts
    to the weights (..., target, source), True where a query may look.
    """
    scores = q @ k.mT
    if scaled:
        scores = scores * q.shape[-1] ** -0.5  # of variance 1, not d_head
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1)
    return weights @ v, weights


class MultiHeadAttention(nn.Module):
    """Attention from n_heads subspaces of d_model / n_heads dimensions, or d_head. Section 3.2.2.

    look: two ablations. `one-map`: all heads look where they would on average. `first`: every
    position looks where the first one does.
    Raises ValueError when n_heads does not divide d_model and no d_head is given.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        *,
        d_head: int | None = None,
        scaled: bool = True,
        look: Look = "own",
    ) -> None:
        super().__init__()
        if d_head is None and d_model % n_heads:
            raise ValueError(f"{n_heads} heads do not divide a d_model of {d_model}")
        width = n_heads * (d_head or d_model // n_heads)
        self.n_heads, self.scaled, self.look = n_heads, scaled, look
        self.query = nn.Linear(d_model, width, bias=False)  # W^Q of all heads, side by side
        self.key = nn.Linear(d_model, width, bias=False)
        self.value = nn.Linear(d_model, width, bias=False)
        self.out = nn.Linear(width, d_model, bias=False)  # W^O

    def reset_parameters(self) -> None:
        """Draw weights that keep a variance of 1, as the argument for the scaling assumes."""
        for linear in (self.query, self.key, self.value, self.out):
            nn.init.normal_(linear.weight, std=linear.in_features**-0.5)

    def forward(
        self, x: Tensor, memory: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """x: (batch, target, d_model), memory: (batch, source, d_model), mask: as in `attend`.

        Returns what is read, shaped as x, and the weights (batch, n_heads, target, source).
        """
        q = split_heads(self.query(x), self.n_heads)  # (batch, n_heads, target, d_head)
        k = split_heads(self.key(memory), self.n_heads)
        v = split_heads(self.value(memory), self.n_heads)
        if self.look == "first":
            q = q[..., :1, :].expand_as(q)
        read, weights = attend(q, k, v, mask, scaled=self.scaled)
        if self.look == "one-map":
            weights = weights.mean(-3, keepdim=True).expand_as(weights)
            read = weights @ v
        return self.out(merge_heads(read)), weights


def sinusoids(seq_len: int, d_model: int) -> Tensor:
    """Sines and cosines of wavelengths from 2 pi to 20000 pi, (seq_len, d_model). Section 3.5."""
    position = torch.arange(seq_len, dtype=torch.float64)[:, None]
    frequency = 10_000.0 ** -(torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)
    angles = position * frequency  # (seq_len, d_model / 2)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)


class Layer(nn.Module):
    """One layer of the encoder or, where it crosses, of the decoder. Section 3.1.

    Self-attention, attention to the encoder's output, and two linear layers at every position
    (equation 2): what each of them gives is added to its input, and the sum normalised.
    """

    def __init__(
        self,
        d_ff: int,
        attention: MultiHeadAttention,
        cross_attention: MultiHeadAttention | None = None,
        *,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        d_model = attention.out.out_features
        self.attention, self.cross_attention = attention, cross_attention
        self.inner, self.outer = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm, self.last_norm = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.cross_norm = nn.LayerNorm(d_model) if cross_attention else None
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        memory: Tensor | None = None,
        memory_mask: Tensor | None = None,
    ) -> Tensor:
        """x: (batch, target, d_model), memory: (batch, source, d_model) -> shaped as x."""
        x = self.norm(x + self.dropout(self.attention(x, x, mask)[0]))
        if self.cross_attention and self.cross_norm:
            read, _ = self.cross_attention(x, memory, memory_mask)
            x = self.cross_norm(x + self.dropout(read))
        hidden = self.outer(F.relu(self.inner(x)))
        added: Tensor = self.last_norm(x + self.dropout(hidden))
        return added


class Transformer(nn.Module):
    """Source words and the target so far to logits of the next target word.

    One table of embeddings serves source, target and output (section 3.4); tied False gives each
    its own. look: of the decoder at the source, see `MultiHeadAttention`.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        *,
        d_ff: int,
        n_heads: int,
        n_layers: int = 1,
        dropout: float = 0.0,
        tied: bool = True,
        look: Look = "own",
    ) -> None:
        super().__init__()
        heads = partial(MultiHeadAttention, d_model, n_heads)
        self.d_model, self.dropout = d_model, nn.Dropout(dropout)
        self.embed = nn.Embedding(vocab_size, d_model)
        self.source_embed = self.embed if tied else nn.Embedding(vocab_size, d_model)
        self.output = self.embed if tied else nn.Embedding(vocab_size, d_model)
        self.encoder, self.decoder = (
            nn.ModuleList(
                Layer(d_ff, heads(), heads(look=look) if crosses else None, dropout=dropout)
                for _ in range(n_layers)
            )
            for crosses in (False, True)
        )

    def reset_parameters(self) -> None:
        """Draw embeddings of variance 1 / d_model: small as output, and scaled up as input."""
        for table in (self.embed, self.source_embed, self.output):
            nn.init.normal_(table.weight, std=self.d_model**-0.5)

    def encode(self, source: Tensor) -> Tensor:
        """source: (batch, source) -> memory (batch, source, d_model)."""
        x, real = self._enter(source, self.source_embed), is_real(source)[:, None, None]
        for layer in self.encoder:
            x = layer(x, real)
        return x

    def decode(self, target: Tensor, memory: Tensor, source: Tensor) -> Tensor:
        """target: (batch, target), from BOS on -> logits (batch, target, vocab_size)."""
        x, n = self._enter(target, self.embed), target.shape[-1]
        causal = torch.ones(n, n, dtype=torch.bool, device=x.device).tril()
        for layer in self.decoder:
            x = layer(x, causal, memory, is_real(source)[:, None, None])
        return x @ self.output.weight.mT

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Teacher forcing: at every place the true target before it is given."""
        return self.decode(target, self.encode(source), source)

    @torch.no_grad()
    def looks(self, source: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Where the heads look in teacher forcing.

        Each part's weights are (batch, n_layers, n_heads, queries, keys).
        """
        heads: dict[str, list[Any]] = {
            "encoder": [layer.attention for layer in self.encoder],
            "decoder": [layer.attention for layer in self.decoder],
            "decoder to encoder": [layer.cross_attention for layer in self.decoder],
        }
        seen: dict[str, list[Tensor]] = {part: [] for part in heads}
        hooks = [
            each.register_forward_hook(lambda _, __, out, part=part: seen[part].append(out[1]))
            for part, of_layers in heads.items()
            for each in of_layers
        ]
        self(source, target)
        for hook in hooks:
            hook.remove()
        return {part: torch.stack(weights, 1) for part, weights in seen.items()}

    def _enter(self, words: Tensor, table: nn.Embedding) -> Tensor:
        x = table(words) * self.d_model**0.5  # (batch, seq, d_model)
        x = x + sinusoids(words.shape[-1], self.d_model).to(x)
        entered: Tensor = self.dropout(x)
        return entered


def is_real(words: Tensor) -> Tensor:
    """(batch, seq) -> the same shape, False on padding."""
    return words != PAD
