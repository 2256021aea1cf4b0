"""What is trained: translators, and readers of one layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.lab import (
    Metrics,
    Run,
    Watch,
    accuracy,
    adam,
    cross_entropy,
    experiment,
    fraction,
    train,
)
from paperbench.papers.transformer import lookup as task
from paperbench.papers.transformer.decoding import beam_search
from paperbench.papers.transformer.model import PAD, MultiHeadAttention, Transformer
from paperbench.papers.transformer.recurrent import RecurrentTranslator
from paperbench.papers.transformer.sentences import Pairs, Vocabulary, captions, floor, number_lists

BETAS = (0.9, 0.98)  # section 5.3
N_KEPT = 8  # sequences whose maps are averaged for a figure
LETTERS = "ABCDEFGH"  # for the tokens of a sequence that is shown
LOOKS = {  # what is seen in a translator
    "encoder": "How words of the source look at each other.",
    "decoder": "How a word of the target, from which the next is predicted, looks at those before.",
    "decoder to encoder": "How a word of the target, from which the next is predicted, looks at "
    "the source. The true words before it are given.",
}


def warmup_inverse_sqrt(warmup: float) -> Callable[[float], float]:
    """Equation 3 as a factor of the largest rate: up linearly, then down as 1 / sqrt(step)."""

    def factor(progress: float) -> float:
        progress = max(progress, 1e-3)
        return min(progress / warmup, math.sqrt(warmup / progress))

    return factor


@experiment(
    "transformer/translation",
    metrics={
        "tokens_short": accuracy,
        "tokens_long": accuracy,
        "floor_short": accuracy,
        "floor_long": accuracy,
        "exact_long": accuracy,
    },
    chance={"tokens_short": "floor_short", "tokens_long": "floor_long"},
)
def translation(
    run: Run,
    *,
    data: Literal["number-words", "multi30k"] = "number-words",
    longest: int = 3,
    model: Literal["transformer", "recurrent"] = "transformer",
    d_model: int = 64,
    d_recurrent: int = 80,
    n_heads: int = 4,
    n_layers: int = 1,
    dropout: float = 0.0,
    look: Literal["own", "one-map", "first"] = "own",
    smoothing: float = 0.1,
    steps: int = 400,
    batch_size: int = 32,
    lr: float = 3e-3,
    warmup: float = 0.1,
    n_test: int = 100,
) -> Metrics:
    """Train one translator by teacher forcing; test it forced, and by a beam of 4.

    look: of the decoder at the source. exact: share of sentences translated without a mistake.
    """
    if data == "multi30k":
        pairs, short, long = captions(run.data(data))
    else:
        pairs, short, long = number_lists(run.rng("lists"), longest, n_test)
    words = Vocabulary(pairs)

    def build() -> nn.Module:
        if model == "recurrent":
            return RecurrentTranslator(words.size, d_recurrent, n_layers=n_layers)
        return Transformer(
            words.size,
            d_model,
            d_ff=4 * d_model,
            n_heads=n_heads,
            n_layers=n_layers,
            dropout=dropout,
            look=look,
        )

    fit = train(
        run,
        build=build,
        batches=words.batches(pairs, batch_size),
        loss=partial(smoothed_loss, smoothing=smoothing),
        optimizer=adam(lr, betas=BETAS),
        steps=steps,
        schedule=warmup_inverse_sqrt(warmup),
        padding=PAD,
    )
    if run.seed == 0:
        for name, test in (("a short sentence", short), ("a long sentence", long)):
            keep_looks(run, fit.model, words, name, test[0])
    metrics = {"exact_long": exact(run, fit.model, words, long)}
    for name, test in (("short", short), ("long", long)):
        metrics[f"tokens_{name}"] = forced(run, fit.model, words, test)
        metrics[f"floor_{name}"] = floor(pairs, test)
    return metrics


def smoothed_loss(model: nn.Module, batch: tuple[Tensor, Tensor], *, smoothing: float) -> Tensor:
    """Mean cross-entropy with targets of which a share is spread over all words. Section 5.4."""
    source, target = batch
    logits = model(source, target[:, :-1])
    return F.cross_entropy(
        logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD, label_smoothing=smoothing
    )


def keep_looks(
    run: Run, model: nn.Module, words: Vocabulary, name: str, pair: tuple[list[str], list[str]]
) -> None:
    """Keep where the heads look in one sentence, given the true words."""
    source, target = run.to_device(words.encode([pair]))
    said = ["<s>", *pair[1]]  # to be followed by the next word, or the end
    looks = model.looks(source, target[:, :-1])  # type: ignore[operator]
    for part, weights in looks.items():
        run.attention(
            f"{name}, {part}",
            weights[0],
            queries=pair[0] if part == "encoder" else said,
            keys=said if part == "decoder" else pair[0],
            caption=LOOKS[part],
        )


@torch.no_grad()
def forced(run: Run, model: nn.Module, words: Vocabulary, pairs: Pairs) -> float:
    """Share of words right, given the true words before them."""
    source, target = run.to_device(words.encode(pairs))
    truth = target[:, 1:]
    right = model(source, target[:, :-1]).argmax(-1) == truth
    return float(right[truth != PAD].double().mean())


def exact(run: Run, model: nn.Module, words: Vocabulary, pairs: Pairs) -> float:
    """Share of sentences that a beam of 4 translates without a mistake."""
    source, target = run.to_device(words.encode(pairs))
    found, _ = beam_search(model, source, width=4, max_len=target.shape[1] + 10)  # type: ignore[arg-type]
    truth = F.pad(target[:, 1:], (0, found.shape[1]), value=PAD)[:, : found.shape[1]]
    return float((found == truth).all(1).double().mean())


@experiment(
    "transformer/lookup",
    metrics={
        "acc": accuracy,
        "commonest": accuracy,
        "least_served": fraction,
        "distance": fraction,
        "distance_at_init": fraction,
        "freedom_at_init": fraction,
    },
    chance={"acc": "commonest"},
)
def lookup(
    run: Run,
    *,
    asked: Literal["four", "one", "own"] = "four",
    d_model: int = 64,
    n_heads: int = 4,
    d_head: int = 0,
    scaled: bool = True,
    positions: bool = True,
    look: Literal["own", "one-map", "first"] = "own",
    steps: int = 400,
    batch_size: int = 32,
    lr: float = 1e-2,
    n_test: int = 100,
) -> Metrics:
    """Say which tokens stand at four places beside each one; see where the heads look for them.

    d_head: 0 for d_model / n_heads. freedom_at_init: mean of 1 - sum p^2 over the untrained maps,
    the trace of the softmax's derivative: 0 where it is saturated.
    """
    test = run.to_device(task.draw(n_test, asked, run.generator("test")))

    def build() -> task.Reader:
        attention = MultiHeadAttention(
            d_model, n_heads, d_head=d_head or None, scaled=scaled, look=look
        )
        return task.Reader(d_model, attention, positions=positions)

    def right(model: nn.Module) -> float:
        return float((model(test[0]).argmax(-1) == test[1]).double().mean())

    before = run.build(build).maps(test[0])
    fit = train(
        run,
        build=build,
        batches=lambda generator: iter(lambda: task.draw(batch_size, asked, generator), None),
        loss=cross_entropy,
        optimizer=adam(lr, betas=BETAS),
        steps=steps,
        schedule=warmup_inverse_sqrt(0.1),
        watch=Watch(every=max(1, steps // 12), measure=lambda model: {"acc": right(model)}),
    )
    maps = fit.model.maps(test[0])
    if run.seed == 0:
        run.keep("maps", maps[:N_KEPT].mean(0))
        for i, tokens in enumerate(test[0][:3].tolist()):
            letters = [LETTERS[token] for token in tokens]
            for name, seen in (("", maps), (" before training", before)):
                run.attention(
                    f"sequence {i + 1}{name}",
                    seen[i][None],
                    queries=letters,
                    caption=f"Asked for at every inner place: {task.IN_WORDS[asked]}.",
                )
    return {
        "acc": right(fit.model),
        "commonest": task.commonest(*test),
        "least_served": task.least_served(maps),
        "distance": task.distance(maps),
        "distance_at_init": task.distance(before),
        "freedom_at_init": float((1 - before.square().sum(-1)).mean()),
    }
