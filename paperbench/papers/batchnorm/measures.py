"""What is measured of a network beside its accuracy."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from paperbench.lab import Split
from paperbench.papers.batchnorm.model import DeepNetwork, Hidden

Tensors = Mapping[str, Tensor]

PERCENTILES = (15, 50, 85)


def ink_accuracy(split: Split) -> float:
    """Test accuracy of what sees nothing but an image's mean brightness, or not even that.

    It answers with the class whose training images are, on average, nearest in brightness; or
    with one class always, where that is better.
    """
    brightness, classes = split.train.inputs.mean(1), split.train.classes
    means = torch.stack([brightness[classes == c].mean() for c in range(split.n_classes)])
    distance = (split.test.inputs.mean(1)[:, None] - means).abs().nan_to_num(torch.inf)
    right = float((distance.argmin(1) == split.test.classes).double().mean())
    return max(right, split.test.majority_accuracy())


def definition(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    """Algorithm 1 as it is printed, for x (batch, channels): its gradient is left to autograd."""
    mean = x.sum(0) / len(x)
    variance = ((x - mean) ** 2).sum(0) / len(x)
    return gamma * (x - mean) / torch.sqrt(variance + eps) + beta


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Norm of the difference, as a share of what is expected."""
    return float((found - expected).norm() / expected.norm())


def gradient_shift(model: nn.Module, batch: tuple[Tensor, Tensor], lr: float) -> float:
    """How much the last hidden layer's gradient changes when the layers below take a step.

    |G' - G| / |G|, where G is the gradient of a layer's weights before, and G' after all layers
    below it took a step of gradient descent, without momentum; both on the same batch. Santurkar et
    al. 2018 (arXiv:1805.11604, definition 2.1) measure internal covariate shift by |G' - G|; here
    it is a share of |G|, since gradients of different networks differ in size. The model is in
    training mode meanwhile, and its running averages stay what they were.
    """
    names = [name for name, _ in model.named_parameters()]
    last = max(name for name in names if name.startswith("hidden.") and "linear.weight" in name)
    below = names[: names.index(last)]
    weights = dict(model.named_parameters())
    was_training = model.training
    model.train()
    before = _gradients(model, weights, batch)
    moved = {name: weights[name] - lr * before[name] for name in below}
    after = _gradients(model, weights | moved, batch)
    model.train(was_training)
    return relative_error(after[last], before[last])


@torch.enable_grad()
def _gradients(model: nn.Module, weights: Tensors, batch: tuple[Tensor, Tensor]) -> Tensors:
    x, classes = batch
    leaves = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
    averages = {name: buffer.clone() for name, buffer in model.named_buffers()}
    loss = F.cross_entropy(functional_call(model, {**leaves, **averages}, (x,)), classes)
    return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))


@torch.no_grad()
def input_percentiles(model: DeepNetwork, x: Tensor) -> dict[str, float]:
    """The 15th, 50th and 85th percentiles of a unit's inputs, over the examples x. Figure 1 (b, c).

    They are what the nonlinearity of the first unit of the last hidden layer is given in training
    mode, where mean and variance are those of x; none where one is not finite. The model is left
    as it was.
    """
    given: list[Tensor] = []
    last = model.hidden[-1]
    assert isinstance(last, Hidden)
    handle = last.activation.register_forward_pre_hook(
        lambda _, inputs: given.append(inputs[0][:, 0])
    )
    was_training = model.training
    averages = {name: buffer.clone() for name, buffer in model.named_buffers()}
    functional_call(model.train(), averages, (x,))
    model.train(was_training)
    handle.remove()
    levels = torch.tensor(PERCENTILES, dtype=x.dtype, device=x.device) / 100
    found = given[0].quantile(levels)
    if not bool(found.isfinite().all()):
        return {}
    return {f"input_{n}": float(each) for n, each in zip(PERCENTILES, found, strict=True)}
