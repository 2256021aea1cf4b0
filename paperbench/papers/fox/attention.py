"""Forgetting attention as pure functions. Lin et al. 2025, arXiv:2503.02130, section 3.

Equation numbers are those of NOTES.md. Shapes: q, k, v are (batch, n_heads, seq, d_head);
log_forget, the logarithm of the gate f, is (batch, n_heads, seq). Two families share the gate:

- softmax: the paper's. What it must keep while decoding grows with every token (`Cache`).
- linear: gated linear attention, a recurrence whose state never grows (`LinearState`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from paperbench.layers.replicates import replicates_in_batch


@replicates_in_batch
def forgetting_attention(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor | None) -> Tensor:
    """Causal softmax attention whose logits decay by the gates in between, in its fastest form.

    log_forget: None leaves the gates open, which is plain attention.
    """
    if log_forget is None:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    if q.is_cuda:
        from paperbench.papers.fox import kernel  # defines operators, which a CPU does not need

        if kernel.fits(q):
            return kernel.kernel_attention(q, k, v, log_forget)
    return folded_attention(q, k, v, log_forget)


def folded_attention(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor) -> Tensor:
    """The gates as channels of the heads, for any fused kernel of plain attention.

    With c_t the sum of log f up to t, the logit q_i.k_j / sqrt(d) + c_i - c_j is itself one dot
    product, of [sqrt(d) c_i, 1, q_i] and [1, -sqrt(d) c_j, k_j] over sqrt(d): two more channels a
    head, and no (seq, seq) matrix of biases. The gate's channels come first, so that the large
    numbers cancel before the small ones are added.

    No number of 16 bits holds c. Three of them do, each the rounding of what those before it left,
    in six channels: a product with 1 is exact, and kernels add up in float32. (float16 ends at
    65504, so that sqrt(d) |c| must, too.)
    """
    d_head = q.shape[-1]
    rest = centred_cumulative(log_forget, math.sqrt(d_head))[..., None]  # sqrt(d) c
    parts = [rest.to(q.dtype)]
    while len(parts) < 3 and q.dtype.itemsize < 4:
        rest = rest - parts[-1]
        parts.append(rest.to(q.dtype))
    ones = [torch.ones_like(part) for part in parts]
    # A row of the softmax is blind to c_i, whose gradient is zero up to rounding. It stays all the
    # same: in the sum over later gates its rounding cancels that of -c_j.
    folded_q = torch.cat([*parts, *ones, q], dim=-1)  # (4)
    folded_k = torch.cat([*ones, *(-part for part in parts), k], dim=-1)
    folded_v = F.pad(v, (0, 2 * len(parts)))  # the kernels want equal head sizes
    mixed = F.scaled_dot_product_attention(
        folded_q, folded_k, folded_v, is_causal=True, scale=1 / math.sqrt(d_head)
    )
    return mixed[..., :d_head]


def centred_cumulative(log_forget: Tensor, scale: float = 1.0) -> Tensor:
    """`scale` times the running sum of log f along the sequence, less its mean, in float32 or more.

    Only differences of it matter. It is summed in float64: after 4096 gates it is in the hundreds,
    and what float32 would round away there is an error in the weights.
    """
    exact = log_forget.to(_summing_dtype(log_forget)).cumsum(-1)  # (2)
    exact = (exact - exact.mean(-1, keepdim=True)) * scale
    return exact.to(torch.promote_types(log_forget.dtype, torch.float32))


def _summing_dtype(x: Tensor) -> torch.dtype:
    return torch.float32 if x.device.type == "mps" else torch.float64  # mps has no float64


def naive_forgetting_attention(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor) -> Tensor:
    """The definition, with its (seq, seq) matrices written out: the oracle, too slow to train."""
    return naive_weights(q, k, log_forget)[0] @ v  # (3)


def naive_weights(q: Tensor, k: Tensor, log_forget: Tensor) -> tuple[Tensor, Tensor]:
    """What each position reads of which, and what the gates between leave: weights and exp D.

    Both (batch, n_heads, seq, seq), 0 where a position would look ahead.
    """
    cumulative = log_forget.cumsum(-1)
    decay = cumulative[..., :, None] - cumulative[..., None, :]  # D_ij, (2)
    future = torch.ones_like(decay, dtype=torch.bool).triu(1)
    logits = q @ k.mT / math.sqrt(q.shape[-1]) + decay
    return (
        logits.masked_fill(future, -math.inf).softmax(-1),
        decay.masked_fill(future, -math.inf).exp(),
    )


class Cache(NamedTuple):
    """What softmax attention keeps: every key, value and gate so far."""

    keys: Tensor  # (batch, n_heads, seq, d_head)
    values: Tensor  # (batch, n_heads, seq, d_head)
    log_forgets: Tensor  # (batch, n_heads, seq)


def softmax_step(
    q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor | None, cache: Cache | None
) -> tuple[Tensor, Cache]:
    """Attend from one new token to all tokens so far. Its q, k, v have a seq of 1."""
    gate = torch.zeros_like(q[..., 0]) if log_forget is None else log_forget
    if cache is not None:
        k = torch.cat([cache.keys, k], dim=-2)
        v = torch.cat([cache.values, v], dim=-2)
        gate = torch.cat([cache.log_forgets, gate], dim=-1)
    after = gate.flip(-1).cumsum(-1).flip(-1) - gate  # log f_j+1 + ... + log f_i
    weights = (q @ k.mT / math.sqrt(q.shape[-1]) + after[..., None, :]).softmax(-1)
    return weights @ v, Cache(k, v, gate)


class LinearState(NamedTuple):
    """What linear attention keeps: one matrix and one vector a head, however long the text."""

    memory: Tensor  # S: (batch, n_heads, d_head, d_head)
    normaliser: Tensor  # z: (batch, n_heads, d_head)


def positive_features(x: Tensor) -> Tensor:
    """The feature map elu + 1 (Katharopoulos et al. 2020, eq. 7): every weight is positive."""
    return F.elu(x) + 1


def linear_attention(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor) -> Tensor:
    """Gated linear attention over a whole sequence at once, with its (seq, seq) weights."""
    cumulative = log_forget.to(_summing_dtype(log_forget)).cumsum(-1)
    decay = (cumulative[..., :, None] - cumulative[..., None, :]).to(q.dtype)
    future = torch.ones_like(decay, dtype=torch.bool).triu(1)
    # Masked before exp: to the future the decay is positive and would overflow.
    decay = decay.masked_fill(future, -math.inf).exp()
    weights = positive_features(q) @ positive_features(k).mT * decay  # (6)
    return weights @ v / weights.sum(-1, keepdim=True)


def linear_step(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_forget: Tensor,
    state: LinearState | None,
    *,
    late: bool = False,
) -> tuple[Tensor, LinearState]:
    """The same weights one token at a time: forget, write, read. Its q, k, v have a seq of 1.

    late: forget after writing, so that a token is already faded when it is first read. Wrong by
    one step; the control of the equivalence.
    """
    q, k = positive_features(q[..., 0, :]), positive_features(k[..., 0, :])
    if state is None:
        zeros = torch.zeros_like(k)
        state = LinearState(zeros[..., None] * v, zeros)
    forget = log_forget.exp()  # (batch, n_heads, 1)
    memory, normaliser = state
    written = k[..., None] * v  # (batch, n_heads, d_head, d_head)
    if late:
        memory, normaliser = (memory + written) * forget[..., None], (normaliser + k) * forget
    else:
        memory = memory * forget[..., None] + written  # (7)
        normaliser = normaliser * forget + k  # (8)
    read = (q[..., None, :] @ memory) / (q * normaliser).sum(-1)[..., None, None]
    return read, LinearState(memory, normaliser)  # (9)
