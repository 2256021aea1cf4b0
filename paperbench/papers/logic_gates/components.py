"""The parts of a logic gate network that can be replaced, and ways to break them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from paperbench.components import component, mutation
from paperbench.papers.logic_gates.bits import Masks, Words, bit_gate
from paperbench.papers.logic_gates.model import LogicLayer, gate_coefficients

if TYPE_CHECKING:
    from paperbench.engine.interface import Interface


@component("logic-gates/table", original=gate_coefficients)
def try_table(part: Interface) -> None:
    """A function without arguments that returns the coefficients of the sixteen gates, (16, 4),
    float32: gate i is c0 + c1 a + c2 b + c3 ab, and its outputs for ab = 00, 01, 10, 11 are the
    binary digits of i. Every output on bits must be 0 or 1.
    """
    c = part.tensor(part.call(), (16, 4))
    if c.dtype != torch.float32:
        raise part.misfit(f"returned {c.dtype}, not torch.float32")
    lines = torch.tensor([[1.0, a, b, a * b] for a in (0.0, 1.0) for b in (0.0, 1.0)])
    outputs = c @ lines.mT
    if not bool(((outputs == 0) | (outputs == 1)).all()):
        raise part.misfit("returned a gate whose output on bits is neither 0 nor 1")


@component("logic-gates/layer", original=LogicLayer)
def try_layer(part: Interface) -> None:
    """A torch module class, built as `Mine(n_in, n_gates, gates="all", init="gaussian",
    temperature=1.0, is_learned=True)`, that maps x (n_in, batch) to (n_gates, batch): mixtures of
    gates in training mode, the likeliest ones in eval mode. The experiments read `wires`
    (2, n_gates), `kinds`, `chosen()` and `coefficients()` (n_gates, 4).
    """
    if not isinstance(part.part, type):
        raise part.misfit("is not a class")
    layer = part.module(6, 9, gates="all", init="gaussian", temperature=1.0, is_learned=True)
    x = torch.rand(6, 5, generator=part.generator).requires_grad_()
    for training in (True, False):
        layer.train(training)
        part.tensor(part.run(layer, x), (9, 5))
    part.passes_gradients(part.tensor(part.run(layer.train(), x), (9, 5)), layer)
    part.has(layer, "wires", "kinds", "chosen", "coefficients")


@component("logic-gates/bit-gate", original=bit_gate)
def try_bit_gate(part: Interface) -> None:
    """A function `(masks, a, b)` that evaluates gates on words of bits. masks: (4, n_gates, 1),
    uint64, all bits set where a coefficient is odd. a, b: (n_gates, n_words), uint64 -> the same.
    The function may overwrite a and b.
    """
    masks = np.full((4, 3, 1), 2**64 - 1, dtype=np.uint64)
    a, b = np.arange(6, dtype=np.uint64).reshape(2, 3, 1)
    out = part.call(masks, a, b)
    if not isinstance(out, np.ndarray) or out.dtype != np.uint64 or out.shape != (3, 1):
        raise part.misfit("returned something else than words, uint64, of shape (3, 1)")


@mutation("logic-gates/table", "xor-is-or")
def xor_is_or() -> Tensor:
    """The 2 of a + b - 2ab is forgotten: exclusive or is the same gate as or, and so for xnor."""
    c = gate_coefficients()
    c[6], c[9] = c[7], c[8]
    return c


@mutation("logic-gates/layer", "gradient-stops")
class GradientStops(LogicLayer):
    """The inputs are cut from the graph: no gradient reaches the gates of an earlier layer."""

    def forward(self, x: Tensor) -> Tensor:
        """Keep the first layer's gradient defined, and zero."""
        return super().forward(x.detach() + 0 * x)


@mutation("logic-gates/layer", "one-input-twice")
class OneInputTwice(LogicLayer):
    """Both wires of a gate go to the same input."""

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Copy the first wire."""
        super().reset_parameters()
        self.wires[1] = self.wires[0]


@mutation("logic-gates/layer", "wires-not-shuffled")
class WiresNotShuffled(LogicLayer):
    """Gate i reads inputs i and i + 1: the wiring is local, not random."""

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Wire in order."""
        super().reset_parameters()
        gate = torch.arange(self.n_gates)
        self.wires.copy_(torch.stack([gate, gate + 1]) % self.n_in)


@mutation("logic-gates/layer", "wires-by-chance")
class WiresByChance(LogicLayer):
    """Each wire is drawn by itself: some inputs are read by no gate, others by many."""

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw with replacement."""
        super().reset_parameters()
        self.wires.copy_(torch.randint(self.n_in, (2, self.n_gates)))


@mutation("logic-gates/layer", "gate-drawn-not-chosen")
class GateDrawnNotChosen(LogicLayer):
    """The hard gate is drawn from the distribution, not the likeliest of it."""

    def chosen(self) -> Tensor:
        """Draw, the same at every call."""
        generator = torch.Generator().manual_seed(0)
        probabilities = self.logits.cpu().softmax(-1)
        return probabilities.multinomial(1, generator=generator)[:, 0].to(self.logits.device)


@mutation("logic-gates/bit-gate", "inputs-swapped")
def inputs_swapped(masks: Masks, a: Words, b: Words) -> Words:
    """A gate reads its second wire first: half of the gates do not notice."""
    return bit_gate(masks, b, a)
