"""Rotary positions against complex multiplication, their definition."""

import pytest
import torch

from paperbench.layers.rotary import rotary_tables, rotate


def rotate_as_complex(x, start):
    seq_len, d_head = x.shape[-2:]
    pairs = torch.complex(*x.double().chunk(2, dim=-1))
    angles = torch.stack(
        [
            (start + t) * 10_000.0 ** (-torch.arange(d_head // 2) * 2.0 / d_head)
            for t in range(seq_len)
        ]
    ).double()
    turned = pairs * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([turned.real, turned.imag], dim=-1)


@pytest.mark.parametrize("start", [0, 5])
def test_it_multiplies_pairs_by_a_complex_phase(start):
    x = torch.randn(2, 3, 7, 8)
    torch.testing.assert_close(
        rotate(x, start=start).double(), rotate_as_complex(x, start), atol=1e-5, rtol=1e-5
    )


def test_a_product_depends_on_the_distance_alone():
    q, k = torch.randn(2, 1, 1, 16)

    def product(i, j):
        return float((rotate(q, start=i) * rotate(k, start=j)).sum())

    assert product(9, 4) == pytest.approx(product(105, 100), abs=1e-4)
    assert product(9, 4) != pytest.approx(product(9, 5), abs=1e-2)


def test_an_odd_head_is_refused():
    with pytest.raises(ValueError, match="pairs"):
        rotary_tables(4, 7, torch.device("cpu"))
