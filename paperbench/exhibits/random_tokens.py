"""What a public script trained to verify the Forgetting Transformer: models of random tokens.

Every token is drawn uniformly and none depends on another, so no model can predict better than
ln(vocab_size) nats/token. The script is restated, not copied: the gate is the paper's own here,
where the script multiplied logits by a gate of query and key. What is measured is what it decided
by.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import fmean
from typing import Literal

import torch
from torch import Tensor

from paperbench.lab import (
    Metrics,
    Run,
    adamw,
    cross_entropy,
    experiment,
    fraction,
    nats,
    perplexity,
    train,
)
from paperbench.papers.fox.model import ForgetGate, LanguageModel
from paperbench.papers.fox.text import Text, bigram_loss, read, unigram_loss

CLIP = 1.0
LONGEST = 16  # times the training length
LONGER = (2, 4, 6, 8)  # the lengths, in training lengths, at which two models were compared


@experiment(
    "exhibits/random-tokens/language-model",
    metrics={
        "loss": nats,
        "ppl": perplexity,
        "ppl_16x": perplexity,
        "loss_longer": nats,
        "gate_std": fraction,
        "gate_range": fraction,
        "gate_std_any": fraction,
        "gate_difference": fraction,
        "uniform_loss": nats,
        "uniform_ppl": perplexity,
        "unigram_loss": nats,
        "bigram_loss": nats,
    },
    chance={
        "loss": "uniform_loss",
        "ppl_16x": "uniform_ppl",
        "ppl": "uniform_ppl",
        "loss_longer": "uniform_loss",
    },
)
def language_model(
    run: Run,
    *,
    gate: Literal["data", "fixed", "open"] = "data",
    position: Literal["none", "rope"] = "none",
    attention: Literal["softmax", "linear"] = "softmax",
    vocab_size: int = 5000,
    d_model: int = 64,
    n_layers: int = 2,
    n_heads: int = 4,
    seq_len: int = 32,
    batch_size: int = 8,
    steps: int = 300,
    lr: float = 1e-3,
    eval_tokens: int = 20_480,
) -> Metrics:
    """Train one language model on uniformly random tokens, none seen twice; read others like them.

    loss_longer: the mean over one sequence each of 2, 4, 6 and 8 training lengths, which every arm
    draws for itself. uniform_loss: ln(vocab_size), where nothing is learned; unigram_loss and
    bigram_loss: of counting the very tokens that were trained on. gate_*: see `_gate_statistics`.
    """
    windows = torch.randint(
        vocab_size, (steps, batch_size, seq_len + 1), generator=run.generator("text")
    )
    fresh = torch.randint(vocab_size, (eval_tokens + 1,), generator=run.generator("fresh text"))
    text = Text(windows.flatten(), fresh, vocab_size)
    fit = train(
        run,
        build=lambda: LanguageModel(
            vocab_size,
            d_model=d_model,
            n_layers=n_layers,
            n_heads=n_heads,
            gate=gate,
            position=position,
            attention=attention,
        ),
        batches=lambda _: ((window[:, :-1], window[:, 1:]) for window in windows),
        loss=cross_entropy,
        optimizer=adamw(lr),
        steps=steps,
        clip=CLIP,
    )
    n_scored = eval_tokens // (LONGEST * seq_len) * LONGEST * seq_len
    if not n_scored:
        raise ValueError(f"eval_tokens is shorter than {LONGEST * seq_len} tokens")
    inputs, targets = fresh[:n_scored], fresh[1 : n_scored + 1]
    once, longest = (
        read(run, fit.model, inputs, targets, times * seq_len, stretch=seq_len).all
        for times in (1, LONGEST)
    )
    own = run.generator(f"longer text of {gate} {position} {attention}")
    return {
        "loss": once,
        "ppl": math.exp(once),
        "ppl_16x": math.exp(longest),
        "loss_longer": fmean(
            _loss_of_one(run, fit.model, vocab_size, times * seq_len, own) for times in LONGER
        ),
        **_gate_statistics(run, fit.model, fresh[: 2 * seq_len].view(2, seq_len)),
        "uniform_loss": math.log(vocab_size),
        "uniform_ppl": vocab_size,
        "unigram_loss": unigram_loss(text, targets),
        "bigram_loss": bigram_loss(text, inputs, targets),
    }


@torch.no_grad()
def _loss_of_one(
    run: Run, model: LanguageModel, vocab_size: int, length: int, generator: torch.Generator
) -> float:
    """Nats/token of a single random sequence of `length` tokens."""
    tokens = run.to_device(torch.randint(vocab_size, (1, length + 1), generator=generator))
    return float(cross_entropy(model, (tokens[:, :-1], tokens[:, 1:])))


def _gate_statistics(run: Run, model: LanguageModel, tokens: Tensor) -> dict[str, float]:
    """How much the gates vary on two random sequences, tokens (2, seq).

    gate_std, gate_range: of the first layer's gates on the first sequence. gate_std_any: the
    largest of any layer on either. gate_difference: between the sequences, position by position,
    mean of the layers. Open gates are 1 everywhere and vary by nothing.
    """
    with _watched_gates(model) as layers, torch.no_grad():
        model(run.to_device(tokens))
    if not layers:
        return dict.fromkeys(("gate_std", "gate_range", "gate_std_any", "gate_difference"), 0.0)
    first = layers[0][0]
    return {
        "gate_std": float(first.std()),
        "gate_range": float(first.max() - first.min()),
        "gate_std_any": max(float(gates.std()) for layer in layers for gates in layer),
        "gate_difference": fmean(float((one - other).abs().mean()) for one, other in layers),
    }


@contextmanager
def _watched_gates(model: LanguageModel) -> Iterator[list[Tensor]]:
    """While it lasts, every layer's gates (batch, n_heads, seq) are added to the list it yields."""
    seen: list[Tensor] = []
    handles = [
        module.register_forward_hook(lambda _module, _inputs, output: seen.append(output.exp()))
        for module in model.modules()
        if isinstance(module, ForgetGate)
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
