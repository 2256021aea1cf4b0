"""What a network learns with half of its units gone, and what its average predicts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paperbench.figures import Kept, figure

if TYPE_CHECKING:
    from paperbench.figures import Array

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#777777"  # Okabe and Ito, and a grey
ARMS = (("plain", "without dropout", ORANGE), ("dropout", "with dropout", BLUE))


@figure(
    "learning-curves",
    experiment="overfit",
    caption="Accuracy on 300 training and 300 test examples while noisy labels are learned; thin "
    "lines are seeds, thick ones their mean. Without dropout even the wrong labels are learned by "
    "heart (left), and the accuracy on new examples falls from an early best (right). With dropout "
    "it falls less. Dashed: where the rival stops that is stopped early.",
)
def learning_curves(kept: Kept) -> Figure:
    """On the training examples, and on new ones."""
    drawn = Figure(figsize=(7.4, 3.3), layout="constrained")
    grid = drawn.subplots(1, 2, sharey=True)
    titles = (("train_acc", "training examples, noisy labels"), ("test_acc", "test examples"))
    for axes, (name, title) in zip(grid, titles, strict=True):
        for arm, label, colour in ARMS:
            curves = kept.curves(arm, name)
            values = np.stack([values for _, values in curves])
            steps = curves[0][0]
            axes.plot(steps, values.T, color=colour, linewidth=0.6, alpha=0.5)
            seeds = f"{label} ({len(values)} seeds)"
            axes.plot(steps, values.mean(0), color=colour, linewidth=2, label=seeds)
        axes.set(xlabel="training steps", title=title)
    stops = [steps[-1] for steps, _ in kept.curves("stopped", "test_acc")]
    grid[1].axvline(stops[0], color=GREY, linestyle="--", label="stopped early")
    grid[0].set_ylabel("accuracy")
    grid[0].set_ylim(0.4, 1.01)
    grid[1].legend(fontsize=8, loc="lower right")
    return drawn


@figure(
    "sampled-networks",
    experiment="overfit",
    caption="Left: test error of the mean of ever more sampled networks, and of the one network "
    "with all units (dashed, mean of the seeds); thin lines are seeds. Right: the probability of "
    "the true class of 300 test cases, seed 0, by the scaled network (across), by the mean of 50 "
    "sampled ones and by one of them (upwards): the mean keeps near the line on which they agree, "
    "where the scaled network is fairly sure a little below it; one network does not.",
)
def sampled_networks(kept: Kept) -> Figure:
    """The limit of the average, and what one pass says of it."""
    drawn = Figure(figsize=(7.4, 3.5), layout="constrained")
    left, right = drawn.subplots(1, 2)
    errors = np.stack(
        [kept.array("dropout", "error_by_samples", seed=seed) for seed in kept.seeds("dropout")]
    )
    averaged = np.arange(1, errors.shape[1] + 1)
    left.plot(averaged, errors.T, color=BLUE, linewidth=0.6, alpha=0.5)
    left.plot(averaged, errors.mean(0), color=BLUE, linewidth=2, label="mean of sampled networks")
    scaled = kept.metric("dropout", "test_error")
    left.axhline(float(np.mean(scaled)), color=ORANGE, linestyle="--", label="scaled network")
    left.set_xscale("log")
    left.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
    left.set(xlabel="networks averaged", ylabel=f"test error, {len(errors)} seeds")
    left.legend(fontsize=8)
    by_scaled, by_mean, by_one = kept.array("dropout", "predicted").T
    right.scatter(by_scaled, by_one, s=7, color=GREY, marker="^", label="one sampled network")
    right.scatter(by_scaled, by_mean, s=7, color=BLUE, label="mean of sampled networks")
    right.plot([0, 1], [0, 1], color=ORANGE, linestyle="--", linewidth=1)
    right.set(xlabel="p(true class), scaled network", ylabel="p(true class)")
    right.legend(fontsize=8)
    return drawn


@figure(
    "features",
    experiment="features",
    caption="What the first 36 hidden units of an autoencoder respond to, seed 0: weights from "
    "each pixel, blue positive, red negative, all on one scale; the units with the largest "
    "weights come first. With dropout the weights are smaller, and much the same from unit to "
    "unit. Strokes and edges, which the paper sees with dropout (figure 7), are not to be seen "
    "here.",
)
def features(kept: Kept) -> Figure:
    """Weights as images."""
    drawn = Figure(figsize=(7.4, 3.9), layout="constrained")
    weights = {arm: kept.array(arm, "features") for arm, _, _ in ARMS}
    largest = max(np.quantile(np.abs(each), 0.995) for each in weights.values())
    grid = drawn.subplots(1, 2, gridspec_kw={"wspace": 0.08})
    for axes, (arm, label, _) in zip(grid, ARMS, strict=True):
        image = axes.imshow(_mosaic(weights[arm]), cmap="RdBu", vmin=-largest, vmax=largest)
        axes.set(title=label, xticks=[], yticks=[])
        axes.set_frame_on(False)
    drawn.colorbar(image, ax=list(grid), label="weight", shrink=0.8)
    return drawn


@figure(
    "sparse-codes",
    experiment="features",
    caption="Hidden units of the autoencoder on 100 test images, seed 0. Left: activations of an "
    "image from its largest to its smallest, each divided by the largest, mean of the images. "
    "Right: how often an activation has which size. With dropout an image has fewer active units, "
    "and more activations are zero or nearly so.",
)
def sparse_codes(kept: Kept) -> Figure:
    """Activities by rank, and their histogram."""
    drawn = Figure(figsize=(7.4, 3.3), layout="constrained")
    left, right = drawn.subplots(1, 2)
    top = max(float(kept.array(arm, "codes").max()) for arm, _, _ in ARMS)
    for arm, label, colour in ARMS:
        codes = kept.array(arm, "codes")  # (images, units)
        ranked = -np.sort(-codes, axis=1)
        relative = (ranked / np.maximum(ranked[:, :1], 1e-9)).mean(0)
        left.plot(np.arange(1, codes.shape[1] + 1), relative, color=colour, linewidth=2)
        _histogram(right, codes, top, label, colour)
    left.set(xlabel="unit of an image, by rank", ylabel="activation / largest", ylim=(0, 1.02))
    right.set(xlabel="activation", ylabel="share of activations")
    right.legend(fontsize=8)
    return drawn


def _histogram(axes: Axes, codes: Array, top: float, label: str, colour: str) -> None:
    counts, edges = np.histogram(codes, bins=40, range=(0, top))
    axes.stairs(counts / codes.size, edges, color=colour, linewidth=2, label=label)


def _mosaic(weights: Array) -> Array:
    """Images of the rows, (units, pixels), in a square, the largest first, gaps between them."""
    side, across = math.isqrt(weights.shape[1]), math.isqrt(len(weights))
    ranked = weights[np.argsort(-np.linalg.norm(weights, axis=1))]
    images = ranked[: across * across].reshape(across, across, side, side)
    framed = np.pad(images, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    return framed.swapaxes(1, 2).reshape(across * (side + 1), across * (side + 1))[:-1, :-1]
