"""The parts of dropout that can be replaced, and ways to break them that `falsify` tries."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.components import component, mutation
from paperbench.papers.dropout import model
from paperbench.papers.dropout.ensemble import geometric_mean, sample_probabilities
from paperbench.papers.dropout.model import Classifier, Dropout, Mask

if TYPE_CHECKING:
    from collections.abc import Callable

    from paperbench.engine.interface import Interface


@component("dropout/mask", original=Dropout)
def try_mask(part: Interface) -> None:
    """A torch module class, built as `Mine(n_units, rate, mask)`, that maps h (..., n_units) to the
    same shape and dtype and returns h as it is at rate 0. `rate` is the share that is dropped;
    `mask` is "fresh" wherever the part is used. The experiments read three attributes of it:
    `keep` (1 - rate), `scale` (what kept units are multiplied by in training) and `is_random`
    (whether two passes in training mode differ).
    """
    _is_class(part)
    layer = part.module(6, 0.3, "fresh")
    part.has(layer, "is_random", "keep", "scale")
    keep: object = layer.keep
    if not isinstance(keep, float) or not math.isclose(keep, 0.7):
        raise part.misfit(f"has a `keep` of {keep!r} at rate 0.3")
    h = part.input(4, 3, 6)
    for training in (True, False):
        layer.train(training)
        part.passes_gradients(part.tensor(part.run(layer, h), (4, 3, 6)), h)
    _keeps_dtype(part, part.run(layer, h.detach().double()))
    whole = part.module(6, 0.0, "fresh")
    for training in (True, False):
        whole.train(training)
        if not torch.equal(part.tensor(part.run(whole, h), (4, 3, 6)), h):
            raise part.misfit("changes its input at rate 0, where the arms without dropout use it")


@component("dropout/classifier", original=Classifier)
def try_classifier(part: Interface) -> None:
    """A torch module class, built as `Mine(n_features, d_hidden, n_classes, dropout=rate,
    mask="fresh", input_dropout=rate)`, that maps x (batch, n_features) to logits
    (batch, n_classes), and trains every parameter it has. Its masks come from
    `paperbench.papers.dropout.model.Dropout`, by which the sampled networks are found.
    """
    _is_class(part)
    network = part.module(6, 8, 3, dropout=0.5, mask="fresh", input_dropout=0.0)
    x = part.input(5, 6)
    for training in (True, False):
        network.train(training)
        part.passes_gradients(part.tensor(part.run(network, x), (5, 3)), x, network)
    # Looked up when it is asked: another one's part may be in its place.
    if not any(each.is_random for each in network.modules() if isinstance(each, model.Dropout)):
        raise part.misfit("holds no `Dropout` that is random at rate 0.5")


@component("dropout/sampled-networks", original=sample_probabilities)
def try_sampled_networks(part: Interface) -> None:
    """A function `(model, x, n_samples)` that returns the class probabilities of `n_samples`
    thinned networks, (n_samples, batch, n_classes), for inputs x (batch, n_features), and leaves
    the model in eval mode. `model` returns logits; in training mode it draws new masks at each
    call. A model without dropout may be sampled once instead.
    """
    for rate in (0.5, 0.0):
        network = nn.Sequential(model.Dropout(6, rate, "fresh"), nn.Linear(6, 3)).eval()
        sampled = part.call(network, part.input(4, 6).detach(), 5)
        once = rate == 0 and isinstance(sampled, Tensor) and sampled.shape[:1] == (1,)
        _are_probabilities(part, part.tensor(sampled, (1 if once else 5, 4, 3)))
        if network.training:
            raise part.misfit("leaves the model in training mode")


@component("dropout/geometric-mean", original=geometric_mean)
def try_geometric_mean(part: Interface) -> None:
    """A function `(h, output, dropout)` that returns the mean prediction of all 2^n thinned
    networks, probabilities (batch, n_classes), of the dtype of h. h: (batch, n_units), without a
    mask. output: maps (..., n_units) to logits (..., n_classes). dropout: a layer whose `keep` is
    the probability of keeping a unit, and whose `scale` multiplies the units that are kept.
    """
    h = part.input(2, 5).detach().double().relu()
    weight = part.input(3, 5).detach().double()
    mean = part.call(h, lambda thinned: F.linear(thinned, weight), model.Dropout(5, 0.3, "fresh"))
    _are_probabilities(part, part.tensor(mean, (2, 3)))
    _keeps_dtype(part, mean)


def _is_class(part: Interface) -> None:
    if not isinstance(part.part, type):
        raise part.misfit("is not a class")


def _keeps_dtype(part: Interface, value: Tensor) -> None:
    if value.dtype != torch.float64:
        raise part.misfit(f"returned {value.dtype} for an input of torch.float64")


def _are_probabilities(part: Interface, value: Tensor) -> None:
    if bool((value < 0).any()) or not torch.allclose(
        value.sum(-1), torch.ones((), dtype=value.dtype), atol=1e-5
    ):
        raise part.misfit("returned numbers that are no probabilities: they do not sum to 1")


@mutation("dropout/mask", "one-mask-for-the-batch")
class OneMaskForTheBatch(Dropout):
    """One mask is drawn for all the examples of a batch: r has the shape of a row of h."""

    def forward(self, h: Tensor) -> Tensor:
        """Thin all rows alike."""
        if not self.training or not self.is_random:
            return super().forward(h)
        return h * torch.rand_like(h[:1]).lt_(self.keep).mul_(self.scale)


@mutation("dropout/mask", "one-coin-for-all-units")
class OneCoinForAllUnits(Dropout):
    """One coin is thrown for all the units of an example, which loses all of them or none."""

    def forward(self, h: Tensor) -> Tensor:
        """Keep or drop whole rows."""
        if not self.training or not self.is_random:
            return super().forward(h)
        return h * torch.rand_like(h[..., :1]).lt_(self.keep).mul_(self.scale)


@mutation("dropout/mask", "active-in-eval")
class ActiveInEval(Dropout):
    """Units are left out in eval mode too: the network that answers is a random thinned one."""

    def forward(self, h: Tensor) -> Tensor:
        """Thin whatever the mode."""
        if not self.is_random:
            return super().forward(h)
        return h * torch.rand_like(h).lt_(self.keep).mul_(self.scale)


@mutation("dropout/mask", "keep-for-drop")
class KeepForDrop(Dropout):
    """The coin is read the wrong way round: a unit is kept with the probability of dropping it."""

    def forward(self, h: Tensor) -> Tensor:
        """Keep what should go."""
        if not self.training or not self.is_random:
            return super().forward(h)
        return h * torch.rand_like(h).ge_(self.keep).mul_(self.scale)


@mutation("dropout/mask", "scaling-dropped")
class ScalingDropped(Dropout):
    """Kept units are not divided by p in training, and nothing makes up for it in testing."""

    def __init__(self, n_units: int, rate: float, mask: Mask = "fresh") -> None:
        super().__init__(n_units, rate, mask)
        self.scale = 1.0


@mutation("dropout/mask", "scaled-twice")
class ScaledTwice(Dropout):
    """Units are divided by p in training, and multiplied by p in testing as the paper does."""

    def forward(self, h: Tensor) -> Tensor:
        """Mix both conventions."""
        return super().forward(h) if self.training else super().forward(h) * self.keep


@mutation("dropout/mask", "gradient-unmasked")
class GradientUnmasked(Dropout):
    """The gradient passes as if no unit had been left out: the backward pass forgets the mask."""

    def forward(self, h: Tensor) -> Tensor:
        """Thin the value alone."""
        return h + (super().forward(h) - h).detach()


@mutation("dropout/classifier", "bare-first-layer")
class BareFirstLayer(Classifier):
    """Only the last hidden layer has dropout: the first one may co-adapt as it likes."""

    def forward(self, x: Tensor) -> Tensor:
        """Skip one mask."""
        h = F.relu(self.first(self.input_dropout(x)))
        h = self.second_dropout(F.relu(self.second(h)))
        logits: Tensor = self.output(h)
        return logits


@mutation("dropout/sampled-networks", "one-network-many-times")
def one_network_many_times(model: nn.Module, x: Tensor, n_samples: int) -> Tensor:
    """All the samples are the same network, as when the generator is seeded before each."""
    sampled = sample_probabilities(model, x, n_samples)
    return sampled[:1].expand_as(sampled)


@mutation("dropout/geometric-mean", "masks-count-alike")
def masks_count_alike(h: Tensor, output: Callable[[Tensor], Tensor], dropout: Dropout) -> Tensor:
    """Every mask counts the same, however improbable it is when p is not one half."""
    even = Dropout(h.shape[-1], 0.5)
    even.scale = dropout.scale
    return geometric_mean(h, output, even)
