"""Our LSTM layer against torch.nn.LSTM and autograd over the cell. `python -m benchmarks.lstm`

Forward and backward of one layer, batch 32, 20 steps, without padding, with the same weights;
outputs and gradients are compared before anything is timed. All are timed in turn in one process
with one thread; the best of the repeats counts. `together`: the same for several replicates by one
`torch.func.vmap` over their stacked weights, a replicate's share of the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from unittest import mock

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from paperbench.papers.seq2seq import lstm
from paperbench.papers.seq2seq.lstm import LSTM, CellState

BATCH, SEQ = 32, 20
WIDTHS = (64, 256)
REPLICATES = (3, 8)
REPEATS = 30
Task = Callable[[], list[Tensor]]  # outputs, and the gradients of x, W, U and b


def another_cell(gates: Tensor, c: Tensor) -> CellState:
    """The same cell under another name, which is run step by step."""
    return LSTM.differentiated(gates, c)


def tasks(width: int) -> dict[str, tuple[int, Task]]:
    """What is timed, with how many replicates each carries."""
    generator = torch.Generator().manual_seed(width)
    ours, theirs = LSTM(width, width), nn.LSTM(width, width, batch_first=True)
    weights = [ours.weight_in, ours.weight_state, ours.bias]
    their_weights = [theirs.weight_ih_l0, theirs.weight_hh_l0, theirs.bias_ih_l0]
    with torch.no_grad():
        for mine, other in zip(weights, their_weights, strict=True):
            other.copy_(mine.uniform_(-(width**-0.5), width**-0.5, generator=generator))
        theirs.bias_hh_l0.zero_()
    x = torch.randn(BATCH, SEQ, width, generator=generator).requires_grad_()
    direction = torch.randn(BATCH, SEQ, width, generator=generator)

    def alone(layer: nn.Module, parameters: list[nn.Parameter]) -> list[Tensor]:
        out = layer(x)[0]
        return [out.detach(), *torch.autograd.grad(out, [x, *parameters], direction)]

    def step_by_step() -> list[Tensor]:
        with mock.patch.object(lstm, "cell", another_cell):
            return alone(ours, weights)

    def together(n: int) -> Task:
        names = [name for name, _ in ours.named_parameters()]
        stacked = [
            torch.stack([each.detach()] * n).requires_grad_() for each in (x, *ours.parameters())
        ]

        def run() -> list[Tensor]:
            out = vmap(
                lambda x, *values: functional_call(
                    ours, dict(zip(names, values, strict=True)), (x,)
                )[0]
            )(*stacked)
            found = torch.autograd.grad(out, stacked, direction.expand_as(out))
            return [out.detach()[0], *(each[0] for each in found)]

        return run

    return {
        "torch.nn.LSTM": (1, lambda: alone(theirs, their_weights)),
        "ours": (1, lambda: alone(ours, weights)),
        "autograd over the cell": (1, step_by_step),
        **{f"ours, {n} together": (n, together(n)) for n in REPLICATES},
    }


def largest_error(got: list[Tensor], expected: list[Tensor]) -> float:
    """Largest difference over the largest entry, of the outputs and of each gradient."""
    return max(
        float((a - b).abs().max() / b.abs().max()) for a, b in zip(got, expected, strict=True)
    )


def best_seconds(timed: dict[str, tuple[int, Task]]) -> dict[str, float]:
    """Seconds a replicate, forward and backward."""
    best = dict.fromkeys(timed, float("inf"))
    for _ in range(REPEATS):
        for name, (n, task) in timed.items():
            start = time.perf_counter()
            task()
            best[name] = min(best[name], (time.perf_counter() - start) / n)
    return best


def main() -> None:
    """Print a row for each form and width: its error, its time, and both ratios."""
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, cpu, 1 thread, batch {BATCH}, {SEQ} steps\n")
    print("| d | layer | error | ms a replicate | of torch.nn.LSTM | of autograd over the cell |")
    print("|---|---|---|---|---|---|")
    for width in WIDTHS:
        timed = tasks(width)
        expected = timed["torch.nn.LSTM"][1]()
        errors = {name: largest_error(task(), expected) for name, (_, task) in timed.items()}
        if max(errors.values()) > 1e-5:
            raise SystemExit(f"not the same layer: {errors}")
        seconds = best_seconds(timed)
        theirs, plain = seconds["torch.nn.LSTM"], seconds["autograd over the cell"]
        for name, each in seconds.items():
            print(
                f"| {width} | {name} | {errors[name]:.0e} | {1e3 * each:.2f} "
                f"| {each / theirs:.2f} | {each / plain:.2f} |"
            )


if __name__ == "__main__":
    main()
