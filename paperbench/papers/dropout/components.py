"""The parts of dropout that can be replaced, and broken versions of them for `falsify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from paperbench.components import component, mutation
from paperbench.papers.dropout.model import Dropout

if TYPE_CHECKING:
    from paperbench.engine.interface import Interface


@component("dropout/mask", original=Dropout)
def mask(part: Interface) -> None:
    """A torch module built as `Dropout(n_units, rate, mask)` that maps h, (..., n_units), to its
    shape; `is_random`, `keep` and `scale` are read by the experiments.
    """
    layer = part.module(6, 0.5, "fresh")
    h = part.input(3, 6)
    for module in (layer.train(), layer.eval()):
        output = part.tensor(part.run(module, h), (3, 6))
        part.passes_gradients(output, h)
    part.has(layer, "is_random", "keep", "scale")


@mutation("dropout/mask", "one-mask-for-the-batch")
class OneMaskForTheBatch(Dropout):
    """The same units are left out for every example of a batch."""

    def forward(self, h: Tensor) -> Tensor:
        """Thin all rows alike."""
        if not self.training or not self.is_random:
            return super().forward(h)
        kept = torch.rand_like(h[:1]).lt_(self.keep)
        return h * kept.mul_(self.scale)


@mutation("dropout/mask", "active-in-eval")
class ActiveInEval(Dropout):
    """Units are left out in eval mode, too."""

    def forward(self, h: Tensor) -> Tensor:
        """Thin whatever the mode."""
        if not self.is_random:
            return super().forward(h)
        return h * torch.rand_like(h).lt_(self.keep).mul_(self.scale)
