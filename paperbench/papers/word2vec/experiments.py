"""What is trained and measured. The claims about it are in claims/word2vec.yaml."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from paperbench.lab import (
    Metrics,
    Run,
    accuracy,
    adam,
    count,
    error,
    experiment,
    ratio,
    score,
    train,
)
from paperbench.papers.word2vec.corpus import (
    Text,
    cooccurrences,
    halves,
    keep_probability,
    noise_distribution,
    pair_batches,
    read_once,
    tokenise,
)
from paperbench.papers.word2vec.crossed import draw_crossed
from paperbench.papers.word2vec.evaluation import judge, read_judgements
from paperbench.papers.word2vec.factorisation import (
    correlation,
    expected_weights,
    factorise,
    main_effects,
    shifted_pmi,
    smoothed_pmi,
)
from paperbench.papers.word2vec.model import SkipGram, expected_loss, sampled_loss

MOST_PAIRS = 3000  # kept for the figure


@experiment("word2vec/optimum", metrics={"largest_gradient": error})
def optimum(
    run: Run, *, n_instances: int = 50, n_words: int = 12, shift: Literal["noise", "none"] = "noise"
) -> Metrics:
    """The gradient of (2) where words and contexts factorise (3) exactly, on random counts.

    Nothing is trained. Every instance has its own counts, 1 to 99 a pair, its own k from 1 to 15
    and its own exponent of the noise. shift: with `none` the table is PMI itself.
    """
    generator = run.generator("instances")
    largest = 0.0
    for instance in range(n_instances):
        counts = torch.randint(1, 100, (n_words, n_words), generator=generator).double()
        k = int(torch.randint(1, 16, (), generator=generator))
        exponent = float(torch.rand((), generator=generator))
        noise = noise_distribution(counts.sum(0), exponent)
        unigram = noise_distribution(counts.sum(0), 1.0)
        table = (
            shifted_pmi(counts, noise, k) if shift == "noise" else shifted_pmi(counts, unigram, 1)
        )
        model = SkipGram(n_words, n_words).double()
        model.words.data, model.contexts.data = factorise(table, n_words)
        seen, expected = expected_weights(counts, noise, k)
        loss = expected_loss(model, (seen / counts.sum(), expected / counts.sum()))
        gradients = torch.autograd.grad(loss, tuple(model.parameters()))
        largest = max(largest, *(float(each.abs().max()) for each in gradients))
        run.progress(instance + 1, n_instances, largest_gradient=largest)
    return {"largest_gradient": largest}


@experiment(
    "word2vec/factorisation",
    metrics={
        "corr_heldout": score,
        "table_corr": score,
        "main_effects_corr": score,
        "shift": ratio,  # in nats, a logarithm of one
        "tilt": ratio,
    },
    chance={"corr_heldout": "main_effects_corr"},
)
def factorisation(
    run: Run,
    *,
    data: str = "python-docs",
    order: Literal["text", "shuffled"] = "text",
    n_words: int = 400,
    block: int = 2000,
    window: int = 2,
    d_model: int = 50,
    n_negatives: int = 5,
    noise_exponent: float = 1.0,
    negatives: Literal["summed", "averaged"] = "summed",
    training: Literal["expected", "sampled"] = "expected",
    min_expected: float = 5.0,
    steps: int = 600,
    batch_size: int = 512,
    lr: float = 0.05,
) -> Metrics:
    """Train on one half of a text and compare w . c with the PMI of the other half.

    training: on the expected loss, all of it at every step, or on drawn pairs and noise.
    negatives: whether k noise words count k times, or once. Measured on pairs that would be seen
    `min_expected` times in either half if words were independent; how often they are seen has no
    part in the choice. `shift` is the mean of w . c - PMI over the pairs that were trained on so
    often: it compares with what was seen, so that may choose. `tilt` is how much of w . c - PMI
    there is for each nat of log frequency of the context.
    """
    text = _in_order(run, tokenise(run.data(data), n_words=n_words), order)
    n_words = len(text.words)
    seen, unseen = halves(text.tokens, block, run.generator("halves"))
    counts, others = (cooccurrences(half, n_words, window) for half in (seen, unseen))
    unigrams = seen[:, 0].bincount(minlength=n_words).double()
    noise = noise_distribution(unigrams, noise_exponent)
    if training == "expected":
        tables = expected_weights(counts, noise, n_negatives if negatives == "summed" else 1)
        # Per word of the vocabulary, not per pair: gradients far above Adam's epsilon.
        every_pair = tuple((table * n_words / counts.sum()).float() for table in tables)
        model = _fit(run, n_words, d_model, lambda _: repeat(every_pair), expected_loss, steps, lr)
    else:
        batches = pair_batches(
            seen, keep=None, noise=noise, n_negatives=n_negatives, window=window, size=batch_size
        )
        model = _fit(run, n_words, d_model, batches, sampled_loss, steps, lr)
    with torch.no_grad():
        scores = model.every_score().cpu().double()
    (seen_pmi, seen_expected), (pmi, expected) = smoothed_pmi(counts), smoothed_pmi(others)
    cells = (seen_expected >= min_expected) & (expected >= min_expected)
    often = counts >= min_expected
    own_pmi = shifted_pmi(counts, noise_distribution(unigrams, 1.0), 1)
    above_pmi = (scores - own_pmi)[often]
    if run.seed == 0:
        kept = torch.stack([pmi[cells], scores[cells], seen_pmi[cells]], 1)
        run.keep("pmi_and_score", kept[:: len(kept) // MOST_PAIRS + 1])
    return {
        "corr_heldout": correlation(scores[cells], pmi[cells]),
        "table_corr": correlation(seen_pmi[cells], pmi[cells]),
        "main_effects_corr": correlation(main_effects(seen_pmi, cells)[cells], pmi[cells]),
        "shift": float(above_pmi.mean()),
        "tilt": float(np.polyfit(unigrams.log().expand_as(counts)[often], above_pmi, 1)[0]),
    }


@experiment(
    "word2vec/embedding",
    metrics={
        "similarity": score,
        "rare_similarity": score,
        "analogy_acc": accuracy,
        "frequency_similarity": score,
        "nearest_acc": accuracy,
    },
    chance={"similarity": "frequency_similarity", "analogy_acc": "nearest_acc"},
)
def embedding(
    run: Run,
    *,
    data: str = "crossed",
    similarity_data: str | None = None,
    similarity_set: str = "EN-WS-353-ALL.txt",
    analogy_data: str | None = None,
    order: Literal["text", "shuffled"] = "text",
    forms: Literal["crossed", "unrelated"] = "crossed",
    filler: float = 0.5,
    n_sentences: int = 4000,
    n_words: int = 8000,
    method: Literal["sgns", "svd"] = "sgns",
    table: Literal["pmi", "counts"] = "pmi",
    subsample: Literal["none", "frequent", "uniform"] = "none",
    threshold: float = 0.01,
    window: int = 5,
    d_model: int = 32,
    n_negatives: int = 5,
    noise_exponent: float = 0.75,
    steps: int = 1500,
    batch_size: int = 512,
    lr: float = 0.01,
) -> Metrics:
    """Vectors of one text: are they alike where words are, and do they answer analogies?

    data: `crossed` for a language whose meanings are known, of `n_sentences`, see `crossed`; or a
    corpus, of which the `n_words` most frequent words are read.
    method: skip-gram on drawn pairs, or the SVD of the positive part of (3), or of the counts.
    subsample: `frequent` keeps tokens by (5), `uniform` as many of all words alike.
    """
    if data == "crossed":
        text, judged = draw_crossed(run, n_sentences, filler, forms)
    else:
        assert similarity_data is not None and analogy_data is not None
        text = tokenise(run.data(data), n_words=n_words)
        similarity = run.data(similarity_data).read(similarity_set).decode()
        questions = run.data(analogy_data).read("questions-words.txt").decode()
        judged = read_judgements(similarity, questions, text.words)
    text = _in_order(run, text, order)
    noise = noise_distribution(text.counts, noise_exponent)
    if method == "svd":
        counts = cooccurrences(text.tokens, len(text.words), window)
        shifted = shifted_pmi(counts, noise, n_negatives).clamp(min=0)
        vectors = factorise(shifted if table == "pmi" else counts, d_model)[0].float()
        run.spend(parameters=2 * vectors.numel())
    else:
        batches = pair_batches(
            text.tokens,
            keep=_keep(text, subsample, threshold),
            noise=noise,
            n_negatives=n_negatives,
            window=window,
            size=batch_size,
        )
        model = _fit(run, len(text.words), d_model, batches, sampled_loss, steps, lr)
        vectors = model.words.detach().cpu()
    if run.seed == 0 and data == "crossed":
        run.keep("vectors", vectors[torch.unique(judged.questions)])
    return judge(vectors, text.counts, judged)


@experiment("word2vec/subsampling", metrics={"pairs": count, "rare_pairs": count})
def subsampling(
    run: Run,
    *,
    data: str = "python-docs",
    n_words: int = 100_000,
    window: int = 5,
    subsample: Literal["none", "frequent", "uniform"] = "frequent",
    threshold: float = 1e-4,
) -> Metrics:
    """The pairs that one reading of a text trains on, and those of words rarer than the threshold.

    Nothing is trained.
    """
    text = tokenise(run.data(data), n_words=n_words)
    frequency = text.counts / len(text.tokens)
    keep = _keep(text, subsample, threshold)
    words = read_once(text.tokens, keep, window, run.generator("reading"))[:, 0]
    return {"pairs": float(len(words)), "rare_pairs": float((frequency[words] < threshold).sum())}


def _fit(
    run: Run,
    n_words: int,
    d_model: int,
    batches: Callable[[torch.Generator], Iterator[Any]],
    loss: Callable[[SkipGram, Any], Tensor],
    steps: int,
    lr: float,
) -> SkipGram:
    """Train with Adam, whose rate falls to 0 along a line, as the authors' program's does."""
    return train(
        run,
        build=lambda: SkipGram(n_words, d_model),
        batches=batches,
        loss=loss,
        optimizer=adam(lr),
        steps=steps,
        schedule=lambda progress: 1 - progress,
    ).model


def _keep(text: Text, subsample: str, threshold: float) -> Tensor | None:
    """How probably a token of each word is kept; `uniform`: as many tokens, of all words alike."""
    if subsample == "none":
        return None
    frequency = text.counts / len(text.tokens)
    keep = keep_probability(frequency, threshold)
    return keep if subsample == "frequent" else (frequency * keep).sum().expand_as(keep)


def _in_order(run: Run, text: Text, order: str) -> Text:
    if order == "text":
        return text
    shuffled = torch.randperm(len(text.tokens), generator=run.generator("order"))
    words, sentence = text.tokens.unbind(1)
    return Text(torch.stack([words[shuffled], sentence], 1), text.words)
