"""Layered networks of logistic units, and the back-propagation of errors through them, in NumPy.

Rumelhart, Hinton, Williams, Nature 323 (1986). The equations are numbered as in the paper. Every
array begins with an axis of independent networks, `nets`, so that one run trains many starts.
`weights[l]`, (nets, 1 + n_in, n_out), leads to layer l + 1; its row 0 holds the biases, which are
weights from a unit that is always on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Layers = list[Array]
# (activities, targets), each (nets, cases, n_out) -> (E, dE/dx of the output units, case by case).
Error = Callable[[Array, Array], tuple[Array, Array]]


def initial_weights(
    rng: np.random.Generator, nets: int, sizes: Sequence[int], spread: float
) -> Layers:
    """Draw from U[-spread, spread]: small, and no two alike, or units would stay alike for ever.

    sizes: units of every layer, inputs first.
    """
    shapes = [(nets, 1 + n_in, n_out) for n_in, n_out in zip(sizes, sizes[1:], strict=False)]
    return [rng.uniform(-spread, spread, shape) for shape in shapes]


def logistic(x: Array) -> Array:
    """Activity of units with total input x."""
    return np.asarray(1 / (1 + np.exp(-x)))  # (2)


def squared_error(y: Array, targets: Array) -> tuple[Array, Array]:
    """E = 1/2 sum (y - d)^2 of logistic output units."""
    difference = y - targets
    return 0.5 * difference**2, difference * y * (1 - y)  # (3), (4) and (5)


def lenient_squared_error(y: Array, targets: Array) -> tuple[Array, Array]:
    """The same with 0.8 and 0.2 for 1 and 0, and no error for what lies beyond them.

    For the family trees, lest weights grow to reach 0 and 1. The paper says where the error is
    zero; that it grows from there, and does not jump to that of 0 or 1, is our reading.
    """
    missing = np.maximum(0.8 - y, 0.0)  # of units that should be on
    excess = np.maximum(y - 0.2, 0.0)  # of units that should be off
    difference = np.where(targets > 0.5, -missing, excess)
    return 0.5 * difference**2, difference * y * (1 - y)


def forward(weights: Layers, x: Array) -> Layers:
    """Activities of every layer, the inputs first. x: (cases, n_in) or (nets, cases, n_in)."""
    activities = [x]
    for w in weights:
        total = w[:, :1] + activities[-1] @ w[:, 1:]  # (1), (nets, cases, n_out)
        activities.append(logistic(total))
    return activities


def backward(weights: Layers, activities: Layers, delta: Array) -> Layers:
    """dE/dw of every layer, summed over the cases, from delta = dE/dx of the output units."""
    gradients = [np.empty_like(w) for w in weights]
    for layer in reversed(range(len(weights))):
        w, y = weights[layer], activities[layer]
        gradients[layer][:, :1] = delta.sum(1, keepdims=True)
        gradients[layer][:, 1:] = y.swapaxes(-1, -2) @ delta  # (6)
        delta = (delta @ w[:, 1:].swapaxes(-1, -2)) * y * (1 - y)  # (7), then (5) a layer below
    return gradients


def central_differences(total: Callable[[], float], w: Array, step: float = 1e-5) -> Array:
    """The derivative of `total()` by every weight in `w`, from two values for each."""
    derivatives = np.empty_like(w)
    for index in np.ndindex(w.shape):
        kept = w[index]
        values = []
        for moved in (kept + step, kept - step):
            w[index] = moved
            values.append(total())
        w[index] = kept
        derivatives[index] = (values[0] - values[1]) / (2 * step)
    return derivatives


class Momentum:
    """dw(t) = -epsilon dE/dw(t) + alpha dw(t - 1), after a sweep through all cases. Equation (9).

    decay: the share by which every weight then shrinks.
    """

    def __init__(self, epsilon: float, alpha: float, decay: float = 0.0) -> None:
        self.epsilon, self.alpha, self.decay = epsilon, alpha, decay
        self._changes: Layers = []

    def update(self, weights: Layers, gradients: Layers) -> None:
        """Change the weights in place."""
        self._changes = self._changes or [np.zeros_like(w) for w in weights]
        for w, gradient, change in zip(weights, gradients, self._changes, strict=True):
            change *= self.alpha
            change -= self.epsilon * gradient
            w += change
            w *= 1 - self.decay
