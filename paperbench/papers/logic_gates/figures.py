"""Pictures of what the quick tier has trained."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from paperbench.figures import Kept, figure

COLOURS = {"residual": "#0072B2", "gaussian": "#D55E00"}  # told apart by the colour-blind
GATES = (
    "false", "a and b", "a and not b", "a", "b and not a", "b", "a xor b", "a or b",
    "nor", "xnor", "not b", "b implies a", "not a", "a implies b", "nand", "true",
)  # fmt: skip


@figure(
    "relaxed-and-hard",
    experiment="deep",
    caption="Test accuracy of eight layers while they train, of seed 0: of the mixtures that are "
    "trained (dashed) and of their likeliest gates (solid). Wires learn at once, but it takes them "
    "far longer to settle on gates than to be right as mixtures.",
)
def relaxed_and_hard(kept: Kept) -> Figure:
    """Accuracy against steps, of both starts."""
    picture = Figure(figsize=(6.5, 3.6), layout="constrained")
    axes = picture.subplots()
    for arm, colour in COLOURS.items():
        for name, style, what in (("soft_acc", "--", "relaxed"), ("hard_acc", "-", "hard")):
            steps, accuracy = kept.curve(arm, name)
            axes.plot(steps, accuracy, style, color=colour, label=f"{arm}, {what}")
    axes.set(xlabel="optimiser steps", ylabel="test accuracy", ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="lower right")
    return picture


@figure(
    "gradient-by-layer",
    experiment="first-gradient",
    caption="Norm of the gradient of each layer's logits before training, one line a seed. "
    "Gaussian mixtures lose a factor of about four a layer on the way down, wires nothing.",
)
def gradient_by_layer(kept: Kept) -> Figure:
    """Gradient norms, first layer to last."""
    picture = Figure(figsize=(6.5, 3.6), layout="constrained")
    axes = picture.subplots()
    for arm, colour in COLOURS.items():
        for i, seed in enumerate(sorted(kept.runs[arm])):
            layers, norms = kept.curve(arm, "gradient_norm", seed=seed)
            label = f"{arm} start" if i == 0 else None
            axes.semilogy(layers, norms, "o-", color=colour, alpha=0.7, markersize=4, label=label)
    axes.set(xlabel="layer, from the inputs", ylabel="gradient norm (nats per unit of logit)")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return picture


@figure(
    "gates-chosen",
    experiment="deep",
    caption="Which gates the eight layers hold after training, seed 0. From Gaussian logits all "
    "sixteen are about as common; from wires most gates are still wires, above all in the first "
    "layers.",
)
def gates_chosen(kept: Kept) -> Figure:
    """A share for each gate and layer, side by side for both starts."""
    picture = Figure(figsize=(7, 4.6), layout="constrained")
    both = picture.subplots(1, 2, sharey=True)
    for axes, arm in zip(both, COLOURS, strict=True):
        counts = kept.array(arm, "gate_counts")  # (n_layers, 16)
        share = 100 * counts.T / counts.sum(1)
        image = axes.imshow(np.sqrt(share), cmap="cividis", vmin=0, vmax=10, aspect="auto")
        axes.set(title=f"{arm} start", xlabel="layer, from the inputs")
        axes.set_xticks(range(len(counts)), range(1, len(counts) + 1))
        axes.set_yticks(range(16), GATES)
    scale = picture.colorbar(image, ax=both, label="share of the layer's gates (%)")
    scale.set_ticks(np.sqrt([0, 5, 25, 50, 100]).tolist(), labels=["0", "5", "25", "50", "100"])
    return picture
