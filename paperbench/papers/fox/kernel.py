"""Forgetting attention as operators of torch, for GPUs: what `kernels.py` computes.

The operators bring what torch asks of its own: gradients, shapes for compiling, and FLOPs, which
are counted as those of torch's fused attention are, so that arms with and without gates spend the
same. Importing this file needs no triton; attending does.
"""

from __future__ import annotations

import importlib.util
import math
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.library import custom_op
from torch.utils.flop_counter import register_flop_formula

from paperbench.layers.replicates import replicates_in_batch

WIDEST = 128  # channels of a head; blocks of more do not fit into the memory near the cores


@replicates_in_batch
def kernel_attention(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor) -> Tensor:
    """Causal softmax attention whose logits decay, without a (seq, seq) matrix.

    q, k, v: (batch, n_heads, seq, d_head) in float32, bfloat16 or float16; log_forget: (batch,
    n_heads, seq). Products are summed in float32, as are the gates as c_i - c_j.
    Raises ImportError without triton.
    """
    exact = log_forget.to(torch.float64).cumsum(-1)
    c = (exact - exact.mean(-1, keepdim=True)).float()  # only differences of it matter, (2)
    mixed: Tensor = _attend(q, k, v, c)[0]
    return mixed


def fits(q: Tensor) -> bool:
    """Whether the kernels can be used for these queries: their device, type and width."""
    known = q.dtype in (torch.float32, torch.bfloat16, torch.float16)
    return q.is_cuda and known and q.shape[-1] <= WIDEST and _has_triton()


@cache
def _has_triton() -> bool:
    return importlib.util.find_spec("triton") is not None


def _kernels() -> Any:
    try:
        from paperbench.papers.fox import kernels
    except ImportError as missing:
        raise ImportError(
            f"forgetting attention's kernels are written in triton, which is not here ({missing}); "
            "install `paperbench[gpu]`, or use `folded_attention`"
        ) from missing
    return kernels


def _launch(name: str, tensors: list[Tensor], d_head: int) -> None:
    """Run a kernel, one program for each block of each head, on tensors of (n, seq, ...)."""
    kernels = _kernels()
    n, seq_len = tensors[0].shape[:2]
    block = 64 if d_head <= 64 else 32
    width = max(16, 1 << (d_head - 1).bit_length())  # a power of two, for the matrix units
    getattr(kernels, name)[(n, math.ceil(seq_len / block))](
        *tensors, seq_len, 1 / math.sqrt(d_head), d_head=d_head, block=block, width=width
    )


def _flat(*tensors: Tensor) -> list[Tensor]:
    return [x.contiguous().flatten(0, 1) for x in tensors]


def _empty(like: Tensor) -> Tensor:
    return torch.empty_like(like, memory_format=torch.contiguous_format)


@custom_op("paperbench::forgetting_attention", mutates_args=())
def _attend(q: Tensor, k: Tensor, v: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """What is read, like q, and the logsumexp of each row of logits, like c; (3)."""
    mixed, logsumexp = _empty(q), _empty(c)
    _launch("attend", _flat(q, k, v, c, mixed, logsumexp), q.shape[-1])
    return mixed, logsumexp


@custom_op("paperbench::forgetting_attention_backward", mutates_args=())
def _attend_backward(
    q: Tensor, k: Tensor, v: Tensor, c: Tensor, mixed: Tensor, logsumexp: Tensor, dmixed: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """dq, dk, dv, and dc: the sums of the rows of dS less those of its columns; (5)."""
    delta = (mixed.float() * dmixed.float()).sum(-1)  # of each row, sum_j P_ij dP_ij
    dq, dk, dv, dc = (_empty(x) for x in (q, k, v, c))
    given = _flat(q, k, v, c, logsumexp, delta, dmixed)
    _launch("gradients_of_queries", [*given, *_flat(dq, dc)], q.shape[-1])
    _launch("gradients_of_keys", [*given, *_flat(dk, dv, dc)], q.shape[-1])
    return dq, dk, dv, dc


@_attend.register_fake
def _(q: Tensor, k: Tensor, v: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    return _empty(q), _empty(c)


@_attend_backward.register_fake
def _(q: Tensor, k: Tensor, v: Tensor, c: Tensor, *_: Tensor) -> tuple[Tensor, ...]:
    return _empty(q), _empty(k), _empty(v), _empty(c)


def _keep(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(*inputs, *output)


def _differentiate(ctx: Any, dmixed: Tensor, _: Tensor) -> tuple[Tensor, ...]:
    gradients: tuple[Tensor, ...] = _attend_backward(*ctx.saved_tensors, dmixed)
    return gradients


_attend.register_autograd(_differentiate, setup_context=_keep)


@register_flop_formula(torch.ops.paperbench.forgetting_attention)
def _flops(q: Any, *_: Any, **__: Any) -> int:
    """Two products of (seq, d_head) and (seq, seq) matrices, as if there were no mask."""
    batch, n_heads, seq_len, d_head = q
    return 4 * int(batch * n_heads * seq_len**2 * d_head)


@register_flop_formula(torch.ops.paperbench.forgetting_attention_backward)
def _backward_flops(q: Any, *_: Any, **__: Any) -> int:
    """Five, of which one is done again; the second kernel's own repetition is not counted."""
    return _flops(q) // 2 * 5
