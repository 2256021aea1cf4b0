"""Two networks that learn a table of equations: one that is all in view, and the paper's.

Power et al. 2022, arXiv:2201.02177; the small network is of Gromov 2023, arXiv:2301.02679. Symbols
stand for nothing: a network is not told that they are numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.layers.attention import merge_heads, split_heads


class QuadraticNet(nn.Module):
    """logits = (A[a] + B[b])^2 W, with the square taken unit by unit.

    pairs: (batch, 2) int64 -> (batch, p). Multiplied out, a unit's square holds 2 A[a] B[b],
    the only place where it sees both operands at once: a rule of cosines is made of it (NOTES.md).
    """

    def __init__(self, p: int, d_hidden: int) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.empty(p, d_hidden))  # A
        self.second = nn.Parameter(torch.empty(p, d_hidden))  # B
        self.readout = nn.Parameter(torch.empty(d_hidden, p))  # W
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """A and B ~ N(0, 1/4), W ~ N(0, 1 / d_hidden)."""
        self.first.normal_(std=0.5)
        self.second.normal_(std=0.5)
        self.readout.normal_(std=len(self.readout) ** -0.5)

    def forward(self, pairs: Tensor) -> Tensor:
        """Logits of the results."""
        a, b = one_hot(pairs, len(self.first), self.first.dtype).unbind(-2)  # (batch, p) each
        logits: Tensor = (a @ self.first + b @ self.second).square() @ self.readout
        return logits

    def operand_vectors(self) -> Tensor:
        """What stands for the first operand, (p, d_hidden)."""
        return self.first


class Transformer(nn.Module):
    """A decoder of two layers that reads "a o b =" and says what follows. Appendix A.1.2.

    pairs: (batch, 2) int64 -> (batch, p).
    """

    def __init__(self, p: int, d_model: int, n_layers: int = 2, n_heads: int = 4) -> None:
        super().__init__()
        self.symbols = nn.Parameter(torch.empty(p + 2, d_model))  # the residues, "o" and "="
        self.positions = nn.Parameter(torch.empty(4, d_model))
        self.layers = nn.ModuleList(_Layer(d_model, n_heads) for _ in range(n_layers))
        self.norm = nn.LayerNorm(d_model)
        self.readout = nn.Linear(d_model, p, bias=False)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Symbols and positions ~ N(0, 1 / d_model)."""
        for parameter in (self.symbols, self.positions):
            parameter.normal_(std=parameter.shape[1] ** -0.5)

    def forward(self, pairs: Tensor) -> Tensor:
        """Logits of the symbol after "="."""
        x = self._enter(pairs)
        for layer in self.layers:
            x = layer(x)
        logits: Tensor = self.readout(self.norm(x[..., -1, :]))
        return logits

    def _enter(self, pairs: Tensor) -> Tensor:
        """The vectors of a o b =, (batch, 4, d_model)."""
        n_symbols = len(self.symbols)
        a, b = one_hot(pairs, n_symbols, self.symbols.dtype).unbind(-2)
        operands = a @ self.symbols, b @ self.symbols  # (batch, d_model) each
        operator, equals = (each.expand_as(operands[0]) for each in self.symbols[-2:].unbind())
        return torch.stack([operands[0], operator, operands[1], equals], -2) + self.positions

    @torch.no_grad()
    def looks(self, pairs: Tensor) -> Tensor:
        """Where the heads look, (batch, n_layers, n_heads, 4, 4)."""
        x, seen = self._enter(pairs), []
        for layer in self.layers:
            seen.append(layer.looks(x))  # type: ignore[operator]
            x = layer(x)
        return torch.stack(seen, 1)

    def operand_vectors(self) -> Tensor:
        """What stands for an operand, (p, d_model)."""
        return self.symbols[:-2]


class _Layer(nn.Module):
    """Causal attention, then a feed-forward layer, each with its norm before and a sum around."""

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norms = nn.ModuleList(nn.LayerNorm(d_model) for _ in range(2))
        self.query_key_value = nn.Linear(d_model, 3 * d_model, bias=False)
        self.merge = nn.Linear(d_model, d_model, bias=False)
        self.inner, self.outer = nn.Linear(d_model, 4 * d_model), nn.Linear(4 * d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, seq, d_model) -> the same."""
        q, k, v = self._parts(x)
        mixed = merge_heads(F.scaled_dot_product_attention(q, k, v, is_causal=True))
        x = x + self.merge(mixed)
        y: Tensor = x + self.outer(F.relu(self.inner(self.norms[1](x))))
        return y

    def looks(self, x: Tensor) -> Tensor:
        """The weights of attention, (batch, n_heads, seq, seq)."""
        q, k, _ = self._parts(x)
        scores = q @ k.mT * q.shape[-1] ** -0.5
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=x.device).triu(1)
        weights: Tensor = scores.masked_fill(later, -torch.inf).softmax(-1)
        return weights

    def _parts(self, x: Tensor) -> tuple[Tensor, ...]:
        """Query, key and value, each (batch, n_heads, seq, d_head)."""
        parts = self.query_key_value(self.norms[0](x)).chunk(3, -1)
        return tuple(split_heads(each, self.n_heads) for each in parts)


def one_hot(symbols: Tensor, n: int, dtype: torch.dtype) -> Tensor:
    """(...) int64 -> (..., n), by a comparison, which may be done for many replicates at once."""
    return (symbols[..., None] == torch.arange(n, device=symbols.device)).to(dtype)


def fourier_share(vectors: Tensor) -> float:
    """How periodic the units are over the residues: 1 for cosines, near 0 for noise.

    vectors: (p, n_units). Of each unit's power over the frequencies from 1 to p/2, the share of the
    strongest one; the mean over units.
    """
    power = torch.fft.rfft(vectors.double(), dim=0)[1:].abs().square()  # (p // 2, n_units)
    return float((power.max(0).values / power.sum(0)).mean())


@torch.no_grad()
def write_rule(network: QuadraticNet, *, spread: bool = True) -> None:
    """Set the weights to a rule for a - b mod p, written down instead of learned.

    Nine units for every frequency w = 2 pi k / p: A = cos(w a + x), B = cos(w b + y),
    W = cos(w c + x - y), where x and y are thirds of the circle. Of the square times W only
    cos(w (a - b - c)) survives the sum over x and y (NOTES.md), so that the logits are
    9/2 sum_k cos(2 pi k (a - b - c) / p), and largest at c = a - b. spread: without, x = y = 0.
    """
    p, d_hidden = network.first.shape
    n_frequencies = d_hidden // 9
    if not 0 < n_frequencies <= p // 2:
        raise ValueError(f"{d_hidden} units hold {n_frequencies} of {p // 2} frequencies")
    k = torch.arange(1, n_frequencies + 1).repeat_interleave(9).double()
    third = 2 * math.pi / 3 * torch.arange(3).double() * spread
    x, y = third.repeat_interleave(3).repeat(n_frequencies), third.repeat(3 * n_frequencies)
    angles = 2 * math.pi / p * torch.arange(p).double()[:, None] * k  # (p, units)
    units = slice(0, len(k))
    for parameter in (network.first, network.second, network.readout):
        parameter.zero_()
    network.first[:, units] = torch.cos(angles + x)
    network.second[:, units] = torch.cos(angles + y)
    network.readout[units] = torch.cos(angles + x - y).mT
