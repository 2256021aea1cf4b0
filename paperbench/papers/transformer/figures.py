"""Where heads look, and how readers learn."""

from __future__ import annotations

from matplotlib.figure import Figure

from paperbench.figures import Kept, figure
from paperbench.papers.transformer.lookup import EDGE, FOUR, SEQ_LEN

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#777777"  # Okabe and Ito


@figure(
    "where-heads-look",
    experiment="reader",
    caption="The weight of every place (across) when one is asked about its neighbours (down), by "
    "four heads and by one of the same width; seed 0, mean of 8 sequences. Dotted: what is asked.",
)
def where_heads_look(kept: Kept) -> Figure:
    """The maps of seed 0, averaged over sequences."""
    maps = [*kept.array("multi-head", "maps"), *kept.array("single-head", "maps")]
    drawn = Figure(figsize=(8, 2.4), layout="constrained")
    inner = range(EDGE, SEQ_LEN - EDGE)
    for i, (axes, weights) in enumerate(zip(drawn.subplots(1, len(maps)), maps, strict=True)):
        image = axes.imshow(weights, vmin=0, vmax=1, cmap="Blues")
        for back in FOUR:
            axes.plot([place - back for place in inner], inner, ":", color=ORANGE, linewidth=1)
        axes.set_title("the one head" if i == len(maps) - 1 else f"head {i + 1} of 4", fontsize=9)
        axes.set_xlabel("looked at", fontsize=8)
        axes.set_xticks([0, 5, 10])
        axes.set_yticks([0, 5, 10] if i == 0 else [])
        if i == 0:
            axes.set_ylabel("place", fontsize=8)
    drawn.colorbar(image, ax=drawn.axes, label="weight", shrink=0.8)
    return drawn


@figure(
    "what-readers-learn",
    experiment="reader",
    caption="Share of the four neighbours named right during training, one line a seed. One map of "
    "attention did not learn it, in one head or shared by four; without positions there is chance.",
)
def what_readers_learn(kept: Kept) -> Figure:
    """All seeds of the arms, and of the heads that share one map."""
    drawn = Figure(figsize=(6, 3.4), layout="constrained")
    axes = drawn.subplots()
    for arm, label, color, style in (
        ("multi-head", "four heads", BLUE, "-"),
        ("multi-head of heads-beat-one-head", "four heads, one map", GREEN, "--"),
        ("single-head", "one head", ORANGE, "-."),
        ("orderless", "four heads, no positions", GREY, ":"),
    ):
        for i, (steps, shares) in enumerate(kept.curves(arm, "acc")):
            axes.plot(steps, shares, style, color=color, label=label if i == 0 else None, alpha=0.8)
    chance = kept.metric("orderless", "commonest")[0]
    axes.axhline(chance, color="black", linewidth=0.8, label="naming the commonest token")
    axes.set(xlabel="training steps", ylabel="share of neighbours right", ylim=(0, 1.02))
    axes.legend(fontsize=8, loc="lower right", ncols=2)
    return drawn
