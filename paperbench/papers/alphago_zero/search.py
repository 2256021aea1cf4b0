"""Monte-Carlo tree search without rollouts, many trees at once. "Search algorithm" in the methods.

A node is a position in a tree; an edge is a move made there, number `node * n_actions + action`.
Statistics are said from the view of the mover of the edge's own node.
"""

from __future__ import annotations

import numpy as np

from paperbench.papers.alphago_zero.game import Floats, Game, Ints
from paperbench.papers.alphago_zero.model import Answers

Path = list[tuple[Ints, Ints]]  # ply by ply: the trees that went so deep, and the edges they took


def puct(prior: Floats, visits: Floats, total: Floats, c_puct: float) -> Floats:
    """Q(s, a) + U(s, a) of each move, all (n, n_actions); a move never tried has Q = 0. (2)

    The count under the root includes the visit that opened the node, so that the first choice in a
    new node is the likeliest move and not a tie of zeros.
    """
    mean = total / np.maximum(visits, 1)  # Q
    n_visits = 1 + visits.sum(-1, keepdims=True)
    scores: Floats = mean + c_puct * prior * np.sqrt(n_visits) / (1 + visits)
    return scores


def back_up(path: Path, leaf_values: Floats, visits: Floats, total: Floats) -> None:
    """Add what was found at the leaves, (n_trees,) for the mover there, to the edges above. (3)

    visits, total: (n_nodes * n_actions,), changed in place: N and W of every edge.
    """
    value = leaf_values.copy()
    for trees, edges in reversed(path):
        value[trees] *= -1  # one ply up the other player moves
        visits[edges] += 1
        total[edges] += value[trees]


def search(
    game: Game, answers: Answers, roots: Ints, root_prior: Floats, *, n_sims: int, c_puct: float
) -> Floats:
    """Grow a tree of `n_sims` simulations from each root; how often each move was tried there.

    roots: (n_trees,) positions that have not ended. root_prior -> visits: (n_trees, n_actions).
    """
    n_trees, n_actions = root_prior.shape
    n_nodes = n_trees * (n_sims + 1)  # the root, and at most one a simulation
    position, barred = np.zeros(n_nodes, np.int64), np.zeros((n_nodes, n_actions))
    prior, visits, total = (np.zeros((n_nodes, n_actions)) for _ in range(3))
    below = np.zeros(n_nodes * n_actions, np.int64)  # the node that an edge leads to; 0: none yet
    legal_bar = np.where(game.legal, 0.0, -np.inf)

    def open_nodes(nodes: Ints, positions: Ints, their_prior: Floats) -> None:
        position[nodes], prior[nodes], barred[nodes] = positions, their_prior, legal_bar[positions]

    open_nodes(np.arange(n_trees), roots, root_prior)
    for simulation in range(1, n_sims + 1):
        leaves = np.zeros(n_trees, np.int64)  # positions
        trees = nodes = np.arange(n_trees)
        path: Path = []
        while len(trees):
            scores = puct(prior[nodes], visits[nodes], total[nodes], c_puct) + barred[nodes]
            actions = scores.argmax(-1)
            edges = nodes * n_actions + actions
            path.append((trees, edges))
            known = below[edges] > 0
            new = ~known
            leaves[trees[new]] = game.after[position[nodes[new]], actions[new]]
            trees, nodes, ends = trees[known], below[edges[known]], (trees[new], edges[new])
            growing = ~game.ended[leaves[ends[0]]]  # an ended game is looked at anew every time
            grown, positions = ends[0][growing], leaves[ends[0][growing]]
            below[ends[1][growing]] = simulation * n_trees + grown
            open_nodes(simulation * n_trees + grown, positions, answers.prior[positions])
        back_up(path, answers.value[leaves], visits.reshape(-1), total.reshape(-1))
    return visits[:n_trees]
