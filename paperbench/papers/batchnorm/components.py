"""The parts of batch normalisation that can be replaced, and ways to break them for `falsify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from paperbench.components import component, mutation
from paperbench.papers.batchnorm.model import (
    BatchNorm,
    Hidden,
    Statistics,
    gradients,
    normalise,
    normalise_by,
)

if TYPE_CHECKING:
    from paperbench.engine.interface import Interface


@component("batchnorm/normalise", original=normalise)
def try_normalise(part: Interface) -> None:
    """A function `(x, gamma, beta, eps)` that returns (y, mean, variance): y of the shape and dtype
    of x, (batch, channels), normalised by the minibatch; and the mean and the biased variance of x,
    (channels,) each, without a gradient. gamma, beta: (channels,). Gradients of y reach x, gamma
    and beta.
    """
    x, gamma, beta = (part.input(*shape).double() for shape in ((6, 3), (3,), (3,)))
    y, mean, variance = part.call(x, gamma, beta, 1e-5)
    part.passes_gradients(part.tensor(y, (6, 3)), x, gamma, beta)
    for each, name in ((mean, "a mean"), (variance, "a variance")):
        if part.tensor(each, (3,), f"returned {name} of").requires_grad:
            raise part.misfit(f"returned {name} that has a gradient")
    _keeps_dtype(part, y)


@component("batchnorm/gradients", original=gradients)
def try_gradients(part: Interface) -> None:
    """A function `(dy, normalised, inverse_std, gamma)` that returns the gradients (dx, dgamma,
    dbeta) of x, gamma and beta, where dy (batch, channels) is that of y = gamma * normalised +
    beta, and normalised = (x - mean) * inverse_std. inverse_std, gamma, dgamma, dbeta:
    (channels,). Of the dtype of dy.
    """
    dy, normalised, inverse_std, gamma = (
        part.input(*shape).detach().double() for shape in ((6, 3), (6, 3), (3,), (3,))
    )
    dx, dgamma, dbeta = part.call(dy, normalised, inverse_std, gamma)
    for each, shape in ((dx, (6, 3)), (dgamma, (3,)), (dbeta, (3,))):
        _keeps_dtype(part, part.tensor(each, shape))


@component("batchnorm/layer", original=BatchNorm)
def try_layer(part: Interface) -> None:
    """A torch module class, built as `Mine(n_channels, statistics, n_together=None, momentum=0.1,
    eps=1e-5)`, that maps x (batch, n_channels) to the same shape, and has the parameters `gamma`
    and `beta`, (n_channels,). `statistics` is "batch" wherever the part is used. In eval mode an
    example's output does not depend on the examples beside it.
    """
    layer = part.module(3, "batch", n_together=None)
    part.has(layer, "gamma", "beta")
    x = part.input(6, 3)
    for training in (True, False):
        layer.train(training)
        part.passes_gradients(part.tensor(part.run(layer, x), (6, 3)), x, layer)
    _keeps_dtype(part, part.run(layer.double(), x.detach().double()))


@component("batchnorm/hidden", original=Hidden)
def try_hidden(part: Interface) -> None:
    """A torch module class, built as `Mine(d_in, d_out, norm=module or None, activation="relu",
    gain=1.414)`, that maps u (batch, d_in) to (batch, d_out). `norm` maps (batch, d_out) to its
    shape.
    """
    for norm in (None, torch.nn.Identity()):
        layer = part.module(3, 4, norm=norm, activation="relu", gain=1.414)
        u = part.input(6, 3)
        part.passes_gradients(part.tensor(part.run(layer, u), (6, 4)), u, layer)


def _keeps_dtype(part: Interface, value: Tensor) -> None:
    if value.dtype != torch.float64:
        raise part.misfit(f"returned {value.dtype} for an input of torch.float64")


@mutation("batchnorm/normalise", "only-centred")
def only_centred(
    x: Tensor, gamma: Tensor, beta: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The mean is subtracted, and nothing is divided by the deviation."""
    mean = x.mean(0)
    return gamma * (x - mean) + beta, mean.detach(), torch.ones_like(mean)


@mutation("batchnorm/normalise", "one-mean-for-all-channels")
def one_mean_for_all_channels(
    x: Tensor, gamma: Tensor, beta: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance are taken over examples and channels together."""
    mean = x.mean().expand(x.shape[1])
    variance = (x - mean).square().mean().expand(x.shape[1])
    return normalise_by(x, mean, variance, gamma, beta, eps), mean.detach(), variance.detach()


@mutation("batchnorm/normalise", "unbiased-in-training")
def unbiased_in_training(
    x: Tensor, gamma: Tensor, beta: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The minibatch is divided by the unbiased deviation, which only the averages should be of."""
    mean, variance = x.mean(0), (x - x.mean(0)).square().mean(0)
    unbiased = variance * (len(x) / (len(x) - 1))
    return normalise_by(x, mean, unbiased, gamma, beta, eps), mean.detach(), variance.detach()


@mutation("batchnorm/gradients", "statistics-are-constants")
def statistics_are_constants(
    dy: Tensor, normalised: Tensor, inverse_std: Tensor, gamma: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradient of x is as if mean and variance did not depend on it."""
    _, dgamma, dbeta = gradients(dy, normalised, inverse_std, gamma)
    return dy * gamma * inverse_std, dgamma, dbeta


@mutation("batchnorm/gradients", "variance-term-forgotten")
def variance_term_forgotten(
    dy: Tensor, normalised: Tensor, inverse_std: Tensor, gamma: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradient of x goes through the mean, but not through the variance."""
    _, dgamma, dbeta = gradients(dy, normalised, inverse_std, gamma)
    return (dy - dbeta / len(dy)) * gamma * inverse_std, dgamma, dbeta


@mutation("batchnorm/layer", "averages-the-wrong-way-round")
class AveragesTheWrongWayRound(BatchNorm):
    """A running average keeps a tenth of the old, and takes nine tenths of the new."""

    def __init__(
        self,
        n_channels: int,
        statistics: Statistics = "batch",
        *,
        n_together: int | None = None,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> None:
        super().__init__(
            n_channels, statistics, n_together=n_together, momentum=1 - momentum, eps=eps
        )


@mutation("batchnorm/layer", "minibatch-in-testing")
class MinibatchInTesting(BatchNorm):
    """Eval mode normalises by the examples that happen to be tested together."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise by what is there."""
        if self.training or self.statistics == "fixed":
            return super().forward(x)
        return normalise(x, self.gamma, self.beta, self.eps)[0]


@mutation("batchnorm/hidden", "after-the-nonlinearity")
class AfterTheNonlinearity(Hidden):
    """What is normalised is the output of the nonlinearity, not its input."""

    def forward(self, u: Tensor) -> Tensor:
        """BN(g(W u))."""
        hidden: Tensor = self.norm(self.activation(self.linear(u)))
        return hidden
