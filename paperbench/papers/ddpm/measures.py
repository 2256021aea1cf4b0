"""How near samples are to real examples, and how much those of one class differ."""

from __future__ import annotations

import torch
from torch import Tensor

N_AXES = 20  # principal axes of the real examples that Frechet's distance looks at


def kernel_distance(x: Tensor, y: Tensor) -> float:
    """The squared maximum mean discrepancy of x (n, d) and y (m, d), without bias.

    Gretton et al. 2012, equation (3): 0 on average for two samples of one distribution, so that it
    may be negative. y is the real one. The kernel is as wide as a third of the median distance
    within it: narrow enough to see neighbours, not means and variances alone.
    """
    within_x, within_y, between = torch.pdist(x), torch.pdist(y), distances(x, y)
    width = within_y.median() / 3
    means = [torch.exp(-(d**2) / (2 * width**2)).mean() for d in (within_x, within_y, between)]
    return float(means[0] + means[1] - 2 * means[2])


def distances(x: Tensor, y: Tensor) -> Tensor:
    """Between every x (n, d) and every y (m, d): (n, m). Exact where x has exploded."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")


def frechet_distance(x: Tensor, y: Tensor) -> float:
    """|m_x - m_y|^2 + tr(C_x + C_y - 2 (C_x C_y)^(1/2)), along the main axes of y, the real one.

    Heusel et al. 2017, who take it of a network's features. It sees two moments and nothing else.
    """
    y = y.double()
    axes = torch.linalg.svd(y - y.mean(0), full_matrices=False).Vh[:N_AXES].T
    a, b = x.double() @ axes, y @ axes
    # The eigenvalues of C_x C_y are not negative, but for rounding.
    roots = torch.linalg.eigvals(a.T.cov() @ b.T.cov()).real.clamp(min=0).sqrt()
    moved = (a.mean(0) - b.mean(0)).square().sum()
    return float(moved + a.var(0).sum() + b.var(0).sum() - 2 * roots.sum())


def matched_gaussian(x: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """N draws from the Gaussian with the mean and covariance of x: what two moments can do."""
    mixed: Tensor = torch.randn(n, len(x), generator=generator) / (len(x) - 1) ** 0.5
    return x.mean(0) + mixed @ (x - x.mean(0))


def class_spread(x: Tensor, classes: Tensor) -> float:
    """Variance within a class, summed over features; the mean over the classes there are."""
    found = [x[classes == c].var(0).sum() for c in sorted(set(classes.tolist()))]
    return float(torch.stack(found).mean())
