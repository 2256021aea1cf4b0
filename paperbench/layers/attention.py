"""From channels to heads and back."""

from __future__ import annotations

from torch import Tensor


def split_heads(x: Tensor, n_heads: int) -> Tensor:
    """(..., seq, n_heads * d_head) -> (..., n_heads, seq, d_head)."""
    return x.view(*x.shape[:-1], n_heads, -1).transpose(-3, -2)


def merge_heads(x: Tensor) -> Tensor:
    """(..., n_heads, seq, d_head) -> (..., seq, n_heads * d_head)."""
    return x.transpose(-3, -2).flatten(-2)
