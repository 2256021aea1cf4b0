"""What is different on a GPU: no waiting for it, products in bfloat16, steps as one graph."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

READ_SECONDS = 0.5  # reading a number waits for all that was asked of the GPU before
WARM_UP = 3  # steps before a capture, as torch's documentation of CUDA graphs advises


@dataclass(frozen=True)
class Gpu:
    """What an experiment allows on a GPU; on other devices nothing changes.

    bf16: matrix products of training in bfloat16 (autocast); weights and evaluation stay float32.
    graph: every step does the same operations, whatever the numbers and the step: it may be
    captured once and replayed.
    """

    bf16: bool = False
    graph: bool = False

    def autocast(self, device: torch.device) -> AbstractContextManager[Any]:
        """The precision of a loss."""
        if self.bf16 and device.type == "cuda":
            return torch.autocast(device.type, torch.bfloat16)
        return nullcontext()  # to enter a disabled autocast costs every step


class Points:
    """Losses on their way from the device: read at once from a CPU, now and then from a GPU."""

    def __init__(self, device: torch.device) -> None:
        self._at_once = device.type == "cpu"
        self._held: list[tuple[int, Tensor]] = []
        self._read = time.monotonic()

    def add(self, step: int, losses: Tensor, *, last: bool) -> list[tuple[int, list[float]]]:
        """Hold the losses of a step; (step, losses) of all that are read now."""
        self._held.append((step, losses))
        if not (self._at_once or last or time.monotonic() - self._read > READ_SECONDS):
            return []
        points = [(held, each.flatten().tolist()) for held, each in self._held]
        self._held.clear()
        self._read = time.monotonic()
        return points


class Captured:
    """Forward and backward of one step as a CUDA graph, replayed on batches of the same shapes.

    backward: from a batch to losses, leaving gradients in `parameters`. generators: what it draws
    from; they go on as they would without a graph.
    """

    def __init__(
        self,
        backward: Callable[[Any], Tensor],
        batch: Any,
        parameters: Sequence[Tensor],
        generators: Sequence[torch.Generator],
    ) -> None:
        self._batch = [tensor.clone() for tensor in flat(batch)]
        states = [generator.get_state() for generator in generators]
        static = _refilled(batch, iter(self._batch))
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                backward(static)
                _forget(parameters)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
            self._graph.register_generator_state(generator)
        with torch.cuda.graph(self._graph):
            self._losses = backward(static)
        self._parameters = parameters
        self._gradients = [parameter.grad for parameter in parameters]

    def fits(self, batch: Any) -> bool:
        """Whether the batch has the shapes of the one that was captured."""
        return [t.shape for t in flat(batch)] == [t.shape for t in self._batch]

    def backward(self, batch: Any) -> Tensor:
        """Replay it on another batch."""
        for own, tensor in zip(self._batch, flat(batch), strict=True):
            own.copy_(tensor, non_blocking=True)
        self._graph.replay()
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            parameter.grad = gradient
        return self._losses.clone()


def flat(batch: Any) -> list[Tensor]:
    """The tensors of a batch, in order."""
    if isinstance(batch, Tensor):
        return [batch]
    parts = batch.values() if isinstance(batch, dict) else batch
    return [tensor for part in parts for tensor in flat(part)]


def _refilled(batch: Any, tensors: Any) -> Any:
    if isinstance(batch, Tensor):
        return next(tensors)
    if isinstance(batch, dict):
        return {key: _refilled(part, tensors) for key, part in batch.items()}
    return tuple(_refilled(part, tensors) for part in batch)


def _forget(parameters: Sequence[Tensor]) -> None:
    for parameter in parameters:
        parameter.grad = None
