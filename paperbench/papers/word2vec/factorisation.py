"""Skip-gram as the factorisation of a table. Levy and Goldberg, NIPS 2014."""

from __future__ import annotations

import torch
from torch import Tensor


def expected_weights(counts: Tensor, noise: Tensor, n_negatives: float) -> tuple[Tensor, Tensor]:
    """(2): how often a pair is seen, and how often it is expected as noise.

    counts: of pairs, (n_words, n_words). noise: (n_words,), sums to 1. Every pair that is seen
    brings `n_negatives` pairs of the same word with a drawn context.
    """
    return counts, n_negatives * counts.sum(1, keepdim=True) * noise


def shifted_pmi(counts: Tensor, noise: Tensor, n_negatives: float) -> Tensor:
    """(3): log of #(w, c) / (k #(w) P_n(c)); minus infinity where a pair is never seen."""
    _, expected = expected_weights(counts, noise, n_negatives)
    return torch.where(counts > 0, (counts / expected).log(), -torch.inf)


def smoothed_pmi(counts: Tensor) -> tuple[Tensor, Tensor]:
    """PMI with half an occurrence added to what is seen and expected; and what is expected."""
    expected = counts.sum(1, keepdim=True) * counts.sum(0) / counts.sum()
    return ((counts + 0.5) / (expected + 0.5)).log(), expected


def factorise(matrix: Tensor, d_model: int) -> tuple[Tensor, Tensor]:
    """Words and contexts, each (n_words, d_model): the best product of that rank, split evenly."""
    u, s, vh = torch.linalg.svd(matrix)
    root = s[:d_model].sqrt()
    return u[:, :d_model] * root, vh[:d_model].mT * root


def correlation(one: Tensor, other: Tensor) -> float:
    """Pearson's, of two vectors."""
    return float(torch.corrcoef(torch.stack([one.double(), other.double()]))[0, 1])


def main_effects(table: Tensor, cells: Tensor) -> Tensor:
    """What a row and its column say of each cell of `table` by themselves, (n_words, n_words).

    The mean of a row's chosen cells plus that of a column's. cells: which are chosen, bool.
    """
    chosen = table * cells
    rows = chosen.sum(1) / cells.sum(1).clamp(min=1)
    columns = chosen.sum(0) / cells.sum(0).clamp(min=1)
    return rows[:, None] + columns
