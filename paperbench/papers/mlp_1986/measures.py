"""What trained networks look like inside, and what needs no network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from paperbench.papers.mlp_1986.model import Array

Rows = NDArray[np.intp]


def antisymmetry(incoming: Array) -> Array:
    """How far a unit's weights are equal and opposite about the middle, in [-1, 1].

    incoming: (nets, n_inputs, n_units), without biases -> (nets,), of each net's worst unit. 1 when
    w_i = -w_{n+1-i} for all i, -1 when they are equal, about 0 for random weights, 0 for none.
    """
    scale = np.maximum((incoming**2).sum(1), 1e-300)
    mirrored = (incoming * incoming[:, ::-1]).sum(1) / scale  # (nets, units)
    return np.asarray(-mirrored.max(-1))


def is_powers_of_two(incoming: Array, tolerance: float = 0.1) -> NDArray[np.bool_]:
    """Whether the sizes of every unit's pairs of weights are as 1 : 2 : 4, in any order.

    incoming: as above -> (nets,). A pair's size is half the difference of its two weights; each
    must be twice the next smaller one, within the tolerance.
    """
    half = incoming.shape[1] // 2
    sizes = np.sort(np.abs(incoming - incoming[:, ::-1])[:, :half] / 2, 1)  # (nets, half, units)
    ratios = sizes[:, 1:] / np.maximum(sizes[:, :-1], 1e-300)
    return np.asarray((np.abs(ratios / 2 - 1) < tolerance).all((1, 2)))


def explained_by_one_unit(codes: Array, feature: Array) -> float:
    """Share of the variance of a feature of people that the best single unit explains.

    codes: (nets, people, units). feature: (people,). The square of the largest correlation that
    any unit has with it, averaged over nets.
    """
    centred = codes - codes.mean(1, keepdims=True)
    wanted = (feature - feature.mean())[:, None]
    covariance = (centred * wanted).sum(1)  # (nets, units)
    scale = (centred**2).sum(1) * (wanted**2).sum()
    return float((covariance**2 / np.maximum(scale, 1e-300)).max(1).mean())


def shortcut_accuracy(keys: Sequence[Rows], answers: Array, seen: Array) -> float:
    """Accuracy on facts not seen of the best table of answers, over all nets.

    keys: for every table, under which heading it keeps a fact, each (facts,). A table answers with
    what is commonest under the heading among the facts seen. seen: (nets, facts) of zeros and ones.
    """
    accuracies = []
    for key in keys:
        alike = key[:, None] == key[None]  # (facts, facts)
        counts = (alike * seen[:, None]) @ answers  # (nets, facts, people)
        accuracies.append(share_right(counts, answers, 1 - seen))
    return max(accuracies)


def share_right(outputs: Array, answers: Array, asked: Array) -> float:
    """Share of the facts asked for whose largest output is an answer. asked: (nets, facts)."""
    right = is_right(outputs, answers)
    return float((right * asked).sum() / asked.sum())


def is_right(outputs: Array, answers: Array) -> Array:
    """1 where the largest output is an answer: (nets, facts, people) -> (nets, facts)."""
    return np.take_along_axis(answers[None], outputs.argmax(-1)[..., None], -1)[..., 0]
