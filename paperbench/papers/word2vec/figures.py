"""Pictures of what the runs have kept."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from paperbench.figures import Kept, figure

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#999999"
FORMS = (("#0072b2", "o"), ("#e69f00", "s"), ("#009e73", "^"), ("#cc79a7", "D"), ("#56b4e9", "v"))


@figure(
    "scores-are-shifted-pmi",
    experiment="text",
    caption="Trained on drawn pairs of one half of a text with five noise words, seed 0. Left: "
    "the score of a pair lies about log 5 below its PMI in that half. Right: the same scores "
    "against the PMI of the other half, which nobody has trained on; they lie about the same "
    "line, but scatter more (r is the correlation).",
)
def scores_are_shifted_pmi(kept: Kept) -> Figure:
    """Two scatters of pairs of words, and the line on which they should lie."""
    unseen, score, seen = kept.array("sampled", "pmi_and_score").T
    picture = Figure(figsize=(7, 3.4), layout="constrained")
    axes = picture.subplots(1, 2, sharex=True, sharey=True)
    ends = np.array([min(seen.min(), unseen.min()), max(seen.max(), unseen.max())])
    halves = ((seen, "the half trained on"), (unseen, "the other half"))
    for ax, (pmi, name) in zip(axes, halves, strict=True):
        ax.scatter(pmi, score, s=4, alpha=0.4, color=BLUE, linewidths=0)
        ax.plot(ends, ends - np.log(5), color=ORANGE, label="PMI - log 5")
        ax.plot(ends, ends, color=GREY, linestyle="--", label="PMI")
        ax.set(xlabel=f"PMI in {name} (nats)", title=f"r = {np.corrcoef(pmi, score)[0, 1]:.2f}")
    axes[0].set_ylabel("score w · c (nats)")
    axes[0].legend(frameon=False)
    return picture


@figure(
    "forms-without-stems",
    experiment="crossed",
    caption="Vectors of sixty words, twelve stems in five forms, each without its stem's mean, "
    "seed 0: the two directions in which they differ most. The twelve words of a form lie "
    "together: what it adds is much the same for every stem, and that is all that b - a + c needs.",
)
def forms_without_stems(kept: Kept) -> Figure:
    """A point a word, a colour and a shape a form."""
    vectors = kept.array("sgns", "vectors")
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    stems = unit.reshape(-1, len(FORMS), unit.shape[1])  # (stems, forms, d_model)
    added = (stems - stems.mean(1, keepdims=True)).reshape(-1, stems.shape[-1])
    flat = added @ np.linalg.svd(added, full_matrices=False)[2][:2].T
    picture = Figure(figsize=(6, 4.2), layout="constrained")
    axes = picture.subplots()
    for form, (colour, marker) in enumerate(FORMS):
        x, y = flat[form :: len(FORMS)].T
        axes.scatter(x, y, color=colour, marker=marker, s=36, label=f"form {form + 1}")
    axes.set(xlabel="first principal axis", ylabel="second principal axis")
    axes.legend(frameon=False)
    return picture
