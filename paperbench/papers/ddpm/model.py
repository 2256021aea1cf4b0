"""The network that removes noise, and a diffusion model around it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.papers.ddpm.diffusion import Prediction, Schedule

N_TIME_FEATURES = 32
N_LAYERS = 2


class ResidualMLP(nn.Module):
    """Residual layers, each of which sees the time and the class, and a skip around all of them.

    The skip adds a multiple of x to the output, which depends on time and class, as the outermost
    skip of the paper's U-Net could: where x is nearly all noise, predicting noise is copying.
    x: (batch, n_features), t and labels: (batch,) -> (batch, n_features). The label `n_classes`
    means that no class is given.
    """

    frequencies: Tensor

    def __init__(self, n_features: int, n_classes: int, d_hidden: int) -> None:
        super().__init__()
        self.input = nn.Linear(n_features, d_hidden)
        self.time = nn.Linear(N_TIME_FEATURES, d_hidden)
        self.label = nn.Embedding(n_classes + 1, d_hidden)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(d_hidden, d_hidden), nn.SiLU(), nn.Linear(d_hidden, d_hidden))
            for _ in range(N_LAYERS)
        )
        self.output = nn.Linear(d_hidden, n_features)
        self.skip = nn.Linear(d_hidden, 1)
        # From 1 radian a step down to 1e-4, as the positions of a Transformer.
        frequencies = 1e-4 ** torch.linspace(0, 1, N_TIME_FEATURES // 2)
        self.register_buffer("frequencies", frequencies)

    def forward(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """Predict whatever it is trained to predict."""
        angles = t[:, None] * self.frequencies
        time = self.time(torch.cat([angles.sin(), angles.cos()], 1))
        condition = F.silu(time + self.label(labels))  # (batch, d_hidden)
        h = self.input(x)
        for layer in self.layers:
            h = h + layer(h + condition)
        output: Tensor = self.output(h) + self.skip(condition) * x
        return output


def guide(conditional: Tensor, unconditional: Tensor, weight: float) -> Tensor:
    """Away from what would be predicted without the class. Ho and Salimans 2022, equation (6)."""
    return (1 + weight) * conditional - weight * unconditional


class DiffusionModel(nn.Module):
    """A network, what it predicts, and how its errors at different t are weighted.

    weight_power: the power of the bound's weights by which errors at t count: 1 is the variational
    bound (12), 0 the simple loss (14). units: errors are those of what this prediction would be,
    instead of its own. null_share: the share of examples whose class is hidden in training; 1 is a
    model without classes. reach: no estimate of x_0 goes beyond; near t = T, errors of the noise
    are multiplied by hundreds.
    """

    weights: Tensor

    def __init__(
        self,
        network: nn.Module,
        schedule: Schedule,
        n_classes: int,
        *,
        prediction: Prediction = "noise",
        units: Prediction | None = None,
        weight_power: float = 0.0,
        null_share: float = 1.0,
        reach: float = 3.0,
    ) -> None:
        super().__init__()
        self.network, self.schedule, self.n_classes = network, schedule, n_classes
        self.prediction, self.null_share, self.reach = prediction, null_share, reach
        units, t = units or prediction, torch.arange(schedule.n_steps) + 1
        weights = schedule.bound_weight(units, t) ** weight_power
        weights = weights * schedule.exchange(prediction, units, t).square()
        self.register_buffer("weights", weights)  # (T, 1), of t = 1..T

    def loss(self, x0: Tensor, labels: Tensor) -> Tensor:
        """Algorithm 1: the mean squared error at one random t for every example."""
        n, n_steps = len(x0), self.schedule.n_steps
        t = 1 + (torch.rand(n, device=x0.device) * n_steps).long().clamp(max=n_steps - 1)
        x_t = self.schedule.diffuse(x0, t, torch.randn_like(x0))
        hidden = torch.rand(n, device=x0.device) < self.null_share
        output: Tensor = self.network(x_t, t, torch.where(hidden, self.n_classes, labels))
        errors = (output - self.schedule.target(self.prediction, x0, x_t, t)).square()
        return (self.weights[t - 1] * errors).mean()

    def estimate(
        self, x_t: Tensor, t: int, labels: Tensor | None = None, weight: float = 0.0
    ) -> Tensor:
        """What is believed of x_0, guided away from the model without classes by `weight`.

        All that can be predicted is a multiple of x_0 plus one of x_t, and the factors of `guide`
        add up to 1: whether noise, images or means are guided comes to the same.
        """
        times = torch.full((len(x_t),), t, device=x_t.device)
        nothing = torch.full_like(times, self.n_classes)
        output = self.network(x_t, times, nothing if labels is None else labels)
        if labels is not None and weight != 0:
            output = guide(output, self.network(x_t, times, nothing), weight)
        x0 = self.schedule.image(self.prediction, output, x_t, times)
        return x0.clamp(-self.reach, self.reach)


def denoising_loss(model: DiffusionModel, batch: tuple[Tensor, Tensor]) -> Tensor:
    """batch: (images in [-1, 1], classes)."""
    return model.loss(*batch)
