"""A stream of writes, distractors and reads: what did the latest write say?

Tokens: `write v` is v, `noise v` is N_VALUES + v, `read` is READ. Only a gate that can tell a
write from noise closes exactly when it should; a fixed decay can only bet on how long ago the
latest write was, and loses the bet when writes become rarer than in training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.lab import Run

N_VALUES = 8
READ = 2 * N_VALUES
VOCAB_SIZE = READ + 1
NOT_ASKED = -100  # a target that cross_entropy passes over
EVAL_STREAMS = 32  # in one forward pass


@dataclass(frozen=True)
class Streams:
    """tokens, answers: (batch, seq) int64; an answer where a `read` stands, else NOT_ASKED."""

    tokens: Tensor
    answers: Tensor


def draw_streams(
    generator: torch.Generator, batch: int, seq_len: int, *, write: float, read: float
) -> Streams:
    """Draw streams of independent tokens. write, read: their shares; the rest is noise.

    The first token is a write, so that every read has an answer.
    """
    kind = torch.rand(batch, seq_len, generator=generator)
    values = torch.randint(N_VALUES, (batch, seq_len), generator=generator)
    writes = kind < write
    writes[:, 0] = True
    reads = ~writes & (kind < write + read)
    tokens = torch.where(writes, values, torch.where(reads, READ, N_VALUES + values))
    answers = values.gather(1, _latest(writes))
    return Streams(tokens, torch.where(reads, answers, NOT_ASKED))


def stream_batches(
    batch_size: int, seq_len: int, *, write: float, read: float
) -> Callable[[torch.Generator], Iterator[tuple[Tensor, Tensor]]]:
    """An endless stream of fresh (tokens, answers)."""

    def stream(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            drawn = draw_streams(generator, batch_size, seq_len, write=write, read=read)
            yield drawn.tokens, drawn.answers

    return stream


def recall_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Mean cross-entropy of the answers, in nats; batch: (tokens, answers)."""
    tokens, answers = batch
    return F.cross_entropy(model(tokens).flatten(0, 1), answers.flatten(), ignore_index=NOT_ASKED)


class Recall(NamedTuple):
    """Accuracy and mean loss (nats) over all reads. right: (reads,) bool, stream after stream."""

    accuracy: float
    loss: float
    right: Tensor


@torch.no_grad()
def recall(run: Run, model: nn.Module, streams: Streams) -> Recall:
    """Ask a model for the answers."""
    right, loss = [], 0.0
    for tokens, answers in zip(
        torch.split(streams.tokens, EVAL_STREAMS),
        torch.split(streams.answers, EVAL_STREAMS),
        strict=True,
    ):
        asked = answers != NOT_ASKED
        logits, truth = model(run.to_device(tokens)).cpu()[asked], answers[asked]
        right.append(logits.argmax(-1) == truth)
        loss += float(F.cross_entropy(logits, truth, reduction="sum"))
    hits = torch.cat(right)
    return Recall(int(hits.sum()) / len(hits), loss / len(hits), hits)


def ages(streams: Streams) -> Tensor:
    """How many tokens ago the latest write was, of every read, stream after stream: (reads,)."""
    positions = torch.arange(streams.tokens.shape[1]).expand_as(streams.tokens)
    age = positions - _latest(streams.tokens < N_VALUES)
    return age[streams.answers != NOT_ASKED]


def spelled(tokens: Tensor) -> list[str]:
    """How the tokens of one stream, (seq,), are written."""
    words = [f"{kind} {value}" for kind in ("write", "noise") for value in range(N_VALUES)]
    return [[*words, "read"][token] for token in tokens.tolist()]


def shortcut_accuracy(streams: Streams) -> float:
    """The best score of three readers without a memory that could be reset.

    They answer with the commonest answer of all, with the value of the most recent token that
    carries one (write or noise), and with the value most often written so far.
    """
    tokens, answers = streams.tokens, streams.answers
    asked = answers != NOT_ASKED
    truth = answers[asked]
    commonest = truth.bincount(minlength=N_VALUES).argmax()
    recent = (tokens % N_VALUES).gather(1, _latest(tokens != READ))
    written = F.one_hot(tokens.clamp(max=N_VALUES), N_VALUES + 1)[..., :N_VALUES].cumsum(1)
    guesses = (commonest.expand_as(truth), recent[asked], written.argmax(-1)[asked])
    return max(float((guess == truth).double().mean()) for guess in guesses)


def _latest(marked: Tensor) -> Tensor:
    """Index of the latest True at or before each position; marked: (batch, seq) bool."""
    positions = torch.arange(marked.shape[1]).expand_as(marked)
    return torch.where(marked, positions, 0).cummax(1).values
