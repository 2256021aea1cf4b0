"""The Forgetting Transformer as a language model, and the arms it is compared with.

Lin et al. 2025, arXiv:2503.02130. The block is the plain ("LLaMA") one, with a GELU network; the
"Pro" block of section 3 (output gate, QK norm, token shift) is not here. Equation numbers are those
of NOTES.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.layers.attention import merge_heads, split_heads
from paperbench.layers.feed_forward import FeedForward
from paperbench.layers.rotary import rotate
from paperbench.papers.fox.attention import (
    Cache,
    LinearState,
    forgetting_attention,
    linear_attention,
    linear_step,
    naive_weights,
    softmax_step,
)

Gate = Literal["data", "fixed", "foreign", "open"]
Position = Literal["none", "rope"]
Attention = Literal["softmax", "linear"]
State = Cache | LinearState | None  # of one layer; None before the first token


class ForgetGate(nn.Module):
    """Log of the forget gates. x: (batch, seq, d_model) -> (batch, n_gates, seq).

    data: f_t = sigmoid(w . x_t + b), the paper's (1). fixed: f = sigmoid(b), one learned number
    a head. foreign: the data gate, but of another sequence of the batch: it varies as much and
    knows nothing of the text that it gates. The bias starts at 0.
    """

    def __init__(self, d_model: int, n_gates: int, kind: Gate) -> None:
        super().__init__()
        self.fixed = kind == "fixed"
        self.shift = 1 if kind == "foreign" else 0  # row r is gated by row r - shift
        if self.fixed:
            self.bias = nn.Parameter(torch.zeros(n_gates))
        else:
            self.projection = nn.Linear(d_model, n_gates)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the bias to 0: half of everything is forgotten at each step, until it learns."""
        nn.init.zeros_(self.bias if self.fixed else self.projection.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return log f, never the log of a rounded f."""
        if self.fixed:
            return F.logsigmoid(self.bias)[:, None].expand(x.shape[0], -1, x.shape[1])
        log_forget = F.logsigmoid(self.projection(x)).mT  # (1)
        if self.shift and self.shift % len(x) == 0:
            raise ValueError(f"in a batch of {len(x)} no other sequence gates a sequence")
        return log_forget.roll(self.shift, 0) if self.shift else log_forget


class ForgettingAttention(nn.Module):
    """Causal multi-head attention with a forget gate a head; section 3.

    x: (batch, seq, d_model) -> (batch, seq, d_model).
    Raises ValueError when `n_heads` does not divide `d_model`, and for linear attention that is
    not gated or has positions.
    """

    def __init__(
        self, d_model: int, n_heads: int, *, gate: Gate, position: Position, attention: Attention
    ) -> None:
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"{n_heads} heads do not divide d_model {d_model}")
        if attention == "linear" and (gate == "open" or position != "none"):
            raise ValueError("linear attention here has a gate and no positions")
        self.n_heads, self.position, self.attention = n_heads, position, attention
        self.qkv = nn.Linear(d_model, 3 * d_model, bias=False)
        self.out = nn.Linear(d_model, d_model, bias=False)
        self.gate = None if gate == "open" else ForgetGate(d_model, n_heads, gate)

    def forward(self, x: Tensor) -> Tensor:
        """Mix every position with those before it."""
        q, k, v, log_forget = self._project(x, start=0)
        if self.attention == "softmax":
            mixed = forgetting_attention(q, k, v, log_forget)
        else:
            assert log_forget is not None
            mixed = linear_attention(q, k, v, log_forget)
        return self._merge(mixed)

    def step(self, x: Tensor, state: State, *, late: bool = False) -> tuple[Tensor, State]:
        """Take one token, x: (batch, 1, d_model), and what was kept of those before it."""
        if self.attention == "softmax":
            assert not isinstance(state, LinearState)
            start = 0 if state is None else state.keys.shape[-2]
            q, k, v, log_forget = self._project(x, start=start)
            read, cache = softmax_step(q, k, v, log_forget, state)
            return self._merge(read), cache
        assert not isinstance(state, Cache)
        q, k, v, log_forget = self._project(x, start=0)
        assert log_forget is not None
        read, memory = linear_step(q, k, v, log_forget, state, late=late)
        return self._merge(read), memory

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Softmax attention's weights, and what the gates leave: `naive_weights`."""
        q, k, _, log_forget = self._project(x, start=0)
        if log_forget is None:
            log_forget = torch.zeros_like(q[..., 0])
        return naive_weights(q, k, log_forget)

    def _project(self, x: Tensor, *, start: int) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        heads = split_heads(self.qkv(x), 3 * self.n_heads)  # (batch, 3 n_heads, seq, d_head)
        qk, v = heads[:, : 2 * self.n_heads], heads[:, 2 * self.n_heads :]
        if self.position == "rope":
            qk = rotate(qk, start=start)
        q, k = qk.chunk(2, dim=1)  # each (batch, n_heads, seq, d_head)
        return q, k, v, None if self.gate is None else self.gate(x)

    def _merge(self, heads: Tensor) -> Tensor:
        mixed: Tensor = self.out(merge_heads(heads))
        return mixed


class Block(nn.Module):
    """Attention and a feed-forward network, each normalised before and added after."""

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        n_layers: int,
        *,
        gate: Gate,
        position: Position,
        attention: Attention,
    ) -> None:
        super().__init__()
        self.n_layers = n_layers
        self.attention_norm = nn.RMSNorm(d_model)
        self.attention = ForgettingAttention(
            d_model, n_heads, gate=gate, position=position, attention=attention
        )
        self.feed_forward_norm = nn.RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, 4 * d_model)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Shrink what is added to the residual stream, which 2 * n_layers additions grow."""
        for out in (self.attention.out, self.feed_forward.out):
            out.weight.mul_((2 * self.n_layers) ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, seq, d_model) -> (batch, seq, d_model)."""
        x = x + self.attention(self.attention_norm(x))
        mixed: Tensor = x + self.feed_forward(self.feed_forward_norm(x))
        return mixed

    def step(self, x: Tensor, state: State, *, late: bool) -> tuple[Tensor, State]:
        """Take one token, (batch, 1, d_model), and this layer's state."""
        read, state = self.attention.step(self.attention_norm(x), state, late=late)
        x = x + read
        return x + self.feed_forward(self.feed_forward_norm(x)), state


class LanguageModel(nn.Module):
    """Tokens (batch, seq) to logits (batch, seq, vocab_size) of the next token.

    The Transformer it is compared with is `gate="open", position="rope"`; FoX is `gate="data",
    position="none"`.
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        d_model: int,
        n_layers: int,
        n_heads: int,
        gate: Gate = "data",
        position: Position = "none",
        attention: Attention = "softmax",
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(
            Block(d_model, n_heads, n_layers, gate=gate, position=position, attention=attention)
            for _ in range(n_layers)
        )
        self.norm = nn.RMSNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)

    def reset_parameters(self) -> None:
        """Embed each token as a vector of about unit length."""
        nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(self.embedding.embedding_dim))

    def forward(self, tokens: Tensor) -> Tensor:
        """All positions at once."""
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(self.norm(x))
        return logits

    def step(
        self, token: Tensor, states: Sequence[State] | None = None, *, late: bool = False
    ) -> tuple[Tensor, list[State]]:
        """Decode one token (batch,) to logits (batch, vocab_size), and the states of all layers."""
        x = self.embedding(token)[:, None]
        kept: list[State] = []
        before: Sequence[State] = [None] * len(self.blocks) if states is None else states
        for block, state in zip(self.blocks, before, strict=True):
            assert isinstance(block, Block)
            x, state = block.step(x, state, late=late)
            kept.append(state)
        return self.head(self.norm(x))[:, 0], kept

    def maps(self, tokens: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Layer by layer what every head reads of which token, and what its gates leave of it.

        tokens: (batch, seq) -> weights and decay, each (batch, n_heads, seq, seq).
        """
        x = self.embedding(tokens)
        for block in self.blocks:
            assert isinstance(block, Block)
            yield block.attention.maps(block.attention_norm(x))
            x = block(x)

    @contextmanager
    def shuffled_gates(self) -> Iterator[None]:
        """While it lasts, every sequence of a batch is gated by yet another one's gates."""
        gates = [module for module in self.modules() if isinstance(module, ForgetGate)]
        for gate in gates:
            gate.shift += 1
        try:
            yield
        finally:
            for gate in gates:
                gate.shift -= 1
