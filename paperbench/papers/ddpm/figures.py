"""What was drawn, and what guidance does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.figure import Figure

from paperbench.figures import Kept, figure
from paperbench.papers.ddpm.diffusion import Schedule
from paperbench.papers.ddpm.mixture import Mixture
from paperbench.papers.ddpm.snapshots import EDGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from paperbench.figures import Array

COLOURS = np.array(["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"])  # Okabe and Ito


def _show(axes: Axes, images: Array, title: str) -> None:
    """Images in [-1, 1], (n, n_pixels), five in a row."""
    _tile(axes, images.reshape(-1, 5, images.shape[1]))
    axes.set_title(title, fontsize=9)


def _tile(axes: Axes, images: Array) -> None:
    """Images in [-1, 1], (rows, columns, n_pixels), dark on light, with gaps between."""
    rows, columns, n_pixels = images.shape
    side = round(n_pixels**0.5)
    tiles = images.reshape(rows, columns, side, side)
    tiles = np.pad(tiles, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-1)
    sheet = tiles.transpose(0, 2, 1, 3).reshape(rows * (side + 2), -1)
    axes.imshow(sheet, "gray_r", vmin=-1, vmax=1)
    axes.set_axis_off()


@figure(
    "samples",
    experiment="drawing",
    caption="Twenty images each, of one seed. The Gaussian has the mean and covariance of the "
    "training images; a distance to real ones that cannot tell it from digits sees two moments.",
)
def samples(kept: Kept) -> Figure:
    """Real images, a Gaussian's, and those of every arm."""
    drawn = {
        "real": kept.array("noise", "real"),
        "Gaussian": kept.array("noise", "gaussian"),
        "noise predicted, simple loss": kept.array("noise", "samples"),
        "noise predicted, bound": kept.array("variational", "samples"),
        "image predicted": kept.array("image", "samples"),
        "mean predicted": kept.array("mean", "samples"),
    }
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    for axes, (title, images) in zip(figure.subplots(2, 3).flat, drawn.items(), strict=True):
        _show(axes, images, title)
    return figure


@figure(
    "guided-points",
    experiment="classes-known",
    caption="Five overlapping Gaussians, drawn with exact denoisers; colours are the class asked "
    "for. Guidance moves points away from the other classes and squeezes every class.",
)
def guided_points(kept: Kept) -> Figure:
    """Points at three weights."""
    weights, drawn = kept.array("exact", "by_weight")[0], kept.array("exact", "samples")
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    for axes, i in zip(panels, (0, 2, 4), strict=True):
        axes.scatter(*drawn[i].T, c=COLOURS[np.arange(len(drawn[i])) % 5], s=6)
        axes.set(title=f"w = {weights[i]:g}", aspect="equal", xlabel="$x_1$")
    panels[0].set_ylabel("$x_2$")
    return figure


@figure(
    "fidelity-against-diversity",
    experiment="classes",
    caption="More guidance: fewer samples of a wrong class and, up to a point, less variance in "
    "a class; on this seed the "
    "distance to real images is slightly lower at 0.5; 0 to 9, twice.",
)
def trade_off(kept: Kept) -> Figure:
    """Three measures against the weight, and samples at three weights."""
    weights, acc, spread, frechet, _ = kept.array("guided", "by_weight")
    drawn = kept.array("guided", "samples")
    figure = Figure(figsize=(7, 4.4), layout="constrained")
    panels = figure.subplots(2, 3)
    measures = {
        "of a wrong class, %": 100 * (1 - acc),
        "variance within a class": spread,
        "Frechet distance": frechet,
    }
    for axes, (name, values) in zip(panels[0], measures.items(), strict=True):
        axes.plot(weights, values, "o-", color=COLOURS[0], clip_on=False)
        axes.set(xlabel="weight w of guidance", ylim=(0, 1.1 * values.max()))
        axes.set_title(name, fontsize=10)
    for axes, i in zip(panels[1], (0, 2, 4), strict=True):
        _show(axes, drawn[i], f"w = {weights[i]:g}")
    return figure


def _nearest(points: Array, means: Array) -> Array:
    """The mean that is nearest to each point, (n,)."""
    return np.square(points[:, None] - means).sum(-1).argmin(1)


@figure(
    "points-through-time",
    experiment="density",
    caption="Points of five narrow Gaussians turn into noise, step by step (above); from other "
    "noise the model makes points of five Gaussians (below, read from right to left), seed 0. Each "
    "keeps one colour: of the Gaussian that it came from, or ends nearest to. The colours come "
    "apart where the share of noise falls.",
)
def points_through_time(kept: Kept) -> Figure:
    """Both processes at the same times."""
    times, means = kept.array("simple", "times"), kept.array("simple", "means")
    shown = [i for i, t in reversed(list(enumerate(times))) if t not in (40, 75)]
    figure = Figure(figsize=(7, 2.9), layout="constrained")
    rows = figure.subplots(2, len(shown), sharex=True, sharey=True)
    for panels, name in zip(rows, ("forward", "backward"), strict=True):
        frames = kept.array("simple", name)  # (times, n, 2)
        colours = COLOURS[_nearest(frames[-1], means)]
        for axes, i in zip(panels, shown, strict=True):
            axes.scatter(*frames[i].T, c=colours, s=3, linewidths=0)
            axes.set(
                aspect="equal", xlim=(-3, 3), ylim=(-3, 3), xticks=(-2, 0, 2), yticks=(-2, 0, 2)
            )
    for axes, i in zip(rows[0], shown, strict=True):
        axes.set_title(f"t = {times[i]:.0f}", fontsize=9)
    rows[0, 0].set_ylabel("noise is added ->")
    rows[1, 0].set_ylabel("<- noise is removed")
    return figure


@figure(
    "score-field",
    experiment="density",
    caption="Which way noise is removed, seed 0: arrows are the learned score, the gradient of "
    "log p(x_t), on a grid; grey is the true density of x_t. With much noise they all point to the "
    "middle, with little to the nearest Gaussian.",
)
def score_field(kept: Kept) -> Figure:
    """The score that a model has learned, at three times."""
    times, scores = kept.array("simple", "times"), kept.array("simple", "scores")
    mixture = Mixture(5, 0.15, float(np.arctan2(*kept.array("simple", "means")[0][::-1])))
    schedule = Schedule(int(times[0]))
    fine, coarse = np.linspace(-EDGE, EDGE, 161), np.linspace(-EDGE, EDGE, scores.shape[1])
    x = torch.tensor(np.stack(np.meshgrid(fine, fine), -1).reshape(-1, 2), dtype=torch.float32)
    figure = Figure(figsize=(7, 2.7), layout="constrained")
    for axes, i in zip(figure.subplots(1, 3, sharey=True), (1, 4, 6), strict=True):
        alpha_bar = float(schedule.alpha_bar[int(times[i])])
        density = mixture.log_joint(x, alpha_bar**0.5, (1 - alpha_bar) ** 0.5).logsumexp(-1).exp()
        axes.contourf(fine, fine, density.reshape(161, 161).numpy(), levels=12, cmap="Greys")
        axes.quiver(coarse, coarse, *scores[i].transpose(2, 0, 1), color=COLOURS[0], width=0.006)
        axes.set(title=f"t = {times[i]:.0f}", aspect="equal", xlabel="$x_1$")
    return figure


@figure(
    "digits-through-time",
    experiment="drawing",
    caption="Above: real digits of which more and more is noise. Below: what the model makes of "
    "noise, read from right to left, and beneath each row what it believes of the finished image on "
    "the way: first a grey mean, then one digit. Seed 0.",
)
def digits_through_time(kept: Kept) -> Figure:
    """Two real digits and four drawn ones, at all times."""
    times = kept.array("noise", "times")[::-1]
    forward, backward = (kept.array("noise", name)[::-1] for name in ("forward", "backward"))
    beliefs = np.concatenate([backward[:1], kept.array("noise", "beliefs")[::-1]])
    drawn = np.stack([backward[:, :3], beliefs[:, :3]], 2).reshape(len(times), 6, -1)
    figure = Figure(figsize=(7, 6.4), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(2, 6))
    _tile(above, forward[:, :2].transpose(1, 0, 2))
    _tile(below, drawn.transpose(1, 0, 2))
    return figure
