"""What the trained networks look like inside."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from paperbench.figures import Kept, figure
from paperbench.papers.mlp_1986.measures import antisymmetry
from paperbench.papers.mlp_1986.tasks import NATION, PEOPLE

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#777777"  # Okabe and Ito's: safe for most eyes


@figure(
    "symmetry-weights",
    experiment="symmetry",
    caption="Left: the weights from the six inputs to both hidden units of one network, equal and "
    "opposite about the middle. Right: the three pairs of every unit in the 16 networks of seed 0, "
    "each relative to its smallest. The paper's ratio is 1 : 2 : 4; some settle at 2 : 3 : 4.",
)
def symmetry_weights(kept: Kept) -> Figure:
    """Figure 1 of the paper as bars."""
    incoming = kept.array("two", "incoming").astype(float)[:, 1:]  # (nets, inputs, units)
    sizes = np.sort(np.abs(incoming - incoming[:, ::-1])[:, :3] / 2, 1)
    ratios = sizes / sizes[:, :1]
    off = np.abs(np.log2(ratios) - np.arange(3)[:, None]).max((1, 2))
    picture = Figure(figsize=(7, 3), layout="constrained")
    bars, pairs = picture.subplots(1, 2, width_ratios=[3, 2])
    place, net = np.arange(1, 7), int(off.argmin())
    for unit, colour in enumerate((BLUE, ORANGE)):
        bars.bar(
            place + 0.4 * unit - 0.2,
            incoming[net, :, unit],
            0.38,
            color=colour,
            label=f"hidden unit {unit + 1}",
        )
    bars.axhline(0, color="black", lw=0.8)
    bars.axvline(3.5, color=GREY, ls=":")
    bars.set(xlabel="input", ylabel="weight", xticks=place, title=f"network {net}")
    bars.legend(frameon=False, fontsize=8)
    mirrored = antisymmetry(incoming) > 0.95
    for solved, colour in ((True, BLUE), (False, GREY)):
        drawn = ratios[mirrored == solved].transpose(0, 2, 1).reshape(-1, 3)
        label = "mirrored" if solved else "not mirrored"
        for i, row in enumerate(drawn):
            pairs.plot(place[:3], row, "o-", color=colour, alpha=0.35, label="" if i else label)
    pairs.set(xlabel="pair, by size", ylabel="relative to the smallest", xticks=place[:3])
    pairs.set_yscale("log", base=2)
    pairs.set(yticks=[1, 2, 4, 8, 16], yticklabels=["1", "2", "4", "8", "16"], ylim=(0.8, 20))
    pairs.grid(axis="y", color="#dddddd")
    pairs.legend(frameon=False, fontsize=8)
    return picture


@figure(
    "symmetry-sweeps",
    experiment="symmetry",
    caption="Share of 16 starts that have solved symmetry, a line for each seed. One hidden unit "
    "never does; with two, most need more than the 1,425 sweeps of the paper's example.",
)
def symmetry_sweeps(kept: Kept) -> Figure:
    """When a start has solved the task."""
    picture = Figure(figsize=(6, 3), layout="constrained")
    axes = picture.subplots()
    for arm, colour, label in (
        ("two", BLUE, "two hidden units"),
        ("one", ORANGE, "one hidden unit"),
    ):
        for i, (sweeps, solved) in enumerate(kept.curves(arm, "solved")):
            axes.plot(sweeps, solved, color=colour, alpha=0.7, label="" if i else label)
    axes.axvline(1425, color=GREY, ls=":", label="the paper's example")
    axes.set(xlabel="sweeps through the 64 patterns", ylabel="share solved", ylim=(-0.03, 1.03))
    axes.legend(frameon=False, fontsize=8, loc="center right")
    return picture


@figure(
    "family-codes",
    experiment="family",
    caption="What each of the six units that code a person makes of the 24 persons, in one network. "
    "The English are above, their Italian counterparts below, the oldest on the left. The units are "
    "in the order of how well they tell the families apart.",
)
def family_codes(kept: Kept) -> Figure:
    """Figure 4 of the paper, with activities in place of weights."""
    codes = kept.array("tree", "codes")[0].astype(float)  # (24, 6)
    centred = codes - codes.mean(0)
    covariance = (NATION - 0.5) @ centred
    order = np.argsort(-(covariance**2) / (centred**2).sum(0))
    picture = Figure(figsize=(7, 6), layout="constrained")
    rows = picture.subplots(6, 1, sharex=True)
    for axes, unit in zip(rows, order, strict=True):
        drawn = axes.imshow(
            codes[:, unit].reshape(2, 12), cmap="cividis", vmin=0, vmax=1, aspect="auto"
        )
        axes.set_yticks([0, 1], ["English", "Italian"], fontsize=8)
        axes.set_title(f"unit {unit + 1}", fontsize=8, loc="left", pad=2)
    rows[-1].set_xticks(
        range(12),
        [f"{one}\n{other}" for one, other in zip(PEOPLE[:12], PEOPLE[12:], strict=True)],
        rotation=45,
        ha="right",
        fontsize=7,
    )
    picture.colorbar(drawn, ax=rows, label="activity", shrink=0.6)
    return picture
