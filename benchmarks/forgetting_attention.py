"""Forgetting attention: how exact and how fast is the folded form?

Relative error, forward and of each gradient, of the folded and of the naive float32 form against a
naive float64 oracle; and the time of both, forward and backward, over plain scaled dot-product
attention. All are timed in turn in one process with one thread; the best of the repeats counts.

    python -m benchmarks.forgetting_attention [length ...]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from paperbench.papers.fox.attention import forgetting_attention, naive_forgetting_attention

BATCH, N_HEADS, D_HEAD = 1, 4, 64
LENGTHS = (256, 1024, 4096)
REPEATS = 5
MAX_ORACLE = 8192  # tokens; its matrices are in float64
PARTS = ("output", "dq", "dk", "dv", "d log f")
Attention = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def plain_attention(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor) -> Tensor:
    """What the gate is added to. It ignores the gates, and has a zero gradient for them."""
    return forgetting_attention(q, k, v, None) + 0 * log_forget[..., None]


FORMS: dict[str, Attention] = {
    "plain": plain_attention,
    "folded": forgetting_attention,
    "naive": naive_forgetting_attention,
}


def draw_inputs(seq_len: int) -> list[Tensor]:
    """q, k, v, log f and the output's gradient, in float64. Gates from about .3 to .99."""
    generator = torch.Generator().manual_seed(seq_len)
    q, k, v, direction = (
        torch.randn(BATCH, N_HEADS, seq_len, D_HEAD, generator=generator, dtype=torch.float64)
        for _ in range(4)
    )
    gates = torch.randn(BATCH, N_HEADS, seq_len, generator=generator, dtype=torch.float64)
    return [q, k, v, F.logsigmoid(2 + 1.5 * gates), direction]


def run(attention: Attention, inputs: list[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """The output and the gradients of q, k, v and log f."""
    *parts, direction = (part.to(dtype) for part in inputs)
    parts = [part.requires_grad_() for part in parts]
    output = attention(*parts)
    return [output.detach(), *torch.autograd.grad(output, parts, direction)]


def relative_errors(got: list[Tensor], expected: list[Tensor]) -> list[float]:
    """Norm of the difference over norm of the oracle, for each part."""
    return [float((a.double() - b).norm() / b.norm()) for a, b in zip(got, expected, strict=True)]


def best_seconds(inputs: list[Tensor]) -> dict[str, float]:
    """Forward and backward of every form, side by side."""
    inputs = [part.float() for part in inputs]
    best = dict.fromkeys(FORMS, float("inf"))
    for repeat in range(REPEATS + 1):  # the first one warms up
        for name, attention in FORMS.items():
            start = time.perf_counter()
            run(attention, inputs, torch.float32)
            if repeat:
                best[name] = min(best[name], time.perf_counter() - start)
    return best


def main(lengths: tuple[int, ...] = LENGTHS) -> None:
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, cpu, 1 thread, batch {BATCH}, {N_HEADS} heads of {D_HEAD}")
    print(
        f"{'length':>7} {'form':>7} "
        + "".join(f"{part:>9}" for part in PARTS)
        + f"{'ms':>10}{'of plain':>10}"
    )
    for seq_len in lengths:
        if seq_len > MAX_ORACLE:
            raise SystemExit(f"the oracle goes up to {MAX_ORACLE} tokens, and {seq_len} were asked")
        inputs = draw_inputs(seq_len)
        oracle = run(naive_forgetting_attention, inputs, torch.float64)
        seconds = best_seconds(inputs)
        for name in ("folded", "naive"):
            errors = relative_errors(run(FORMS[name], inputs, torch.float32), oracle)
            print(
                f"{seq_len:>7} {name:>7} "
                + "".join(f"{error:>9.1e}" for error in errors)
                + f"{1e3 * seconds[name]:>10.1f}{seconds[name] / seconds['plain']:>10.2f}"
            )


if __name__ == "__main__":
    main(tuple(int(argument) for argument in sys.argv[1:]) or LENGTHS)
