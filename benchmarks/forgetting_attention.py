"""Forgetting attention: how exact, how fast and how large is each of its forms?

Relative error, forward and of each gradient, of every form against the definition in float64; time
forward and backward over plain scaled dot-product attention; and the peak of memory. All forms of a
length are timed in turn in one process with one thread; the best of the repeats counts. The peak is
that of a process of its own, less what it held before, or what CUDA says. A form with (seq, seq)
matrices is left out where these would not fit into 8 GB.

    python -m benchmarks.forgetting_attention [length ...]
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from paperbench.papers.fox import kernel
from paperbench.papers.fox.attention import (
    centred_cumulative,
    folded_attention,
    naive_forgetting_attention,
)

BATCH, N_HEADS, D_HEAD = 1, 4, 64
LENGTHS = (256, 512, 1024, 2048, 4096, 8192)
REPEATS = 5
MAX_BYTES = 8e9
MATRICES = {"mask": 4, "naive": 5}  # how many (seq, seq) a head a form holds at its peak
PARTS = ("output", "dq", "dk", "dv", "d log f")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
Attention = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def plain_attention(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor) -> Tensor:
    """What the gate is added to. It ignores the gates, and has a zero gradient for them."""
    return F.scaled_dot_product_attention(q, k, v, is_causal=True) + 0 * log_forget[..., None]


def masked_attention(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor) -> Tensor:
    """The gates as a (seq, seq) bias of torch's attention."""
    cumulative = centred_cumulative(log_forget)
    future = torch.ones(q.shape[-2], q.shape[-2], dtype=torch.bool, device=q.device).triu(1)
    bias = (cumulative[..., :, None] - cumulative[..., None, :]).masked_fill(future, -torch.inf)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)


def _published() -> dict[str, Attention]:
    """The authors' kernel, if it is installed; it wants the sequence before the heads."""
    try:
        from forgetting_transformer import forgetting_attention
    except ImportError:
        return {}

    def published(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor) -> Tensor:
        parts = (x.transpose(1, 2) for x in (q, k, v, log_forget))
        return forgetting_attention(*parts).transpose(1, 2)

    return {"published": published}


FORMS: dict[str, Attention] = {
    "plain": plain_attention,
    "folded": folded_attention,
    "mask": masked_attention,
    "naive": naive_forgetting_attention,
}
if DEVICE == "cuda":
    FORMS |= {"kernel": kernel.kernel_attention, **_published()}


def draw_inputs(seq_len: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """q, k, v, log f and the output's gradient. Gates from about .3 to .99."""
    generator = torch.Generator().manual_seed(seq_len)
    q, k, v, direction = (
        torch.randn(BATCH, N_HEADS, seq_len, D_HEAD, generator=generator, dtype=dtype)
        for _ in range(4)
    )
    gates = torch.randn(BATCH, N_HEADS, seq_len, generator=generator, dtype=dtype)
    return [x.to(DEVICE) for x in (q, k, v, F.logsigmoid(2 + 1.5 * gates), direction)]


def run(attention: Attention, inputs: list[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """The output and the gradients of q, k, v and log f."""
    *parts, direction = (part.to(dtype) for part in inputs)
    parts = [part.requires_grad_() for part in parts]
    output = attention(*parts)
    results = [output.detach(), *torch.autograd.grad(output, parts, direction)]
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return results


def oracle(inputs: list[Tensor]) -> list[Tensor]:
    """The definition in float64, one head at a time."""
    heads = [
        run(naive_forgetting_attention, [x[:, i : i + 1] for x in inputs], torch.float64)
        for i in range(N_HEADS)
    ]
    return [torch.cat(parts, dim=1) for parts in zip(*heads, strict=True)]


def relative_errors(got: list[Tensor], expected: list[Tensor]) -> list[float]:
    """Norm of the difference over norm of the oracle, for each part."""
    return [float((a.double() - b).norm() / b.norm()) for a, b in zip(got, expected, strict=True)]


def forms_of(seq_len: int) -> list[str]:
    """Those whose matrices fit."""
    matrix = 4 * BATCH * N_HEADS * seq_len**2
    return [name for name in FORMS if MATRICES.get(name, 0) * matrix <= MAX_BYTES]


def best_seconds(inputs: list[Tensor], forms: list[str]) -> dict[str, float]:
    """Forward and backward of every form, side by side."""
    inputs = [part.float() for part in inputs]
    best = dict.fromkeys(forms, float("inf"))
    for repeat in range(REPEATS + 1):  # the first one warms up
        for name in forms:
            start = time.perf_counter()
            run(FORMS[name], inputs, torch.float32)
            if repeat:
                best[name] = min(best[name], time.perf_counter() - start)
    return best


def measure_peak(name: str, seq_len: int) -> float:
    """MB that one forward and backward add at most to a fresh process that holds the inputs."""
    torch.set_num_threads(1)
    run(FORMS[name], draw_inputs(16), torch.float32)  # libraries are loaded at their first use
    inputs = draw_inputs(seq_len, torch.float32)  # nothing is left over for the forms to use
    if DEVICE == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        run(FORMS[name], inputs, torch.float32)
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run(FORMS[name], inputs, torch.float32)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3


def peak_beside(name: str, seq_len: int) -> float:
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(measure_peak, (name, seq_len))


def main(lengths: tuple[int, ...] = LENGTHS) -> None:
    torch.set_num_threads(1)
    print(
        f"torch {torch.__version__}, {DEVICE}, 1 thread, batch {BATCH}, {N_HEADS} heads of {D_HEAD}"
    )
    print(
        f"{'length':>7} {'form':>9} "
        + "".join(f"{part:>9}" for part in PARTS)
        + f"{'ms':>10}{'of plain':>10}{'peak MB':>10}"
    )
    # First of all: on Linux a process begins with the peak of the one that starts it.
    peaks = {
        (name, seq_len): peak_beside(name, seq_len)
        for seq_len in lengths
        for name in forms_of(seq_len)
    }
    for seq_len in lengths:
        inputs, forms = draw_inputs(seq_len), forms_of(seq_len)
        expected = oracle(inputs)
        seconds = best_seconds(inputs, forms)
        for name in forms:
            errors = [""] * len(PARTS)  # plain attention has none: it computes something else
            if name != "plain":
                got = run(FORMS[name], inputs, torch.float32)
                errors = [f"{error:.1e}" for error in relative_errors(got, expected)]
            print(
                f"{seq_len:>7} {name:>9} "
                + "".join(f"{error:>9}" for error in errors)
                + f"{1e3 * seconds[name]:>10.1f}{seconds[name] / seconds['plain']:>10.2f}"
                + f"{peaks[name, seq_len]:>10.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main(tuple(int(argument) for argument in sys.argv[1:]) or LENGTHS)
