"""Pictures of grokking, drawn from what finished runs have kept."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from paperbench.figures import Kept, figure

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#767676"


@figure(
    "delay",
    experiment="table",
    caption="Accuracy on the equations that were shown and on the others, every seed a line. Both "
    "networks know the training set after some fifty steps. With weight decay, while the norm of "
    "the weights falls, the rest follows much later and at once; without, never.",
)
def delay(kept: Kept) -> Figure:
    """Accuracies above, the norm of the weights below, with and without decay."""
    picture = Figure(figsize=(6.4, 4.2), layout="constrained")
    rows = picture.subplots(2, 2, sharex=True, sharey="row", height_ratios=(2, 1))
    titles = {"decay": "weight decay 1", "none": "no weight decay"}
    for (top, bottom), (arm, title) in zip(rows.T, titles.items(), strict=True):
        for name, color, label in (("train_acc", GREY, "shown"), ("test_acc", ORANGE, "not shown")):
            for i, (steps, accuracy) in enumerate(kept.curves(arm, name)):
                top.plot(steps + 1, accuracy, color=color, lw=1, label=None if i else label)
        for steps, norm in kept.curves(arm, "norm"):
            bottom.plot(steps + 1, norm, color=BLUE, lw=1)
        top.set(title=title, xscale="log")
        bottom.set(xlabel="steps, from 1")
    rows[0, 0].set(ylabel="accuracy")
    rows[1, 0].set(ylabel="norm of weights")
    rows[0, 0].legend(loc="center left")
    return picture


@figure(
    "cosines",
    experiment="table",
    caption="What stands for the first operand (seed 0). Left, the two units whose strongest "
    "frequency is the lowest, over the residues; right, the mean power of 64 units, each unit's "
    "frequencies sorted by power. Units of the network that generalises are near cosines.",
)
def cosines(kept: Kept) -> Figure:
    """Units over the residues, and how their power is spread, with and without decay."""
    picture = Figure(figsize=(6.4, 3.4), layout="constrained")
    grid = picture.add_gridspec(2, 2, width_ratios=(3, 2))
    spectrum = picture.add_subplot(grid[:, 1])
    for row, (arm, label, color) in enumerate(
        (("decay", "weight decay 1", ORANGE), ("none", "no weight decay", GREY))
    ):
        vectors = kept.array(arm, "vectors")
        axes = picture.add_subplot(grid[row, 0])
        power = np.abs(np.fft.rfft(vectors, axis=0)[1:]) ** 2
        slowest = np.argsort(power.argmax(0), kind="stable")[:2]
        axes.plot(vectors[:, slowest], ".-", lw=1, ms=3)
        axes.set(title=label, ylabel="weight")
        shares = np.sort(power / power.sum(0), axis=0)[::-1].mean(1)
        spectrum.plot(np.arange(1, len(shares) + 1), shares, "o-", ms=3, color=color, label=label)
    axes.set(xlabel="first operand")
    spectrum.set(xlabel="frequencies, strongest first", ylabel="share of its power")
    spectrum.legend()
    return picture
