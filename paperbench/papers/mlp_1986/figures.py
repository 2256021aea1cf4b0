"""What the trained networks look like inside."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from paperbench.figures import Kept, figure
from paperbench.papers.mlp_1986.measures import antisymmetry, is_powers_of_two
from paperbench.papers.mlp_1986.model import forward
from paperbench.papers.mlp_1986.tasks import (
    NATION,
    PEOPLE,
    RELATIONS,
    all_patterns,
    family_facts,
    is_odd,
)

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"  # Okabe and Ito


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
    "never does, in 20,000 sweeps; with two, most need more than the 1,425 sweeps of the paper's "
    "example.",
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
    "of seed 0: the English above, their Italian counterparts below, the oldest on the left. "
    "Units are in the order of how well they tell the families apart: unit 5 is brighter for "
    "every Italian, unit 3 for all of the English but one (Arthur). The last two, 6 and 1, tell "
    "generations instead: dark for the four oldest of both families, bright for the two youngest.",
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


@figure(
    "facts-not-taught",
    experiment="family",
    caption="What networks 0 to 2 of seed 0 say of the four facts that each was not taught, a row "
    "each, and who is right (rings). Taught the other facts as they are, the strongest output is "
    "right in six of the twelve rows, and of the right family in all; with the answers dealt out "
    "anew, it is right in none.",
)
def facts_not_taught(kept: Kept) -> Figure:
    """Outputs for the held-out facts, above of the trees, below of shuffled ones."""
    person, relation, _ = family_facts()
    picture = Figure(figsize=(7, 6.6), layout="constrained")
    rows = picture.subplots(2, 1, sharex=True)
    for axes, arm, title in zip(
        rows,
        ("tree", "tree of facts-are-inferred"),
        ("taught 100 facts of the trees", "taught as many answers dealt out anew"),
        strict=True,
    ):
        facts = kept.array(arm, "facts not taught")[:3].astype(int).ravel()
        outputs = kept.array(arm, "said of them")[:3].reshape(len(facts), -1)
        answers = kept.array(arm, "answers to them")[:3].reshape(len(facts), -1)
        drawn = axes.imshow(outputs, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        row, column = np.nonzero(answers)
        axes.plot(column, row, "o", mfc="none", mec=ORANGE, mew=1.6, ms=9)
        names = [f"{PEOPLE[person[fact]]}: {RELATIONS[relation[fact]]}" for fact in facts]
        axes.set_yticks(range(len(facts)), names, fontsize=7)
        for between in (3.5, 7.5):
            axes.axhline(between, color=GREY, lw=0.8)
        axes.axvline(11.5, color=GREY, ls=":", lw=0.8)
        axes.set_title(title, fontsize=9)
    rows[-1].set_xticks(range(24), PEOPLE, rotation=60, ha="right", fontsize=7)
    rows[-1].set_xlabel("output unit: the English, then the Italians", fontsize=8)
    picture.colorbar(drawn, ax=rows, label="output", shrink=0.6)
    return picture


@figure(
    "xor-square",
    experiment="xor",
    caption="What networks make of the square whose corners are the four patterns of exclusive or "
    "(white: answer 1, black: answer 0). Colours: the output of network 0 of seed 0; lines: where "
    "that of each of its 16 networks is 1/2. Only hidden units that learn part the white corners "
    "from the black ones. Without any, outputs end up at 1/2 everywhere (no lines are drawn).",
)
def xor_square(kept: Kept) -> Figure:
    """The output over the square, of two hidden units, of two that do not learn, and of none."""
    corners = all_patterns(2)
    odd = is_odd(corners)[:, 0] > 0.5
    places = np.linspace(-0.4, 1.4, 121)
    x = np.stack(np.meshgrid(places, places), -1).reshape(-1, 2)
    picture = Figure(figsize=(7, 2.9), layout="constrained")
    panels = picture.subplots(1, 3, sharey=True)
    for axes, (arm, title) in zip(
        panels,
        {
            "two": "two hidden units",
            "two of xor-is-learned": "two that do not learn",
            "none": "no hidden unit",
        }.items(),
        strict=True,
    ):
        layers = ["incoming"] if arm == "none" else ["incoming", "outgoing"]
        weights = [kept.array(arm, layer).astype(float) for layer in layers]
        outputs = forward(weights, x)[-1].reshape(-1, len(places), len(places))
        drawn = axes.pcolormesh(
            places, places, outputs[0], cmap="RdBu_r", vmin=0, vmax=1, rasterized=True
        )
        for output in outputs[np.ptp(outputs, (1, 2)) > 1e-3]:
            axes.contour(places, places, output, [0.5], colors="black", linewidths=0.6)
        for side, colour in ((odd, "white"), (~odd, "black")):
            axes.plot(*corners[side].T, "o", mfc=colour, mec="black", ms=9)
        axes.set_title(title, fontsize=9)
        axes.set(xlabel="input 1", xticks=[0, 1], yticks=[0, 1], aspect="equal")
    panels[0].set_ylabel("input 2")
    picture.colorbar(drawn, ax=panels, label="output of network 0", shrink=0.8)
    return picture


@figure(
    "symmetry-on-the-way",
    experiment="symmetry",
    caption="The six weights into one hidden unit while symmetry is learned, in that network of "
    "seed 0 which is the last to find 1 : 2 : 4. For most of the time nothing seems to happen. A "
    "full line and the dotted one of its colour belong to a pair of inputs equally far from the "
    "middle; in the end they are opposite.",
)
def symmetry_on_the_way(kept: Kept) -> Figure:
    """How weights of a pair become opposite."""
    ways = kept.array("two", "incoming on the way").astype(float)[:, :, 1:]  # (times, nets, 6, 2)
    has_found = np.array([is_powers_of_two(each) & (antisymmetry(each) > 0.95) for each in ways])
    way = ways[:, (has_found.argmax(0) * has_found[-1]).argmax(), :, 0]
    last = int(kept.curve("two", "solved")[0][-1]) + 1
    sweeps = np.arange(len(way)) * max(1, last // len(way))
    picture = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = picture.subplots()
    for pair, colour in enumerate((BLUE, ORANGE, GREEN)):
        for place, style in ((pair, "-"), (5 - pair, ":")):
            axes.plot(sweeps, way[:, place], style, color=colour, label=f"input {place + 1}")
    axes.axhline(0, color="black", lw=0.8)
    axes.set(xlabel="sweeps through the 64 patterns", ylabel="weight into hidden unit 1")
    axes.legend(fontsize=8, ncols=3, loc="upper left")
    return picture
