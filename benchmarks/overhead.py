"""What the bench costs over the same loop written by hand. `python -m benchmarks.overhead`

The same model, data order, optimiser and number of steps, interleaved in one process: the loop
that anyone would write against `lab.train` inside `engine.execute`, with progress reports.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from paperbench.engine.isolation import prepare_process
from paperbench.lab import Run, adam, cross_entropy, train

REPEATS = 9
CASES = ((64, 600), (64, 3000), (256, 600), (512, 600))  # width, steps


def build(width: int) -> nn.Module:
    """An MLP on 64 features and 10 classes."""
    return nn.Sequential(
        nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def ours(width: int, steps: int) -> None:
    """The bench's loop, reporting to nobody."""
    run = Run(seed=0, data_name="digits", time_limit=1e6, report=lambda *_: None)
    split = run.data("digits").split(run.generator("split"), train=500)
    train(
        run,
        build=lambda: build(width),
        batches=split.train.batches(64),
        loss=cross_entropy,
        optimizer=adam(1e-3),
        steps=steps,
    )


def by_hand(width: int, steps: int) -> None:
    """The same training in a plain loop."""
    run = Run(seed=0, data_name="digits")
    split = run.data("digits").split(run.generator("split"), train=500)
    model = build(width)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    stream = split.train.batches(64)(run.generator("batches"))
    for _ in range(steps):
        inputs, classes = next(stream)
        F.cross_entropy(model(inputs), classes).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def seconds(loop: Callable[[int, int], None], width: int, steps: int) -> float:
    """Wall time of one training."""
    started = time.perf_counter()
    loop(width, steps)
    return time.perf_counter() - started


def main() -> None:
    """Print a row for each case: both times and the median of the paired ratios."""
    prepare_process()
    print(
        f"{'width':>5} {'steps':>5} {'bench s':>8} {'by hand s':>9} {'ratio':>7}   "
        f"(median of {REPEATS} interleaved pairs)"
    )
    for case in CASES:
        seconds(ours, *case)
        seconds(by_hand, *case)
        pairs = [(seconds(ours, *case), seconds(by_hand, *case)) for _ in range(REPEATS)]
        mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"{case[0]:5} {case[1]:5} {mine:8.3f} {theirs:9.3f} {ratio:7.3f}")


if __name__ == "__main__":
    main()
