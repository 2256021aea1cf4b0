"""Before replicates train together: do they get the same numbers, and are they faster?"""

from __future__ import annotations

import math
import pickle
import random
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from paperbench.lab.run import derive_seed
from paperbench.lab.stacking import Unstackable, plain_copy, plain_state
from paperbench.lab.together import TOLERANCE, Together, Trial, Unrepeatable, beginnings, close
from paperbench.lab.training import Replicate, Training

WARM_UP, ROUNDS = 2, 5  # steps of a measurement


def try_together(trainings: Sequence[Training[Any]]) -> Trial:
    """Take the first step together and alone, of fresh replicates that are thrown away.

    Raises Unstackable when the two differ by more than rounding, or when something cannot be
    stacked; whatever the loss raises under vmap is raised as it is.
    """
    replicates = [Replicate(training) for training in trainings]
    company = Together(replicates)
    batches = [replicate.next_batch() for replicate in replicates]
    trial = Trial([], [], beginnings(company, batches), [each.model for each in replicates])
    before = plain_state(company.model)
    together = company.backward(batches).tolist()
    if plain_state(company.model) != before:
        raise Unstackable("a step changes what the model keeps beside its tensors")
    for i, (replicate, batch) in enumerate(zip(replicates, batches, strict=True)):
        with _own_draws(replicate):
            alone, flops = replicate.counted_backward(batch)
        trial.losses.append(alone.item())
        trial.flops.append(flops)
        differences = [
            (_gradient(own) - _gradient(stacked)[i], _gradient(own))
            for own, stacked in zip(replicate.parameters, company.parameters, strict=True)
        ]
        replicate.updates.zero_grad(set_to_none=True)
        off, size = (_norm(each) for each in zip(*differences, strict=True))
        same = off <= TOLERANCE * size or not math.isfinite(trial.losses[i])
        if not same or not close(together[i], trial.losses[i]):
            raise Unstackable(
                f"the first step of seed {replicate.training.run.seed} is another one together: "
                f"loss {together[i]:.6g}, alone {trial.losses[i]:.6g}"
            )
    return trial


def measure_gain(trainings: Sequence[Training[Any]]) -> float:
    """How many times as fast as one after the other they go together; a few steps of each in turn.

    The replicates are fresh, and thrown away.
    """
    company = Together([Replicate(training) for training in trainings])
    single = Replicate(trainings[0])
    gains = []
    for step in range(WARM_UP + ROUNDS):
        batch = single.next_batch()
        batches = [replicate.next_batch() for replicate in company.replicates]
        with _own_draws(single):
            alone = _seconds(single, partial(single.step, step, batch))
        together = _seconds(single, partial(company.step, step, batches))
        gains.append(len(trainings) * alone / together)
    return median(gains[WARM_UP:])


@contextmanager
def leaving_no_trace(trainings: Sequence[Training[Any]]) -> Iterator[None]:
    """Raise Unrepeatable when what is done within has changed what the runs own, or share."""
    before = _traces(trainings)
    with untouched_generators():
        yield
    if _traces(trainings) != before:
        raise Unrepeatable("trying a training changes what its run owns")


@contextmanager
def untouched_generators() -> Iterator[None]:
    """Raise Unrepeatable when the process's own generators are drawn from: they are no seed's."""
    before = _generators()
    yield
    if _generators() != before:
        raise Unrepeatable("a training draws from a generator of the process")


def _traces(trainings: Sequence[Training[Any]]) -> list[Any]:
    return [
        [plain_copy(part) for part in (t.build, t.batches, t.loss, t.optimizer, t.schedule)]
        + [dict(t.run.budget), {name: list(points) for name, points in t.run.curves.items()}]
        for t in trainings
    ]


def _generators() -> bytes:
    states = torch.get_rng_state().numpy().tobytes(), np.random.get_state(), random.getstate()
    return pickle.dumps(states)


@contextmanager
def quiet() -> Iterator[None]:
    """Without vmap's warnings of what it does slowly: how fast it is gets measured."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)
        yield


@contextmanager
def _own_draws(replicate: Replicate[Any]) -> Iterator[None]:
    """Torch's global generator as it is when the replicate begins to train; put back after."""
    device = replicate.training.run.device
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(derive_seed(replicate.training.run.seed, "train"))
        yield


def _gradient(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _norm(tensors: Sequence[Tensor]) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(
        torch.stack([torch.linalg.vector_norm(tensor) for tensor in tensors])
    )
    return norm


def _seconds(replicate: Replicate[Any], action: Callable[[], object]) -> float:
    device = replicate.training.run.device
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.synchronize(device)
    started = time.perf_counter()
    action()
    if on_gpu:
        torch.cuda.synchronize(device)
    return time.perf_counter() - started
