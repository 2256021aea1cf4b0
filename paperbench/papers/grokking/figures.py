"""Pictures of grokking, drawn from what finished runs have kept."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from paperbench.figures import Kept, figure

Array = NDArray[np.float32]

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#767676"


@figure(
    "delay",
    experiment="table",
    caption="Accuracy on the equations that were shown and on the others, every seed a line. Both "
    "networks know the training set after forty to fifty steps. With weight decay the rest "
    "follows, some four times later, while the norm of the weights falls; without, not in these "
    "600 steps.",
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
    "frequency is the lowest, over the residues; right, the mean of 64 units: what share of a "
    "unit's power each of its frequencies has, the strongest first. Units of the network that "
    "generalises are near cosines.",
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
        for unit, shade in zip(slowest, (BLUE, GREEN), strict=True):
            axes.plot(vectors[:, unit], ".-", lw=1, ms=3, color=shade)
        axes.set(title=label, ylabel="weight")
        shares = np.sort(power / power.sum(0), axis=0)[::-1].mean(1)
        spectrum.plot(np.arange(1, len(shares) + 1), shares, "o-", ms=3, color=color, label=label)
    axes.set(xlabel="first operand")
    spectrum.set(xlabel="frequencies, strongest first", ylabel="share of its power")
    spectrum.legend()
    return picture


@figure(
    "circles",
    experiment="table",
    caption="A dot is a first operand, placed by its weights to two units (seed 0): of those 64 "
    "that are kept, the two of one frequency that are in the end the purest and nearest to a "
    "quarter turn apart. Above, the same units when 99 % of the training set were known. Coloured "
    "by the place on a circle that this frequency gives an operand: where the network generalises, "
    "operands come to lie in that order around the middle.",
)
def circles(kept: Kept) -> Figure:
    """Two units of one frequency, as far from in phase as there are, before and after."""
    picture = Figure(figsize=(6.4, 6.6), layout="constrained")
    columns = picture.subplots(2, 2).T
    titles = {"decay": "weight decay 1", "none": "no weight decay"}
    for panels, (arm, title) in zip(columns, titles.items(), strict=True):
        in_the_end = kept.array(arm, "vectors")
        units, frequency = _out_of_phase(in_the_end)
        p = len(in_the_end)
        turn = np.arange(p) * frequency % p / p
        for axes, name, when in zip(
            panels,
            ("vectors when memorised", "vectors"),
            ("when the training set is known", "in the end"),
            strict=True,
        ):
            x, y = kept.array(arm, name)[:, units].T
            drawn = axes.scatter(x, y, c=turn, s=130, cmap="twilight_shifted", vmin=0, vmax=1)
            for operand, at in enumerate(zip(x, y, strict=True)):
                dark = 0.2 < turn[operand] < 0.8
                axes.annotate(
                    str(operand),
                    at,
                    ha="center",
                    va="center",
                    fontsize=6,
                    color="black" if dark else "white",
                )
            axes.set_title(f"{title},\n{when}", fontsize=9)
            axes.set(xlabel=f"weight to unit {units[0]}", ylabel=f"weight to unit {units[1]}")
            axes.set_aspect("equal", adjustable="datalim")
    label = "place on the circle, in turns"
    picture.colorbar(drawn, ax=columns, label=label, location="bottom", shrink=0.5)
    return picture


def _out_of_phase(vectors: Array) -> tuple[list[int], int]:
    """Two units of one strongest frequency, each a pure one, a quarter turn apart; and which."""
    waves = np.fft.rfft(vectors, axis=0)[1:]
    power = np.abs(waves) ** 2
    strongest, purity = power.argmax(0), power.max(0) / power.sum(0)
    phase = np.angle(np.take_along_axis(waves, strongest[None], 0))[0]
    alike = strongest[:, None] == strongest[None]
    worth = np.minimum(purity[:, None], purity[None]) * np.abs(np.sin(phase[:, None] - phase))
    one, other = np.unravel_index((alike * worth).argmax(), alike.shape)
    return [int(one), int(other)], int(strongest[one]) + 1


@figure(
    "table-answers",
    experiment="table",
    caption="How sure a network is of the right result of every equation, seed 0, a square each: "
    "above, when it knows 99 % of those that it was shown; below, in the end, after 600 steps. "
    "Above, what is not dark was shown, but for a few. With weight decay, and 60 % of the table "
    "shown, all the rest becomes light as well. Without decay, or with 25 % shown, nearly all of "
    "it stays dark, and only what was shown becomes lighter still.",
)
def table_answers(kept: Kept) -> Figure:
    """A square an equation: an arm a column, one row when it has memorised and one in the end."""
    picture = Figure(figsize=(7, 5), layout="compressed")
    panels = picture.subplots(2, 3, sharex=True, sharey=True)
    arms = {
        "decay": "60 % shown,\nweight decay 1",
        "none": "60 % shown,\nno weight decay",
        "less": "25 % shown,\nweight decay 1",
    }
    for column, (arm, title) in zip(panels.T, arms.items(), strict=True):
        for axes, sure in zip(column, kept.array(arm, "answers"), strict=True):
            image = axes.imshow(sure, vmin=0, vmax=1, cmap="viridis")
            axes.set(xticks=(0, 20, 40), yticks=(0, 20, 40))
        column[0].set_title(title)
        column[1].set_xlabel("second operand")
    for axes, when in zip(panels[:, 0], ("what is shown is known", "in the end"), strict=True):
        axes.set_ylabel(f"{when}\n\nfirst operand")
    picture.colorbar(image, ax=panels, label="probability of the right result", shrink=0.8)
    return picture
