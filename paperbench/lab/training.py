"""The one training loop. A paper gives its parts; a paper that needs another loop writes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD, Adam, AdamW, Optimizer

from paperbench.lab.flops import count_flops
from paperbench.lab.gpu import Gpu, Points
from paperbench.lab.run import Diverged, Run, derive_seed

Module = TypeVar("Module", bound=nn.Module)
Batches = Callable[[torch.Generator], Iterator[Any]]  # an endless stream of batches
Loss = Callable[[Any, Any], Tensor]  # (model, batch) -> mean loss, a scalar
MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]
Schedule = Callable[[float], float]  # progress in [0, 1] -> factor of lr
CURVE_POINTS = 100  # a curve holds about so many points


@dataclass(frozen=True)
class Watch:
    """What is measured while a model trains: a curve of each number that `measure` returns.

    every: steps between two points; there is one before the first step and one after the last.
    measure: given the model in eval mode, without gradients; it keeps nothing of it.
    """

    every: int
    measure: Callable[[Any], Mapping[str, float]]


@dataclass
class Fit(Generic[Module]):
    """What training leaves: the model in eval mode, and the recorded (step, loss) points."""

    model: Module
    losses: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class Training(Generic[Module]):
    """What `train` was asked for by one run; the fields are its arguments."""

    run: Run
    build: Callable[[], Module]
    batches: Batches
    loss: Loss
    optimizer: MakeOptimizer
    steps: int
    schedule: Schedule | None
    clip: float | None
    padding: int | None
    gpu: Gpu
    watch: Watch | None = None


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
    padding: int | None = None,
    gpu: Gpu = Gpu(),  # noqa: B008 - it is frozen
    watch: Watch | None = None,
) -> Fit[Module]:
    """Train one model for `steps` optimiser steps and return it in eval mode.

    clip: largest gradient norm. The minibatches come from a generator of their own, so that dropout
    masks (torch's global generator, seeded here) never change the data order. The FLOPs of the
    first step, forward and backward, times `steps` go into the budget.

    Replicates of an arm may train together, as one more axis of every tensor, where that is faster;
    the result is the same within rounding. padding: what the integers of a batch may be filled up
    with along axis 1 without changing the loss, so that batches of unequal length can be stacked.
    gpu: what may be done faster there. watch: what else the run's curves shall hold.
    Raises Diverged when the loss stops being finite, OutOfTime past the run's limit.
    """
    training = Training(
        run, build, batches, loss, optimizer, steps, schedule, clip, padding, gpu, watch
    )
    fit = None if run.company is None else run.company.train(training)
    run.together = fit is not None
    return train_alone(training) if fit is None else fit


def train_alone(training: Training[Module]) -> Fit[Module]:
    """The loop itself."""
    replicate = Replicate(training)
    torch.manual_seed(derive_seed(training.run.seed, "train"))
    points = Points(training.run.device)
    for step in range(training.steps):
        if replicate.is_watched(step):
            replicate.measure(step)
        batch = replicate.next_batch()
        if step == 0:
            replicate.rates.set(step)
            value, flops = replicate.counted_backward(batch)
            training.run.spend(flops=flops)
            replicate.update()
        else:
            value = replicate.step(step, batch)
        if replicate.is_point(step):
            for at, (number,) in points.add(step, value, last=step == training.steps - 1):
                replicate.record(at, number)
    if replicate.is_watched(training.steps):
        replicate.measure(training.steps)
    return replicate.finish()


class Replicate(Generic[Module]):
    """One model in training, and what its run wants to know of it."""

    def __init__(self, training: Training[Module]):
        self.training = training
        self.model = training.run.build(training.build)
        self.model.train()
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.updates = training.optimizer(self.parameters)
        self.rates = LearningRates(training, self.updates)
        self._stream = training.batches(training.run.generator("batches"))
        self._every = max(1, training.steps // CURVE_POINTS)
        self._examples = 0

    def next_batch(self) -> Any:
        """The next minibatch, on the run's device."""
        batch = self.training.run.to_device(next(self._stream))
        self._examples += _batch_size(batch)
        return batch

    def backward(self, batch: Any) -> Tensor:
        """The loss of a batch; its gradients are added to the parameters'."""
        with self.training.gpu.autocast(self.training.run.device):
            value = self.training.loss(self.model, batch)
        value.backward()  # type: ignore[no-untyped-call]
        return value.detach()

    def counted_backward(self, batch: Any) -> tuple[Tensor, float]:
        """The same, and the FLOPs of as many steps as are asked for."""
        with count_flops() as counter:
            value = self.backward(batch)
        return value, float(counter.get_total_flops()) * self.training.steps

    def update(self) -> None:
        """Clip, let the optimiser step, forget the gradients."""
        if self.training.clip is not None:
            clip_grad_norm_(self.parameters, self.training.clip)
        self.updates.step()
        self.updates.zero_grad(set_to_none=True)

    def step(self, step: int, batch: Any) -> Tensor:
        """One optimiser step; the loss before it."""
        self.rates.set(step)
        value = self.backward(batch)
        self.update()
        return value

    def is_point(self, step: int) -> bool:
        """Whether the curve has a point here."""
        return step % self._every == 0 or step == self.training.steps - 1

    def record(self, step: int, loss: float) -> None:
        """Add a point to the curve; raises Diverged or OutOfTime."""
        self.training.run.record("loss", step, loss)
        self.training.run.progress(step + 1, self.training.steps, loss=loss)

    def is_watched(self, steps: int) -> bool:
        """Whether something is measured after so many steps."""
        watch = self.training.watch
        return watch is not None and (steps % watch.every == 0 or steps == self.training.steps)

    @torch.no_grad()
    def measure(self, steps: int) -> None:
        """Add what the model is worth after so many steps to the curves; its draws are its own.

        Raises Diverged on a value that is not finite.
        """
        assert self.training.watch is not None
        self.model.eval()
        with torch.random.fork_rng(devices=[]):
            values = self.training.watch.measure(self.model)
        self.model.train()
        for name, value in values.items():
            self.training.run.record(name, steps, value)
            if not math.isfinite(value):
                raise Diverged(f"{name} is {value} after {steps} steps")

    def finish(self) -> Fit[Module]:
        """Close the books."""
        run = self.training.run
        n_parameters = sum(p.numel() for p in self.parameters)
        run.spend(parameters=n_parameters, examples=self._examples, steps=self.training.steps)
        self.model.eval()
        return Fit(self.model, run.curves.setdefault("loss", []))


class LearningRates:
    """The schedule, applied to an optimiser's own learning rates."""

    def __init__(self, training: Training[Any], updates: Optimizer):
        self._schedule, self._steps = training.schedule, training.steps
        self._groups = [(group, group["lr"]) for group in updates.param_groups]

    def set(self, step: int) -> None:
        """Set what holds at this step."""
        if self._schedule is not None:
            factor = self._schedule(step / self._steps)
            for group, lr in self._groups:
                group["lr"] = lr * factor


def _batch_size(batch: Any) -> int:
    while not isinstance(batch, Tensor):
        if isinstance(batch, dict):
            batch = list(batch.values())
        if not isinstance(batch, tuple | list) or not batch:
            raise TypeError(f"a batch begins with a tensor, not with a {type(batch).__name__}")
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
