"""The networks that dropout has sampled from, and what their average predicts. Section 7.5."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.papers.dropout.model import Dropout


@torch.no_grad()
def sample_probabilities(model: nn.Module, x: Tensor, n_samples: int) -> Tensor:
    """Predictions of sampled networks, a new one for every row: (n_samples, batch, n_classes).

    A model without fresh masks is one network, of which a single sample is taken. Draws from
    torch's global generator, as training does. The model is left in eval mode.
    """
    random = any(part.is_random for part in model.modules() if isinstance(part, Dropout))
    model.train()
    try:
        return torch.stack([F.softmax(model(x), -1) for _ in range(n_samples if random else 1)])
    finally:
        model.eval()


def error_rate(probabilities: Tensor, classes: Tensor) -> float:
    """Share of wrong classes. probabilities: (..., batch, n_classes); a mean over what leads."""
    return float((probabilities.argmax(-1) != classes).double().mean())


def distance(probabilities: Tensor, others: Tensor) -> float:
    """Mean total variation, in [0, 1], between predictions (..., batch, n_classes)."""
    return float((probabilities - others).abs().sum(-1).double().mean()) / 2  # (6)


def geometric_mean(h: Tensor, output: Callable[[Tensor], Tensor], dropout: Dropout) -> Tensor:
    """Renormalised geometric mean of the softmax outputs of all 2^n thinned networks.

    h: (batch, n_units) -> probabilities (batch, n_classes). output: (..., n_units) -> logits
    (..., n_classes). Every mask counts by its probability. Enumerated: for a few units only.
    """
    masks = torch.tensor(list(itertools.product((0.0, 1.0), repeat=h.shape[-1])), dtype=h.dtype)
    n_kept = masks.sum(-1)
    keep = torch.tensor(dropout.keep, dtype=h.dtype)
    log_weights = n_kept * keep.log() + (h.shape[-1] - n_kept) * (1 - keep).log()  # log P(r)
    thinned = h[:, None, :] * masks * dropout.scale  # (batch, 2^n, n_units)
    log_p = F.log_softmax(output(thinned), -1)
    return F.softmax((log_weights.exp()[:, None] * log_p).sum(1), -1)  # (4)
