"""What is measured of a trained network, and of a part of the images that is no picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from paperbench.lab import Examples
from paperbench.papers.resnet.model import Network


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
