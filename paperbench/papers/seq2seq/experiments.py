"""Translation with and without attention, in either direction of reading."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.lab import (
    Metrics,
    Run,
    accuracy,
    adam,
    bleu,
    experiment,
    fraction,
    nats,
    score,
    train,
    warmup_cosine,
)
from paperbench.papers.seq2seq.captions import captions, corpus_bleu
from paperbench.papers.seq2seq.decoding import Translations, beam_search, greedy
from paperbench.papers.seq2seq.kept import keep_alignments, keep_by_length
from paperbench.papers.seq2seq.model import Seq2Seq
from paperbench.papers.seq2seq.number_words import number_lists
from paperbench.papers.seq2seq.pairs import PAD, Floor, Pair, Task, Words, pad

CLIP = 5.0  # gradient norm, Sutskever et al. section 3.4
EXTRA_WORDS = 10  # a translation may be so much longer than the truth
ROUNDING = 1e-4  # nats by which two sums of log p may differ
EVAL_BATCH = 250  # sentences


@experiment(
    "seq2seq/translation",
    metrics={
        "tokens_short": accuracy,
        "tokens_long": accuracy,
        "floor_short": accuracy,
        "floor_long": accuracy,
        "exact_short": accuracy,
        "exact_long": accuracy,
        "bleu": bleu,
        "loss_short": nats,
        "loss_long": nats,
        "beam_short_of_greedy": fraction,
        "beam_gain": score,
    },
    chance={"tokens_short": "floor_short", "tokens_long": "floor_long"},
)
def translation(
    run: Run,
    *,
    data: Literal["number-words", "multi30k"] = "number-words",
    longest: int = 5,
    spelling: Literal["words", "digits"] = "words",
    target_order: Literal["forward", "backward", "scrambled"] = "forward",
    score: Literal["none", "dot", "general", "concat", "uniform"] = "general",
    memory: Literal["own", "blank"] = "own",
    reverse: bool = False,
    bidirectional: bool = False,
    input_feeding: bool = False,
    n_layers: int = 1,
    d_model: int = 64,
    dropout: float = 0.0,
    steps: int = 500,
    batch_size: int = 32,
    lr: float = 5e-3,
    beam_width: int = 4,
    beam_rank: Literal["total", "last"] = "total",
) -> Metrics:
    """Train one translator by teacher forcing; test it forced, greedily and with a beam.

    tokens: share of target tokens right, given the true ones before. exact: share of sentences
    that the greedy search gets right from end to end. bleu: of the greedy translations.
    beam_short_of_greedy: share of sentences for which the beam's log probability is below that of
    the greedy search. beam_gain: by how much it is above, on average, nats/sentence.
    """
    if data == "multi30k":
        task = captions(run.data(data))
    else:
        task = number_lists(run.rng("test"), longest=longest, order=target_order, spelling=spelling)
    fit = train(
        run,
        batches=task.batches(batch_size),
        loss=translation_loss,
        optimizer=adam(lr),
        steps=steps,
        schedule=warmup_cosine(),
        clip=CLIP,
        padding=PAD,
        build=lambda: Seq2Seq(
            len(task.source),
            len(task.target),
            d_model,
            n_layers=n_layers,
            score=score,
            reverse=reverse,
            bidirectional=bidirectional,
            input_feeding=input_feeding,
            dropout=dropout,
            memory=memory,
        ),
    )
    model, device, floor = fit.model, run.device, Floor(task.seen)
    tokens_short, loss_short = forced(model, task.short, device)
    tokens_long, loss_long = forced(model, task.long, device)
    exact_short, exact_long = (exact(model, pairs, device) for pairs in (task.short, task.long))
    translations, searched = searches(model, task, device, beam_width, beam_rank)
    keep_by_length(run, task, translations)
    if run.seed == 0:
        keep_alignments(run, model, task)
    return {
        "tokens_short": tokens_short,
        "tokens_long": tokens_long,
        "loss_short": loss_short,
        "loss_long": loss_long,
        "exact_short": exact_short,
        "exact_long": exact_long,
        "floor_short": floor.accuracy(target for _, target in task.short),
        "floor_long": floor.accuracy(target for _, target in task.long),
        **searched,
    }


def translation_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Mean cross-entropy of the target tokens in nats; padding counts for nothing."""
    source, target = batch
    logits = model(source, target[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD)


@torch.no_grad()
def forced(model: Seq2Seq, pairs: list[Pair], device: torch.device) -> tuple[float, float]:
    """Share of target tokens right and their mean loss in nats, given the true ones before."""
    right, total, loss = 0, 0, 0.0
    for start in range(0, len(pairs), EVAL_BATCH):
        source, target = (part.to(device) for part in pad(pairs[start : start + EVAL_BATCH]))
        logits, truth = model(source, target[:, :-1]), target[:, 1:]
        real = truth != PAD
        right += int(((logits.argmax(-1) == truth) & real).sum())
        total += int(real.sum())
        loss += float(
            F.cross_entropy(
                logits.flatten(0, 1), truth.flatten(), ignore_index=PAD, reduction="sum"
            )
        )
    return right / total, loss / total


def exact(model: Seq2Seq, pairs: list[Pair], device: torch.device) -> float:
    """Share of sentences that the greedy search translates without a mistake."""
    right = 0
    for start in range(0, len(pairs), EVAL_BATCH):
        rows = pairs[start : start + EVAL_BATCH]
        source, max_len = _to_search(rows, device)
        found = greedy(model, source, max_len=max_len).lists()
        right += sum(words == target for words, (_, target) in zip(found, rows, strict=True))
    return right / len(pairs)


def searches(
    model: Seq2Seq, task: Task, device: torch.device, width: int, rank: Literal["total", "last"]
) -> tuple[list[Words], dict[str, float]]:
    """The greedy translations of the test set; their BLEU, and how the beam compares with them."""
    words, gains = [], []
    for start in range(0, len(task.test), EVAL_BATCH):
        source, max_len = _to_search(task.test[start : start + EVAL_BATCH], device)
        one = greedy(model, source, max_len=max_len)
        several: Translations = beam_search(model, source, width=width, max_len=max_len, rank=rank)
        words += [task.target.decode(row) for row in one.lists()]
        gains.append(several.log_prob - one.log_prob)
    gain = torch.cat(gains)
    return words, {
        "bleu": corpus_bleu(words, task.references)[0],
        "beam_short_of_greedy": float((gain < -ROUNDING).float().mean()),
        "beam_gain": float(gain.mean()),
    }


def _to_search(pairs: list[Pair], device: torch.device) -> tuple[Tensor, int]:
    source, target = pad(pairs)
    return source.to(device), target.shape[1] + EXTRA_WORDS
