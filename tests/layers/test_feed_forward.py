"""The position-wise network."""

import torch
from torch.nn import functional as F

from paperbench.layers.feed_forward import FeedForward


def test_it_is_two_matrices_around_a_gelu():
    part, x = FeedForward(6, 24), torch.randn(2, 3, 6)
    expected = F.gelu(x @ part.inner.weight.T) @ part.out.weight.T
    torch.testing.assert_close(part(x), expected)


def test_positions_do_not_mix():
    part, x = FeedForward(6, 24), torch.randn(1, 4, 6)
    torch.testing.assert_close(part(x)[:, 2:3], part(x[:, 2:3]))
