"""What is trained and measured. The claims about it are in claims/resnet.yaml."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import SGD

from paperbench.lab import Metrics, Run, count, cross_entropy, error, experiment, ratio, train
from paperbench.lab.surface import loss_surface
from paperbench.papers.resnet.measures import ink_error, responses
from paperbench.papers.resnet.model import Block, Network

WARM_UP, DROP, AFTER = 0.25, 0.75, 0.1  # shares of training; the rate's factor at the end


@experiment(
    "resnet/classifier",
    metrics={"train_error": error, "response": ratio, "ink_error": error},
    chance={"train_error": "ink_error"},
)
def classifier(
    run: Run,
    *,
    data: str = "digits",
    n_train: int = 1500,
    n_channels: int = 12,
    depth: int = 26,
    shortcut: Literal["none", "identity", "projection", "rolled"] = "identity",
    n_steps: int = 80,
    batch_size: int = 64,
    lr: float = 0.05,
) -> Metrics:
    """Train one network and count its errors on the images that it was trained on.

    train_error: on all of them, in minibatches of the size of training, after the last step.
    response: mean of `responses`. Nothing is tested: the question is what can be optimised.
    """
    split = run.data(data).split(run.generator("split"), train=n_train)
    fit = train(
        run,
        build=lambda: Network(
            math.isqrt(split.n_features),
            n_channels,
            split.n_classes,
            depth=depth,
            shortcut=shortcut,
        ),
        batches=split.train.batches(batch_size),
        loss=cross_entropy,
        optimizer=lambda parameters: momentum_sgd(parameters, lr),
        steps=n_steps,
        schedule=warm_up_and_drop,
    )
    batch = run.to_device((split.train.inputs[:batch_size], split.train.classes[:batch_size]))
    by_layer = responses(fit.model, batch[0])
    if run.seed == 0:
        run.keep("responses", by_layer)
        run.keep("loss_surface", loss_surface(run, fit.model, batch, points=13))
    return {
        "train_error": 1 - split.train.accuracy(fit.model, batch_size=batch_size),
        "response": float(by_layer.mean()),
        "ink_error": ink_error(split.train, split.n_classes),
    }


def momentum_sgd(parameters: Iterable[nn.Parameter], lr: float) -> SGD:
    """SGD with the paper's momentum and weight decay. Section 3.4."""
    return SGD(parameters, lr=lr, momentum=0.9, weight_decay=1e-4)


def warm_up_and_drop(progress: float) -> float:
    """A linear rise over the first quarter of training; a tenth for the last quarter."""
    if progress < WARM_UP:
        return (progress + 0.01) / (WARM_UP + 0.01)
    return 1.0 if progress < DROP else AFTER


@experiment("resnet/construction", metrics={"largest_error": error})
def construction(
    run: Run,
    *,
    shortcut: Literal["identity", "projection", "rolled"] = "identity",
    n_instances: int = 20,
    n_extra: int = 3,
) -> Metrics:
    """Make random networks deeper by blocks whose weights are 0, and see what that changes.

    In double precision. largest_error: of the logits, and of the gradient that reaches the images,
    the largest norm of a difference; as a share of the shallower network's where that is above 1.
    """
    generator = run.generator("instances")
    largest = 0.0
    for instance in range(n_instances):
        shallow = run.build(
            lambda: Network(4, 5, 3, depth=8, shortcut=shortcut)  # noqa: B023
        ).double()
        with torch.no_grad():
            for parameter in shallow.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
        deep = copy.deepcopy(shallow)
        for _ in range(n_extra):
            place = int(torch.randint(len(deep.blocks) + 1, (), generator=generator))
            deep.blocks.insert(place, _zero_block(5, shortcut))
        x = torch.randn(6, 16, dtype=torch.float64, generator=generator).requires_grad_()
        back = torch.randn(6, 3, dtype=torch.float64, generator=generator)
        for ours, expected in zip(
            _logits_and_gradient(deep, x, back), _logits_and_gradient(shallow, x, back), strict=True
        ):
            size = max(1.0, float(expected.norm()))
            largest = max(largest, float((ours - expected).norm()) / size)
        run.progress(instance + 1, n_instances, largest_error=largest)
    return {"largest_error": largest}


def _zero_block(n_channels: int, shortcut: Literal["identity", "projection", "rolled"]) -> Block:
    block = Block(n_channels, shortcut).double()
    with torch.no_grad():
        for parameter in block.parameters():
            if parameter.dim() > 1:
                parameter.zero_()
    return block


def _logits_and_gradient(model: Network, x: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
    logits = model(x)
    return logits.detach(), torch.autograd.grad(logits, x, back)[0]


@experiment("resnet/cost", metrics={"extra_parameters": count})
def cost(
    run: Run, *, shortcut: Literal["identity", "projection"] = "identity", n_instances: int = 20
) -> Metrics:
    """Compare the number of parameters with that of the plain network, at random sizes.

    extra_parameters: the largest difference.
    """
    sizes = run.rng("sizes")
    extra = 0
    for _ in range(n_instances):
        n_channels, depth = int(sizes.integers(1, 17)), 2 * int(sizes.integers(2, 15))
        residual, plain = (
            sum(p.numel() for p in Network(8, n_channels, 10, depth=depth, shortcut=s).parameters())
            for s in (shortcut, "none")
        )
        extra = max(extra, abs(residual - plain))
    return {"extra_parameters": float(extra)}
