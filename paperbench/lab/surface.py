"""The loss around trained weights, in a plane that can be drawn."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from paperbench.lab.run import Run


@torch.no_grad()
def loss_surface(
    run: Run,
    model: nn.Module,
    batch: tuple[Tensor, Tensor],
    *,
    points: int = 15,
    reach: float = 1.0,
) -> Tensor:
    """Cross entropy of a batch in a plane through the trained weights, (points, points), nats.

    Li et al. 2018 (arXiv:1712.09913, section 4): two random directions, every filter of which is
    scaled to the norm of the model's own; biases and what scales a normalised channel stay. Rows
    and columns go from -reach to reach times a direction. The model is in whatever mode it is, and
    is left as it was. The directions depend on the seed and on a weight's name alone.
    """
    x, classes = batch
    weights = dict(model.named_parameters())
    filters = {name: weight for name, weight in weights.items() if weight.dim() > 1}
    first, second = (
        {name: _like(w, run.generator(f"surface/{axis}/{name}")) for name, w in filters.items()}
        for axis in ("first", "second")
    )
    steps = torch.linspace(-reach, reach, points).tolist()

    def loss(down: float, right: float) -> Tensor:
        moved = {n: w + down * first[n] + right * second[n] for n, w in filters.items()}
        averages = {name: buffer.clone() for name, buffer in model.named_buffers()}
        logits = functional_call(model, {**weights, **moved, **averages}, (x,))
        return F.cross_entropy(logits, classes)

    return torch.stack([torch.stack([loss(a, b) for b in steps]) for a in steps])


def _like(weight: Tensor, generator: torch.Generator) -> Tensor:
    """A random direction, every filter of which, (n_filters, ...), has the norm of the weight's."""
    direction = torch.randn(weight.shape, generator=generator).to(weight.device)
    over = tuple(range(1, weight.dim()))
    norms = [torch.linalg.vector_norm(w, dim=over, keepdim=True) for w in (weight, direction)]
    scaled: Tensor = direction * norms[0] / norms[1]
    return scaled
