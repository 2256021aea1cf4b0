"""Pictures of what the runs have kept."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paperbench.figures import Kept, figure

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#777777"


@figure(
    "learning",
    experiment="self-play",
    caption="Games lost to a perfect player while the agent learns, each of eight seeds and their "
    "mean. After some ten iterations it loses fewer than one in ten, with search or by its policy "
    "alone. Right, the controls: without search in self-play the policy alone loses some eight in "
    "ten to the end; with values that learn shuffled outcomes, even with search it still loses a "
    "quarter.",
)
def learning(kept: Kept) -> Figure:
    """Losses by iteration."""
    picture = Figure(figsize=(6.4, 3), layout="constrained")
    left, right = picture.subplots(1, 2, sharey=True)
    _draw(left, kept, "agent", "raw_loss", ORANGE, "policy alone")
    _draw(left, kept, "agent", "search_loss", BLUE, "with search")
    itself, shuffled = "agent of learns-from-self-play", "agent of never-loses"
    _draw(right, kept, itself, "raw_loss", ORANGE, "policy alone, taught by itself")
    _draw(right, kept, shuffled, "search_loss", BLUE, "with search, outcomes shuffled")
    floor = kept.metric("agent", "two_ply_loss")[0]
    for axes, title in ((left, "as in the paper"), (right, "controls")):
        axes.axhline(floor, color=GREY, linestyle=":", linewidth=1, label="sees two plies ahead")
        axes.set(xlabel="iterations of self-play", title=title, ylim=(-0.02, 1.42))
        axes.set_yticks(np.linspace(0, 1, 6))
        axes.legend(fontsize=7.5, loc="upper right")
    left.set_ylabel("lost games (share)")
    return picture


def _draw(axes: Axes, kept: Kept, arm: str, name: str, color: str, label: str) -> None:
    curves = kept.curves(arm, name)
    for iterations, losses in curves:
        axes.plot(iterations, losses, color=color, alpha=0.25, linewidth=0.7)
    mean = np.mean([losses for _, losses in curves], axis=0)
    axes.plot(curves[0][0], mean, color=color, linewidth=1.8, label=label)


@figure(
    "values",
    experiment="self-play",
    caption="What the trained network's value says of each of the 4,520 positions that are not "
    "over, by its outcome under perfect play, seed 0. Between the dotted lines the nearest "
    "outcome is a draw. Of positions that are won or drawn it tells nine in ten rightly, of lost "
    "ones hardly half: nearly all others of these it takes for draws. Each row has a scale of its "
    "own.",
)
def values(kept: Kept) -> Figure:
    """Three histograms, one above the other."""
    found, worth = kept.array("agent", "values"), kept.array("agent", "worth")
    picture = Figure(figsize=(6.4, 3.4), layout="constrained")
    rows = picture.subplots(3, 1, sharex=True)
    names = ((1, "won", BLUE), (0, "drawn", GREEN), (-1, "lost", ORANGE))
    for axes, (outcome, name, color) in zip(rows, names, strict=True):
        of_these = found[worth == outcome]
        right = (np.rint(of_these) == outcome).mean()
        axes.hist(of_these, bins=60, range=(-1, 1), color=color)
        axes.set_title(
            f"{name}: {len(of_these):,}, {right:.0%} told rightly", loc="left", fontsize=9
        )
        for border in (-0.5, 0.5):
            axes.axvline(border, color=GREY, linestyle=":", linewidth=1)
    rows[1].set_ylabel("positions")
    rows[2].set_xlabel("value v for the player to move")
    return picture
