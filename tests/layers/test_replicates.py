"""Replicates folded into the batch: one call, and the values and gradients of each alone."""

import pytest
import torch
from torch.nn import functional as F

from paperbench.layers.replicates import replicates_in_batch


def attention(q, k, v, bias=None):
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return mixed if bias is None else mixed + bias


def counted(function):
    shapes = []

    def counting(*inputs):
        shapes.append(inputs[0].shape)
        return function(*inputs)

    return replicates_in_batch(counting), shapes


def draw(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def test_without_vmap_it_is_called_as_it_is():
    folded, shapes = counted(attention)
    q = draw(2, 3, 5, 8)
    assert torch.equal(folded(q, q, q), attention(q, q, q))
    assert shapes == [(2, 3, 5, 8)]


def test_vmap_makes_one_call_of_all_replicates():
    folded, shapes = counted(attention)
    q, k = draw(4, 2, 3, 5, 8), draw(2, 4, 3, 5, 8)  # k has its replicates on axis 1
    v = draw(2, 3, 5, 8)  # and all share v
    together = torch.func.vmap(folded, in_dims=(0, 1, None, None))(q, k, v, None)
    assert shapes == [(8, 3, 5, 8)]
    for i in range(4):
        torch.testing.assert_close(together[i], attention(q[i], k[:, i], v))


@pytest.mark.parametrize("biased", [False, True])
def test_gradients_are_those_of_each_alone(biased):
    folded, shapes = counted(attention)
    parts = [draw(4, 2, 3, 5, n).requires_grad_() for n in (8, 8, 8, 1)[: 3 + biased]]

    def loss(function, *parts):
        return function(*parts).square().sum()

    alone = torch.autograd.grad(
        sum(loss(attention, *each) for each in zip(*parts, strict=True)), parts
    )
    together = torch.func.vmap(lambda *each: loss(folded, *each))(*parts)
    outside = torch.autograd.grad(together.sum(), parts)
    assert shapes == [(8, 3, 5, 8)]
    inside = torch.func.vmap(
        torch.func.grad(lambda *each: loss(folded, *each), argnums=tuple(range(len(parts))))
    )(*(part.detach() for part in parts))
    assert all(shape == (8, 3, 5, 8) for shape in shapes)
    torch.testing.assert_close(outside, alone)
    torch.testing.assert_close(inside, alone)


def test_two_vmaps_fold_twice():
    folded, shapes = counted(attention)
    q = draw(2, 3, 2, 1, 5, 8)
    together = torch.func.vmap(torch.func.vmap(folded))(q, q, q)
    assert shapes == [(12, 1, 5, 8)]
    torch.testing.assert_close(together, attention(q, q, q))
