"""What is trained and measured. The claims about it are in claims/grokking.yaml."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from paperbench.lab import (
    Metrics,
    Run,
    Watch,
    accuracy,
    adamw,
    cross_entropy,
    error,
    experiment,
    first_step,
    fraction,
    steps,
    train,
)
from paperbench.papers.grokking.equations import (
    Equations,
    shortcut_accuracy,
    split,
    write_equations,
)
from paperbench.papers.grokking.model import QuadraticNet, Transformer, fourier_share, write_rule

MEMORISED, GENERALISED = 0.99, 0.95  # accuracies, in training and in testing
BETAS = (0.9, 0.98)


@experiment(
    "grokking/table",
    metrics={
        "memorised_at": steps,
        "generalised_at": steps,
        "test_acc_when_memorised": accuracy,
        "train_acc": accuracy,
        "test_acc": accuracy,
        "fourier": fraction,
        "shortcut_acc": accuracy,
    },
    chance={"test_acc": "shortcut_acc"},
)
def table(
    run: Run,
    *,
    p: int = 43,
    operation: Literal["subtract", "divide", "first", "random"] = "subtract",
    train_fraction: float = 0.6,
    network: Literal["quadratic", "transformer"] = "quadratic",
    d_model: int = 128,
    weight_decay: float = 1.0,
    n_steps: int = 600,
    batch_size: int | None = None,
    lr: float = 0.01,
    watch_every: int = 5,
) -> Metrics:
    """Learn part of a table of equations, and answer the rest.

    `memorised_at` and `generalised_at` are the steps at which 99 % of the training set and 95 % of
    the others are answered rightly, looked at every `watch_every` steps; the budget `n_steps`
    stands for "not by then". batch_size: None for all equations at every step. fourier: how
    periodic the first operand's vectors are. In double precision: a loss of 1e-8 has rounding for a
    gradient in single, which would be held against the network without weight decay.
    """
    equations = write_equations(p, operation, run.generator("results"))
    train_set, test_set = split(equations, train_fraction, run.generator("split"))
    everything = Equations(
        torch.cat([train_set.pairs, test_set.pairs]),
        torch.cat([train_set.results, test_set.results]),
    )

    snapshots: list[Snapshot] = []

    def measure(model: QuadraticNet | Transformer) -> dict[str, float]:
        right = _right(run, model, everything)
        train_acc = float(right[: len(train_set)].mean())
        if run.seed == 0 and train_acc >= MEMORISED and not snapshots:
            snapshots.append(look_at(run, model, everything, p))
        return {
            "train_acc": train_acc,
            "test_acc": float(right[len(train_set) :].mean()),
            "norm": float(torch.cat([each.flatten() for each in model.parameters()]).norm()),
        }

    fit = train(
        run,
        build=lambda: (
            QuadraticNet(p, d_model) if network == "quadratic" else Transformer(p, d_model)
        ).double(),
        batches=train_set.batches(batch_size),
        loss=cross_entropy,
        optimizer=adamw(lr, weight_decay=weight_decay, betas=BETAS),
        steps=n_steps,
        watch=Watch(every=watch_every, measure=measure),
    )
    memorised_at, generalised_at = (
        first_step(run.curves[name], level.__le__, budget=n_steps)
        for name, level in (("train_acc", MEMORISED), ("test_acc", GENERALISED))
    )
    at_that_time = [acc for step, acc in run.curves["test_acc"] if step == memorised_at]
    vectors = fit.model.operand_vectors().detach().cpu()
    if run.seed == 0:
        run.keep("vectors", vectors[:, :64])
        at_end = look_at(run, fit.model, everything, p)
        keep_both(run, snapshots[0] if snapshots else at_end, at_end)
    return {
        "memorised_at": memorised_at,
        "generalised_at": generalised_at,
        "test_acc_when_memorised": at_that_time[0],
        "train_acc": run.curves["train_acc"][-1][1],
        "test_acc": run.curves["test_acc"][-1][1],
        "fourier": fourier_share(vectors),
        "shortcut_acc": shortcut_accuracy(train_set, test_set),
    }


class Snapshot(NamedTuple):
    """What is kept of a network at one time.

    sure: the probability of the right result by both operands, (p, p), 0 where there is no
    equation. vectors: of the first operand, (p, at most 64). looks: where the heads of a
    transformer look in some equations, written out and shown or not, (n_layers, n_heads, 4, 4).
    """

    sure: Tensor
    vectors: Tensor
    looks: dict[tuple[str, str], Tensor]


@torch.no_grad()
def look_at(run: Run, model: QuadraticNet | Transformer, equations: Equations, p: int) -> Snapshot:
    """Look at a network. The first two equations were shown, the last two not."""
    pairs, results = run.to_device((equations.pairs, equations.results))
    chosen = model(pairs).softmax(-1).gather(-1, results[:, None])[:, 0].cpu()
    sure = torch.zeros(p, p, dtype=chosen.dtype)
    sure[equations.pairs[:, 0], equations.pairs[:, 1]] = chosen
    looks = {}
    if isinstance(model, Transformer):
        for row, known in ((0, "shown"), (1, "shown"), (-2, "not shown"), (-1, "not shown")):
            a, b = equations.pairs[row].tolist()
            looks[f"{a} ∘ {b} =", known] = model.looks(pairs[row][None])[0].cpu()
    return Snapshot(sure, model.operand_vectors()[:, :64].cpu().clone(), looks)


def keep_both(run: Run, memorised: Snapshot, at_end: Snapshot) -> None:
    """Keep how a network looked when it knew the training set, and in the end."""
    run.keep("vectors when memorised", memorised.vectors)
    run.figure(
        "answers",
        torch.stack([memorised.sure, at_end.sure]),
        draw="heatmap",
        caption="The probability of the right result for every equation, when 99 % of those shown "
        "were known (the end, where they never were) and in the end.",
        x="second operand",
        y="first operand",
        labels=["memorised", "in the end"],
    )
    for when, snapshot in (("memorised", memorised), ("in the end", at_end)):
        for (equation, known), weights in snapshot.looks.items():
            run.attention(
                f"{equation} ({known}), {when}",
                weights,
                queries=equation.split(),
                caption="The answer is read from the row of the sign =, which may look at all.",
            )


@torch.no_grad()
def _right(run: Run, model: QuadraticNet | Transformer, equations: Equations) -> Tensor:
    """1 for every equation that is answered rightly, else 0."""
    pairs, results = run.to_device((equations.pairs, equations.results))
    right: Tensor = (model(pairs).argmax(-1) == results).double()
    return right


@experiment("grokking/rule", metrics={"largest_error": error, "wrong_share": error})
def rule(
    run: Run, *, n_instances: int = 20, phases: Literal["spread", "equal"] = "spread"
) -> Metrics:
    """Write a rule of cosines into the quadratic network and compare its logits with their sum.

    Nothing is trained. Every instance has its own prime and its own number of frequencies.
    largest_error: of a logit, relative to the largest one.
    """
    generator = run.generator("instances")
    primes = [p for p in range(11, 60) if all(p % q for q in range(2, p))]
    largest, wrong = 0.0, 0.0
    for instance in range(n_instances):
        p = primes[int(torch.randint(len(primes), (), generator=generator))]
        n_frequencies = int(torch.randint(2, p // 2 + 1, (), generator=generator))
        network = QuadraticNet(p, 9 * n_frequencies).double()
        write_rule(network, spread=phases == "spread")
        equations = write_equations(p, "subtract", generator)
        logits = network(equations.pairs).detach()
        off = equations.results[:, None] - torch.arange(p)  # a - b - c, (n, p)
        k = torch.arange(1, n_frequencies + 1)[:, None, None]
        expected = 4.5 * torch.cos(2 * torch.pi / p * (k * off).double()).sum(0)
        largest = max(largest, float((logits - expected).abs().max() / expected.abs().max()))
        wrong = max(wrong, float((logits.argmax(-1) != equations.results).double().mean()))
        run.progress(instance + 1, n_instances, largest_error=largest)
    return {"largest_error": largest, "wrong_share": wrong}
