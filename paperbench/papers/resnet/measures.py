"""What is measured of a trained network, and of a part of the images that is no picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from paperbench.lab import Examples, Run
from paperbench.papers.resnet.model import Network

REACH, POINTS = 1.0, 13  # of a loss surface: how far it goes, and its rows and columns


@torch.no_grad()
def responses(model: Network, x: Tensor) -> Tensor:
    """Deviation of every layer's response to x, (n_layers,), in order. Section 4.2 and figure 7.

    A response is what a layer of a block gives after its normalisation, before a nonlinearity or
    a sum. x: (batch, n_features).
    """
    found: list[Tensor] = []
    layers = [layer for layer in model.blocks.modules() if isinstance(layer, nn.BatchNorm2d)]
    handles = [
        layer.register_forward_hook(lambda _, __, response: found.append(response.std()))
        for layer in layers
    ]
    model(x)
    for handle in handles:
        handle.remove()
    return torch.stack(found)


def ink_error(examples: Examples, n_classes: int) -> float:
    """Error of what sees nothing but an image's mean brightness, or not even that.

    It answers with the class whose images are, on average, nearest in brightness, or always with
    the commonest class, whichever is better on these very examples.
    """
    brightness, classes = examples.inputs.mean(1), examples.classes
    means = torch.stack([brightness[classes == c].mean() for c in range(n_classes)])
    distance = (brightness[:, None] - means).abs().nan_to_num(torch.inf)
    wrong = float((distance.argmin(1) != classes).double().mean())
    return min(wrong, 1 - examples.majority_accuracy())


@torch.no_grad()
def loss_surface(run: Run, model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Loss of a batch in a plane through the trained weights, (POINTS, POINTS), nats.

    Li et al. 2018 (arXiv:1712.09913, section 4): two random directions, every filter of which is
    scaled to the norm of the model's own; biases and what scales a normalised channel stay. Rows
    and columns go from -REACH to REACH times a direction. The model is left as it is. The
    directions depend on the seed and on a weight's name alone.
    """
    x, classes = batch
    weights = dict(model.named_parameters())
    filters = {name: weight for name, weight in weights.items() if weight.dim() > 1}
    first, second = (
        {name: _like(w, run.generator(f"surface/{axis}/{name}")) for name, w in filters.items()}
        for axis in ("first", "second")
    )
    steps = torch.linspace(-REACH, REACH, POINTS).tolist()

    def loss(down: float, right: float) -> Tensor:
        moved = {n: w + down * first[n] + right * second[n] for n, w in filters.items()}
        return F.cross_entropy(functional_call(model, {**weights, **moved}, (x,)), classes)

    return torch.stack([torch.stack([loss(a, b) for b in steps]) for a in steps])


def _like(weight: Tensor, generator: torch.Generator) -> Tensor:
    """A random direction, every filter of which, (n_filters, ...), has the norm of the weight's."""
    direction = torch.randn(weight.shape, generator=generator).to(weight.device)
    over = tuple(range(1, weight.dim()))
    norms = [torch.linalg.vector_norm(w, dim=over, keepdim=True) for w in (weight, direction)]
    scaled: Tensor = direction * norms[0] / norms[1]
    return scaled
