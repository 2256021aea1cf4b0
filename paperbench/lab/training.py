"""The one training loop. A paper gives its parts; a paper that needs another loop writes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.utils.flop_counter import FlopCounterMode

from paperbench.lab.run import Run, derive_seed

Module = TypeVar("Module", bound=nn.Module)
Batches = Callable[[torch.Generator], Iterator[Any]]  # an endless stream of batches
Loss = Callable[[Any, Any], Tensor]  # (model, batch) -> mean loss, a scalar
MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]
Schedule = Callable[[float], float]  # progress in [0, 1] -> factor of lr
CURVE_POINTS = 100  # a curve holds about so many points


@dataclass
class Fit(Generic[Module]):
    """What training leaves: the model in eval mode, and the recorded (step, loss) points."""

    model: Module
    losses: list[list[float]] = field(default_factory=list)


def train(
    run: Run,
    *,
    build: Callable[[], Module],
    batches: Batches,
    loss: Loss,
    optimizer: MakeOptimizer,
    steps: int,
    schedule: Schedule | None = None,
    clip: float | None = None,
) -> Fit[Module]:
    """Train one model for `steps` optimiser steps and return it in eval mode.

    clip: largest gradient norm. The minibatches come from a generator of their own, so that dropout
    masks (torch's global generator, seeded here) never change the data order. The FLOPs of the
    first step, forward and backward, times `steps` go into the budget.
    Raises Diverged when the loss stops being finite, OutOfTime past the run's limit.
    """
    model = run.build(build)
    parameters = [p for p in model.parameters() if p.requires_grad]
    updates = optimizer(parameters)
    base_lrs = [group["lr"] for group in updates.param_groups]
    stream = batches(run.generator("batches"))
    torch.manual_seed(derive_seed(run.seed, "train"))
    every = max(1, steps // CURVE_POINTS)
    fit = Fit(model, run.curves.setdefault("loss", []))
    examples = 0

    model.train()
    for step in range(steps):
        batch = run.to_device(next(stream))
        examples += _batch_size(batch)
        if schedule is not None:
            factor = schedule(step / steps)
            for group, lr in zip(updates.param_groups, base_lrs, strict=True):
                group["lr"] = lr * factor
        if step == 0:
            value = _first_step(run, model, batch, loss, steps)
        else:
            value = loss(model, batch)
            value.backward()  # type: ignore[no-untyped-call]
        if clip is not None:
            clip_grad_norm_(parameters, clip)
        updates.step()
        updates.zero_grad(set_to_none=True)
        if step % every == 0 or step == steps - 1:
            number = value.item()
            run.record("loss", step, number)
            run.progress(step + 1, steps, loss=number)
    run.spend(parameters=sum(p.numel() for p in parameters), examples=examples, steps=steps)
    model.eval()
    return fit


def _first_step(run: Run, model: nn.Module, batch: Any, loss: Loss, steps: int) -> Tensor:
    with FlopCounterMode(display=False) as counter:
        value = loss(model, batch)
        value.backward()  # type: ignore[no-untyped-call]
    run.spend(flops=float(counter.get_total_flops()) * steps)
    return value


def _batch_size(batch: Any) -> int:
    if isinstance(batch, dict):
        batch = next(iter(batch.values()))
    while not isinstance(batch, Tensor):
        batch = batch[0]
    return batch.shape[0]


def cross_entropy(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Mean cross-entropy in nats. batch: (inputs, classes); extra axes of classes are flattened."""
    inputs, classes = batch
    logits = model(inputs)
    return F.cross_entropy(logits.flatten(0, -2), classes.flatten())


def adam(lr: float, *, betas: tuple[float, float] = (0.9, 0.999)) -> MakeOptimizer:
    """Adam (Kingma and Ba 2015)."""
    return lambda parameters: Adam(parameters, lr=lr, betas=betas, fused=True)


def adamw(
    lr: float, *, weight_decay: float = 0.0, betas: tuple[float, float] = (0.9, 0.999)
) -> MakeOptimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""
    return lambda parameters: AdamW(
        parameters, lr=lr, betas=betas, weight_decay=weight_decay, fused=True
    )


def sgd(lr: float, *, momentum: float = 0.0) -> MakeOptimizer:
    """Stochastic gradient descent with momentum."""
    return lambda parameters: SGD(parameters, lr=lr, momentum=momentum)


def warmup_cosine(*, warmup: float = 0.1, floor: float = 0.05) -> Schedule:
    """Rise linearly over the first `warmup` of training, then fall as a cosine to `floor`."""

    def factor(progress: float) -> float:
        if progress < warmup:
            return (progress + 1e-3) / (warmup + 1e-3)
        fraction = (progress - warmup) / (1 - warmup)
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * fraction))

    return factor
