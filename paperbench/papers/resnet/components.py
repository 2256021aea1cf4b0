"""The parts of a residual network that can be replaced, and ways to break them for `falsify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.components import component, mutation
from paperbench.papers.resnet.model import Block, Network, Shortcut, join

if TYPE_CHECKING:
    from paperbench.engine.interface import Interface


@component("resnet/join", original=join)
def try_join(part: Interface) -> None:
    """A function `(branch, x, shortcut)` that returns the sum of a block, before its last relu.
    branch, x: (batch, channels, height, width), F(x) and x. shortcut: a torch module that x goes
    through, or None where there is no way round the branch; then the branch is returned.
    """
    branch, x = part.input(2, 3, 4, 4), part.input(2, 3, 4, 4)
    summed = part.tensor(part.call(branch, x, nn.Identity()), (2, 3, 4, 4))
    part.passes_gradients(summed, branch, x)
    alone = part.tensor(part.call(branch, x, None), (2, 3, 4, 4))
    if not torch.equal(alone, branch):
        raise part.misfit("changes the branch where there is no shortcut")


@component("resnet/block", original=Block)
def try_block(part: Interface) -> None:
    """A torch module class, built as `Mine(n_channels, shortcut)`, that maps x (batch, n_channels,
    height, width) to the same shape and keeps its dtype. `shortcut` is "none" (a plain block),
    "identity" or "projection".
    """
    for shortcut in ("none", "identity", "projection"):
        block = part.module(3, shortcut)
        x = part.input(2, 3, 4, 4)
        part.passes_gradients(part.tensor(part.run(block, x), (2, 3, 4, 4)), x, block)
        if part.run(block.double(), x.detach().double()).dtype != torch.float64:
            raise part.misfit("does not keep the dtype of its input")


@component("resnet/network", original=Network)
def try_network(part: Interface) -> None:
    """A torch module class, built as `Mine(side, n_channels, n_classes, depth=8,
    shortcut="identity")`, that maps x (batch, side * side) to logits (batch, n_classes), and keeps
    its blocks in `blocks`, an `nn.Sequential`. `shortcut` is "none", "identity" or "projection".
    """
    for shortcut in ("none", "identity", "projection"):
        network = part.module(4, 3, 5, depth=8, shortcut=shortcut)
        part.has(network, "blocks")
        x = part.input(6, 16)
        part.passes_gradients(part.tensor(part.run(network, x), (6, 5)), x, network)


@mutation("resnet/join", "halved")
def halved(branch: Tensor, x: Tensor, shortcut: nn.Module | None) -> Tensor:
    """The shortcut's share is halved, F(x) + x / 2: what goes round 12 blocks is nearly gone."""
    return branch if shortcut is None else branch + 0.5 * shortcut(x)


@mutation("resnet/join", "without-gradient")
def without_gradient(branch: Tensor, x: Tensor, shortcut: nn.Module | None) -> Tensor:
    """The value is right, but no gradient goes round the branch."""
    return branch if shortcut is None else branch + shortcut(x.detach())


@mutation("resnet/join", "one-channel-only")
def one_channel_only(branch: Tensor, x: Tensor, shortcut: nn.Module | None) -> Tensor:
    """The shortcut carries the first channel alone, as when shapes are broadcast by mistake."""
    if shortcut is None:
        return branch
    return torch.cat([branch[:, :1] + shortcut(x)[:, :1], branch[:, 1:]], 1)


@mutation("resnet/block", "relu-before-the-sum")
class ReluBeforeTheSum(Block):
    """The branch ends in a relu of its own, so that a block can only add."""

    def forward(self, x: Tensor) -> Tensor:
        """relu(relu(F(x)) + x)."""
        branch = F.relu(self.second(F.relu(self.first(x))))
        return F.relu(join(branch, x, self.shortcut))


@mutation("resnet/block", "linear-branch")
class LinearBranch(Block):
    """The relu between the two layers of the branch is forgotten."""

    def forward(self, x: Tensor) -> Tensor:
        """relu(W2 W1 x + x)."""
        return F.relu(join(self.second(self.first(x)), x, self.shortcut))


@mutation("resnet/network", "every-second-block-plain")
class EverySecondBlockPlain(Network):
    """Only every second block has its shortcut, so that nothing goes round all of them."""

    def __init__(
        self, side: int, n_channels: int, n_classes: int, *, depth: int, shortcut: Shortcut
    ) -> None:
        super().__init__(side, n_channels, n_classes, depth=depth, shortcut=shortcut)
        for block in list(self.blocks)[1::2]:
            assert isinstance(block, Block)
            block.shortcut = None
