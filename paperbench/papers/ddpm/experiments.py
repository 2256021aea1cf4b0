"""What is trained and measured. The claims about it are in claims/ddpm.yaml."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from paperbench.lab import (
    Metrics,
    Run,
    Split,
    accuracy,
    adam,
    error,
    experiment,
    nats,
    ratio,
    train,
)
from paperbench.papers.ddpm.diffusion import Schedule, bound, sample
from paperbench.papers.ddpm.examples import draw_points, read_examples, ring
from paperbench.papers.ddpm.measures import (
    class_spread,
    frechet_distance,
    kernel_distance,
    matched_gaussian,
)
from paperbench.papers.ddpm.mixture import ExactNoise
from paperbench.papers.ddpm.model import DiffusionModel, ResidualMLP, denoising_loss
from paperbench.papers.ddpm.snapshots import Film, few, noised, scores, times

WEIGHTS = (0.0, 0.5, 1.0, 2.0, 4.0)  # of guidance


def _fit(
    run: Run,
    split: Split,
    build: Callable[[], DiffusionModel],
    steps: int,
    batch_size: int,
    lr: float,
) -> DiffusionModel:
    return train(
        run,
        build=build,
        batches=split.train.batches(batch_size),
        loss=denoising_loss,
        optimizer=adam(lr),
        schedule=lambda progress: 1 - progress,
        steps=steps,
    ).model


def _keep_film(run: Run, film: Film, schedule: Schedule, drawn: Tensor, real: Tensor) -> None:
    """Keep the way out of noise, what was believed on it, and the way of real examples into it."""
    run.keep("times", torch.tensor([*times(schedule), 0]))
    run.keep("backward", film.frames(drawn))
    run.keep("beliefs", film.beliefs())
    run.keep("forward", noised(schedule, real[: film.n], run.generator("forward film")))


@experiment(
    "ddpm/objective",
    metrics={
        "kernel": error,
        "frechet": error,
        "gaussian_kernel": error,
        "gaussian_frechet": error,
        "noise_kernel": error,
        "real_kernel": error,
    },
    chance={"kernel": "gaussian_kernel"},
)
def objective(
    run: Run,
    *,
    data: Literal["digits", "mnist", "gaussians"] = "digits",
    n_train: int = 1100,
    prediction: Literal["noise", "image", "mean"] = "noise",
    units: Literal["own", "image"] = "own",
    weight_power: float = 0.0,
    n_steps: int = 100,
    d_hidden: int = 128,
    steps: int = 2000,
    batch_size: int = 64,
    lr: float = 3e-3,
    n_samples: int = 600,
) -> Metrics:
    """Train one model without classes and compare its samples with examples held out.

    kernel and frechet are distances to those; likewise of a Gaussian with the moments of the
    training set, of noise and of the training set itself. n_steps: T. steps: of the optimiser.
    """
    split, _ = read_examples(run, data, n_train)
    model = _fit(
        run,
        split,
        lambda: DiffusionModel(
            ResidualMLP(split.n_features, split.n_classes, d_hidden),
            Schedule(n_steps),
            split.n_classes,
            prediction=prediction,
            units=None if units == "own" else units,
            weight_power=weight_power,
        ),
        steps,
        batch_size,
        lr,
    )
    given, real, generator = split.train.inputs, split.test.inputs, run.generator("samples")
    film = Film(model.estimate, model.schedule, max(1, 512 // given.shape[1]))
    drawn = sample(film, model.schedule, n_samples, given.shape[1], generator).cpu()
    gaussian = matched_gaussian(given, n_samples, generator)
    noise = torch.randn(drawn.shape, generator=generator)
    if run.seed == 0:
        run.keep("samples", few(drawn, 20))
        run.keep("gaussian", few(gaussian, 20))
        run.keep("real", few(real, 20))
        _keep_film(run, film, model.schedule, drawn, real)
    return {
        "kernel": kernel_distance(drawn, real),
        "frechet": frechet_distance(drawn, real),
        "gaussian_kernel": kernel_distance(gaussian, real),
        "gaussian_frechet": frechet_distance(gaussian, real),
        "noise_kernel": kernel_distance(noise, real),
        "real_kernel": kernel_distance(given[:n_samples], real),
    }


@experiment(
    "ddpm/guidance",
    metrics={
        "acc_w0": accuracy,
        "acc_w1": accuracy,
        "acc_null": accuracy,
        "real_acc": accuracy,
        "spread_w0": ratio,
        "spread_w2": ratio,
        "frechet_w0": error,
        "frechet_w05": error,
        "frechet_w4": error,
        "kernel_w0": error,
        "kernel_w05": error,
        "gaussian_kernel": error,
    },
    chance={"acc_w0": "acc_null", "acc_w1": "acc_null"},
)
def guidance(
    run: Run,
    *,
    data: Literal["digits", "mnist", "gaussians"] = "digits",
    n_train: int = 1100,
    labels: Literal["true", "shuffled"] = "true",
    denoiser: Literal["learned", "exact"] = "learned",
    null_share: float = 0.15,
    reach: float = 1.0,
    n_steps: int = 100,
    d_hidden: int = 128,
    steps: int = 2000,
    batch_size: int = 64,
    lr: float = 3e-3,
    n_samples: int = 600,
) -> Metrics:
    """Train one model with classes, and draw from it with more and more guidance.

    All weights start from the same noise. acc: share of samples that the judge gives the class
    asked for; acc_null: of samples for which none was asked; real_acc: of the training examples,
    with the labels that they have. spread: variance within a class asked for. denoiser: the
    `exact` one of the Gaussians trains nothing.
    """
    split, judge = read_examples(run, data, n_train, labels)
    if denoiser == "learned":
        model = _fit(
            run,
            split,
            lambda: DiffusionModel(
                ResidualMLP(split.n_features, split.n_classes, d_hidden),
                Schedule(n_steps),
                split.n_classes,
                null_share=null_share,
                reach=reach,
            ),
            steps,
            batch_size,
            lr,
        )
    else:
        schedule, informed = Schedule(n_steps), labels == "true"
        exact = ExactNoise(ring(run, spread=0.45), schedule, informed=informed)
        model = DiffusionModel(exact, schedule, split.n_classes, reach=reach)
    asked, real = torch.arange(n_samples) % split.n_classes, split.test.inputs

    def draw(weight: float | None) -> Tensor:
        classes = None if weight is None else run.to_device(asked)
        estimate = partial(model.estimate, labels=classes, weight=weight or 0.0)
        generator = run.generator("samples")
        return sample(estimate, model.schedule, n_samples, real.shape[1], generator).cpu()

    def agreement(x: Tensor, classes: Tensor) -> float:
        return float((judge(x) == classes).double().mean())

    drawn = [draw(weight) for weight in WEIGHTS]
    acc = [agreement(x, asked) for x in drawn]
    spread = [class_spread(x, asked) for x in drawn]
    frechet = [frechet_distance(x, real) for x in drawn]
    kernel = [kernel_distance(x, real) for x in drawn]
    if run.seed == 0:
        run.keep("by_weight", torch.tensor([WEIGHTS, acc, spread, frechet, kernel]))
        shown = 300 if real.shape[1] == 2 else 20
        run.keep("samples", torch.stack([few(x, shown) for x in drawn]))
        run.keep("real", few(real, shown))
    gaussian = matched_gaussian(split.train.inputs, n_samples, run.generator("gaussian"))
    return {
        "acc_w0": acc[0],
        "acc_w1": acc[2],
        "acc_null": agreement(draw(None), asked),
        "real_acc": agreement(split.train.inputs, split.train.classes),
        "spread_w0": spread[0],
        "spread_w2": spread[3],
        "frechet_w0": frechet[0],
        "frechet_w05": frechet[1],
        "frechet_w4": frechet[4],
        "kernel_w0": kernel[0],
        "kernel_w05": kernel[1],
        "gaussian_kernel": kernel_distance(gaussian, real),
    }


@experiment(
    "ddpm/bound",
    metrics={"bound": nats, "true_nll": nats, "gaussian_nll": nats},
    chance={"bound": "gaussian_nll"},
)
def likelihood_bound(
    run: Run,
    *,
    denoiser: Literal["learned", "exact"] = "learned",
    weight_power: float = 0.0,
    n_steps: int = 100,
    d_hidden: int = 64,
    steps: int = 3000,
    batch_size: int = 128,
    lr: float = 3e-3,
) -> Metrics:
    """Compare the variational bound on -log p(x) with the truth, for points from five Gaussians.

    In nats/point. gaussian_nll: of the single Gaussian with the moments of the training set.
    """
    mixture = ring(run, spread=0.15)
    split = draw_points(run, mixture)
    if denoiser == "learned":
        model = _fit(
            run,
            split,
            lambda: DiffusionModel(
                ResidualMLP(2, mixture.n_classes, d_hidden),
                Schedule(n_steps),
                mixture.n_classes,
                weight_power=weight_power,
            ),
            steps,
            batch_size,
            lr,
        )
    else:
        schedule = Schedule(n_steps)
        model = DiffusionModel(ExactNoise(mixture, schedule), schedule, mixture.n_classes)
    x, given = split.test.inputs, split.train.inputs
    gaussian = MultivariateNormal(given.mean(0), given.T.cov())
    points = x.to(model.schedule.beta.device)
    if run.seed == 0:
        film = Film(model.estimate, model.schedule, 300)
        drawn = sample(film, model.schedule, film.n, 2, run.generator("film"))
        _keep_film(run, film, model.schedule, drawn, x)
        run.keep("scores", scores(model.estimate, model.schedule))
        run.keep("means", mixture.means)
    return {
        "bound": bound(model.estimate, model.schedule, points, run.generator("bound")),
        "true_nll": mixture.nll(x),
        "gaussian_nll": -float(gaussian.log_prob(x).mean()),  # type: ignore[no-untyped-call]
    }
