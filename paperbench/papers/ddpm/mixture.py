"""Gaussians on a circle: data in two dimensions of which everything is known."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.papers.ddpm.diffusion import Schedule


class Mixture:
    """Equally probable Gaussians N(m_c, spread^2 I), with m_c on the unit circle.

    angle: where the first one stands, radians.
    """

    def __init__(self, n_classes: int, spread: float, angle: float) -> None:
        angles = angle + 2 * math.pi * torch.arange(n_classes) / n_classes
        self.means = torch.stack([angles.cos(), angles.sin()], 1)  # (n_classes, 2)
        self.n_classes, self.spread = n_classes, spread

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Points (n, 2) and their classes (n,)."""
        labels = torch.randint(self.n_classes, (n,), generator=generator)
        return self.means[labels] + self.spread * torch.randn(n, 2, generator=generator), labels

    def log_joint(self, x: Tensor, signal: float = 1.0, noise: float = 0.0) -> Tensor:
        """Log p(c, x_t), (batch, n_classes), of x_t = signal * x_0 + noise * N(0, I)."""
        variance = (signal * self.spread) ** 2 + noise**2
        distance2 = (x[:, None] - signal * self.means).square().sum(-1)
        return -distance2 / (2 * variance) - math.log(2 * math.pi * variance * self.n_classes)

    def classify(self, x: Tensor) -> Tensor:
        """The class that a point most probably came from: Bayes' rule."""
        return self.log_joint(x).argmax(-1)

    def nll(self, x: Tensor) -> float:
        """-log p(x), nats/point."""
        return -float(self.log_joint(x).logsumexp(-1).mean())


class ExactNoise(nn.Module):
    """E[noise | x_t, class] for a mixture, called like a network: where training should arrive.

    informed: whether a class tells anything; if not, labels were drawn apart from the points.
    """

    def __init__(self, mixture: Mixture, schedule: Schedule, *, informed: bool = True) -> None:
        super().__init__()
        self.mixture, self.schedule, self.informed = mixture, schedule, informed

    def forward(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """x: (batch, 2), all at the same time t."""
        alpha_bar = float(self.schedule.alpha_bar[t[0]])
        signal, noise = math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar)
        share = self.mixture.log_joint(x, signal, noise).softmax(-1)  # p(c | x_t)
        if self.informed:
            given = F.one_hot(labels, self.mixture.n_classes + 1)[:, :-1].to(x.dtype)
            share = torch.where(labels[:, None] < self.mixture.n_classes, given, share)
        variance = (signal * self.mixture.spread) ** 2 + noise**2
        return noise / variance * (x - signal * (share @ self.mixture.means))
