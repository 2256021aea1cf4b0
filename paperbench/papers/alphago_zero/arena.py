"""How often a player loses, counted over all games there can be: no match is sampled.

A player is a table (n, n_actions): how likely it makes each move in each position, with zeros where
there is none.
"""

from __future__ import annotations

import numpy as np

from paperbench.papers.alphago_zero.game import Bools, Floats, Game, Ints


def deterministic(scores: Floats, game: Game) -> Floats:
    """The move with the highest score; scores: (n, n_actions)."""
    best = np.where(game.legal, scores, -np.inf).argmax(-1)
    player: Floats = np.eye(game.n_actions)[best] * ~game.ended[:, None]
    return player


def evenly(moves: Bools) -> Floats:
    """Any of the moves that are marked."""
    player: Floats = moves / np.maximum(moves.sum(-1, keepdims=True), 1)
    return player


def seen_ahead(game: Game, plies: int) -> Ints:
    """What so many plies of minimax show of each position: the mover's outcome, or 0, (n,)."""
    seen = np.where(game.ended, game.worth, 0)
    for _ in range(plies):
        best = np.where(game.legal, -seen[game.after], -1).max(-1)
        seen = np.where(game.ended, game.worth, best)
    return seen


def _best_moves(game: Game, worth: Ints) -> Floats:
    """Any of the moves into positions of least worth to the other player."""
    gain = np.where(game.legal, -worth[game.after], -2)
    return evenly(game.legal & (gain == gain.max(-1, keepdims=True)))


def perfect_player(game: Game) -> Floats:
    """Any of the best moves, by exhaustive minimax."""
    return _best_moves(game, game.worth)


def two_ply_player(game: Game) -> Floats:
    """Wins if it can; else leaves no win to the other, if it can; else plays at random."""
    return _best_moves(game, seen_ahead(game, 1))


def reach(game: Game, first: Floats, second: Floats) -> Floats:
    """How likely a game between two players comes by each position: (n,)."""
    likely = np.zeros(len(game.ended))
    likely[0] = 1
    for ply in range(game.n_cells):
        layer = np.flatnonzero(game.ply == ply)
        legal = game.legal[layer]
        flow = likely[layer, None] * (first, second)[ply % 2][layer]
        np.add.at(likely, game.after[layer][legal], flow[legal])
    return likely


def loss_rate(game: Game, player: Floats, opponent: Floats) -> float:
    """How likely `player` loses, moving first in half of the games."""
    lost, firsts_turn = game.ended & (game.worth < 0), game.ply % 2 == 0
    as_first = reach(game, player, opponent)[lost & firsts_turn].sum()
    as_second = reach(game, opponent, player)[lost & ~firsts_turn].sum()
    return float(as_first + as_second) / 2


def asked_by(game: Game, opponent: Floats) -> Ints:
    """The positions in which a player may have to move against `opponent`, whatever it plays."""
    anyone, firsts_turn = evenly(game.legal), game.ply % 2 == 0
    as_first = (reach(game, anyone, opponent) > 0) & firsts_turn
    as_second = (reach(game, opponent, anyone) > 0) & ~firsts_turn
    return np.flatnonzero((as_first | as_second) & ~game.ended)
