"""What gates forget, where heads look, and how far a model reads."""

from __future__ import annotations

import itertools

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paperbench.figures import ATTENTION, Kept, figure

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#777777"  # Okabe and Ito
LINE, STREAM = "a line of the text", "a stream with rare writes"
TIMES = (1, 2, 4, 8, 16)  # training lengths that a window of the evaluation has
AGES = tuple(1 << i for i in range(11))  # edges of the groups of reads
FEW = 50  # reads; a smaller group is not drawn


@figure(
    "loss-past-training-length",
    experiment="text",
    caption="Left: the same validation text, read in windows of 1 to 16 training lengths; a "
    "line a seed. Right: the loss by place in the longest window, in bins of the training length, "
    "mean of the seeds; each bin has other text, the same for all. Past the length of its training "
    "(grey) the rotary Transformer gets far worse; FoX and a fixed decay, nearly on one line, do "
    "not.",
)
def loss_past_training_length(kept: Kept) -> Figure:
    """By the length of the window, and by the place in it."""
    drawn = Figure(figsize=(7.6, 3.4), layout="constrained")
    left, right = drawn.subplots(1, 2, sharey=True)
    arms = (
        ("transformer", "Transformer, rotary", ORANGE, 1.2),
        ("fixed", "fixed decay", GREEN, 4.0),  # broad, for it lies below FoX's
        ("fox", "FoX", BLUE, 1.2),
    )
    for arm, label, colour, width in arms:
        names = ["val_loss", *(f"loss_{times}x" for times in TIMES[1:])]
        by_seed = np.array([kept.metric(arm, name) for name in names])  # (windows, seeds)
        seeds = kept.seeds(arm)
        by_place = np.stack([kept.array(arm, "loss_by_position", seed=seed) for seed in seeds])
        trained = by_place.shape[1] // TIMES[-1]
        binned = by_place.mean(0).reshape(-1, trained).mean(1)
        windows = trained * np.array(TIMES)
        places = trained * (np.arange(len(binned)) + 0.5)
        name = f"{label} ({len(seeds)} seeds)"
        for axes, x, y in ((left, windows, by_seed), (right, places, binned)):
            axes.plot(x, y, color=colour, linewidth=width, marker="o", markersize=width + 2)
        left.plot([], color=colour, linewidth=width, label=name)
    left.set_xscale("log", base=2)
    left.set_xticks(windows, [str(window) for window in windows])
    left.set(xlabel="window (tokens)", ylabel="validation loss (nats/token)")
    right.set(xlabel="place in a window of " + str(windows[-1]))
    right.axvspan(0, trained, color=GREY, alpha=0.2, linewidth=0)
    left.legend(frameon=False, fontsize=8)
    return drawn


@figure(
    "gates-over-text",
    experiment="text",
    caption="Forget gates of FoX, seed 0, at each character of held-out text; a row a head. "
    "Light: what came before is kept; dark: it is forgotten here. Every head forgets at a space "
    "(\N{OPEN BOX}), where a word ends, the first two of layer 2 at many letters as well; nobody "
    "has told it what a word is.",
)
def gates_over_text(kept: Kept) -> Figure:
    """A row a head, a column a character."""
    gates = kept.array("fox", "gates")  # (layers, heads, characters)
    drawn = Figure(figsize=(7.8, 2.3), layout="constrained")
    axes = drawn.subplots()
    image = axes.imshow(gates.reshape(-1, gates.shape[-1]), cmap="cividis", vmin=0, vmax=1)
    axes.set_aspect("auto")
    _write_tokens(axes, _tokens(kept, "fox", LINE)[1:])
    _name_heads(axes, gates.shape[0], gates.shape[1])
    drawn.colorbar(image, ax=axes, label="gate f", pad=0.01)
    return drawn


@figure(
    "attention-with-and-without-decay",
    experiment="text",
    caption="Attention on the same 64 characters, seed 0: each row of a map is one character, each "
    "column what it looks at. FoX's heads look at the last few characters, hardly past the word; "
    "several of the Transformer's spread a little weight over all that came before.",
)
def attention_with_and_without_decay(kept: Kept) -> Figure:
    """Every head of both arms."""
    maps = {
        name: kept.attention(arm, LINE)
        for arm, name in (("fox", "FoX"), ("transformer", "Transformer"))
    }
    layers, heads = maps["FoX"].shape[:2]
    drawn = Figure(figsize=(1.9 * heads + 1, 1.9 * 2 * layers), layout="constrained")
    grid = drawn.subplots(2 * layers, heads, squeeze=False)
    rows = [(name, layer) for name in maps for layer in range(layers)]
    for axes_of_row, (name, layer) in zip(grid, rows, strict=True):
        for head, axes in enumerate(axes_of_row):
            image = axes.imshow(np.sqrt(maps[name][layer, head]), vmin=0, vmax=1, cmap="Blues")
            axes.set(xticks=[], yticks=[])
            if head == 0:
                axes.set_ylabel(f"{name}\nlayer {layer + 1}", labelpad=6)
            if layer == 0:
                axes.set_title(f"head {head + 1}", fontsize=9)
    marks = np.array([0, 0.04, 0.16, 0.36, 0.64, 1])
    bar = drawn.colorbar(image, ax=list(grid.ravel()), label="weight", shrink=0.5)
    bar.set_ticks(np.sqrt(marks).tolist(), labels=[f"{mark:g}" for mark in marks])
    return drawn


@figure(
    "gates-close-at-writes",
    experiment="last-write",
    caption="Left: gates at each token of one stream, seed 0, a point a head. FoX's gates close "
    "at a write and stay open at noise; a fixed decay has, for each of its two heads, one value at "
    "every token. Right: reads answered right, by how many tokens ago the latest write was, all "
    "seeds together: gates that see another stream answer hardly more than a fixed decay, and what "
    "was written 128 tokens ago or earlier is lost to FoX as well.",
)
def gates_close_at_writes(kept: Kept) -> Figure:
    """Gates along a stream, and accuracy by age."""
    drawn = Figure(figsize=(8.4, 3.4), layout="constrained")
    left, right = drawn.subplots(1, 2, width_ratios=[1.35, 1])
    tokens = _tokens(kept, "fox", STREAM)[1:]
    gates = kept.array("fox", "gates")
    gates = gates.reshape(-1, gates.shape[-1])  # (heads of all layers, tokens)
    kinds = np.array([token.split()[0] for token in tokens])
    for kind, colour, marker in (("noise", GREY, "o"), ("read", GREEN, "^"), ("write", BLUE, "s")):
        at = np.flatnonzero(kinds == kind)
        places = np.tile(at + 1, len(gates))
        left.scatter(places, gates[:, at], s=16, color=colour, marker=marker, label=f"FoX, {kind}")
    fixed = kept.array("fixed", "gates")[:, :, 0].ravel()
    for i, value in enumerate(fixed):
        label = "fixed decay" if i == 0 else None
        left.axhline(value, color=ORANGE, linestyle="--", linewidth=1, label=label)
    left.set(xlabel="token of the stream", ylabel="gate f", ylim=(-0.02, 1.02))
    left.legend(fontsize=8, loc="center left", bbox_to_anchor=(0, 0.68), ncols=4, columnspacing=1)
    for arm, label, colour, marker in (
        ("fox", "FoX", BLUE, "o"),
        ("fixed", "fixed decay", ORANGE, "s"),
        ("fox of data-dependent-on-rare-writes", "FoX, foreign gates", GREY, "^"),
    ):
        shares = _right_by_age(kept, arm)
        right.plot(shares.keys(), shares.values(), color=colour, marker=marker, label=label)
    right.set(xlabel="tokens since the latest write", ylabel="share of reads answered right")
    right.tick_params(axis="x", labelsize=8, rotation=40)
    right.set_ylim(0, 1.03)
    right.legend(fontsize=8, loc="lower left")
    return drawn


def _right_by_age(kept: Kept, arm: str) -> dict[str, float]:
    """Groups of reads, by the age of the write, and the share that all seeds got right."""
    shares = {}
    by_seed = [kept.array(arm, "by_age", seed=seed) for seed in kept.seeds(arm)]
    for start, end in itertools.pairwise(AGES):
        asked, right = np.sum([each[:, start:end].sum(1) for each in by_seed], axis=0)
        if asked >= FEW:
            shares[f"{start}\N{EN DASH}{end - 1}" if end > start + 1 else f"{start}"] = (
                right / asked
            )
    return shares


def _tokens(kept: Kept, arm: str, example: str) -> list[str]:
    tokens: list[str] = kept.ledger.kept(kept.run(arm).key)[ATTENTION + example]["queries"]
    return tokens


def _write_tokens(axes: Axes, tokens: list[str]) -> None:
    turned = max(map(len, tokens)) > 1
    axes.set_xticks(range(len(tokens)), tokens, fontsize=7.5, rotation=90 if turned else 0)
    axes.tick_params(axis="x", length=0)


def _name_heads(axes: Axes, layers: int, heads: int) -> None:
    names = [f"layer {i + 1}, head {j + 1}" for i in range(layers) for j in range(heads)]
    axes.set_yticks(range(len(names)), names, fontsize=7)
