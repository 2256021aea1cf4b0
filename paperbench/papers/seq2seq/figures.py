"""Where a decoder looks, and what length costs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paperbench.figures import ATTENTION, Kept, figure

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#777777"  # Okabe and Ito, and a grey
LONG = "a long sentence"


@figure(
    "alignment",
    experiment="numbers",
    caption="Where the decoder looks (across, English) when it predicts each German word (down), "
    "given the true words before; one list of five numbers not seen in training, seed 0. German "
    "says the units first: for `zwei und achtzig` the score with a matrix (right) looks at `two`, "
    "at `two` again, then back at `eighty`; without one (left) all three look at `two`.",
)
def alignment(kept: Kept) -> Figure:
    """Two scores, side by side."""
    drawn = Figure(figsize=(8.6, 4.9), layout="compressed")
    grid = drawn.subplots(1, 2, sharey=True)
    for axes, (arm, score) in zip(
        grid, (("attention", "h · memory"), ("general", "h W memory")), strict=True
    ):
        image = axes.imshow(kept.attention(arm, LONG)[0, 0], vmin=0, vmax=1, cmap="Blues")
        told = kept.ledger.kept(kept.run(arm).key)[ATTENTION + LONG]
        axes.set_xticks(range(len(told["keys"])), told["keys"], rotation=90, fontsize=8)
        axes.set_yticks(range(len(told["queries"])), told["queries"], fontsize=8)
        axes.set_title(f"score {score}", fontsize=10)
    drawn.colorbar(image, ax=list(grid), label="weight", shrink=0.7)
    return drawn


@figure(
    "bleu-by-length",
    experiment="captions",
    caption="BLEU of greedy translations by the length of the source, in five groups of test "
    "sentences; thin lines are seeds, thick ones their mean. Short lists hardly need attention; "
    "long ones are translated well only with it, and only where it has something to look at. On "
    "one seed of five attention is learned badly, and even short ones suffer.",
)
def bleu_by_length(kept: Kept) -> Figure:
    """With attention, with nothing to look at, and without."""
    drawn = Figure(figsize=(5.6, 3.6), layout="constrained")
    axes = drawn.subplots()
    _by_length(axes, kept, "attention", 1, "attention", BLUE, "o")
    blank = "attention of attention-raises-bleu"
    _by_length(axes, kept, blank, 1, "attention, blank memory", GREY, "^")
    _by_length(axes, kept, "plain", 1, "no attention", ORANGE, "s")
    axes.set(xlabel="source length (words, mean of the group)", ylabel="BLEU", ylim=(0, 102))
    axes.legend(fontsize=8, loc="lower left")
    return drawn


@figure(
    "reversal-by-length",
    experiment="digits",
    caption="Lists of digits translated without a mistake, by their length, without attention; "
    "thin lines are seeds, thick ones their mean. Left, the target in the order of the source: "
    "where it is read from its end, so that its beginning is near, more come out right. Right, "
    "the target's words in an arbitrary order, where neither end is near: it is no help.",
)
def reversal_by_length(kept: Kept) -> Figure:
    """Both directions of reading, with both orders of the target."""
    drawn = Figure(figsize=(7.4, 3.3), layout="constrained")
    left, right = drawn.subplots(1, 2, sharey=True)
    for axes, of in ((left, ""), (right, " of reversal-helps-without-attention")):
        _by_length(axes, kept, f"reversed{of}", 2, "read from its end", BLUE, "o")
        _by_length(axes, kept, f"plain{of}", 2, "read from its beginning", ORANGE, "s")
        axes.set(xlabel="source length (words)", ylim=(-0.02, 1.02))
    left.set(ylabel="translated without a mistake", title="same order")
    right.set(title="scrambled target")
    left.legend(fontsize=8, loc="upper right")
    return drawn


def _by_length(
    axes: Axes, kept: Kept, arm: str, column: int, label: str, colour: str, marker: str
) -> None:
    """A column of `by_length` of every seed, and their mean."""
    rows = np.stack([kept.array(arm, "by_length", seed=seed) for seed in kept.seeds(arm)])
    for seed in rows:
        axes.plot(seed[:, 0], seed[:, column], color=colour, linewidth=0.6, alpha=0.6)
    mean = rows.mean(0)
    name = f"{label} ({len(rows)} seeds)"
    axes.plot(mean[:, 0], mean[:, column], color=colour, marker=marker, linewidth=2, label=name)
