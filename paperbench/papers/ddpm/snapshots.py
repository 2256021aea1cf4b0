"""What is kept of the ways into noise and out of it, to be looked at."""

from __future__ import annotations

import torch
from torch import Tensor

from paperbench.papers.ddpm.diffusion import Estimate, Schedule

SHARES = (1.0, 0.75, 0.5, 0.4, 0.3, 0.2, 0.1)  # of T: when a picture is taken, and at the end
MOST = 8_000  # numbers of one array, so that large images leave room for others
EDGE, CELLS = 2.0, 17  # of the square where a score is looked at


def few(x: Tensor, most: int) -> Tensor:
    """The first examples of x, (n, n_features): `most` of them, or fewer where they are large."""
    return x[: min(most, MOST // x.shape[1])]


def times(schedule: Schedule) -> list[int]:
    """The t of the pictures, from T down."""
    return [max(1, round(share * schedule.n_steps)) for share in SHARES]


class Film:
    """An estimate that remembers what it was asked about the first n examples, and its answers."""

    def __init__(self, estimate: Estimate, schedule: Schedule, n: int) -> None:
        self.estimate, self.times, self.n = estimate, times(schedule), n
        self._seen: dict[int, tuple[Tensor, Tensor]] = {}

    def __call__(self, x_t: Tensor, t: int) -> Tensor:
        """What is believed of x_0."""
        believed = self.estimate(x_t, t)
        if t in self.times:
            self._seen[t] = x_t[: self.n].cpu(), believed[: self.n].cpu()
        return believed

    def frames(self, x0: Tensor) -> Tensor:
        """x_t at every time and x_0 at the end, (1 + times, n, n_features)."""
        return torch.stack([*(self._seen[t][0] for t in self.times), x0[: self.n].cpu()])

    def beliefs(self) -> Tensor:
        """What was believed of x_0 at every time, (times, n, n_features)."""
        return torch.stack([self._seen[t][1] for t in self.times])


@torch.no_grad()
def noised(schedule: Schedule, x0: Tensor, generator: torch.Generator) -> Tensor:
    """The frames of the forward process, from T down to x_0, all of one and the same noise."""
    noise = torch.randn(x0.shape, generator=generator)
    alpha_bar = schedule.alpha_bar[times(schedule)].cpu()[:, None, None]
    return torch.cat([alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise, x0[None]])


@torch.no_grad()
def scores(estimate: Estimate, schedule: Schedule) -> Tensor:
    """The gradient of log p(x_t) that an estimate stands for, (times, CELLS, CELLS, 2).

    At points of a square from -EDGE to EDGE: rows are of one x_2, columns of one x_1. It is
    -noise / sqrt(1 - alpha_bar_t), section 3.2.
    """
    line = torch.linspace(-EDGE, EDGE, CELLS, device=schedule.beta.device)
    x = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).flatten(0, 1)
    fields = [
        (schedule.alpha_bar[t].sqrt() * estimate(x, t) - x) / (1 - schedule.alpha_bar[t])
        for t in times(schedule)
    ]
    return torch.stack(fields).view(-1, CELLS, CELLS, 2).cpu()
