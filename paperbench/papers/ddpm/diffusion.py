"""The forward process, what it leaves to learn, and the way back. Ho et al. 2020, sections 2, 3."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

Prediction = Literal["noise", "image", "mean"]
Estimate = Callable[[Tensor, int], Tensor]  # (x_t, t) -> what is believed of x_0


class Schedule(nn.Module):
    """beta_t and alpha_bar_t, indexed by t = 0..T, where t = 0 is the image itself.

    beta rises linearly from 0.1/T to 20/T: for T = 1000 from 1e-4 to 0.02, as in section 4. For a
    smaller T the steps are larger and x_T is as noisy. sigma_t^2 is beta_t, the first of the two
    choices in section 3.2. Times `t` are (batch,), what depends on them (batch, 1).
    """

    beta: Tensor
    alpha_bar: Tensor

    def __init__(self, n_steps: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.n_steps = n_steps
        rates = torch.linspace(0.1, 20, n_steps, dtype=torch.float64) / n_steps
        beta = torch.cat([torch.zeros(1, dtype=torch.float64), rates])
        self.register_buffer("beta", beta.to(dtype))
        self.register_buffer("alpha_bar", (1 - beta).cumprod(0).to(dtype))

    def diffuse(self, x0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """x_t, of the shape of x0, (batch, n_features)."""
        return diffuse(x0, noise, self.alpha_bar[t][:, None])

    def posterior_variance(self, t: int) -> Tensor:
        """The variance of q(x_{t-1} | x_t, x_0), a scalar; 0 for t = 1."""
        return self.beta[t] * (1 - self.alpha_bar[t - 1]) / (1 - self.alpha_bar[t])  # (7)

    def target(self, prediction: Prediction, x0: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
        """What a network that predicts `prediction` should return."""
        of_x0, of_x_t = self._coefficients(prediction, t)
        return of_x0 * x0 + of_x_t * x_t

    def image(self, prediction: Prediction, output: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
        """The x_0 that such an output stands for: `target` solved for x_0."""
        of_x0, of_x_t = self._coefficients(prediction, t)
        return (output - of_x_t * x_t) / of_x0

    def exchange(self, prediction: Prediction, units: Prediction, t: Tensor) -> Tensor:
        """By how much what `units` says moves when what `prediction` says moves by 1."""
        return self._coefficients(units, t)[0] / self._coefficients(prediction, t)[0]

    def bound_weight(self, prediction: Prediction, t: Tensor) -> Tensor:
        """What L_{t-1} multiplies the squared error of such an output by: for noise see (12).

        It is the squared distance of two means over 2 sigma^2 (8).
        """
        return self.exchange(prediction, "mean", t).square() / (2 * self.beta[t][:, None])

    def _coefficients(self, prediction: Prediction, t: Tensor) -> tuple[Tensor, Tensor]:
        """Every target is a multiple of x_0 plus a multiple of x_t: the two."""
        alpha_bar = self.alpha_bar[t][:, None]
        signal, spread = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
        if prediction == "noise":
            return -signal / spread, 1 / spread  # (4) solved for epsilon
        if prediction == "image":
            return torch.ones_like(signal), torch.zeros_like(signal)
        return posterior_coefficients(
            self.beta[t][:, None], alpha_bar, self.alpha_bar[t - 1][:, None]
        )


def diffuse(x0: Tensor, noise: Tensor, alpha_bar: Tensor) -> Tensor:
    """A draw from q(x_t | x_0) = N(sqrt(alpha_bar_t) x_0, (1 - alpha_bar_t) I), made of `noise`."""
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise  # (4)


def posterior_coefficients(
    beta: Tensor, alpha_bar: Tensor, alpha_bar_before: Tensor
) -> tuple[Tensor, Tensor]:
    """What the mean of q(x_{t-1} | x_t, x_0) multiplies x_0 and x_t by.

    beta, alpha_bar: at t; alpha_bar_before: at t - 1. All of one shape.
    """
    of_x0 = alpha_bar_before.sqrt() * beta / (1 - alpha_bar)
    of_x_t = (1 - beta).sqrt() * (1 - alpha_bar_before) / (1 - alpha_bar)
    return of_x0, of_x_t  # (7)


def reverse_step(mean: Tensor, sigma: Tensor, noise: Tensor, t: int) -> Tensor:
    """x_{t-1} from the mean of p(x_{t-1} | x_t); the last step, t = 1, adds no noise."""
    return mean + sigma * noise if t > 1 else mean  # algorithm 2, line 4


@torch.no_grad()
def sample(
    estimate: Estimate, schedule: Schedule, n: int, n_features: int, generator: torch.Generator
) -> Tensor:
    """N images, (n, n_features), from noise. Algorithm 2."""
    device = schedule.beta.device
    x = torch.randn(n, n_features, generator=generator).to(device)
    for t in range(schedule.n_steps, 0, -1):
        times = torch.full((n,), t, device=device)
        mean = schedule.target("mean", estimate(x, t), x, times)
        noise = torch.randn(n, n_features, generator=generator).to(device)
        x = reverse_step(mean, schedule.beta[t].sqrt(), noise, t)
    return x


@torch.no_grad()
def bound(estimate: Estimate, schedule: Schedule, x0: Tensor, generator: torch.Generator) -> float:
    """The variational bound on -log p(x_0), nats/example: (5), with one x_t for every t.

    x_0 has a density, so the last step is a Gaussian, not the discrete decoder of section 3.3.
    """
    n, d = x0.shape
    last = schedule.alpha_bar[-1]
    total = 0.5 * (last * x0.square() - last - torch.log1p(-last)).sum(1)  # L_T
    for t in range(schedule.n_steps, 0, -1):
        times, sigma2 = torch.full((n,), t, device=x0.device), schedule.beta[t]
        x_t = schedule.diffuse(x0, times, torch.randn(n, d, generator=generator).to(x0.device))
        mean = schedule.target("mean", estimate(x_t, t), x_t, times)
        true_mean = schedule.target("mean", x0, x_t, times)  # x_0 itself for t = 1
        total += (mean - true_mean).square().sum(1) / (2 * sigma2)  # (8)
        if t > 1:
            share = schedule.posterior_variance(t) / sigma2
            total += 0.5 * d * (share - 1 - share.log())  # the rest of the KL, L_{t-1}
        else:
            total += 0.5 * d * (2 * math.pi * sigma2).log()  # the rest of L_0
    return float(total.mean())
