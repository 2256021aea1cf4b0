"""Splitting channels into heads."""

import torch

from paperbench.layers.attention import merge_heads, split_heads


def test_a_head_holds_neighbouring_channels():
    x = torch.arange(2 * 3 * 8).view(2, 3, 8)
    heads = split_heads(x, 4)
    assert heads.shape == (2, 4, 3, 2)
    assert torch.equal(heads[1, 2, 0], x[1, 0, 4:6])


def test_merging_undoes_splitting():
    x = torch.randn(2, 5, 12)
    assert torch.equal(merge_heads(split_heads(x, 3)), x)
