"""Replicates as one more axis of every tensor: one step of all for little more than one of one.

A replicate's numbers are those it has alone, within rounding: its own data order, initialisation,
draws, optimiser state and gradient clipping. (Which replicates are beside it, and its place among
them, may show in the last bits.) What cannot be stacked, or gives other numbers, is left to
`train_alone`.
"""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from paperbench.errors import RunError
from paperbench.lab.draws import OwnDraws
from paperbench.lab.gpu import Captured, Points, flat
from paperbench.lab.run import Run, derive_seed
from paperbench.lab.stacking import (
    Unstackable,
    fingerprint,
    require_alike,
    require_same_update,
    require_unshared,
    stack,
    stack_batches,
    tensors_of,
)
from paperbench.lab.training import Fit, LearningRates, Replicate, Training

TOLERANCE = 1e-3  # of the largest element; rounding alone is below 1e-5, another draw near 1
CLIP_EPSILON = 1e-6  # as torch.nn.utils.clip_grad_norm_


class Together:
    """Replicates of one structure, stacked.

    Raises Unstackable when more than their tensors differs.
    """

    def __init__(self, replicates: Sequence[Replicate[Any]]) -> None:
        first = replicates[0]
        self.replicates = replicates
        self.training = first.training
        models = [replicate.model for replicate in replicates]
        for other in replicates[1:]:
            require_alike(first, other)
        require_unshared(first.model)
        self.model = copy.deepcopy(first.model)
        self._slots: list[tuple[dict[str, Any], str]] = []
        self.tensors: list[Tensor] = []
        place = {id(tensor): i for i, tensor in enumerate(tensors_of(models[0]))}
        stacked = [stack(each) for each in zip(*map(tensors_of, models), strict=True)]
        for module, own in zip(self.model.modules(), models[0].modules(), strict=True):
            for slots, owned in (
                (module._parameters, own._parameters),
                (module._buffers, own._buffers),
            ):
                for name, tensor in owned.items():
                    if tensor is not None:
                        self._slots.append((slots, name))
                        self.tensors.append(stacked[place[id(tensor)]])
        self.stacked = stacked
        self.parameters = [tensor for tensor in stacked if tensor.requires_grad]
        self.updates = self.training.optimizer(cast("list[nn.Parameter]", self.parameters))
        require_same_update(self.updates, self.parameters, first)
        self.rates = LearningRates(self.training, self.updates)
        device = self.training.run.device
        self.generators = [
            torch.Generator(device).manual_seed(derive_seed(replicate.training.run.seed, "train"))
            for replicate in replicates
        ]
        self._draws = OwnDraws(self.generators)
        self.graph: Captured | None = None
        self._losses = torch.func.vmap(self._loss_of_one, randomness="error")

    @property
    def may_capture(self) -> bool:
        """Whether the experiment and the device allow a CUDA graph."""
        return self.training.gpu.graph and self.training.run.device.type == "cuda"

    def step(self, step: int, batches: Sequence[Any]) -> Tensor:
        """One optimiser step of all; the losses, (n_replicates,)."""
        self.rates.set(step)
        losses = self.backward(batches)
        if self.training.clip is not None:
            self._clip(self.training.clip)
        self.updates.step()
        self.updates.zero_grad(set_to_none=True)
        return losses

    def backward(self, batches: Sequence[Any]) -> Tensor:
        """The losses, (n_replicates,); the gradients are in `parameters`, stacked."""
        stacked = stack_batches(batches, self.training.padding)
        if self.graph is not None and self.graph.fits(stacked):
            return self.graph.backward(stacked)
        return self._backward(stacked)

    def capture(self, batches: Sequence[Any]) -> None:
        """From now on replay the step instead of carrying it out, where it has these shapes.

        The capture is left out where it is not possible, or gives other numbers.
        """
        stacked = stack_batches(batches, self.training.padding)
        before = [generator.get_state() for generator in self.generators]
        expected = self._backward(stacked)
        self.updates.zero_grad(set_to_none=True)
        try:
            self._rewind(before)
            graph = Captured(self._backward, stacked, self.parameters, self.generators)
            self._rewind(before)
            if torch.allclose(graph.backward(stacked), expected, rtol=TOLERANCE):
                self.graph = graph
        except RuntimeError as problem:  # what cannot be captured says so
            warnings.warn(f"a step is not captured as a CUDA graph: {problem}", stacklevel=2)
        self._rewind(before)
        self.updates.zero_grad(set_to_none=True)

    def _rewind(self, states: Sequence[Tensor]) -> None:
        for generator, state in zip(self.generators, states, strict=True):
            generator.set_state(state)

    def _backward(self, stacked: Any) -> Tensor:
        with self._draws, self.training.gpu.autocast(self.training.run.device):
            losses: Tensor = self._losses(self.tensors, stacked)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        return losses.detach()

    @torch.no_grad()
    def unstack(self) -> None:
        """Give every replicate's model what it has become."""
        for i, replicate in enumerate(self.replicates):
            for own, stacked in zip(tensors_of(replicate.model), self.stacked, strict=True):
                own.copy_(stacked[i])

    def measure(self, steps: int, ended: Sequence[RunError | None]) -> list[RunError | None]:
        """Watch every replicate that has not ended; who has ended now, and of what."""
        if not self.replicates[0].is_watched(steps):
            return list(ended)
        self.unstack()
        return [
            error or _attempt(partial(replicate.measure, steps))
            for replicate, error in zip(self.replicates, ended, strict=True)
        ]

    def _loss_of_one(self, tensors: Sequence[Tensor], batch: Any) -> Tensor:
        # As torch.func.functional_call does, less its look-ups by name at every step.
        for (slots, name), tensor in zip(self._slots, tensors, strict=True):
            slots[name] = tensor
        self._draws.anchor = tensors[0].detach()
        loss: Tensor = self.training.loss(self.model, batch)
        if any(
            slots[name] is not tensor
            for (slots, name), tensor in zip(self._slots, tensors, strict=True)
        ):
            raise Unstackable("the model puts another tensor in the place of one of its own")
        return loss

    @torch.no_grad()
    def _clip(self, largest: float) -> None:
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norms = torch.stack([torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients])
        total = torch.linalg.vector_norm(norms, dim=0)  # (n_replicates,)
        factor = (largest / (total + CLIP_EPSILON)).clamp(max=1.0)
        torch._foreach_mul_(gradients, [factor.view(-1, *[1] * (g.dim() - 1)) for g in gradients])


@dataclass(frozen=True)
class Trial:
    """What each replicate was at its first step, alone.

    flops: those of all steps. beginnings: of its tensors and first batch. models: thrown away, but
    kept until training has begun, to see that it builds others.
    """

    losses: list[float]
    flops: list[float]
    beginnings: list[str]
    models: list[nn.Module]


def train_together(trainings: Sequence[Training[Any]], trial: Trial) -> list[Trained]:
    """Train all of them at once: what each would have returned, or raised, alone.

    Raises Unrepeatable when the first step is not that of the trial: what the run gave to `train`
    has changed by being used, so that its numbers would not be those of a run alone.
    """
    company = Together([Replicate(training) for training in trainings])
    if any(replicate.model in trial.models for replicate in company.replicates):
        raise Unrepeatable("the same model is built twice")
    ended: list[RunError | None] = [None] * len(trainings)
    clocks = [Sharing(training.run, len(trainings)) for training in trainings]
    for training, flops in zip(trainings, trial.flops, strict=True):
        training.run.spend(flops=flops)
    steps, points = trainings[0].steps, Points(trainings[0].run.device)
    for step in range(steps):
        ended = company.measure(step, ended)
        batches = [replicate.next_batch() for replicate in company.replicates]
        if step == 0 and beginnings(company, batches) != trial.beginnings:
            raise Unrepeatable("the same seed begins in another way the next time")
        losses = company.step(step, batches)
        if step == 0 and not all(map(close, losses.tolist(), trial.losses)):
            raise Unrepeatable("the first loss is another one the next time")
        if step == 0 and company.may_capture:
            company.capture(batches)
        if not company.replicates[0].is_point(step):
            continue
        for at, values in points.add(step, losses, last=step == steps - 1):
            for i, value in enumerate(values):
                clocks[i].tick()
                if ended[i] is None:
                    ended[i] = _attempt(partial(company.replicates[i].record, at, value))
        if None not in ended:
            break
    company.unstack()
    ended = company.measure(steps, ended)
    return [
        Trained(error or replicate.finish(), generator.get_state())
        for replicate, error, generator in zip(
            company.replicates, ended, company.generators, strict=True
        )
    ]


class Unrepeatable(Exception):
    """Beginning again gives something else: such a training must have its run alone."""


def beginnings(company: Together, batches: Sequence[Any]) -> list[str]:
    """Of each replicate's tensors and first batch, all bits."""
    return [
        fingerprint([*tensors_of(replicate.model), *flat(batch)])
        for replicate, batch in zip(company.replicates, batches, strict=True)
    ]


@dataclass(frozen=True)
class Trained:
    """What became of one replicate, and the state of its draws after training."""

    result: Fit[Any] | RunError
    draws: Tensor


class Sharing:
    """Counts to a run only its share of the time that several spend together."""

    def __init__(self, run: Run, n: int) -> None:
        self._run, self._others = run, 1 - 1 / n
        self._last = time.perf_counter()

    def tick(self) -> None:
        """Time has passed."""
        now = time.perf_counter()
        self._run.away += (now - self._last) * self._others
        self._last = now


def close(one: float, other: float) -> bool:
    """Whether two losses differ by rounding alone."""
    if not math.isfinite(one):
        return not math.isfinite(other)  # it diverges at once, together as alone
    return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE**2)


def _attempt(action: Callable[[], None]) -> RunError | None:
    try:
        action()
    except RunError as problem:
        return problem
    return None
