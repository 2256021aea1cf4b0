"""Seeds as a batch dimension against one after the other: small models, 4, 8 and 16 seeds.

`python -m benchmarks.replicates`. Both ways are those of `lab.train`, in turn in one process:
`alone` trains the seeds one after the other, `together` trains them as one, `auto` measures a few
steps and takes the faster (together from 5 % on), trial and measurement included, which a run of so
few steps feels more than one of the bench. Every time is per step and seed, the better of two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from paperbench.engine.isolation import keep_freed_memory, prepare_process
from paperbench.engine.speeds import WORTH_IT
from paperbench.lab import Gpu, Run, adam, cross_entropy
from paperbench.lab.together import train_together
from paperbench.lab.training import Training, train_alone
from paperbench.lab.trial import measure_gain, try_together
from paperbench.papers.fox.model import LanguageModel
from paperbench.papers.seq2seq.experiments import translation_loss
from paperbench.papers.seq2seq.model import Seq2Seq
from paperbench.papers.seq2seq.pairs import PAD

SEEDS = (4, 8, 16)
REPEATS = 2


def mlp(width: int) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(
        nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def digits(batch: int) -> Callable[[torch.Generator], Iterator[tuple[Tensor, Tensor]]]:
    def stream(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield (
                torch.randn(batch, 64, generator=generator),
                torch.randint(10, (batch,), generator=generator),
            )

    return stream


def windows(batch: int, seq: int) -> Callable[[torch.Generator], Iterator[tuple[Tensor, Tensor]]]:
    def stream(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            tokens = torch.randint(103, (batch, seq + 1), generator=generator)
            yield tokens[:, :-1], tokens[:, 1:]

    return stream


def sentences(batch: int) -> Callable[[torch.Generator], Iterator[tuple[Tensor, Tensor]]]:
    def stream(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield (
                torch.randint(4, 40, (batch, 12), generator=generator),
                torch.randint(4, 40, (batch, 14), generator=generator),
            )

    return stream


def transformer(d_model: int) -> Callable[[], nn.Module]:
    return lambda: LanguageModel(
        103, d_model=d_model, n_layers=2, n_heads=2, gate="open", position="rope"
    )


CASES = {
    "MLP, width 64, batch 32": (mlp(64), digits(32), cross_entropy, 300),
    "MLP, width 64, batch 64": (mlp(64), digits(64), cross_entropy, 300),
    "MLP, width 256, batch 64": (mlp(256), digits(64), cross_entropy, 150),
    "Transformer, d_model 32, 4 x 16 tokens": (
        transformer(32), windows(4, 16), cross_entropy, 100
    ),
    "Transformer, d_model 32, 8 x 32 tokens": (
        transformer(32), windows(8, 32), cross_entropy, 60
    ),
    "Transformer, d_model 64, 12 x 64 tokens": (
        transformer(64), windows(12, 64), cross_entropy, 15
    ),
    "LSTM translator, d_model 32, batch 8": (
        lambda: Seq2Seq(41, 42, 32, score="dot"), sentences(8), translation_loss, 60
    ),
    "LSTM translator, d_model 64, batch 32": (
        lambda: Seq2Seq(41, 42, 64, score="dot"), sentences(32), translation_loss, 30
    ),
}  # fmt: skip


def main() -> None:
    prepare_process()
    keep_freed_memory()
    for threads, counts in ((1, SEEDS), (2, (8,))):
        torch.set_num_threads(threads)
        print(f"\n{threads} thread{'s' if threads > 1 else ''}; ms a step and seed.\n")
        print("| model | seeds | alone | together | ratio | auto | auto over the better |")
        print("|---|---|---|---|---|---|---|")
        for name, (build, batches, loss, steps) in CASES.items():
            for seeds in counts:
                print(_row(name, seeds, lambda: _trainings(seeds, build, batches, loss, steps)))  # noqa: B023


def _row(name: str, seeds: int, make: Callable[[], list[Training]]) -> str:
    times: dict[str, list[float]] = {"alone": [], "together": [], "auto": []}
    steps = make()[0].steps
    for _ in range(REPEATS):
        for way, carry_out in (("alone", _alone), ("together", _together), ("auto", _auto)):
            trainings = make()
            started = time.perf_counter()
            carry_out(trainings)
            times[way].append(1e3 * (time.perf_counter() - started) / steps / seeds)
    alone, together, auto = (min(each) for each in times.values())
    return (
        f"| {name} | {seeds} | {alone:.3f} | {together:.3f} | {alone / together:.2f} "
        f"| {auto:.3f} | {auto / min(alone, together):.2f} |"
    )


def _trainings(seeds: int, build, batches, loss, steps: int) -> list[Training]:
    return [
        Training(Run(seed=s), build, batches, loss, adam(1e-3), steps, None, None, PAD, Gpu())
        for s in range(seeds)
    ]


def _alone(trainings: list[Training]) -> None:
    for training in trainings:
        train_alone(training)


def _together(trainings: list[Training]) -> None:
    for trained in train_together(trainings, try_together(trainings)):
        if isinstance(trained.result, Exception):
            raise trained.result


def _auto(trainings: list[Training]) -> None:
    """As the bench does: try, measure, and where it does not pay begin again alone."""
    trial = try_together(trainings)
    if measure_gain(trainings) > WORTH_IT:
        train_together(trainings, trial)
    else:
        _alone(trainings)


if __name__ == "__main__":
    main()
