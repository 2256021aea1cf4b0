"""What was drawn, and what guidance does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from paperbench.figures import Kept, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from paperbench.figures import Array


def _show(axes: Axes, images: Array, columns: int, title: str) -> None:
    """Images in [-1, 1], (n, n_pixels), in rows of `columns`, dark on light."""
    side = round(images.shape[1] ** 0.5)
    rows = images.reshape(-1, columns, side, side)
    axes.imshow(rows.transpose(0, 2, 1, 3).reshape(-1, columns * side), "gray_r", vmin=-1, vmax=1)
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
    figure = Figure(figsize=(7, 4), layout="constrained")
    for axes, (title, images) in zip(figure.subplots(2, 3).flat, drawn.items(), strict=True):
        _show(axes, images, 5, title)
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
        axes.scatter(*drawn[i].T, c=[f"C{k % 5}" for k in range(len(drawn[i]))], s=5)
        axes.set_title(f"w = {weights[i]:g}")
        axes.set_aspect("equal")
    return figure


@figure(
    "fidelity-against-diversity",
    experiment="classes",
    caption="More guidance: samples are more often of the class asked for, and differ less. The "
    " distance to real images is least in between (one seed).",
)
def trade_off(kept: Kept) -> Figure:
    """Three measures against the weight, and samples at three weights."""
    weights, acc, spread, frechet, _ = kept.array("guided", "by_weight")
    drawn = kept.array("guided", "samples")
    figure = Figure(figsize=(7, 4), layout="constrained")
    panels = figure.subplots(2, 3)
    measures = {"accuracy": acc, "variance within a class": spread, "Frechet distance": frechet}
    for axes, (name, values) in zip(panels[0], measures.items(), strict=True):
        axes.plot(weights, values, "o-")
        axes.set(xlabel="weight w of guidance", title=name, ylim=(0, None))
    for axes, i in zip(panels[1], (0, 2, 4), strict=True):
        _show(axes, drawn[i], 10, f"w = {weights[i]:g}, classes 0 to 9")
    return figure
