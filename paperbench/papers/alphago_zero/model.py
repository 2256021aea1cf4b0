"""The network and its loss. Silver et al. 2017, "Self-play training pipeline" in the methods."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.papers.alphago_zero.game import Floats, Game

CHUNK = 1 << 16  # positions answered at once


class PolicyValueNet(nn.Module):
    """(p, v) = f(s): one body, two heads.

    planes (batch, n_inputs) -> logits of the moves (batch, n_actions), and the outcome that the
    mover may expect, (batch,) in (-1, 1).
    """

    def __init__(self, n_inputs: int, d_hidden: int, n_actions: int):
        super().__init__()
        self.first = nn.Linear(n_inputs, d_hidden)
        self.second = nn.Linear(d_hidden, d_hidden)
        self.policy = nn.Linear(d_hidden, n_actions)
        self.value = nn.Linear(d_hidden, 1)

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Look at positions."""
        hidden = F.relu(self.second(F.relu(self.first(planes))))
        return self.policy(hidden), torch.tanh(self.value(hidden)).squeeze(-1)


def policy_value_loss(logits: Tensor, value: Tensor, policy: Tensor, outcome: Tensor) -> Tensor:
    """(z - v)^2 - pi^T log p, the mean over a batch; the optimiser adds c ||theta||^2. (1)

    logits, policy: (batch, n_actions). value, outcome: (batch,).
    """
    log_p = F.log_softmax(logits, -1)
    return ((outcome - value) ** 2 - (policy * log_p).sum(-1)).mean()


@dataclass(frozen=True)
class Answers:
    """What a network says of every position of a game.

    prior: (n, n_actions), sums to 1 over legal moves; 0 where the game has ended. value: (n,) for
    the mover; the outcome itself where the game has ended.
    """

    prior: Floats
    value: Floats


@torch.no_grad()
def answer(model: PolicyValueNet, game: Game, device: torch.device) -> Answers:
    """Ask about all positions at once, for all the games that will be played with this network."""
    prior = game.legal.astype(float)
    value = game.worth.astype(float)
    for start in range(0, len(game.undecided), CHUNK):
        positions = game.undecided[start : start + CHUNK]
        logits, expected = model(game.planes(positions).to(device))
        illegal = torch.from_numpy(~game.legal[positions]).to(device)
        prior[positions] = logits.double().masked_fill(illegal, -torch.inf).softmax(-1).cpu()
        value[positions] = expected.double().cpu()
    return Answers(prior, value)
