"""What is trained and measured for the Forgetting Transformer's claims."""

from __future__ import annotations

import math
from typing import Literal

import torch

from paperbench.lab import (
    Gpu,
    Metrics,
    Run,
    accuracy,
    adamw,
    count,
    cross_entropy,
    error,
    experiment,
    fraction,
    nats,
    perplexity,
    size,
    train,
    warmup_cosine,
)
from paperbench.papers.fox.decoding import decode, n_bytes, random_model
from paperbench.papers.fox.kept import keep_by_age, keep_stream, keep_text
from paperbench.papers.fox.last_write import (
    VOCAB_SIZE,
    draw_streams,
    recall,
    recall_loss,
    shortcut_accuracy,
    stream_batches,
)
from paperbench.papers.fox.model import Block, ForgetGate, LanguageModel
from paperbench.papers.fox.text import (
    Text,
    bigram_loss,
    periodic_text,
    read,
    tokenise,
    unigram_loss,
)

BETAS = (0.9, 0.95)
CLIP = 1.0
GPU = Gpu(bf16=True, graph=True)
LONGEST = 16  # evaluated up to so many training lengths


@experiment(
    "fox/language-model",
    metrics={
        "val_loss": nats,
        "val_ppl": perplexity,
        "loss_2x": nats,
        "loss_4x": nats,
        "loss_8x": nats,
        "loss_16x": nats,
        "late_loss": nats,
        "late_loss_16x": nats,
        "loss_shuffled_gates": nats,
        "unigram_loss": nats,
        "bigram_loss": nats,
    },
    chance={"val_loss": "bigram_loss", "loss_16x": "bigram_loss"},
)
def language_model(
    run: Run,
    *,
    data: Literal["python-docs", "wikitext-2", "periodic"] = "python-docs",
    gate: Literal["data", "fixed", "foreign", "open"] = "data",
    position: Literal["none", "rope"] = "none",
    d_model: int = 64,
    n_layers: int = 2,
    n_heads: int = 4,
    seq_len: int = 64,
    batch_size: int = 12,
    steps: int = 600,
    lr: float = 3e-3,
    eval_tokens: int = 22_528,
) -> Metrics:
    """Train one language model and read the validation text at 1 to 16 times its training length.

    The same tokens are scored at every length; only how far back each may look differs. late_loss
    is that of the second half of every stretch of the training length: see `Reading`.
    """
    text = _read_text(run, data)
    fit = train(
        run,
        build=lambda: LanguageModel(
            text.vocab_size,
            d_model=d_model,
            n_layers=n_layers,
            n_heads=n_heads,
            gate=gate,
            position=position,
        ),
        batches=text.windows(seq_len, batch_size),
        loss=cross_entropy,
        optimizer=adamw(lr, betas=BETAS),
        steps=steps,
        schedule=warmup_cosine(),
        clip=CLIP,
        gpu=GPU,
    )
    longest = LONGEST * seq_len
    n_scored = min(eval_tokens, len(text.valid) - 1) // longest * longest
    if not n_scored:
        raise ValueError(f"the validation text or eval_tokens is shorter than {longest} tokens")
    inputs, targets = text.valid[:n_scored], text.valid[1 : n_scored + 1]
    readings = {
        times: read(run, fit.model, inputs, targets, times * seq_len, stretch=seq_len)
        for times in (1, 2, 4, 8, 16)
    }
    run.keep("loss_by_position", readings[LONGEST].by_position)
    if run.seed == 0:
        keep_text(run, fit.model, text, seq_len, gated=gate != "open")
    shuffled = readings[1]
    if gate != "open":
        with fit.model.shuffled_gates():
            shuffled = read(run, fit.model, inputs, targets, seq_len, stretch=seq_len)
    return {
        "val_loss": readings[1].all,
        "val_ppl": math.exp(readings[1].all),
        "loss_2x": readings[2].all,
        "loss_4x": readings[4].all,
        "loss_8x": readings[8].all,
        "late_loss": readings[1].late,
        "late_loss_16x": readings[16].late,
        "loss_16x": readings[16].all,
        "loss_shuffled_gates": shuffled.all,
        "unigram_loss": unigram_loss(text, targets),
        "bigram_loss": bigram_loss(text, inputs, targets),
    }


def _read_text(run: Run, data: Literal["python-docs", "wikitext-2", "periodic"]) -> Text:
    if data == "periodic":
        return periodic_text(run.generator("text"))
    return tokenise(run.data(data), "character" if data == "python-docs" else "word")


@experiment(
    "fox/last-write",
    metrics={
        "acc": accuracy,
        "acc_8x": accuracy,
        "acc_sparse": accuracy,
        "loss": nats,
        "loss_8x": nats,
        "loss_sparse": nats,
        "shortcut": accuracy,
        "shortcut_8x": accuracy,
        "shortcut_sparse": accuracy,
    },
    chance={"acc": "shortcut", "acc_8x": "shortcut_8x", "acc_sparse": "shortcut_sparse"},
)
def last_write(
    run: Run,
    *,
    gate: Literal["data", "fixed", "foreign", "open"] = "data",
    position: Literal["none", "rope"] = "none",
    d_model: int = 32,
    n_layers: int = 1,
    n_heads: int = 2,
    seq_len: int = 64,
    batch_size: int = 16,
    steps: int = 300,
    lr: float = 5e-3,
    write: float = 0.15,
    read: float = 0.15,
    eval_streams: int = 128,
) -> Metrics:
    """Recall the latest write: as trained, in streams 8 times as long, and with writes 4x rarer.

    The rare writes come in streams of 4 times the training length, each about as many writes.
    """
    fit = train(
        run,
        build=lambda: LanguageModel(
            VOCAB_SIZE,
            d_model=d_model,
            n_layers=n_layers,
            n_heads=n_heads,
            gate=gate,
            position=position,
        ),
        batches=stream_batches(batch_size, seq_len, write=write, read=read),
        loss=recall_loss,
        optimizer=adamw(lr, betas=BETAS),
        steps=steps,
        schedule=warmup_cosine(),
        clip=CLIP,
        gpu=GPU,
    )
    tests = {"": (seq_len, write), "_8x": (8 * seq_len, write), "_sparse": (4 * seq_len, write / 4)}
    metrics = {}
    for suffix, (length, share) in tests.items():
        streams = draw_streams(
            run.generator(f"test{suffix}"), eval_streams, length, write=share, read=read
        )
        recalled = recall(run, fit.model, streams)
        metrics[f"acc{suffix}"], metrics[f"loss{suffix}"] = recalled.accuracy, recalled.loss
        metrics[f"shortcut{suffix}"] = shortcut_accuracy(streams)
    keep_by_age(run, streams, recalled)  # of the rare writes
    if run.seed == 0:
        keep_stream(run, fit.model, write=write / 4, read=read, gated=gate != "open")
    return metrics


@experiment(
    "fox/overhead",
    metrics={
        "parameters": count,
        "overhead": count,
        "overhead_share": fraction,
        "overhead_error": count,
    },
)
def overhead(
    run: Run,
    *,
    gate_per: Literal["head", "channel"] = "head",
    d_model: int = 1536,
    n_layers: int = 24,
    n_heads: int = 24,
    vocab_size: int = 50_257,
    instances: int = 20,
) -> Metrics:
    """Count the gate's parameters without allocating one.

    overhead: gated less ungated at the size asked for. overhead_error: the largest difference from
    n_layers * n_heads * (d_model + 1), there and at `instances` random sizes.
    """
    plain, gated = (
        _count(d_model, n_layers, n_heads, vocab_size, each) for each in (None, gate_per)
    )
    errors = [abs(gated - plain - n_layers * n_heads * (d_model + 1))]
    rng = run.rng("sizes")
    for _ in range(instances):
        layers, heads, d_head = (int(n) for n in rng.integers(2, 9, 3))
        width = heads * d_head
        extra = _count(width, layers, heads, vocab_size, gate_per) - _count(
            width, layers, heads, vocab_size, None
        )
        errors.append(abs(extra - layers * heads * (width + 1)))
    return {
        "parameters": gated,
        "overhead": gated - plain,
        "overhead_share": (gated - plain) / plain,
        "overhead_error": max(errors),
    }


def _count(
    d_model: int,
    n_layers: int,
    n_heads: int,
    vocab_size: int,
    gate_per: Literal["head", "channel"] | None,
) -> int:
    with torch.device("meta"):
        model = LanguageModel(
            vocab_size,
            d_model=d_model,
            n_layers=n_layers,
            n_heads=n_heads,
            gate="data" if gate_per else "open",
        )
        if gate_per == "channel":
            for block in model.blocks:
                assert isinstance(block, Block)
                block.attention.gate = ForgetGate(d_model, d_model, "data")
    return sum(parameter.numel() for parameter in model.parameters())


@experiment(
    "fox/recurrence", metrics={"max_error": error, "state_bytes_1x": size, "state_bytes_16x": size}
)
@torch.no_grad()
def recurrence(
    run: Run,
    *,
    attention: Literal["linear", "softmax"] = "linear",
    order: Literal["forget-first", "write-first"] = "forget-first",
    instances: int = 10,
    n_tokens: int = 128,
) -> Metrics:
    """Decode token by token, against the parallel form; and weigh what decoding must keep.

    max_error: the largest difference of logits, relative to the largest logit, over random models
    whose gates are spread as training spreads them. state_bytes: after n_tokens and 16 times that.
    """
    late = order == "write-first"
    generator = run.generator("instances")
    worst = 0.0
    for instance in range(instances):
        model = random_model(run, attention, instance, generator)
        tokens = torch.randint(17, (2, n_tokens), generator=generator).to(run.device)
        parallel = model(tokens)
        difference = decode(model, tokens, None, late=late)[0] - parallel
        worst = max(worst, float(difference.abs().max() / parallel.abs().max()))
    long = torch.randint(17, (1, LONGEST * n_tokens), generator=generator).to(run.device)
    _, short_states = decode(model, long[:, :n_tokens], None, late=late)
    _, long_states = decode(model, long[:, n_tokens:], short_states, late=late)
    return {
        "max_error": worst,
        "state_bytes_1x": n_bytes(short_states),
        "state_bytes_16x": n_bytes(long_states),
    }
