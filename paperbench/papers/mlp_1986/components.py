"""The parts that can be replaced, and ways to break them that `falsify` tries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from paperbench.components import component, mutation
from paperbench.papers.mlp_1986.model import Array, Learns, Momentum, backward, initial_weights

if TYPE_CHECKING:
    from paperbench.engine.interface import Interface


@component("mlp-1986/backward", original=backward)
def try_backward(part: Interface) -> None:
    """A function `(weights, activities, delta, learns="all")` that returns dE/dw of every layer, in
    the order and shapes of `weights`: (nets, 1 + n_in, n_out) with the biases in row 0.
    `activities` has one array more, the inputs first, (cases, n_in), and then (nets, cases, n_out);
    delta is dE/dx of the output units, (nets, cases, n_out). Gradients are sums over the cases.
    """
    weights, activities = _small_net()
    found = part.call(weights, activities, np.ones((2, 4, 1)))
    if not isinstance(found, list | tuple) or len(found) != len(weights):
        raise part.misfit("does not return one gradient for each layer")
    for gradient, w in zip(found, weights, strict=True):
        _is_array(part, gradient, w.shape)


@component("mlp-1986/momentum", original=Momentum)
def try_momentum(part: Interface) -> None:
    """A class, built as `Mine(epsilon, alpha, decay)` with decay 0 unless given, whose
    `update(weights, gradients)` changes a list of arrays in place. `epsilon` and `alpha` are
    attributes that may be set while it trains.
    """
    if not isinstance(part.part, type):
        raise part.misfit("is not a class")
    rule = part.call(0.1, 0.9, 0.01)
    part.has(rule, "epsilon", "alpha", "update")
    weights = _small_net()[0]
    before = [w.copy() for w in weights]
    part.run(rule.update, weights, [np.ones_like(w) for w in weights])
    for w, old in zip(weights, before, strict=True):
        _is_array(part, w, old.shape)
        if np.array_equal(w, old):
            raise part.misfit("leaves the weights as they are: change them in place, with `-=`")


@component("mlp-1986/initial-weights", original=initial_weights)
def try_initial_weights(part: Interface) -> None:
    """A function `(rng, nets, sizes, spread)` that returns the weights of every layer, an array
    (nets, 1 + n_in, n_out) for each pair of neighbours in `sizes`, drawn from the NumPy generator.
    """
    drawn = part.call(np.random.default_rng(0), 2, [3, 4, 1], 0.3)
    if not isinstance(drawn, list) or len(drawn) != 2:
        raise part.misfit("does not return a list of one array for each layer")
    for w, shape in zip(drawn, [(2, 4, 4), (2, 5, 1)], strict=True):
        _is_array(part, w, shape)


def _small_net() -> tuple[list[Array], list[Array]]:
    rng = np.random.default_rng(0)
    shapes = [(4, 3), (2, 4, 2), (2, 4, 1)]
    return initial_weights(rng, 2, [3, 2, 1], 1.0), [rng.uniform(0.1, 0.9, s) for s in shapes]


def _is_array(part: Interface, value: Any, shape: tuple[int, ...]) -> None:
    if not isinstance(value, np.ndarray) or value.shape != shape:
        raise part.misfit(f"gives {getattr(value, 'shape', type(value).__name__)}, not {shape}")
    if not np.isfinite(value).all():
        raise part.misfit("gives values that are not finite")


@mutation("mlp-1986/backward", "slope-forgotten")
def slope_forgotten(
    weights: Sequence[Array], activities: Sequence[Array], delta: Array, learns: Learns = "all"
) -> list[Array]:
    """Errors pass hidden units as if these were linear: y (1 - y) is left out below the output."""
    return _sent_back(weights, activities, delta, weights, slope=False)


@mutation("mlp-1986/backward", "through-random-weights")
def through_random_weights(
    weights: Sequence[Array], activities: Sequence[Array], delta: Array, learns: Learns = "all"
) -> list[Array]:
    """Errors are sent back through fixed random weights, not through those they came by."""
    rng = np.random.default_rng(0)
    others = [rng.uniform(-1, 1, w.shape) for w in weights]
    return _sent_back(weights, activities, delta, others, slope=True)


def _sent_back(
    weights: Sequence[Array],
    activities: Sequence[Array],
    delta: Array,
    back: Sequence[Array],
    *,
    slope: bool,
) -> list[Array]:
    gradients: list[Array] = []
    for w, b, y in reversed(list(zip(weights, back, activities, strict=False))):
        gradients.insert(0, backward([w], [y], delta)[0])
        delta = (delta @ b[:, 1:].swapaxes(-1, -2)) * (y * (1 - y) if slope else 1.0)
    return gradients


@mutation("mlp-1986/backward", "mean-for-sum")
def mean_for_sum(
    weights: Sequence[Array], activities: Sequence[Array], delta: Array, learns: Learns = "all"
) -> list[Array]:
    """The gradient of the mean over the cases in place of the sum, at a rate meant for the sum."""
    return backward(weights, activities, delta / delta.shape[-2], learns)


@mutation("mlp-1986/backward", "biases-forgotten")
def biases_forgotten(
    weights: Sequence[Array], activities: Sequence[Array], delta: Array, learns: Learns = "all"
) -> list[Array]:
    """Biases get no gradient and stay where they began."""
    gradients = backward(weights, activities, delta, learns)
    for gradient in gradients:
        gradient[:, 0] = 0
    return gradients


@mutation("mlp-1986/momentum", "memoryless")
class Memoryless(Momentum):
    """Plain descent: the last change is forgotten."""

    def update(self, weights: Sequence[Array], gradients: Sequence[Array]) -> None:
        """Step down the slope."""
        for w, gradient in zip(weights, gradients, strict=True):
            w -= self.epsilon * gradient
            w *= 1 - self.decay


@mutation("mlp-1986/momentum", "averaged-gradient")
class AveragedGradient(Momentum):
    """A running mean of gradients: the newest counts by 1 - alpha, as in Adam, at the old rate."""

    def update(self, weights: Sequence[Array], gradients: Sequence[Array]) -> None:
        """Take less of the gradient."""
        super().update(weights, [(1 - self.alpha) * gradient for gradient in gradients])


@mutation("mlp-1986/momentum", "decay-forgotten")
class DecayForgotten(Momentum):
    """Weights do not shrink."""

    def __init__(self, epsilon: float, alpha: float, decay: float = 0.0) -> None:
        super().__init__(epsilon, alpha)


@mutation("mlp-1986/initial-weights", "all-alike")
def all_alike(
    rng: np.random.Generator, nets: int, sizes: Sequence[int], spread: float
) -> list[Array]:
    """All weights of a layer start the same, so that its units stay the same for good."""
    drawn = initial_weights(rng, nets, sizes, spread)
    return [np.repeat(w[:, :1, :1], w.shape[1], 1).repeat(w.shape[2], 2) for w in drawn]
