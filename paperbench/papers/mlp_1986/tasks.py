"""The paper's tasks: mirror symmetry, XOR, and two families with the same tree."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from paperbench.papers.mlp_1986.model import Array

# Who stands where is the same in both trees. Figure 2 of the paper.
ENGLISH = "Christopher Penelope Andrew Christine Margaret Arthur Victoria James Jennifer Charles"
ITALIAN = "Roberto Maria Pierro Francesca Gina Emilio Lucia Marco Angela Tomaso Alfonso Sophia"
PEOPLE = [*ENGLISH.split(), "Colin", "Charlotte", *ITALIAN.split()]
MEN = {0, 2, 5, 7, 9, 10}
SPOUSE = {0: 1, 1: 0, 2: 3, 3: 2, 4: 5, 5: 4, 6: 7, 7: 6, 8: 9, 9: 8}
PARENTS = {5: {0, 1}, 6: {0, 1}, 7: {2, 3}, 8: {2, 3}, 10: {6, 7}, 11: {6, 7}}
_RELATIONS = "husband wife son daughter father mother brother sister nephew niece uncle aunt"
RELATIONS = _RELATIONS.split()
NATION = np.repeat([0.0, 1.0], 12)
GENERATION = np.tile([1.0] * 4 + [2.0] * 6 + [3.0] * 2, 2)


def all_patterns(n_inputs: int) -> Array:
    """Every vector of zeros and ones, (2^n_inputs, n_inputs)."""
    return np.array(list(itertools.product((0.0, 1.0), repeat=n_inputs)))


def is_symmetric(patterns: Array) -> Array:
    """1 where a pattern reads the same from both ends: (cases, n_inputs) -> (cases, 1)."""
    return np.asarray((patterns == patterns[:, ::-1]).all(1, keepdims=True).astype(float))


def is_odd(patterns: Array) -> Array:
    """Exclusive or: 1 where an odd number of inputs is on, (cases, 1)."""
    return np.asarray(patterns.sum(1, keepdims=True) % 2)


def reads_larger(patterns: Array) -> Array:
    """1 where the first half, as a binary number, is above the mirrored second half, (cases, 1).

    One threshold unit can do it, with the weights 4, 2, 1, -1, -2, -4.
    """
    place = 2.0 ** np.arange(patterns.shape[1] // 2)
    weights = np.concatenate([place[::-1], -place])
    return np.asarray((patterns @ weights > 0)[:, None].astype(float))


def family_facts() -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """The 104 facts: person (104,), relation (104,), and who it is, (104, 24) of zeros and ones.

    Eight have two answers: the uncles and aunts of Colin, Charlotte and their counterparts. Uncles
    and aunts are so by blood or by marriage.
    """
    everyone = range(12)
    spouse = {p: {SPOUSE[p]} if p in SPOUSE else set() for p in everyone}
    parents = {p: PARENTS.get(p, set()) for p in everyone}
    children = {p: {q for q in everyone if p in parents[q]} for p in everyone}
    siblings = {p: {q for q in everyone if parents[p] & parents[q]} - {p} for p in everyone}
    by_blood = {p: {s for q in parents[p] for s in siblings[q]} for p in everyone}
    uncles = {p: by_blood[p] | {s for q in by_blood[p] for s in spouse[q]} for p in everyone}
    nephews = {p: {q for q in everyone if p in uncles[q]} for p in everyone}
    cube = np.zeros((2, 12, len(RELATIONS), 2, 12))  # nation, person, relation, nation, person
    for i, kind in enumerate((spouse, children, parents, siblings, nephews, uncles)):
        for p, relatives in kind.items():
            for q in relatives:  # of two words for a kind the first is a man's
                cube[[0, 1], p, 2 * i + (q not in MEN), [0, 1], q] = 1
    answers = cube.reshape(24, len(RELATIONS), 24)
    person, relation = np.nonzero(answers.any(2))
    return person, relation, answers[person, relation]
