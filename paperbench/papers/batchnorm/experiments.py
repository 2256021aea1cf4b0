"""What is trained and measured. The claims about it are in claims/batchnorm.yaml."""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from paperbench.lab import (
    Diverged,
    Metrics,
    Run,
    Split,
    Watch,
    accuracy,
    cross_entropy,
    error,
    experiment,
    first_step,
    ratio,
    sgd,
    steps,
    train,
)
from paperbench.lab.surface import loss_surface
from paperbench.papers.batchnorm.measures import (
    definition,
    gradient_shift,
    ink_accuracy,
    input_percentiles,
    relative_error,
)
from paperbench.papers.batchnorm.model import BatchNorm, DeepNetwork

MOMENTUM = 0.9  # of SGD
N_PROBE = 256  # training images that a network is looked at with


@experiment(
    "batchnorm/classifier",
    metrics={"test_acc": accuracy, "steps_to_target": steps, "ink_acc": accuracy},
    chance={"test_acc": "ink_acc"},
)
def classifier(
    run: Run,
    *,
    data: str = "digits",
    n_train: int = 1400,
    n_layers: int = 8,
    d_hidden: int = 48,
    norm: Literal["none", "batch", "layer"] = "batch",
    statistics: Literal["batch", "unrecorded", "detached", "fixed"] = "batch",
    n_together: int | None = None,
    activation: Literal["relu", "sigmoid"] = "relu",
    gain: float = 1.414,
    lr: float = 0.03,
    n_steps: int = 250,
    batch_size: int = 64,
    target: float = 0.9,
    watch_every: int = 5,
) -> Metrics:
    """Train one deep network with SGD and watch its accuracy on test images.

    steps_to_target: until it reaches `target` for the first time, at most all of them. A network
    whose loss has stopped being finite counts as one that answers with the first class.
    """
    split = run.data(data).split(run.generator("split"), train=n_train)
    test, probe = split.test, _probe(run, split)

    def measure(model: DeepNetwork) -> dict[str, float]:
        seen = input_percentiles(model, probe[0]) if run.seed == 0 else {}
        return {"test_acc": test.accuracy(model), **seen}

    build = partial(
        DeepNetwork,
        split.n_features,
        d_hidden,
        split.n_classes,
        n_layers=n_layers,
        norm=norm,
        statistics=statistics,
        n_together=n_together,
        activation=activation,
        gain=gain,
    )
    try:
        fit = train(
            run,
            build=build,
            batches=split.train.batches(batch_size),
            loss=cross_entropy,
            optimizer=sgd(lr, momentum=MOMENTUM),
            steps=n_steps,
            watch=Watch(every=watch_every, measure=measure),
        )
        test_acc = test.accuracy(fit.model)
        if run.seed == 0:
            _keep_surfaces(run, fit.model, probe)
    except Diverged:
        test_acc = float((test.classes == 0).double().mean())
        n_parameters = sum(parameter.numel() for parameter in build().parameters())
        run.spend(parameters=n_parameters, examples=n_steps * batch_size, steps=n_steps)
    reached = first_step(run.curves["test_acc"], lambda acc: acc >= target, budget=n_steps)
    return {"test_acc": test_acc, "steps_to_target": reached, "ink_acc": ink_accuracy(split)}


def _probe(run: Run, split: Split) -> tuple[Tensor, Tensor]:
    """The training images, and their classes, that a network is looked at with."""
    x, classes = split.train.inputs[:N_PROBE], split.train.classes[:N_PROBE]
    return run.to_device(x), run.to_device(classes)


def _keep_surfaces(run: Run, model: DeepNetwork, probe: tuple[Tensor, Tensor]) -> None:
    """Keep the loss around the trained weights: in eval mode, and where that differs in training's.

    The second is what training sees: mean and variance are those of the images, at every point.
    """
    run.keep("loss_surface", loss_surface(run, model, probe))
    if list(model.buffers()):
        run.keep("loss_surface_in_training", loss_surface(run, model.train(), probe))
        model.eval()


@experiment(
    "batchnorm/inside",
    metrics={"test_acc": accuracy, "batch_acc": accuracy, "shift": ratio, "ink_acc": accuracy},
    chance={"test_acc": "ink_acc", "batch_acc": "ink_acc"},
)
def inside(
    run: Run,
    *,
    data: str = "digits",
    n_train: int = 1400,
    n_layers: int = 8,
    d_hidden: int = 48,
    norm: Literal["none", "batch", "layer"] = "batch",
    statistics: Literal["batch", "unrecorded", "detached", "fixed"] = "batch",
    lr: float = 0.03,
    n_steps: int = 250,
    batch_size: int = 64,
    watch_every: int = 25,
) -> Metrics:
    """Train one deep network and look at its gradients, and at what it answers in which mode.

    batch_acc: accuracy on test images, all at once, in training mode: normalised by their own
    statistics, not by running averages. shift: mean of `gradient_shift` over training.
    """
    split = run.data(data).split(run.generator("split"), train=n_train)
    probe = run.to_device((split.train.inputs[:batch_size], split.train.classes[:batch_size]))
    fit = train(
        run,
        build=lambda: DeepNetwork(
            split.n_features,
            d_hidden,
            split.n_classes,
            n_layers=n_layers,
            norm=norm,
            statistics=statistics,
        ),
        batches=split.train.batches(batch_size),
        loss=cross_entropy,
        optimizer=sgd(lr, momentum=MOMENTUM),
        steps=n_steps,
        watch=Watch(
            every=watch_every, measure=lambda model: {"shift": gradient_shift(model, probe, lr)}
        ),
    )
    test_acc = split.test.accuracy(fit.model)
    fit.model.train()
    batch_acc = split.test.accuracy(fit.model, batch_size=len(split.test))
    shifts = [value for _, value in run.curves["shift"]]
    return {
        "test_acc": test_acc,
        "batch_acc": batch_acc,
        "shift": sum(shifts) / len(shifts),
        "ink_acc": ink_accuracy(split),
    }


@experiment(
    "batchnorm/identities",
    metrics={"gradient_error": error, "scale_error": error, "bias_gradient": error},
)
def identities(
    run: Run,
    *,
    n_instances: int = 200,
    n_channels: int = 5,
    statistics: Literal["batch", "detached", "fixed"] = "batch",
) -> Metrics:
    """Hold one layer, y = BN(W u + b), against what the paper derives, in double precision.

    Nothing is trained. Of random layers and minibatches the largest of three relative errors:
    gradient_error: y and the gradients of x, gamma and beta, against the definition's.
    scale_error: y and the gradient of u with weights a W against those with W, and a times the
    gradient of a W against that of W, for a in [0.1, 10].
    bias_gradient: the gradient of b, as a share of what it is if mean and variance are constants.
    """
    generator = run.generator("instances")
    layer = BatchNorm(n_channels, statistics, eps=0.0).double()
    largest = {"gradient_error": 0.0, "scale_error": 0.0, "bias_gradient": 0.0}
    for instance in range(n_instances):
        batch_size = int(torch.randint(4, 20, (), generator=generator))
        u, weight, bias, gamma, beta, dy = (
            torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()
            for shape in (
                (batch_size, n_channels),
                *((n_channels, n_channels), (n_channels,), (n_channels,), (n_channels,)),
                (batch_size, n_channels),
            )
        )
        with torch.no_grad():
            layer.gamma.copy_(gamma)
            layer.beta.copy_(beta)
        a = 10 ** float(2 * torch.rand((), generator=generator) - 1)
        x = (u @ weight.T + bias).detach().requires_grad_()
        ours = _value_and_gradients(layer(x), dy, x, layer.gamma, layer.beta)
        expected = _value_and_gradients(definition(x, gamma, beta, 0.0), dy, x, gamma, beta)
        scaled = (a * weight).detach().requires_grad_()
        y, du, dweight, dbias = _value_and_gradients(
            layer(u @ weight.T + bias), dy, u, weight, bias
        )
        y_scaled, du_scaled, dscaled = _value_and_gradients(
            layer(u @ scaled.T + a * bias), dy, u, scaled
        )
        constants = (dy * gamma / x.std(0, correction=0)).sum(0).detach()
        found = {
            "gradient_error": max(map(relative_error, ours, expected)),
            "scale_error": max(
                map(relative_error, (y_scaled, du_scaled, a * dscaled), (y, du, dweight))
            ),
            "bias_gradient": float(dbias.norm() / constants.norm()),
        }
        largest = {name: max(largest[name], value) for name, value in found.items()}
        run.progress(instance + 1, n_instances, **found)
    return largest


def _value_and_gradients(y: Tensor, dy: Tensor, *wanted: Tensor | nn.Parameter) -> list[Tensor]:
    """y, and the gradients of `wanted` where dy is that of y."""
    return [y.detach(), *torch.autograd.grad(y, wanted, dy.detach())]
