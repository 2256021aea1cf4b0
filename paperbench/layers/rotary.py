"""Rotary position embedding. Su et al. 2021, arXiv:2104.09864, section 3.4.2."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

BASE = 10_000.0  # section 3.3; wavelengths from 2 pi up to 2 pi BASE


@cache
def rotary_tables(seq_len: int, d_head: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines of every position's angles, each (seq_len, d_head).

    Raises ValueError when `d_head` is odd: channels turn in pairs.
    """
    if d_head % 2:
        raise ValueError(f"rotary embedding turns channels in pairs, and d_head is {d_head}")
    frequencies = BASE ** (-torch.arange(0, d_head, 2, dtype=torch.float64) / d_head)
    angles = torch.outer(torch.arange(seq_len, dtype=torch.float64), frequencies)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos().float().to(device), angles.sin().float().to(device)


def rotate(x: Tensor, *, start: int = 0) -> Tensor:
    """Turn queries or keys by their positions `start`, `start + 1`, ...

    x: (..., seq, d_head), of the same shape after. Channel i turns together with i + d_head / 2,
    so that the product of a query and a key depends on the distance of their positions alone.
    """
    seq_len, d_head = x.shape[-2:]
    cosines, sines = rotary_tables(start + seq_len, d_head, x.device)
    first, second = x.chunk(2, dim=-1)
    turned = torch.cat([-second, first], dim=-1)
    return x * cosines[start:] + turned * sines[start:]
