"""Drawn from finished runs, see `paperbench figures batchnorm`."""

from __future__ import annotations

from matplotlib.figure import Figure

from paperbench.figures import Kept, figure

PLAIN, NORMALISED, FIXED = "#D55E00", "#0072B2", "#999999"  # Okabe and Ito: for any eye
SEEDS = range(3)


@figure(
    "learning-curves",
    experiment="relu",
    caption="Test accuracy of eight layers of ReLU while they train, three seeds each. Normalised, "
    "the network is faster at the same learning rate, and at one that is too high for the other. A "
    "curve that breaks off is of a network whose loss stopped being finite.",
)
def learning_curves(kept: Kept) -> Figure:
    """Accuracy against steps."""
    drawn = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = drawn.subplots()
    for arm, label, color, style in (
        ("bn-lr-10", "normalised, rate 0.1", NORMALISED, "-"),
        ("bn-lr-03", "normalised, rate 0.03", NORMALISED, ":"),
        ("plain-lr-03", "plain, rate 0.03", PLAIN, ":"),
        ("plain-lr-10", "plain, rate 0.1", PLAIN, "-"),
    ):
        for seed in SEEDS:
            steps, accuracy = kept.curve(arm, "test_acc", seed=seed)
            axes.plot(steps, accuracy, color=color, linestyle=style, label="" if seed else label)
    axes.axhline(0.9, color="black", linewidth=0.6)
    axes.annotate("target", (-10, 0.91), va="bottom", fontsize=8)
    axes.set(xlabel="steps of SGD", ylabel="test accuracy", ylim=(0, 1))
    drawn.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=2)
    return drawn


@figure(
    "deep-sigmoids",
    experiment="sigmoid",
    caption="Test accuracy of eight layers of sigmoids after training, a dot a seed. Without "
    "normalisation, or with gamma and beta alone, no learning rate moves them away from chance. "
    "From initial weights four times as large the plain ones learn as well, though unevenly.",
)
def deep_sigmoids(kept: Kept) -> Figure:
    """Accuracy against the learning rate."""
    drawn = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = drawn.subplots()
    rates = {"tiny": 0.003, "small": 0.03, "large": 0.3, "huge": 2.0}
    for sort, suffix, label, color, marker, aside in (
        ("bn", "", "normalised", NORMALISED, "o", 1.0),
        ("plain", "", "plain", PLAIN, "s", 0.9),
        ("bn", " of trains-deep-sigmoids", "gamma and beta alone", FIXED, "^", 1.1),
    ):
        for i, (name, rate) in enumerate(rates.items()):
            found = kept.metric(f"{sort}-{name}{suffix}", "test_acc")
            axes.plot(
                [rate * aside] * len(found),
                found,
                marker,
                color=color,
                alpha=0.8,
                label="" if i else label,
            )
    larger = kept.metric("plain-four", "test_acc")
    label = "plain, larger weights"
    axes.plot([0.24] * len(larger), larger, "s", color=PLAIN, fillstyle="none", label=label)
    floor = max(kept.metric("plain-tiny", "ink_acc"))
    axes.axhline(floor, color="black", linewidth=0.6, linestyle=":", label="brightness alone")
    axes.set(xscale="log", xlabel="learning rate", ylabel="test accuracy", ylim=(0, 1))
    axes.legend(frameon=False, fontsize=9, loc="center left")
    return drawn


@figure(
    "covariate-shift",
    experiment="inside",
    caption="How much the last hidden layer's gradient changes when the layers below take their "
    "step, as a share of it: covariate shift by one measure. Three seeds each.",
)
def covariate_shift(kept: Kept) -> Figure:
    """Shift against steps."""
    drawn = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = drawn.subplots()
    for arm, label, color in (("plain", "plain", PLAIN), ("bn", "normalised", NORMALISED)):
        for seed in SEEDS:
            steps, shift = kept.curve(arm, "shift", seed=seed)
            axes.plot(steps, shift, color=color, marker=".", label="" if seed else label)
    axes.set(xlabel="steps of SGD", ylabel="|G' - G| / |G|", ylim=(0, None))
    axes.legend(frameon=False, fontsize=9)
    return drawn
