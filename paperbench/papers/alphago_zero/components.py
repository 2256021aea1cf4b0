"""The parts of AlphaGo Zero that can be replaced, and ways to break them that `falsify` tries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from paperbench.components import component, mutation
from paperbench.papers.alphago_zero.arena import evenly
from paperbench.papers.alphago_zero.game import Bools, Floats, Game, Ints, solve
from paperbench.papers.alphago_zero.play import (
    Examples,
    outcomes_for_movers,
    turn_at_random,
    with_root_noise,
)
from paperbench.papers.alphago_zero.search import Path, back_up, puct

if TYPE_CHECKING:
    from paperbench.engine.interface import Interface


@component("alphago-zero/puct", original=puct)
def try_puct(part: Interface) -> None:
    """A function `(prior, visits, total, c_puct)` that returns a score for each move, all arrays
    (n, n_actions) of NumPy; the move with the highest score is tried next. total: the sum of what
    came of the visits, for the mover. Nothing has been visited yet in a new node.
    """
    prior, visits = np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([[3.0, 0.0], [0.0, 0.0]])
    _is_array(part, part.call(prior, visits, visits / 2, 1.5), (2, 2))


@component("alphago-zero/back-up", original=back_up)
def try_back_up(part: Interface) -> None:
    """A function `(path, leaf_values, visits, total)` that changes the last two in place, the
    numbers of visits and the sums of values of all edges, (n_edges,). path: ply by ply, from the
    root, the numbers of the trees that went so deep, and the edges they took. leaf_values: a
    tree each, for the mover at its leaf; an edge's values are those of the mover above it.
    """
    visits, total = np.zeros(4), np.zeros(4)
    path = [(np.array([0, 1]), np.array([0, 2])), (np.array([1]), np.array([3]))]
    part.call(path, np.array([0.5, -1.0]), visits, total)
    if visits.tolist() != [1, 0, 1, 1]:
        raise part.misfit("does not count a visit to every edge of the path")
    _is_array(part, total, (4,))


@component("alphago-zero/outcomes", original=outcomes_for_movers)
def try_outcomes(part: Interface) -> None:
    """A function `(final, plies_left)` of two arrays (n,) that returns the outcomes, (n,), of n
    positions for their movers. final: the outcome of the position's game, -1 or 0, for whoever
    would move at its end. plies_left: how many moves were made until then.
    """
    _is_array(part, part.call(np.array([-1, 0, -1]), np.array([1, 2, 4])), (3,))


@component("alphago-zero/symmetry", original=turn_at_random)
def try_symmetry(part: Interface) -> None:
    """A function `(game, examples, rng)` that returns as many examples, turned or mirrored."""
    game = solve(3, 3, 3, False)
    examples = Examples(game.undecided, evenly(game.legal)[game.undecided], np.zeros(4520))
    turned = part.call(game, examples, np.random.default_rng(0))
    part.has(turned, "positions", "policy", "outcome")
    _is_array(part, turned.policy, examples.policy.shape)


@component("alphago-zero/root-noise", original=with_root_noise)
def try_root_noise(part: Interface) -> None:
    """A function `(prior, legal, rng)` that returns probabilities of moves, (n, n_actions)."""
    legal = np.array([[True, False, True], [True, True, True]])
    noisy = part.call(legal / legal.sum(-1, keepdims=True), legal, np.random.default_rng(0))
    _is_array(part, noisy, (2, 3))
    if not np.allclose(noisy.sum(-1), 1) or noisy[0, 1] != 0:
        raise part.misfit("returns no distribution over the legal moves")


def _is_array(part: Interface, value: object, shape: tuple[int, ...]) -> None:
    if not isinstance(value, np.ndarray) or value.shape != shape:
        found = getattr(value, "shape", type(value).__name__)
        raise part.misfit(f"returned {found}, not an array {shape}")
    if not np.isfinite(value).all():
        raise part.misfit("returned values that are not finite")


@mutation("alphago-zero/puct", "prior-ignored")
def prior_ignored(prior: Floats, visits: Floats, total: Floats, c_puct: float) -> Floats:
    """Search explores all moves alike: the policy does not guide it."""
    return puct(np.full_like(prior, 1 / prior.shape[-1]), visits, total, c_puct)


@mutation("alphago-zero/puct", "no-exploration")
def no_exploration(prior: Floats, visits: Floats, total: Floats, c_puct: float) -> Floats:
    """Search follows what looks best so far; the prior counts where nothing was tried yet."""
    return puct(prior, visits, total, 1e-3)


@mutation("alphago-zero/back-up", "one-side-all-the-way")
def one_side_all_the_way(path: Path, leaf_values: Floats, visits: Floats, total: Floats) -> None:
    """The sign changes once and not at every ply: both players want the same."""
    for trees, edges in path:
        visits[edges] += 1
        total[edges] -= leaf_values[trees]


@mutation("alphago-zero/back-up", "parents-not-told")
def parents_not_told(path: Path, leaf_values: Floats, visits: Floats, total: Floats) -> None:
    """The value of a leaf reaches the last edge alone; those above count a visit and no value."""
    back_up(path, np.zeros_like(leaf_values), visits, total)
    deepest = {tree: edge for trees, edges in path for tree, edge in zip(trees, edges, strict=True)}
    total[list(deepest.values())] -= leaf_values[list(deepest)]


@mutation("alphago-zero/outcomes", "last-mover-s")
def last_mover_s(final: Ints, plies_left: Ints) -> Floats:
    """All positions of a game get its outcome for one and the same player."""
    return outcomes_for_movers(final, np.zeros_like(plies_left))


@mutation("alphago-zero/symmetry", "policy-left-behind")
def policy_left_behind(game: Game, examples: Examples, rng: np.random.Generator) -> Examples:
    """The board is turned, the policy is not."""
    return replace(turn_at_random(game, examples, rng), policy=examples.policy)


@mutation("alphago-zero/symmetry", "never-turned")
def never_turned(game: Game, examples: Examples, rng: np.random.Generator) -> Examples:
    """Examples stay as they were played."""
    return examples


@mutation("alphago-zero/root-noise", "none")
def no_noise(prior: Floats, legal: Bools, rng: np.random.Generator) -> Floats:
    """Self-play searches with the policy as it is."""
    return prior
