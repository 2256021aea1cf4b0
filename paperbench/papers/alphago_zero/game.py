"""k in a row on a small board, solved: every position that can arise, and what it is worth.

Positions are numbers in the order of their plies; 0 is the empty board. What is said of a position
is said from the view of the player to move, the mover.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Game:
    """All n positions of a game. A cell's number is column * rows + height.

    stones: (n, 2) the mover's and the other's, a bit a cell. ply: (n,) moves made so far.
    after: (n, n_actions) where a move leads, -1 if it cannot be made. legal: whether it can.
    ended: (n,) whether a line is full, or the board. worth: (n,) the mover's outcome, 1, 0 or -1,
    when both play perfectly; of an ended game, its outcome.
    turned: (n_symmetries, n) what a position becomes when the board is turned. turned_actions:
    (n_symmetries, n_actions) the actions of the board before, in the order of those after.
    """

    n_cells: int
    stones: Ints
    ply: Ints
    after: Ints
    legal: Bools
    ended: Bools
    worth: Ints
    turned: Ints
    turned_actions: Ints

    @property
    def n_actions(self) -> int:
        """Cells, or columns in which stones fall."""
        return len(self.turned_actions[0])

    @property
    def undecided(self) -> Ints:
        """The positions in which there is a move to make."""
        return np.flatnonzero(~self.ended)

    def planes(self, positions: Ints) -> Tensor:
        """What a network sees, (batch, 2 * n_cells): the mover's stones, then the other's."""
        bits = self.stones[positions][:, :, None] >> np.arange(self.n_cells) & 1
        return torch.from_numpy(bits.reshape(len(positions), -1).astype(np.float32))


@cache
def solve(rows: int, columns: int, in_row: int, gravity: bool) -> Game:
    """Enumerate a game ply by ply, then solve it from its end: exhaustive minimax."""
    n_cells = rows * columns
    lines = _lines(rows, columns, in_row)
    actions = range(columns if gravity else n_cells)
    layers, after, lost = [np.zeros(1, np.int64)], [], []  # a layer's keys: own | other << n_cells
    start = 0
    for ply in range(n_cells + 1):
        own, other = layers[ply] & ((1 << n_cells) - 1), layers[ply] >> n_cells
        lost.append(np.any([other & line == line for line in lines], axis=0))
        stones = np.stack([_stone(own | other, action, rows, gravity) for action in actions], -1)
        keys = other[:, None] | (own[:, None] | stones) << n_cells  # the other one moves next
        legal = (stones > 0) & ~lost[ply][:, None]
        start += len(own)
        layers.append(np.unique(keys[legal]))
        after.append(np.where(legal, start + np.searchsorted(layers[-1], keys), -1))
    keys, moves = np.concatenate(layers), np.concatenate(after)
    worth = np.where(np.concatenate(lost), -1, 0)
    starts = np.cumsum([0, *map(len, layers)])
    for ply in reversed(range(n_cells)):
        layer = slice(starts[ply], starts[ply + 1])
        best = np.where(moves[layer] >= 0, -worth[moves[layer]], -2).max(-1)
        worth[layer] = np.where(best > -2, best, worth[layer])
    boards = _symmetries(rows, columns, gravity)
    return Game(
        n_cells=n_cells,
        stones=np.stack([keys & ((1 << n_cells) - 1), keys >> n_cells], -1),
        ply=np.repeat(np.arange(n_cells + 2), np.diff(starts)),
        after=moves,
        legal=moves >= 0,
        ended=moves.max(-1) < 0,
        worth=worth,
        turned=np.stack([_turn(layers, cells, starts) for cells in boards]),
        turned_actions=np.stack([each[::rows] // rows if gravity else each for each in boards]),
    )


def _stone(taken: Ints, action: int, rows: int, gravity: bool) -> Ints:
    """The bit of the cell that a move fills; 0 where it cannot be made."""
    if not gravity:
        return np.where(taken >> action & 1, 0, 1 << action)
    free = (taken >> action * rows & ((1 << rows) - 1)) + 1  # the bit above the column's stones
    return np.where(free < 1 << rows, free << action * rows, 0)


def _lines(rows: int, columns: int, in_row: int) -> list[int]:
    """The bits of every line of `in_row` cells."""
    lines = []
    for column, row in np.ndindex(columns, rows):
        for right, up in ((1, 0), (0, 1), (1, 1), (1, -1)):
            ends = column + (in_row - 1) * right, row + (in_row - 1) * up
            if ends[0] < columns and 0 <= ends[1] < rows:
                cells = [(column + i * right) * rows + row + i * up for i in range(in_row)]
                lines.append(sum(1 << cell for cell in cells))
    return lines


def _symmetries(rows: int, columns: int, gravity: bool) -> list[Ints]:
    """The cells of the board before, in the order of those after: the mirror, and turns."""
    grid = np.arange(rows * columns).reshape(columns, rows)
    quarters = [0] if gravity else range(0, 4, 1 if rows == columns else 2)
    boards = [np.rot90(each, turns) for each in (grid, grid[::-1]) for turns in quarters]
    return [board.reshape(-1) for board in boards]


def _turn(layers: list[Ints], cells: Ints, starts: Ints) -> Ints:
    """The positions that all positions become."""
    bits = [*cells, *(cells + len(cells))]  # of the keys before, in the order of those after
    turned = []
    for keys, start in zip(layers, starts, strict=False):
        new_keys = np.sum([(keys >> old & 1) << new for new, old in enumerate(bits)], axis=0)
        turned.append(start + np.searchsorted(keys, new_keys))
    return np.concatenate(turned)
