"""Games against oneself, and what they teach. "Self-play" and "Optimization" in the methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from paperbench.papers.alphago_zero.game import Bools, Floats, Game, Ints

Policy = Callable[[Ints], Floats]  # positions (n,) -> how likely each move is, (n, n_actions)
NOISE_SHARE, NOISE_ALPHA = 0.25, 0.6  # epsilon, as in the paper; alpha is 0.03 there, for Go


@dataclass(frozen=True)
class Examples:
    """What is learned from: positions (n,), policies (n, n_actions), outcomes for movers (n,)."""

    positions: Ints
    policy: Floats
    outcome: Floats

    def and_then(self, others: Examples, at_most: int) -> Examples:
        """The newest of both."""
        return Examples(
            np.concatenate([self.positions, others.positions])[-at_most:],
            np.concatenate([self.policy, others.policy])[-at_most:],
            np.concatenate([self.outcome, others.outcome])[-at_most:],
        )

    def sample(self, n: int, rng: np.random.Generator) -> Examples:
        """A minibatch."""
        rows = rng.integers(len(self.positions), size=n)
        return Examples(self.positions[rows], self.policy[rows], self.outcome[rows])


def with_root_noise(prior: Floats, legal: Bools, rng: np.random.Generator) -> Floats:
    """(1 - epsilon) p + epsilon eta, eta ~ Dirichlet(alpha) over legal moves. (6)"""
    noise = rng.standard_gamma(NOISE_ALPHA, prior.shape) * legal
    noise /= noise.sum(-1, keepdims=True)
    mixed: Floats = (1 - NOISE_SHARE) * prior + NOISE_SHARE * noise
    return mixed


def search_policy(visits: Floats) -> Floats:
    """pi(a | s) = N(s, a) / sum_b N(s, b), temperature 1. (4)"""
    policy: Floats = visits / visits.sum(-1, keepdims=True)
    return policy


def outcomes_for_movers(final: Ints, plies_left: Ints) -> Floats:
    """Z of positions, from the outcome of their game for whoever would move at its end. (5)"""
    return np.where(plies_left % 2 == 0, final, -final).astype(float)


def play_against_oneself(
    game: Game, n_games: int, policy: Policy, rng: np.random.Generator
) -> Examples:
    """Play games side by side, so that one search grows a tree for each; moves are drawn."""
    current, length = np.zeros(n_games, np.int64), np.zeros(n_games, np.int64)
    records: list[tuple[Ints, Ints, Floats]] = []  # ply by ply: games, positions, policies
    while len(games := np.flatnonzero(~game.ended[current])):
        positions = current[games]
        likely = policy(positions)
        records.append((games, positions, likely))
        current[games] = game.after[positions, _draw(likely, rng)]
        length[games] += 1
    outcomes = [
        outcomes_for_movers(game.worth[current[games]], length[games] - ply)
        for ply, (games, _, _) in enumerate(records)
    ]
    return Examples(
        np.concatenate([positions for _, positions, _ in records]),
        np.concatenate([likely for _, _, likely in records]),
        np.concatenate(outcomes),
    )


def _draw(likely: Floats, rng: np.random.Generator) -> Ints:
    """One action a row."""
    sums = likely.cumsum(-1)
    actions: Ints = (sums <= rng.random((len(likely), 1)) * sums[:, -1:]).sum(-1)
    return actions


def turn_at_random(game: Game, examples: Examples, rng: np.random.Generator) -> Examples:
    """Each example as it looks after a symmetry of the board, its policy turned with it. (7)"""
    turns = rng.integers(len(game.turned), size=len(examples.positions))
    return Examples(
        game.turned[turns, examples.positions],
        np.take_along_axis(examples.policy, game.turned_actions[turns], -1),
        examples.outcome,
    )
