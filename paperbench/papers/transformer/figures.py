"""Where heads look, and how readers learn."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from paperbench.figures import ATTENTION, Kept, figure
from paperbench.papers.transformer.lookup import EDGE, FOUR, SEQ_LEN

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#777777"  # Okabe and Ito


@figure(
    "where-heads-look",
    experiment="reader",
    caption="Where each place (down) looks when it is asked what stands one and three places "
    "before and after it (dotted); seed 0, mean of 8 sequences. Each of four heads follows a "
    "dotted line of its own. One head of the same width spreads over the place itself and the two "
    "beside it, and hardly looks at those three away.",
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
    caption="Share of the four neighbours named right during training, one line a seed. Four "
    "heads learn it on all of eight seeds but one, which stays at .78. One map of attention did "
    "not learn it, in one head or shared by four; without positions there is chance.",
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


@figure(
    "who-reads-which-word",
    experiment="translation",
    caption="The German words said so far (down; the next one is to be said) look at the English "
    "ones (across) in a held-out list of three numbers, with the true words given: four heads of "
    "the Transformer, and the one map of the recurrent translator (seed 0). After “und” the tens "
    "are to be said, which stand before the units in English: the recurrent map finds them both "
    "times; the four heads do at “forty”, and at “eighty” the fourth alone.",
)
def who_reads_which_word(kept: Kept) -> Figure:
    """The decoders' attention at the source."""
    example = "a long sentence, decoder to encoder"
    maps = [
        (title, weights)
        for arm, title in (("transformer", "Transformer, head"), ("recurrent", "recurrent"))
        for title, weights in _titled(title, kept.attention(arm, example)[-1])
    ]
    told = _told(kept, "transformer", example)
    picture = Figure(figsize=(7, 6.4), layout="constrained")
    panels = picture.subplots(2, 3, sharey=True).ravel()
    for axes, (title, weights) in zip(panels, maps, strict=False):
        image = axes.imshow(weights, vmin=0, vmax=1, cmap="Blues", aspect="auto")
        axes.set_title(title, fontsize=9)
        axes.set_xticks(range(len(told["keys"])), told["keys"], rotation=90, fontsize=7)
        axes.set_yticks(range(len(told["queries"])), told["queries"], fontsize=7)
    panels[-1].set_axis_off()
    inside = panels[-1].inset_axes((0.1, 0.1, 0.1, 0.8))
    picture.colorbar(image, cax=inside, label="weight")
    return picture


def _titled(title: str, heads: Any) -> list[tuple[str, Any]]:
    many = len(heads) > 1
    return [(f"{title} {i + 1}" if many else title, each) for i, each in enumerate(heads)]


def _told(kept: Kept, arm: str, example: str) -> dict[str, Any]:
    """What was kept with the weights: the tokens."""
    told: dict[str, Any] = kept.ledger.kept(kept.run(arm).key)[ATTENTION + example]
    return told


@figure(
    "wide-heads-before-and-after",
    experiment="wide",
    caption="Heads of 64 dimensions, with and without dividing the scores by 8. Left, head 1 on "
    "one sequence before training (seed 0): unscaled, several places give nearly all weight to "
    "one other. Right, what is learned, one line a seed: scaled, about nine in ten; unscaled, in "
    "these 300 steps hardly more than by naming the commonest token.",
)
def wide_heads(kept: Kept) -> Figure:
    """Maps before training, and curves."""
    example = "sequence 1 before training"
    arms = (("scaled", "scaled", BLUE, "-"), ("unscaled", "not scaled", ORANGE, "--"))
    letters = _told(kept, "scaled", example)["queries"]
    picture = Figure(figsize=(7.6, 2.7), layout="constrained")
    *maps, curves = picture.subplots(1, 3, width_ratios=(1, 1, 1.5))
    for axes, (arm, label, color, style) in zip(maps, arms, strict=True):
        image = axes.imshow(kept.attention(arm, example)[0, 0], vmin=0, vmax=1, cmap="Blues")
        axes.set_title(f"{label}, untrained", fontsize=9)
        axes.set_xlabel("looked at", fontsize=8)
        axes.set_xticks(range(len(letters)), letters, fontsize=7)
        axes.set_yticks(range(len(letters)), letters, fontsize=7)
        for i, (steps, shares) in enumerate(kept.curves(arm, "acc")):
            curves.plot(steps, shares, style, color=color, label=None if i else label)
    picture.colorbar(image, ax=maps, label="weight", shrink=0.8)
    chance = kept.metric("scaled", "commonest")[0]
    curves.axhline(chance, color="black", lw=0.8, label="commonest token")
    curves.set(xlabel="training steps", ylabel="share of neighbours right", ylim=(0, 1.02))
    curves.legend(fontsize=7, loc="upper left")
    return picture


@figure(
    "the-square",
    experiment="cost",
    caption="Operations of attention, forward and backward, and bytes that it keeps for its "
    "gradient, counted for one head of 16 dimensions. Twice the length is four times as much; in "
    "linear attention, which has no softmax, about twice.",
)
def the_square(kept: Kept) -> Figure:
    """Two counts against length, both axes logarithmic."""
    picture = Figure(figsize=(6.4, 2.9), layout="constrained")
    panels = picture.subplots(1, 2)
    for arm, label, color, style in (
        ("attention", "softmax attention", BLUE, "o-"),
        ("attention of cost-grows-with-the-square", "linear attention", ORANGE, "s--"),
    ):
        lengths, *counts = kept.array(arm, "counts")
        for axes, count in zip(panels, counts, strict=True):
            axes.plot(lengths, count, style, color=color, label=label)
    for axes, what in zip(panels, ("operations (FLOPs)", "bytes kept"), strict=True):
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(lengths, [f"{n:.0f}" for n in lengths])
        axes.set(xlabel="length n, tokens", ylabel=what)
    panels[0].legend()
    return picture


@figure(
    "positions-codes",
    experiment="positions",
    caption="The encoding of every position, a row each: a sine and a cosine of each wavelength, "
    "the shortest on the left. There even neighbouring rows differ; on the right waves are so "
    "long that 200 positions are only a piece of one, the sines near 0 (white) and the cosines "
    "near 1 (blue). So the left of a row tells a position from the next ones, and what is farther "
    "right from those far away.",
)
def positions_codes(kept: Kept) -> Figure:
    """The table of sines and cosines."""
    picture = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = picture.subplots()
    codes = kept.array("ours", "codes")  # (seq_len, d_model)
    image = axes.imshow(codes, vmin=-1, vmax=1, cmap="RdBu", aspect="auto", interpolation="nearest")
    axes.set(xlabel="dimension: sine, cosine, sine, …, of ever longer waves", ylabel="position")
    picture.colorbar(image, ax=axes, label="value")
    return picture
