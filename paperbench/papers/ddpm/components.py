"""The parts of a diffusion model that can be replaced, and ways to break them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from paperbench.components import component, mutation
from paperbench.papers.ddpm.diffusion import diffuse, posterior_coefficients, reverse_step
from paperbench.papers.ddpm.model import ResidualMLP, guide

if TYPE_CHECKING:
    from paperbench.engine.interface import Interface


@component("ddpm/forward", original=diffuse)
def try_forward(part: Interface) -> None:
    """A function `(x0, noise, alpha_bar)` that returns x_t, of the shape of x0, (batch,
    n_features), and noise; alpha_bar is (batch, 1).
    """
    x0, noise, alpha_bar = part.input(4, 3), part.input(4, 3), torch.full((4, 1), 0.6)
    part.passes_gradients(part.tensor(part.call(x0, noise, alpha_bar), (4, 3)), x0, noise)


@component("ddpm/posterior", original=posterior_coefficients)
def try_posterior(part: Interface) -> None:
    """A function `(beta, alpha_bar, alpha_bar_before)`, all of one shape, at t, t and t - 1, that
    returns two tensors of that shape: what the mean of q(x_{t-1} | x_t, x_0) multiplies x_0 and
    x_t by.
    """
    numbers = (torch.full((4, 1), value) for value in (0.1, 0.45, 0.5))
    found = part.call(*numbers)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise part.misfit("does not return two tensors")
    for each in found:
        part.tensor(each, (4, 1))


@component("ddpm/step-back", original=reverse_step)
def try_step_back(part: Interface) -> None:
    """A function `(mean, sigma, noise, t)` that returns x_{t-1}, of the shape of `mean` and
    `noise`, (batch, n_features). sigma is a scalar tensor, t an int from T down to 1.
    """
    mean, noise = part.input(4, 3).detach(), part.input(4, 3).detach()
    for t in (2, 1):
        part.tensor(part.call(mean, torch.tensor(0.5), noise, t), (4, 3))


@component("ddpm/guide", original=guide)
def try_guide(part: Interface) -> None:
    """A function `(conditional, unconditional, weight)` that returns the guided prediction, of the
    shape of the two given, (batch, n_features); weight is a float, 0 for no guidance.
    """
    given, nothing = part.input(4, 3).detach(), part.input(4, 3).detach()
    part.tensor(part.call(given, nothing, 1.5), (4, 3))


@component("ddpm/network", original=ResidualMLP)
def try_network(part: Interface) -> None:
    """A torch module class, built as `Mine(n_features, n_classes, d_hidden)`, that maps x (batch,
    n_features), t and labels (batch,), integers, to the shape of x, and trains every parameter it
    has. The label `n_classes` means that no class is given.
    """
    network, x = part.module(6, 3, 16), part.input(4, 6)
    output = part.run(network, x, torch.arange(4) + 1, torch.arange(4))
    part.passes_gradients(part.tensor(output, (4, 6)), x, network)


@mutation("ddpm/forward", "signal-kept-whole")
def signal_kept_whole(x0: Tensor, noise: Tensor, alpha_bar: Tensor) -> Tensor:
    """Noise is added and the image is not scaled down: the variance of x_t grows."""
    return x0 + (1 - alpha_bar).sqrt() * noise


@mutation("ddpm/forward", "variance-for-deviation")
def variance_for_deviation(x0: Tensor, noise: Tensor, alpha_bar: Tensor) -> Tensor:
    """The noise is multiplied by its variance, the root is forgotten."""
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar) * noise


@mutation("ddpm/posterior", "root-forgotten")
def root_forgotten(
    beta: Tensor, alpha_bar: Tensor, alpha_bar_before: Tensor
) -> tuple[Tensor, Tensor]:
    """x_t is multiplied by alpha_t where its root belongs."""
    of_x0, of_x_t = posterior_coefficients(beta, alpha_bar, alpha_bar_before)
    return of_x0, of_x_t * (1 - beta).sqrt()


@mutation("ddpm/step-back", "no-noise")
def no_noise(mean: Tensor, sigma: Tensor, noise: Tensor, t: int) -> Tensor:
    """Every step back goes to the mean: nothing is drawn but the beginning."""
    return mean


@mutation("ddpm/step-back", "noise-at-the-end")
def noise_at_the_end(mean: Tensor, sigma: Tensor, noise: Tensor, t: int) -> Tensor:
    """The last step adds noise as well: algorithm 2 without its line 3."""
    return mean + sigma * noise


@mutation("ddpm/guide", "one-less")
def one_less(conditional: Tensor, unconditional: Tensor, weight: float) -> Tensor:
    """The other convention: a weight of 1 is no guidance."""
    return guide(conditional, unconditional, weight - 1)


@mutation("ddpm/guide", "wrong-way")
def wrong_way(conditional: Tensor, unconditional: Tensor, weight: float) -> Tensor:
    """The difference is taken the wrong way round, away from the class."""
    return guide(conditional, unconditional, -weight)


@mutation("ddpm/network", "no-time")
class NoTime(ResidualMLP):
    """The network is not told how noisy its input is."""

    def forward(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """See every time as the first."""
        return super().forward(x, torch.ones_like(t), labels)
