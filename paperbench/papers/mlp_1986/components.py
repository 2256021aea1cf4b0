"""The parts that can be replaced, and ways to break them that `falsify` tries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from paperbench.components import component, mutation
from paperbench.papers.mlp_1986.model import Array, Layers, Momentum, backward, initial_weights

if TYPE_CHECKING:
    from paperbench.engine.interface import Interface


@component("mlp-1986/backward", original=backward)
def try_backward(part: Interface) -> None:
    """A function `(weights, activities, delta)` that returns a list of dE/dw of every layer, in the
    order and shapes of `weights`: (nets, 1 + n_in, n_out) with the biases in row 0. `activities`
    has one array more, the inputs first, (cases, n_in), and then (nets, cases, n_out); delta is
    dE/dx of the output units, (nets, cases, n_out). Gradients are sums over the cases.
    """
    weights, activities = _small_net()
    _are_arrays(part, part.call(weights, activities, np.ones((2, 4, 1))))


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
    weights, before = _small_net()[0], _small_net()[0]
    part.run(rule.update, weights, [np.ones_like(w) for w in weights])
    _are_arrays(part, weights)
    if any(np.array_equal(w, old) for w, old in zip(weights, before, strict=True)):
        raise part.misfit("leaves the weights as they are: change them in place, with `-=`")


@component("mlp-1986/initial-weights", original=initial_weights)
def try_initial_weights(part: Interface) -> None:
    """A function `(rng, nets, sizes, spread)` that returns the weights of every layer, an array
    (nets, 1 + n_in, n_out) for each pair of neighbours in `sizes`, drawn from the NumPy generator.
    """
    _are_arrays(part, part.call(np.random.default_rng(0), 2, [3, 2, 1], 0.3))


def _small_net() -> tuple[Layers, Layers]:
    rng = np.random.default_rng(0)
    shapes = [(4, 3), (2, 4, 2), (2, 4, 1)]
    return initial_weights(rng, 2, [3, 2, 1], 1.0), [rng.uniform(0.1, 0.9, s) for s in shapes]


def _are_arrays(part: Interface, values: Any) -> None:
    """One for each layer of the small net, in the shape of its weights."""
    if not isinstance(values, list) or len(values) != 2:
        raise part.misfit("does not return a list of one array for each layer")
    for value, shape in zip(values, [(2, 4, 2), (2, 3, 1)], strict=True):
        if not isinstance(value, np.ndarray) or value.shape != shape:
            raise part.misfit(f"gives {getattr(value, 'shape', type(value).__name__)}, not {shape}")
        if not np.isfinite(value).all():
            raise part.misfit("gives values that are not finite")


@mutation("mlp-1986/backward", "slope-forgotten")
def slope_forgotten(weights: Layers, activities: Layers, delta: Array) -> Layers:
    """Errors pass hidden units as if these were linear: y (1 - y) is left out below the output."""
    gradients: Layers = []
    for w, y in reversed(list(zip(weights, activities, strict=False))):
        gradients.insert(0, backward([w], [y], delta)[0])
        delta = delta @ w[:, 1:].swapaxes(-1, -2)
    return gradients


@mutation("mlp-1986/backward", "through-random-weights")
def through_random_weights(weights: Layers, activities: Layers, delta: Array) -> Layers:
    """Errors are sent back through fixed random weights, not through those they came by."""
    rng = np.random.default_rng(0)
    return backward([rng.uniform(-1, 1, w.shape) for w in weights], activities, delta)


@mutation("mlp-1986/backward", "mean-for-sum")
def mean_for_sum(weights: Layers, activities: Layers, delta: Array) -> Layers:
    """The gradient of the mean over the cases in place of the sum, at a rate meant for the sum."""
    return backward(weights, activities, delta / delta.shape[-2])


@mutation("mlp-1986/backward", "biases-forgotten")
def biases_forgotten(weights: Layers, activities: Layers, delta: Array) -> Layers:
    """Biases get no gradient and stay where they began."""
    gradients = backward(weights, activities, delta)
    for gradient in gradients:
        gradient[:, 0] = 0
    return gradients


@mutation("mlp-1986/momentum", "memoryless")
class Memoryless(Momentum):
    """Plain descent: the last change is forgotten."""

    def update(self, weights: Layers, gradients: Layers) -> None:
        """Step down the slope."""
        for w, gradient in zip(weights, gradients, strict=True):
            w -= self.epsilon * gradient
            w *= 1 - self.decay


@mutation("mlp-1986/momentum", "averaged-gradient")
class AveragedGradient(Momentum):
    """A running mean of gradients: the newest counts by 1 - alpha, as in Adam, at the old rate."""

    def update(self, weights: Layers, gradients: Layers) -> None:
        """Take less of the gradient."""
        super().update(weights, [(1 - self.alpha) * gradient for gradient in gradients])


@mutation("mlp-1986/momentum", "decay-forgotten")
class DecayForgotten(Momentum):
    """Weights do not shrink."""

    def __init__(self, epsilon: float, alpha: float, decay: float = 0.0) -> None:
        super().__init__(epsilon, alpha)


@mutation("mlp-1986/initial-weights", "all-alike")
def all_alike(rng: np.random.Generator, nets: int, sizes: Sequence[int], spread: float) -> Layers:
    """All weights of a layer start the same, so that its units stay the same for good."""
    drawn = initial_weights(rng, nets, sizes, spread)
    return [np.repeat(w[:, :1, :1], w.shape[1], 1).repeat(w.shape[2], 2) for w in drawn]
