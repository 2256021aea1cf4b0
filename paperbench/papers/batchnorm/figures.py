"""Drawn from finished runs, see `paperbench figures batchnorm`."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from paperbench.figures import Kept, figure

PLAIN, NORMALISED, FIXED = "#D55E00", "#0072B2", "#999999"  # Okabe and Ito: for any eye
SEEDS = range(3)


@figure(
    "learning-curves",
    experiment="relu",
    caption="Test accuracy of eight layers of ReLU while they train, seeds 0 to 2. Normalised, "
    "the network is faster at the same learning rate, and at one that is too high for the other. A "
    "curve that breaks off is of a network whose loss stopped being finite.",
)
def learning_curves(kept: Kept) -> Figure:
    """Accuracy against steps."""
    drawn = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = drawn.subplots()
    for arm, label, color, style in (
        ("bn-lr-10", "normalised, rate 0.1", NORMALISED, "-"),
        ("bn-lr-03", "normalised, rate 0.03", NORMALISED, ":"),
        ("plain-lr-03", "plain, rate 0.03", PLAIN, ":"),
        ("plain-lr-10", "plain, rate 0.1", PLAIN, "-"),
    ):
        for seed in SEEDS:
            steps, accuracy = kept.curve(arm, "test_acc", seed=seed)
            axes.plot(steps, accuracy, color=color, linestyle=style, label="" if seed else label)
    axes.axhline(0.9, color="black", linewidth=0.6)
    axes.annotate("target", (-10, 0.91), va="bottom", fontsize=8)
    axes.set(xlabel="steps of SGD", ylabel="test accuracy", ylim=(0, 1))
    drawn.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=2)
    return drawn


@figure(
    "deep-sigmoids",
    experiment="sigmoid",
    caption="Test accuracy of eight layers of sigmoids after training at rates 0.003, 0.03, 0.3 "
    "and 2, a dot a seed; what was trained at one rate is drawn side by side. Without "
    "normalisation, or with gamma and beta alone, no learning rate moves them away from chance. "
    "From initial weights four times as large, at 0.3, the plain ones learn too, though unevenly.",
)
def deep_sigmoids(kept: Kept) -> Figure:
    """Accuracy against the learning rate."""
    drawn = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = drawn.subplots()
    rates = {"tiny": 0.003, "small": 0.03, "large": 0.3, "huge": 2.0}
    for sort, suffix, label, color, marker, aside in (
        ("bn", "", "normalised", NORMALISED, "o", 1.0),
        ("plain", "", "plain", PLAIN, "s", 0.9),
        ("bn", " of trains-deep-sigmoids", "gamma and beta alone", FIXED, "^", 1.1),
    ):
        for i, (name, rate) in enumerate(rates.items()):
            found = kept.metric(f"{sort}-{name}{suffix}", "test_acc")
            axes.plot(
                [rate * aside] * len(found),
                found,
                marker,
                color=color,
                alpha=0.8,
                label="" if i else label,
            )
    larger = kept.metric("plain-four", "test_acc")
    label = "plain, larger weights"
    axes.plot([0.24] * len(larger), larger, "s", color=PLAIN, fillstyle="none", label=label)
    floor = max(kept.metric("plain-tiny", "ink_acc"))
    axes.axhline(floor, color="black", linewidth=0.6, linestyle=":", label="brightness alone")
    axes.set(xscale="log", xlabel="learning rate", ylabel="test accuracy", ylim=(0, 1))
    axes.legend(frameon=False, fontsize=9, loc="center left")
    return drawn


@figure(
    "covariate-shift",
    experiment="inside",
    caption="How much the last hidden layer's gradient changes when the layers below take their "
    "step, as a share of it: covariate shift by one measure, seeds 0 to 2. Normalised, it stays "
    "below 0.6. Plain, it begins lower on two seeds, but is larger on average on each, and on two "
    "it exceeds the gradient itself at times.",
)
def covariate_shift(kept: Kept) -> Figure:
    """Shift against steps."""
    drawn = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = drawn.subplots()
    for arm, label, color in (("plain", "plain", PLAIN), ("bn", "normalised", NORMALISED)):
        for seed in SEEDS:
            steps, shift = kept.curve(arm, "shift", seed=seed)
            axes.plot(steps, shift, color=color, marker=".", label="" if seed else label)
    axes.set(xlabel="steps of SGD", ylabel="|G' - G| / |G|", ylim=(0, None))
    axes.legend(frameon=False, fontsize=9)
    return drawn


@figure(
    "inputs-of-a-unit",
    experiment="sigmoid",
    caption="What the first sigmoid of the last hidden layer is given by 256 training images while "
    "the network trains at rate 0.3, seed 0: the middle one, and the band from the 15th to the "
    "85th percentile (the paper's figure 1). Plain, the band is too narrow to be seen, and sinks "
    "to where the sigmoid is flat; from weights four times as large it opens late; normalised, it "
    "is wide from the start and stays around 0.",
)
def unit_inputs(kept: Kept) -> Figure:
    """Percentiles against steps."""
    drawn = Figure(figsize=(7, 2.9), layout="constrained")
    panels = drawn.subplots(1, 3, sharey=True)
    for axes, arm, title, color in (
        (panels[0], "plain-large", "plain", PLAIN),
        (panels[1], "plain-four", "plain, larger weights", PLAIN),
        (panels[2], "bn-large", "normalised", NORMALISED),
    ):
        (steps, low), (_, middle), (_, high) = (kept.curve(arm, f"input_{n}") for n in (15, 50, 85))
        axes.fill_between(steps, low, high, color=color, alpha=0.3, linewidth=0)
        axes.plot(steps, middle, color=color)
        axes.set(title=title, xlabel="steps of SGD")
    panels[0].set_ylabel("input of a sigmoid")
    return drawn


@figure(
    "loss-surface",
    experiment="relu",
    caption="Loss of 256 training images in a plane through the weights after training at rate "
    "0.03 (+), seed 0: two random directions, with every filter as long as the network's own (Li "
    "et al. 2018, arXiv:1712.09913). On the white line the loss is that of guessing. Normalised by "
    "the images themselves, as in training, it stays at a few nats far away; plain, or normalised "
    "by running averages, which do not follow the weights, it exceeds 100 in corners.",
)
def surface(kept: Kept) -> Figure:
    """Loss around what two networks have learned, one of them in two modes."""
    drawn = Figure(figsize=(7, 2.7), layout="constrained")
    panels = drawn.subplots(1, 3, sharey=True)
    levels, scale = np.geomspace(0.01, 100, 25), LogNorm(0.01, 100)
    for axes, arm, name, title in (
        (panels[0], "plain-lr-03", "loss_surface", "plain"),
        (panels[1], "bn-lr-03", "loss_surface_in_training", "normalised, in training"),
        (panels[2], "bn-lr-03", "loss_surface", "by running averages"),
    ):
        loss = kept.array(arm, name)
        along = np.linspace(-1, 1, len(loss))
        image = axes.contourf(along, along, loss, levels, norm=scale, cmap="cividis", extend="both")
        axes.contour(along, along, loss, levels, colors="black", linewidths=0.3)
        axes.contour(along, along, loss, [math.log(10)], colors="white", linewidths=1.5)
        axes.plot(0, 0, "+", color="white", markersize=7)
        axes.set(aspect="equal", xticks=(-1, 0, 1), yticks=(-1, 0, 1), xlabel="one direction")
        axes.set_title(title, fontsize=9)
    panels[0].set_ylabel("the other (1: as long as\nthe weights)")
    bar = drawn.colorbar(image, ax=panels, label="loss (nats)")
    ticks = (0.01, 0.1, 1, 10, 100)
    bar.set_ticks(list(ticks), labels=[f"{tick:g}" for tick in ticks])
    return drawn
