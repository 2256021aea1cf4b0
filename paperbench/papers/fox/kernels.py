"""Forgetting attention in blocks, forward and backward, for Triton.

Imports triton; `kernel.py` calls it. Equation numbers are those of NOTES.md. Shapes: q, k, v,
mixed and their gradients are (n, seq, d_head), where n counts batch and heads, and contiguous; c,
the running sum of log f, is (n, seq) float32, and so are logsumexp, delta and the gradients of c.
No (seq, seq) matrix exists: a program holds one block of rows, meets one block of columns after
another, and keeps of them the largest logit, the sum of the weights and the weighted mean.

Rows past the end are loaded as zeros and never stored, and the causal mask keeps keys past the end
from all other rows.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def load_block(x, rows, channels, seq_len, d_head: tl.constexpr):
    """(rows, channels) of one head, x; channels are padded to a power of two."""
    inside = (rows[:, None] < seq_len) & (channels[None, :] < d_head)
    return tl.load(x + rows[:, None] * d_head + channels[None, :], mask=inside, other=0.0)


@triton.jit
def store_block(x, values, rows, channels, seq_len, d_head: tl.constexpr):
    """The opposite of `load_block`."""
    inside = (rows[:, None] < seq_len) & (channels[None, :] < d_head)
    place = x + rows[:, None] * d_head + channels[None, :]
    tl.store(place, values.to(x.dtype.element_ty), mask=inside)


@triton.jit
def gated_logits(q, k, c_i, c_j, i, j, scale):
    """q_i.k_j / sqrt(d) + D_ij, minus infinity for the future: (4) with D as float32 holds it."""
    logits = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
    logits += c_i[:, None] - c_j[None, :]  # D_ij, (2)
    return tl.where(j[None, :] <= i[:, None], logits, float("-inf"))


@triton.jit
def attend(
    q_all,
    k_all,
    v_all,
    c_all,
    mixed_all,
    logsumexp_all,
    seq_len,
    scale,
    d_head: tl.constexpr,
    block: tl.constexpr,
    width: tl.constexpr,
):
    """One block of queries: (3) by an online softmax over the blocks of keys before it."""
    head = tl.program_id(0).to(tl.int64) * seq_len
    i = tl.program_id(1) * block + tl.arange(0, block)
    channels = tl.arange(0, width)
    q = load_block(q_all + head * d_head, i, channels, seq_len, d_head)
    c_i = tl.load(c_all + head + i, mask=i < seq_len, other=0.0)
    largest = tl.full((block,), float("-inf"), tl.float32)
    total = tl.zeros((block,), tl.float32)
    mixed = tl.zeros((block, width), tl.float32)
    for start in range(0, (tl.program_id(1) + 1) * block, block):
        j = start + tl.arange(0, block)
        k = load_block(k_all + head * d_head, j, channels, seq_len, d_head)
        v = load_block(v_all + head * d_head, j, channels, seq_len, d_head)
        c_j = tl.load(c_all + head + j, mask=j < seq_len, other=0.0)
        logits = gated_logits(q, k, c_i, c_j, i, j, scale)
        # The first block holds key 0, which no row masks: from there on `largest` is finite.
        larger = tl.maximum(largest, tl.max(logits, 1))
        fade = tl.exp(largest - larger)
        weights = tl.exp(logits - larger[:, None])
        total = total * fade + tl.sum(weights, 1)
        mixed = mixed * fade[:, None]
        mixed += tl.dot(weights.to(v.dtype), v, input_precision="ieee")
        largest = larger
    store_block(mixed_all + head * d_head, mixed / total[:, None], i, channels, seq_len, d_head)
    tl.store(logsumexp_all + head + i, largest + tl.log(total), mask=i < seq_len)


@triton.jit
def gradients_of_queries(
    q_all,
    k_all,
    v_all,
    c_all,
    logsumexp_all,
    delta_all,
    dmixed_all,
    dq_all,
    dc_all,
    seq_len,
    scale,
    d_head: tl.constexpr,
    block: tl.constexpr,
    width: tl.constexpr,
):
    """One block of queries: dq = dS k / sqrt(d), and the sums of the rows of dS into dc."""
    head = tl.program_id(0).to(tl.int64) * seq_len
    i = tl.program_id(1) * block + tl.arange(0, block)
    channels = tl.arange(0, width)
    q = load_block(q_all + head * d_head, i, channels, seq_len, d_head)
    dmixed = load_block(dmixed_all + head * d_head, i, channels, seq_len, d_head)
    c_i = tl.load(c_all + head + i, mask=i < seq_len, other=0.0)
    logsumexp = tl.load(logsumexp_all + head + i, mask=i < seq_len, other=float("inf"))
    delta = tl.load(delta_all + head + i, mask=i < seq_len, other=0.0)
    dq = tl.zeros((block, width), tl.float32)
    row_sums = tl.zeros((block,), tl.float32)
    for start in range(0, (tl.program_id(1) + 1) * block, block):
        j = start + tl.arange(0, block)
        k = load_block(k_all + head * d_head, j, channels, seq_len, d_head)
        v = load_block(v_all + head * d_head, j, channels, seq_len, d_head)
        c_j = tl.load(c_all + head + j, mask=j < seq_len, other=0.0)
        weights = tl.exp(gated_logits(q, k, c_i, c_j, i, j, scale) - logsumexp[:, None])  # P_ij
        dweights = tl.dot(dmixed, tl.trans(v), input_precision="ieee")
        dlogits = weights * (dweights - delta[:, None])  # dS_ij
        dq += tl.dot(dlogits.to(k.dtype), k, input_precision="ieee")
        row_sums += tl.sum(dlogits, 1)
    store_block(dq_all + head * d_head, dq * scale, i, channels, seq_len, d_head)
    tl.store(dc_all + head + i, row_sums, mask=i < seq_len)


@triton.jit
def gradients_of_keys(
    q_all,
    k_all,
    v_all,
    c_all,
    logsumexp_all,
    delta_all,
    dmixed_all,
    dk_all,
    dv_all,
    dc_all,
    seq_len,
    scale,
    d_head: tl.constexpr,
    block: tl.constexpr,
    width: tl.constexpr,
):
    """One block of keys: dk = dS' q / sqrt(d), dv = P' dmixed, and dc less the columns of dS.

    Runs after `gradients_of_queries`, on whose row sums it builds.
    """
    head = tl.program_id(0).to(tl.int64) * seq_len
    j = tl.program_id(1) * block + tl.arange(0, block)
    channels = tl.arange(0, width)
    k = load_block(k_all + head * d_head, j, channels, seq_len, d_head)
    v = load_block(v_all + head * d_head, j, channels, seq_len, d_head)
    c_j = tl.load(c_all + head + j, mask=j < seq_len, other=0.0)
    dk = tl.zeros((block, width), tl.float32)
    dv = tl.zeros((block, width), tl.float32)
    column_sums = tl.zeros((block,), tl.float32)
    for start in range(tl.program_id(1) * block, seq_len, block):
        i = start + tl.arange(0, block)
        q = load_block(q_all + head * d_head, i, channels, seq_len, d_head)
        dmixed = load_block(dmixed_all + head * d_head, i, channels, seq_len, d_head)
        c_i = tl.load(c_all + head + i, mask=i < seq_len, other=0.0)
        logsumexp = tl.load(logsumexp_all + head + i, mask=i < seq_len, other=float("inf"))
        delta = tl.load(delta_all + head + i, mask=i < seq_len, other=0.0)
        weights = tl.exp(gated_logits(q, k, c_i, c_j, i, j, scale) - logsumexp[:, None])  # P_ij
        dv += tl.dot(tl.trans(weights).to(v.dtype), dmixed, input_precision="ieee")
        dweights = tl.dot(dmixed, tl.trans(v), input_precision="ieee")
        dlogits = weights * (dweights - delta[:, None])  # dS_ij
        dk += tl.dot(tl.trans(dlogits).to(q.dtype), q, input_precision="ieee")
        column_sums += tl.sum(dlogits, 0)
    store_block(dk_all + head * d_head, dk * scale, j, channels, seq_len, d_head)
    store_block(dv_all + head * d_head, dv, j, channels, seq_len, d_head)
    row_sums = tl.load(dc_all + head + j, mask=j < seq_len, other=0.0)
    tl.store(dc_all + head + j, row_sums - column_sums, mask=j < seq_len)
