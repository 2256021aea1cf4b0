"""Dropout and the two networks it is tried on.

Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 15 (2014); first in Hinton et al.,
arXiv:1207.0580 (2012). The equations are numbered as in NOTES.md.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Mask = Literal["fresh", "frozen", "unscaled"]


class Dropout(nn.Module):
    """Multiply every unit of every example by its own coin: r * h / p, with r ~ Bernoulli(p).

    rate: the probability 1 - p that a unit is dropped (the paper's p is the one it is kept with).
    mask: what becomes of the two ideas in it.
        fresh: dropout. In eval mode every unit is there, and dividing by p in training has
            already made the mean input of the next layer the same.
        frozen: one mask is drawn per unit when the module is built and never again; it holds in
            training and in eval mode. As many units are gone, but there is one network only.
        unscaled: fresh masks without the division, and nothing instead of it in eval mode.

    h: (..., n_units) -> (..., n_units). Masks come from torch's global generator, which `train`
    seeds. Raises ValueError unless 0 <= rate < 1.
    """

    frozen_mask: Tensor

    def __init__(self, n_units: int, rate: float, mask: Mask = "fresh") -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"a dropout rate lies in [0, 1), and is {rate}")
        self.keep = 1 - rate
        self.mask = mask
        self.scale = 1.0 if mask == "unscaled" else 1 / self.keep
        self.register_buffer("frozen_mask", torch.ones(n_units))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the mask of `frozen`: exactly the share `keep` of the units, rounded, stays."""
        if self.mask == "frozen":
            n_units = len(self.frozen_mask)
            kept = torch.randperm(n_units)[: max(1, round(self.keep * n_units))]
            self.frozen_mask = torch.zeros(n_units).index_fill_(0, kept, 1.0)

    @property
    def is_random(self) -> bool:
        """Whether two passes in training mode differ."""
        return self.keep < 1 and self.mask != "frozen"

    def forward(self, h: Tensor) -> Tensor:
        """Thin `h` in training mode; in eval mode return what stands for all thinned networks."""
        if self.mask == "frozen":
            return h * (self.frozen_mask * self.scale)
        if not self.training or not self.is_random:
            return h  # (3): E[r / p] = 1
        kept = torch.rand_like(h).lt(self.keep).to(h.dtype)  # (1): r, 0 or 1
        return h * kept.mul_(self.scale)  # (2)


class Classifier(nn.Module):
    """A network of two hidden ReLU layers with dropout before and after each. Section 6.1.1."""

    def __init__(
        self,
        n_features: int,
        d_hidden: int,
        n_classes: int,
        *,
        dropout: float,
        mask: Mask,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        # A frozen mask on the inputs would erase pixels for good: lost data, not lost freshness.
        input_rate = 0.0 if mask == "frozen" else input_dropout
        self.input_dropout = Dropout(n_features, input_rate, mask)
        self.first = nn.Linear(n_features, d_hidden)
        self.first_dropout = Dropout(d_hidden, dropout, mask)
        self.second = nn.Linear(d_hidden, d_hidden)
        self.second_dropout = Dropout(d_hidden, dropout, mask)
        self.output = nn.Linear(d_hidden, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, n_features) -> logits (batch, n_classes)."""
        h = self.input_dropout(x)
        h = self.first_dropout(F.relu(self.first(h)))  # (batch, d_hidden)
        h = self.second_dropout(F.relu(self.second(h)))
        logits: Tensor = self.output(h)
        return logits


class Autoencoder(nn.Module):
    """One layer of ReLU features with dropout, and a linear decoder. Section 7.2."""

    def __init__(self, n_features: int, d_hidden: int, *, dropout: float, mask: Mask) -> None:
        super().__init__()
        self.encoder = nn.Linear(n_features, d_hidden)
        self.dropout = Dropout(d_hidden, dropout, mask)
        self.decoder = nn.Linear(d_hidden, n_features)

    def encode(self, x: Tensor) -> Tensor:
        """The features as the decoder sees them, (batch, d_hidden)."""
        features: Tensor = self.dropout(F.relu(self.encoder(x)))
        return features

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, n_features) -> its reconstruction, of the same shape."""
        reconstruction: Tensor = self.decoder(self.encode(x))
        return reconstruction


def reconstruction_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Mean squared error per pixel. batch: (images, classes); the classes are not used."""
    images, _ = batch
    return F.mse_loss(model(images), images)
