"""A network of logic gates, relaxed so that a gradient can choose the gates.

Petersen, Borgelt, Kuehne, Deussen (2022), arXiv:2210.08277. Equations are numbered as in NOTES.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

Gates = Literal["all", "unary"]
Init = Literal["gaussian", "residual"]
Conjunction = Literal["product", "minimum"]

PASS_A = 3  # what a residual gate starts as
UNARY = (0, 3, 5, 10, 12, 15)  # the gates that look at one input or none
RESIDUAL_LOGIT = 5.0  # e^5 / (e^5 + 15): the gate that passes `a` begins with 91 %


def gate_coefficients() -> Tensor:
    """What the sixteen gates are made of, (16, 4): gate i is c0 + c1 a + c2 b + c3 ab.  (1)

    In the published order: the outputs of gate i for ab = 00, 01, 10, 11 are i in binary. On
    probabilities (1) is the probability that the gate gives 1, when its inputs are independent.
    """
    return torch.tensor(
        [
            [0, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, -1], [0, 1, 0, 0],  # false  and  a>b  a
            [0, 0, 1, -1], [0, 0, 1, 0], [0, 1, 1, -2], [0, 1, 1, -1],  # a<b  b  xor  or
            [1, -1, -1, 1], [1, -1, -1, 2], [1, 0, -1, 0], [1, 0, -1, 1],  # nor  xnor  not b  a>=b
            [1, -1, 0, 0], [1, -1, 0, 1], [1, 0, 0, -1], [1, 0, 0, 0],  # not a  a<=b  nand  true
        ],
        dtype=torch.float32,
    )  # fmt: skip


def relaxed_gate(c: Tensor, a: Tensor, b: Tensor, conjunction: Conjunction = "product") -> Tensor:
    """Gates, or mixtures of gates, of inputs in [0, 1].

    c: (n_gates, 4). a, b: (n_gates, batch) -> (n_gates, batch). conjunction: what "a and b" means
    between 0 and 1; `minimum` is another logic that is right on bits as well.
    """
    c0, c1, c2, c3 = c.mT[..., None].unbind()  # each (n_gates, 1)
    if conjunction == "minimum":
        return c0 + c1 * a + c2 * b + c3 * torch.minimum(a, b)
    # c0 + c1 a + (c2 + c3 a) b
    return torch.addcmul(torch.addcmul(c0, c1, a), torch.addcmul(c2, c3, a), b)


class LogicLayer(nn.Module):
    """Gates with two fixed random inputs each, and a learned distribution over what each gate is.

    x: (n_in, batch) -> (n_gates, batch), features first: what a gate reads is then one row. In
    training mode a gate is the mean of all under its distribution, in eval mode the likeliest.

    gates: `unary` leaves out the ten that need both inputs. init: of the logits, N(0, 1) or, for
    `residual`, nearly certain to pass the first input (Petersen et al. 2024).
    temperature: divides the logits, which start as many times larger: the mixtures are the same at
    first, and change as many times more slowly. is_learned: if not, the gates drawn at first are
    for good.
    """

    wires: Tensor
    table: Tensor
    logits: Tensor

    def __init__(
        self,
        n_in: int,
        n_gates: int,
        *,
        gates: Gates = "all",
        init: Init = "gaussian",
        temperature: float = 1.0,
        is_learned: bool = True,
    ) -> None:
        super().__init__()
        self.n_in, self.n_gates = n_in, n_gates
        self.init, self.temperature, self.is_learned = init, temperature, is_learned
        self.kinds = range(16) if gates == "all" else UNARY
        self.register_buffer("wires", torch.zeros(2, n_gates, dtype=torch.long))  # what each reads
        self.register_buffer("table", gate_coefficients()[list(self.kinds)])
        logits = torch.zeros(n_gates, len(self.kinds))
        if is_learned:
            self.logits = nn.Parameter(logits)
        else:
            self.register_buffer("logits", logits)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the wires, then the logits.

        Each gate reads two neighbours on a random circle through all inputs, so that its inputs are
        never one and the same, and every input is read as often as any other. Gates are shuffled:
        those that vote for a class shall not share their inputs.
        """
        circles = [torch.randperm(self.n_in) for _ in range(math.ceil(self.n_gates / self.n_in))]
        pairs = torch.cat([torch.stack([each, each.roll(1)]) for each in circles], 1)
        self.wires.copy_(pairs[:, : self.n_gates][:, torch.randperm(self.n_gates)])
        if self.init == "gaussian":
            self.logits.normal_()
        else:
            self.logits.zero_()
            self.logits[:, self.kinds.index(PASS_A)] = RESIDUAL_LOGIT
        self.logits.mul_(self.temperature)

    def chosen(self) -> Tensor:
        """The likeliest gate of each, (n_gates,), a row of `table`."""
        return self.logits.argmax(-1)

    def coefficients(self) -> Tensor:
        """What is evaluated, (n_gates, 4): mixtures of gates in training mode, else gates."""
        if self.training and self.is_learned:
            return (self.logits / self.temperature).softmax(-1) @ self.table  # (2)
        return self.table[self.chosen()]  # (3)

    def forward(self, x: Tensor) -> Tensor:
        """Read two rows a gate, and combine them."""
        a, b = x.index_select(0, self.wires.flatten()).chunk(2)
        return relaxed_gate(self.coefficients(), a, b)


def count_votes(h: Tensor, n_classes: int, tau: float) -> Tensor:
    """Sum each class's share of the last gates and divide by tau.  (4)

    h: (n_gates, batch), class by class -> logits (batch, n_classes).
    """
    return h.reshape(n_classes, -1, h.shape[-1]).sum(1).mT / tau


class LogicNetwork(nn.Module):
    """Layers of gates, the last of which votes for classes.

    x: (batch, n_bits) in [0, 1] -> logits (batch, n_classes). learned: which layers learn, or none,
    with a linear readout of the last gates in place of the votes. Section 3.
    """

    def __init__(
        self,
        n_bits: int,
        n_classes: int,
        n_layers: int,
        n_gates: int,
        tau: float,
        *,
        gates: Gates = "all",
        init: Init = "gaussian",
        temperature: float = 1.0,
        learned: Literal["all", "last", "readout"] = "all",
    ) -> None:
        super().__init__()
        self.n_classes, self.tau = n_classes, tau
        widths = [n_bits] + [n_gates] * n_layers
        self.layers = nn.ModuleList(
            LogicLayer(
                widths[i],
                n_gates,
                gates=gates,
                init=init,
                temperature=temperature,
                is_learned=learned == "all" or (learned == "last" and i == n_layers - 1),
            )
            for i in range(n_layers)
        )
        self.readout = nn.Linear(n_gates, n_classes) if learned == "readout" else None

    @property
    def logic_layers(self) -> Sequence[LogicLayer]:
        """The layers, from the inputs on."""
        return list(self.layers)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Relaxed in training mode, hard in eval mode."""
        h = x.mT
        for layer in self.layers:
            h = layer(h)
        if self.readout is not None:
            logits: Tensor = self.readout(h.mT)
            return logits
        return count_votes(h, self.n_classes, self.tau)


@torch.no_grad()
def vote_accuracy(model: LogicNetwork, x: Tensor, classes: Tensor) -> Tensor:
    """How well each last gate alone tells its own class from the others, (n_gates,).

    Half for a gate that says the same always: the mean of the share of its class's examples for
    which it gives 1 and the share of all others for which it gives 0. x: (batch, n_bits), bits.
    """
    h = x.mT
    for layer in model.eval().layers:
        h = layer(h)
    own = torch.arange(len(h), device=h.device) // (len(h) // model.n_classes)
    is_own = (classes == own[:, None]).to(h.dtype)  # (n_gates, batch)
    hits = (h * is_own).sum(1) / is_own.sum(1)
    rejections = ((1 - h) * (1 - is_own)).sum(1) / (1 - is_own).sum(1)
    return (hits + rejections) / 2
