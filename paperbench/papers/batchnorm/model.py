"""Batch normalisation, by hand, and a deep network that can do without it.

Ioffe and Szegedy 2015, arXiv:1502.03167.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn

Statistics = Literal["batch", "unrecorded", "detached", "fixed"]
Norm = Literal["none", "batch", "layer"]
Activation = Literal["relu", "sigmoid"]
HE_GAIN = 1.414  # He et al. 2015: the root of 2 keeps a signal its size through layers of ReLU


def gradients(
    dy: Tensor, normalised: Tensor, inverse_std: Tensor, gamma: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The backward pass: gradients of x, gamma and beta from that of y. Section 3.

    dy, normalised: (batch, channels, ...), the gradient of y and x hat. inverse_std, gamma:
    (channels,). Mean and variance depend on x, and so the gradient loses what would only change
    them: its mean, and its component along x hat.
    """
    over = _all_but_channels(dy)
    dbeta = dy.sum(over)
    dgamma = (dy * normalised).sum(over)
    n = dy.numel() // dy.shape[1]
    back = dy - _along(dbeta / n, dy) - normalised * _along(dgamma / n, dy)  # (3)
    return back * _along(gamma * inverse_std, dy), dgamma, dbeta


class Normalise(torch.autograd.Function):
    """Algorithm 1 with its gradient by hand. See `normalise`."""

    @staticmethod
    def forward(
        x: Tensor, gamma: Tensor, beta: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """y, and the mean and (biased) variance that it was normalised by, (channels,) each."""
        over = _all_but_channels(x)
        mean = x.mean(over)
        variance = (x - _along(mean, x)).square().mean(over)  # (1)
        return normalise_by(x, mean, variance, gamma, beta, eps), mean, variance  # (2)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Keep what the backward pass needs."""
        x, gamma, _, ctx.eps = inputs
        _, mean, variance = output
        ctx.mark_non_differentiable(mean, variance)
        ctx.save_for_backward(x, gamma, mean, variance)

    @staticmethod
    def backward(ctx: Any, *dy: Tensor) -> Any:
        """From the gradient of y to those of x, gamma and beta."""
        x, gamma, mean, variance = ctx.saved_tensors
        inverse_std = (variance + ctx.eps).rsqrt()
        normalised = (x - _along(mean, x)) * _along(inverse_std, x)
        return *gradients(dy[0], normalised, inverse_std, gamma), None

    @staticmethod
    def vmap(
        info: Any, in_dims: Any, x: Tensor, gamma: Tensor, beta: Tensor, eps: float
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        """Channels are normalised each by itself, so replicates are so many times the channels."""
        n = info.batch_size
        x, gamma, beta = (
            each.expand(n, *each.shape) if dim is None else each.movedim(dim, 0)
            for each, dim in zip((x, gamma, beta), in_dims[:3], strict=True)
        )
        folded = normalise(x.movedim(0, 1).flatten(1, 2), gamma.flatten(), beta.flatten(), eps)
        y, mean, variance = (
            each.unflatten(axis, (n, -1))  # type: ignore[no-untyped-call]
            for each, axis in zip(folded, (1, 0, 0), strict=True)
        )
        return (y, mean, variance), (1, 0, 0)


def normalise(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Give every channel of a minibatch the mean beta and the deviation gamma. Algorithm 1.

    x: (batch, channels, ...); what follows the channels (places of a feature map, section 3.2)
    counts as more of the batch. Returns y, of the shape of x, and the mean and variance of x,
    (channels,) each, which have no gradient.
    """
    y, mean, variance = Normalise.apply(x, gamma, beta, eps)  # type: ignore[no-untyped-call]
    return y, mean, variance


def normalise_by(
    x: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor, beta: Tensor, eps: float
) -> Tensor:
    """The same with any mean and variance, each (channels,). Algorithm 2, line 11."""
    scale = gamma * (variance + eps).rsqrt()
    return x * _along(scale, x) + _along(beta - mean * scale, x)


class BatchNorm(nn.Module):
    """Normalise every channel: over the minibatch in training, by running averages in eval mode.

    statistics: what becomes of the mean and the variance.
        batch: batch normalisation.
        unrecorded: the same in training; eval mode finds averages that were never updated.
        detached: the values are the same, but the gradient takes mean and variance for constants.
        fixed: mean 0 and variance 1 always; what is left are gamma and beta.
    n_together: of how many examples mean and variance are taken; None: of the whole minibatch.
        Less is what several workers do that share a minibatch and exchange nothing but gradients.
    momentum: the share of the new in a running average. eps: added to the variance.

    x: (batch, channels, ...) -> the same shape. Raises ValueError in training when a channel has a
    single value, which would leave beta of it and nothing else.
    """

    running_mean: Tensor
    running_variance: Tensor

    def __init__(
        self,
        n_channels: int,
        statistics: Statistics = "batch",
        *,
        n_together: int | None = None,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.statistics = statistics
        self.n_together = n_together
        self.momentum = momentum
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(n_channels))
        self.beta = nn.Parameter(torch.zeros(n_channels))
        self.register_buffer("running_mean", torch.zeros(n_channels))
        self.register_buffer("running_variance", torch.ones(n_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise, scale and shift."""
        if self.statistics == "fixed":
            return x * _along(self.gamma, x) + _along(self.beta, x)
        if not self.training:
            return normalise_by(
                x, self.running_mean, self.running_variance, self.gamma, self.beta, self.eps
            )
        if self.n_together is None:
            return self._normalise(x, self.gamma, self.beta)
        # Channels are normalised each by itself, so groups are so many times the channels.
        groups = len(x) // self.n_together
        apart = x.unflatten(0, (groups, -1)).movedim(0, 1).flatten(1, 2)  # type: ignore[no-untyped-call]
        y = self._normalise(apart, self.gamma.repeat(groups), self.beta.repeat(groups))
        return y.unflatten(1, (groups, -1)).movedim(1, 0).flatten(0, 1)  # type: ignore[no-untyped-call,no-any-return]

    def _normalise(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        n = x.numel() // x.shape[1]
        if n < 2:
            raise ValueError("a channel is normalised over two values or more, and has one")
        y, mean, variance = normalise(x, gamma, beta, self.eps)
        if self.statistics != "unrecorded":
            self._record(mean, variance * (n / (n - 1)))  # (4): Algorithm 2, line 10
        if self.statistics == "detached":
            return normalise_by(x, mean, variance, gamma, beta, self.eps)
        return y

    @torch.no_grad()
    def _record(self, mean: Tensor, unbiased_variance: Tensor) -> None:
        """Move the running averages; both (groups * channels,)."""
        if self.n_together is not None:
            n_channels = len(self.running_mean)
            mean = mean.view(-1, n_channels).mean(0)
            unbiased_variance = unbiased_variance.view(-1, n_channels).mean(0)
        old = 1 - self.momentum
        self.running_mean.mul_(old).add_(mean, alpha=self.momentum)
        self.running_variance.mul_(old).add_(unbiased_variance, alpha=self.momentum)


class Hidden(nn.Module):
    """g(BN(W u)), or g(W u + b): section 3.2. Initial weights are normal, of gain / sqrt(d_in)."""

    def __init__(
        self, d_in: int, d_out: int, *, norm: nn.Module | None, activation: Activation, gain: float
    ) -> None:
        super().__init__()
        self.gain = gain
        self.linear = nn.Linear(d_in, d_out, bias=norm is None)  # beta takes the place of b
        self.norm = nn.Identity() if norm is None else norm
        self.activation = nn.ReLU() if activation == "relu" else nn.Sigmoid()

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        nn.init.normal_(self.linear.weight, std=self.gain / math.sqrt(self.linear.in_features))
        if self.linear.bias is not None:
            nn.init.zeros_(self.linear.bias)

    def forward(self, u: Tensor) -> Tensor:
        """u: (batch, d_in) -> (batch, d_out)."""
        hidden: Tensor = self.activation(self.norm(self.linear(u)))
        return hidden


class DeepNetwork(nn.Module):
    """`n_layers` hidden layers of one width, and a linear output layer that is not normalised."""

    def __init__(
        self,
        n_features: int,
        d_hidden: int,
        n_classes: int,
        *,
        n_layers: int,
        norm: Norm,
        statistics: Statistics = "batch",
        n_together: int | None = None,
        activation: Activation = "relu",
        gain: float = HE_GAIN,
    ) -> None:
        super().__init__()
        self.hidden = nn.Sequential()
        for layer in range(n_layers):
            normaliser = None
            if norm == "batch":
                normaliser = BatchNorm(d_hidden, statistics, n_together=n_together)
            elif norm == "layer":
                normaliser = nn.LayerNorm(d_hidden)  # type: ignore[assignment]
            d_in = d_hidden if layer else n_features
            self.hidden.append(
                Hidden(d_in, d_hidden, norm=normaliser, activation=activation, gain=gain)
            )
        self.output = nn.Linear(d_hidden, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, n_features) -> logits (batch, n_classes)."""
        logits: Tensor = self.output(self.hidden(x))
        return logits


def _all_but_channels(x: Tensor) -> tuple[int, ...]:
    return (0, *range(2, x.dim()))


def _along(values: Tensor, x: Tensor) -> Tensor:
    """(channels,) to a shape that goes with x (batch, channels, ...)."""
    return values.view(-1, *[1] * (x.dim() - 2))
