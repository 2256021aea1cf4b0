"""What was drawn, and what guidance does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from paperbench.figures import Kept, figure

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
    caption="Twenty images each, seed 0. Real digits are dark on white; whatever was drawn has "
    "more grey in it. The four models begin with the same noise and end at much the same shapes, "
    "the greyest of them where the mean is predicted. The Gaussian knows the mean and covariance "
    "of the training images and nothing else. Fréchet's distance compares just these two, and so "
    "finds it nearer to real digits than any of the models.",
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
    caption="More guidance: fewer samples of a wrong class and, up to a point, less variance in a "
    "class; on this seed, 0, the distance to real images is slightly lower at 0.5. Below: 0 to 9, "
    "twice.",
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
        "Fréchet distance": frechet,
    }
    for axes, (name, values) in zip(panels[0], measures.items(), strict=True):
        axes.plot(weights, values, "o-", color=COLOURS[0], clip_on=False)
        axes.set(xlabel="weight w of guidance", ylim=(0, 1.1 * values.max()))
        axes.set_title(name, fontsize=10)
    for axes, i in zip(panels[1], (0, 2, 4), strict=True):
        _show(axes, drawn[i], f"w = {weights[i]:g}")
    return figure


def _nearest(points: Array, means: Array) -> np.ndarray[Any, Any]:
    """The mean that is nearest to each point, (n,)."""
    return np.asarray(np.square(points[:, None] - means).sum(-1).argmin(1))


@figure(
    "points-through-time",
    experiment="density",
    caption="Above, from left to right: points of five narrow Gaussians turn into noise. Below, "
    "from right to left: the model makes points of other noise, and they gather in the same five "
    "places, less tightly. A point keeps its colour, that of the Gaussian which it is nearest to "
    "at t = 0. Seed 0, 100 steps, the simple loss.",
)
def points_through_time(kept: Kept) -> Figure:
    """Both processes at the same times."""
    times, means = kept.array("simple", "times"), kept.array("simple", "means")
    shown = [7, 6, 5, 4, 2, 0]
    figure = Figure(figsize=(7, 2.9), layout="constrained")
    rows = figure.subplots(2, len(shown), sharex=True, sharey=True)
    for panels, name in zip(rows, ("forward", "backward"), strict=True):
        frames = kept.array("simple", name)[:, :200]  # (times, n, 2)
        nearest = _nearest(frames[-1], means)
        for axes, i in zip(panels, shown, strict=True):
            for c, colour in enumerate(COLOURS):
                axes.plot(*frames[i, nearest == c].T, "o", color=colour, ms=2.2, mew=0)
            axes.set(aspect="equal", xlim=(-3, 3), ylim=(-3, 3), xticks=(-2, 0, 2))
    for top, bottom, i in zip(*rows, shown, strict=True):
        top.set_title(f"t = {times[i]:.0f}", fontsize=9)
        bottom.set_xlabel("$x_1$")
    rows[0, 0].set_ylabel("noise added →\n$x_2$")
    rows[1, 0].set_ylabel("← noise removed\n$x_2$")
    return figure


@figure(
    "score-field",
    experiment="density",
    caption="Which way noise is removed, seed 0. Arrows are the gradient of log p(x_t), as the "
    "model has learned it (blue) and as it is (orange, beneath); their lengths are drawn as roots, "
    "each panel to a scale of its own. Grey is the density of x_t. At t = 50 arrows point to the "
    "middle, at t = 10 to one of five Gaussians.",
)
def score_field(kept: Kept) -> Figure:
    """The score that a model has learned, and the true one, at three times."""
    import torch

    from paperbench.papers.ddpm.diffusion import Schedule
    from paperbench.papers.ddpm.mixture import ExactNoise, Mixture
    from paperbench.papers.ddpm.snapshots import EDGE

    times, scores = kept.array("simple", "times"), kept.array("simple", "scores")
    first = kept.array("simple", "means")[0]
    mixture = Mixture(5, 0.15, float(np.arctan2(first[1], first[0])))
    schedule = Schedule(int(times[0]))
    exact = ExactNoise(mixture, schedule)
    fine, coarse = np.linspace(-EDGE, EDGE, 161), np.linspace(-EDGE, EDGE, scores.shape[1])[1::2]
    figure = Figure(figsize=(7, 2.7), layout="constrained")
    for axes, i in zip(figure.subplots(1, 3, sharey=True), (2, 5, 6), strict=True):
        alpha_bar = float(schedule.alpha_bar[int(times[i])])
        spread = (1 - alpha_bar) ** 0.5
        everywhere = torch.from_numpy(_grid(fine))
        density = mixture.log_joint(everywhere, alpha_bar**0.5, spread).logsumexp(-1).exp()
        grey = density.view(len(fine), -1).numpy()
        extent, shade = (-EDGE, EDGE, -EDGE, EDGE), 2 * grey.max()
        axes.imshow(grey, "Greys", vmin=0, vmax=shade, extent=extent, origin="lower")
        points = torch.from_numpy(_grid(coarse))
        t = torch.full((len(points),), int(times[i]))
        true = -exact(points, t, torch.full_like(t, mixture.n_classes)).numpy() / spread
        longest = float(np.linalg.norm(true, axis=1).max())
        learned = scores[i][1::2, 1::2].reshape(-1, 2)
        for field, colour, width in ((true, COLOURS[1], 0.014), (learned, COLOURS[0], 0.006)):
            root = field / np.sqrt(longest * np.linalg.norm(field, axis=1, keepdims=True))
            axes.quiver(
                *points.T, *root.T, color=colour, width=width, scale=2, scale_units="x", angles="xy"
            )
        axes.set(title=f"t = {times[i]:.0f}", aspect="equal", xlabel="$x_1$")
        axes.set(xlim=(-1.9, 1.9), ylim=(-1.9, 1.9))
    figure.axes[0].set_ylabel("$x_2$")
    return figure


def _grid(line: np.ndarray[Any, Any]) -> Array:
    """The points of a square, (n * n, 2), row by row."""
    return np.stack(np.meshgrid(line, line), -1).reshape(-1, 2).astype(np.float32)


@figure(
    "digits-through-time",
    experiment="drawing",
    caption="Above, from left to right: two test images of which more and more is noise. Below, "
    "from right to left: three images that a model makes of noise, and under each what it believes "
    "the finished image to be. That is noise itself at t = 100, where an error counts more than "
    "two hundred times; by t = 50 it is a blur, out of which strokes come. Seed 0, the simple "
    "loss.",
)
def digits_through_time(kept: Kept) -> Figure:
    """Two real digits and three drawn ones, at all times."""
    times = kept.array("noise", "times")[::-1]
    forward, backward = (kept.array("noise", name)[::-1] for name in ("forward", "backward"))
    beliefs = np.concatenate([backward[:1], kept.array("noise", "beliefs")[::-1]])
    drawn = np.stack([backward[:, :3], beliefs[:, :3]], 2).reshape(len(times), 6, -1)
    figure = Figure(figsize=(7, 6.4), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(2, 6))
    sheets = ((above, forward[:, :2], ["real"] * 2), (below, drawn, ["drawn", "believed"] * 3))
    for axes, images, names in sheets:
        _tile(axes, images.transpose(1, 0, 2))
        axes.set_axis_on()
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        side = round(images.shape[2] ** 0.5) + 2
        axes.set_yticks((np.arange(len(names)) + 0.5) * side - 0.5, names)
        axes.set_xticks((np.arange(len(times)) + 0.5) * side - 0.5, [f"t = {t:.0f}" for t in times])
    above.set_title("noise added →", fontsize=9)
    below.set_title("← noise removed", fontsize=9)
    return figure
