"""Plain and residual convolutional networks. He, Zhang, Ren, Sun 2015, arXiv:1512.03385."""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

Shortcut = Literal["none", "identity", "projection", "rolled"]


def join(branch: Tensor, x: Tensor, shortcut: nn.Module | None) -> Tensor:
    """F(x) + x: what a block adds to its input. Equation (1), before the second nonlinearity.

    branch, x: (batch, channels, height, width), F(x) and x. shortcut: what x goes through on its
    way round the branch; None: there is no way round.
    """
    return branch if shortcut is None else branch + shortcut(x)


class Rolled(nn.Module):
    """The input of the example before: as large as one's own, and of no use."""

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, ...) -> the same shape."""
        return x.roll(1, 0)


class Convolution(nn.Module):
    """A convolution without bias and the normalisation of its channels. Section 3.4.

    Initial weights are He's: normal, of variance 2 / fan_in. The normalisation takes the
    minibatch's own mean and variance in eval mode too: it is the training error that is compared,
    and running averages would mix their lag into it.
    """

    def __init__(self, n_in: int, n_out: int, *, kernel: int = 3) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(n_out, track_running_stats=False)

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        weight = self.convolution.weight
        nn.init.normal_(weight, std=math.sqrt(2 / weight[0].numel()))

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, n_in, height, width) -> the response, (batch, n_out, height, width)."""
        response: Tensor = self.norm(self.convolution(x))
        return response


class Block(nn.Module):
    """y = relu(F(x) + x), where F is two layers with a relu between them. Figure 2.

    shortcut: what is added to F(x).
        none: nothing, as in a plain network.
        identity: x. projection: x through a convolution of 1 x 1 (option C of section 4.1).
        rolled: the x of another example. There is as much to add, and it says nothing.

    x: (batch, n_channels, height, width) -> the same shape.
    """

    def __init__(self, n_channels: int, shortcut: Shortcut) -> None:
        super().__init__()
        self.first = Convolution(n_channels, n_channels)
        self.second = Convolution(n_channels, n_channels)
        self.shortcut: nn.Module | None = None
        if shortcut == "identity":
            self.shortcut = nn.Identity()
        elif shortcut == "projection":
            self.shortcut = Convolution(n_channels, n_channels, kernel=1)
        elif shortcut == "rolled":
            self.shortcut = Rolled()

    def forward(self, x: Tensor) -> Tensor:
        """Two layers, and the way round them."""
        branch = self.second(F.relu(self.first(x)))
        return F.relu(join(branch, x, self.shortcut))


class Network(nn.Module):
    """One layer, blocks of two, the mean over all places, and a linear layer: `depth` layers.

    All layers have the same number of channels, and all maps the size of the image, so that an
    identity fits round every block. Raises ValueError when blocks of two do not make up the depth.
    """

    def __init__(
        self, side: int, n_channels: int, n_classes: int, *, depth: int, shortcut: Shortcut
    ) -> None:
        super().__init__()
        if depth < 4 or depth % 2:
            raise ValueError(f"the depth is 2 and 2 for every block, and cannot be {depth}")
        self.side = side
        self.first = Convolution(1, n_channels)
        self.blocks = nn.Sequential(*(Block(n_channels, shortcut) for _ in range(depth // 2 - 1)))
        self.output = nn.Linear(n_channels, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, side * side), grey -> logits (batch, n_classes)."""
        images = x.unflatten(-1, (1, self.side, self.side))  # type: ignore[no-untyped-call]
        maps = self.blocks(F.relu(self.first(images)))  # (batch, n_channels, side, side)
        logits: Tensor = self.output(maps.mean((-2, -1)))
        return logits
