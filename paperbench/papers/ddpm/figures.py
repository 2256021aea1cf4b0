"""What was drawn, and what guidance does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from paperbench.figures import Kept, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from paperbench.figures import Array

COLOURS = np.array(["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"])  # Okabe and Ito


def _show(axes: Axes, images: Array, title: str) -> None:
    """Twenty images in [-1, 1], (20, n_pixels), in four rows, dark on light, with gaps between."""
    side = round(images.shape[1] ** 0.5)
    tiles = np.pad(images.reshape(20, side, side), ((0, 0), (1, 1), (1, 1)), constant_values=-1)
    rows = tiles.reshape(4, 5, side + 2, side + 2).transpose(0, 2, 1, 3)
    axes.imshow(rows.reshape(4 * (side + 2), -1), "gray_r", vmin=-1, vmax=1)
    axes.set_title(title, fontsize=9)
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
