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
    caption="Left: the weights from the six inputs to both hidden units, equal and opposite about "
    "the middle, in the one of 16 networks (seed 0) that is nearest to 1 : 2 : 4. Right: the three "
    "pairs of every unit of all 16, relative to its smallest. Some settle at 2 : 3 : 4.",
)
def symmetry_weights(kept: Kept) -> Figure:
    """Figure 1 of the paper as bars."""
    incoming = kept.array("two", "incoming").astype(float)[:, 1:]  # (nets, inputs, units)
    sizes = np.sort(np.abs(incoming - incoming[:, ::-1])[:, :3], 1)
    ratios = sizes / sizes[:, :1]
    nearest = int(np.abs(np.log2(ratios) - [[0], [1], [2]]).max((1, 2)).argmin())
    picture = Figure(figsize=(7, 3), layout="constrained")
    bars, pairs = picture.subplots(1, 2, width_ratios=[3, 2])
    for unit, colour in enumerate((BLUE, ORANGE)):
        place = np.arange(1, 7) + 0.4 * unit - 0.2
        label = f"hidden unit {unit + 1}"
        bars.bar(place, incoming[nearest, :, unit], 0.38, color=colour, label=label)
    bars.axhline(0, color="black", lw=0.8)
    bars.axvline(3.5, color=GREY, ls=":")
    bars.set(xlabel="input", ylabel="weight")
    mirrored = antisymmetry(incoming) > 0.95
    for chosen, colour, label in ((mirrored, BLUE, "mirrored"), (~mirrored, GREY, "not mirrored")):
        rows = np.hstack(ratios[chosen])  # (pairs, units of all these networks)
        lines = pairs.plot([1, 2, 3], rows, "o-", color=colour, alpha=0.35)
        lines[0].set_label(label)
    pairs.set_yscale("log", base=2)
    pairs.set(xlabel="pair, by size", ylabel="relative to the smallest", xticks=[1, 2, 3])
    pairs.set(yticks=[1, 2, 4, 8, 16], yticklabels=["1", "2", "4", "8", "16"], ylim=(0.8, 20))
    for axes in (bars, pairs):
        axes.legend(frameon=False, fontsize=8)
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
    for arm, colour in (("two", BLUE), ("one", ORANGE)):
        for i, (sweeps, solved) in enumerate(kept.curves(arm, "solved")):
            label = "" if i else f"hidden units: {arm}"
            axes.plot(sweeps, solved, color=colour, alpha=0.7, label=label)
    axes.axvline(1425, color=GREY, ls=":", label="the paper's example")
    axes.set(xlabel="sweeps through the 64 patterns", ylabel="share solved", ylim=(-0.03, 1.03))
    axes.legend(frameon=False, fontsize=8, loc="center right")
    return picture


@figure(
    "family-codes",
    experiment="family",
    caption="What each of the six units that code a person makes of the 24 persons, in network 0 "
    "of seed 0: the English above, their Italian counterparts below, the oldest on the left. The "
    "units are in the order of how well they tell the families apart.",
)
def family_codes(kept: Kept) -> Figure:
    """Figure 4 of the paper, with activities in place of weights."""
    codes = kept.array("tree", "codes")[0].astype(float)  # (24, 6)
    order = np.argsort([-(np.corrcoef(NATION, code)[0, 1] ** 2) for code in codes.T])
    picture = Figure(figsize=(7, 6), layout="constrained")
    rows = picture.subplots(6, 1, sharex=True)
    for axes, unit in zip(rows, order, strict=True):
        by_family = codes[:, unit].reshape(2, 12)
        drawn = axes.imshow(by_family, cmap="cividis", vmin=0, vmax=1, aspect="auto")
        axes.set_yticks([0, 1], ["English", "Italian"], fontsize=8)
        axes.set_title(f"unit {unit + 1}", fontsize=8, loc="left", pad=2)
    names = [f"{one}\n{other}" for one, other in zip(PEOPLE[:12], PEOPLE[12:], strict=True)]
    rows[-1].set_xticks(range(12), names, rotation=45, ha="right", fontsize=7)
    picture.colorbar(drawn, ax=rows, label="activity", shrink=0.6)
    return picture
