"""Drawn from finished runs, see `paperbench figures resnet`."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from paperbench.figures import Kept, figure

SHALLOW, DEEP = "#E69F00", "#0072B2"  # Okabe and Ito: for any eye
SEEDS = range(3)
LEVELS = np.arange(-18, 9) / 12  # of a surface: decades above the loss of guessing


@figure(
    "training-loss",
    experiment="digits",
    caption="Loss on training minibatches, seeds 0 to 2. Plain: more layers learn more slowly on "
    "two seeds, and on one the two end alike. Residual: more layers learn faster.",
)
def training_loss(kept: Kept) -> Figure:
    """Loss against steps; plain networks on the left, residual ones on the right."""
    drawn = Figure(figsize=(7, 3.2), layout="constrained")
    panels = drawn.subplots(1, 2, sharey=True)
    for axes, sort, title in zip(panels, ("plain", "res"), ("plain", "residual"), strict=True):
        for depth, color in ((8, SHALLOW), (26, DEEP)):
            for seed in SEEDS:
                steps, loss = kept.curve(f"{sort}-{depth}", "loss", seed=seed)
                smooth = np.convolve(loss, np.ones(5) / 5, mode="valid")
                label = "" if seed else f"{depth} layers"
                axes.plot(steps[2:-2], smooth, color=color, label=label)
        axes.axhline(np.log(10), color="black", linewidth=0.6, linestyle=":")
        axes.set(title=title, xlabel="steps of SGD", ylim=(0, 3))
        axes.legend(frameon=False, loc="lower left")
    panels[0].set_ylabel("loss, nats (mean of 5 steps)")
    panels[0].annotate("guessing", (79, np.log(10)), ha="right", va="bottom", fontsize=8)
    return drawn


@figure(
    "errors-by-depth",
    experiment="digits",
    caption="Errors on the training images after training, by sort of network and number of "
    "layers, a dot a seed. Plain, 26 layers err more than 8; residual, they err less. With a "
    "projection for every shortcut (projected) they err more than 8 residual ones, and with the "
    "shortcut of another example in place of one's own (rolled) they guess: nine in ten are wrong.",
)
def errors_by_depth(kept: Kept) -> Figure:
    """Training error of every sort of network."""
    drawn = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = drawn.subplots()
    wrong = "depth-acts-the-other-way"
    columns = (
        ("plain-8", "plain\n8", SHALLOW),
        ("plain-26", "plain\n26", DEEP),
        ("res-8", "residual\n8", SHALLOW),
        ("res-26", "residual\n26", DEEP),
        ("project-26", "projected\n26", DEEP),
        (f"res-8 of {wrong}", "rolled\n8", SHALLOW),
        (f"res-26 of {wrong}", "rolled\n26", DEEP),
    )
    for place, (arm, _, color) in enumerate(columns):
        found = kept.metric(arm, "train_error")
        axes.plot([place] * len(found), found, "o", color=color, alpha=0.8)
    axes.set_xticks(range(len(columns)), [label for _, label, _ in columns])
    axes.set(ylabel="training error", ylim=(0, 1))
    return drawn


@figure(
    "responses",
    experiment="digits",
    caption="Deviation of each layer's response, after its normalisation, to 64 training images "
    "after training, seed 0. In the paper's figure 7, of networks trained to the end, those of "
    "residual ones are smaller; after 80 steps none is far from 1, where the normalisation's gamma "
    "began.",
)
def layer_responses(kept: Kept) -> Figure:
    """Deviation against the layer."""
    drawn = Figure(figsize=(6.4, 3.0), layout="constrained")
    axes = drawn.subplots()
    for arm, label, color, style in (
        ("plain-26", "plain, 26", DEEP, ":"),
        ("res-26", "residual, 26", DEEP, "-"),
        ("plain-8", "plain, 8", SHALLOW, ":"),
        ("res-8", "residual, 8", SHALLOW, "-"),
    ):
        found = kept.array(arm, "responses")
        axes.plot(
            range(2, len(found) + 2), found, color=color, linestyle=style, marker=".", label=label
        )
    axes.set(xlabel="layer", ylabel="deviation of its response")
    axes.legend(frameon=False, fontsize=9, ncols=2)
    return drawn


@figure(
    "loss-surface",
    experiment="digits",
    caption="Loss of 64 training images in a plane through the trained weights (+, with its "
    "nats), seed 0: two random directions, with every filter as long as the network's own (Li et "
    "al. 2018, arXiv:1712.09913). On the white line the loss is that of guessing; from line to "
    "line are a twelfth of a factor of ten. Around the residual networks lies a bowl, with 26 "
    "layers the deeper and steeper one; around the plain ones it is shallow, and with 26 layers "
    "its edge is uneven. Of eight seeds this is the worst for 8 plain layers, so that 26 look no "
    "worse in the middle.",
)
def surface(kept: Kept) -> Figure:
    """Loss around what four networks have learned."""
    drawn = Figure(figsize=(6.4, 5.4), layout="constrained")
    panels = drawn.subplots(2, 2, sharex=True, sharey=True)
    guessing = math.log(10)
    scale = TwoSlopeNorm(0, math.log10(0.1 / guessing), math.log10(10 / guessing))
    arms = ("plain-8", "plain-26", "res-8", "res-26")
    titles = ("plain, 8 layers", "plain, 26", "residual, 8", "residual, 26")
    for axes, arm, title in zip(panels.flat, arms, titles, strict=True):
        loss = kept.array(arm, "loss_surface")
        along = np.linspace(-1, 1, len(loss))
        decades = np.log10(loss / guessing)
        image = axes.contourf(
            along, along, decades, LEVELS, norm=scale, cmap="PuOr_r", extend="both"
        )
        axes.contour(along, along, decades, LEVELS, colors="black", linewidths=0.3, linestyles="-")
        axes.contour(along, along, decades, [0], colors="white", linewidths=1.5)
        middle = loss[len(loss) // 2, len(loss) // 2]
        axes.plot(0, 0, "+", color="black", markersize=7)
        axes.annotate(f"{middle:.2f}", (0.05, 0.05), fontsize=8, color=_on(middle))
        axes.set(title=title, aspect="equal", xticks=(-1, 0, 1), yticks=(-1, 0, 1))
    drawn.supxlabel("steps along one direction (1: as long as the weights)", fontsize=9)
    drawn.supylabel("along the other", fontsize=9)
    ticks = (0.1, 0.2, 0.5, 1, guessing, 5, 10)
    bar = drawn.colorbar(image, ax=panels, label="loss (nats)")
    bar.set_ticks(np.log10(np.array(ticks) / guessing).tolist(), labels=[f"{t:.2g}" for t in ticks])
    return drawn


def _on(loss: float) -> str:
    """What can be read on the colour of such a loss."""
    return "white" if loss < 0.5 else "black"
