"""The closed forms that the derivation rests on. Nothing is trained."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from paperbench.lab import Metrics, Run, error, experiment
from paperbench.papers.ddpm.diffusion import Prediction, Schedule, posterior_coefficients

PREDICTIONS: tuple[Prediction, ...] = ("noise", "image", "mean")


@experiment("ddpm/identities", metrics={"posterior_error": error, "bound_error": error})
def identities(
    run: Run,
    *,
    instances: int = 200,
    numerator: Literal["before", "now"] = "before",
    weights: Literal["bound", "simple"] = "bound",
) -> Metrics:
    """Compare closed forms with what they stand for, on random numbers in double precision.

    posterior_error: of the mean and variance (7), against Bayes' rule on a grid. bound_error: of
    L_{t-1} as a weighted squared error of noise, image and mean, against the KL of two Gaussians.
    numerator: whether alpha_bar of t - 1, or of t, stands above the line in (7).
    """
    generator = run.generator("instances")
    posterior_error = bound_error = 0.0
    for instance in range(instances):
        n_steps = int(torch.randint(25, 1001, (), generator=generator))
        schedule = Schedule(n_steps, torch.float64)
        t = torch.randint(2, n_steps + 1, (1,), generator=generator)
        x0, noise, guess = torch.randn(3, 1, 1, dtype=torch.float64, generator=generator)
        x_t, variance = schedule.diffuse(x0, t, noise), schedule.posterior_variance(int(t))

        late = t if numerator == "now" else t - 1
        of_x0, of_x_t = posterior_coefficients(
            schedule.beta[t], schedule.alpha_bar[t], schedule.alpha_bar[late]
        )
        mean, spread = bayes_on_a_grid(schedule, int(t), float(x0), float(x_t))
        gaps = (float(of_x0 * x0 + of_x_t * x_t) - mean, float(variance) - spread)
        posterior_error = max(posterior_error, *map(abs, gaps))

        believed = schedule.image("noise", guess, x_t, t)  # by a network that says `guess`
        q, p = (schedule.target("mean", x, x_t, t) for x in (x0, believed))
        sigma = schedule.beta[t].sqrt()
        # What is left of the KL where the means agree is constant, and no part of (8).
        kl = kl_divergence(Normal(q, variance.sqrt()), Normal(p, sigma))
        kl = kl - kl_divergence(Normal(q, variance.sqrt()), Normal(q, sigma))
        for prediction in PREDICTIONS:
            outputs = (schedule.target(prediction, x, x_t, t) for x in (x0, believed))
            weight = schedule.bound_weight(prediction, t) if weights == "bound" else 1.0
            gap = weight * (next(outputs) - next(outputs)).square() - kl
            bound_error = max(bound_error, float(gap.abs()))
        run.progress(instance + 1, instances, posterior_error=posterior_error)
    return {"posterior_error": posterior_error, "bound_error": bound_error}


def bayes_on_a_grid(schedule: Schedule, t: int, x0: float, x_t: float) -> tuple[float, float]:
    """Mean and variance of q(x_{t-1} | x_t, x_0): (2) and (4) multiplied, and summed up."""
    beta, alpha_bar = float(schedule.beta[t]), float(schedule.alpha_bar[t - 1])
    width = (beta / (1 - beta)) ** 0.5  # of what x_t alone says of x_{t-1}
    grid = x_t / (1 - beta) ** 0.5 + width * torch.linspace(-20, 20, 8001, dtype=torch.float64)
    misfits: Tensor = (x_t - (1 - beta) ** 0.5 * grid).square() / beta
    misfits = misfits + (grid - alpha_bar**0.5 * x0).square() / (1 - alpha_bar)
    p = (-misfits / 2).softmax(0)
    mean = (p * grid).sum()
    return float(mean), float((p * (grid - mean).square()).sum())
