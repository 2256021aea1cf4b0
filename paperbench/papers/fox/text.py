"""Text as tokens, and what a reader without a memory scores on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.lab import Corpus, Run, shared

Unit = Literal["character", "word"]
UNKNOWN = "<unk>"  # WikiText's own word for a rare one
END_OF_LINE = "<eos>"
EVAL_TOKENS = 2048  # in one forward pass, at least one window


@dataclass(frozen=True, eq=False)
class Text:
    """Token ids, each part of shape (n_tokens,) int64. vocabulary: how the tokens are written."""

    train: Tensor
    valid: Tensor
    vocab_size: int
    vocabulary: tuple[str, ...] = ()

    def windows(
        self, seq_len: int, batch_size: int
    ) -> Callable[[torch.Generator], Iterator[tuple[Tensor, Tensor]]]:
        """An endless stream of (inputs, next tokens), each (batch_size, seq_len), drawn anywhere.

        Raises ValueError when the text is not longer than a window.
        """
        starts = len(self.train) - seq_len
        if starts < 1:
            raise ValueError(f"a text of {len(self.train)} tokens has no window of {seq_len}")
        offsets = torch.arange(seq_len + 1)

        def stream(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
            while True:
                start = torch.randint(starts, (batch_size, 1), generator=generator)
                window = self.train[start + offsets]
                yield window[:, :-1], window[:, 1:]

        return stream


@shared
def tokenise(corpus: Corpus, unit: Unit) -> Text:
    """Number the tokens of a corpus by its training part; what is not there is unknown.

    Words end a line with `<eos>`, as is usual for WikiText (33,278 tokens for WikiText-2).
    """
    train, valid = _split(corpus.train, unit), _split(corpus.valid, unit)
    ids = {token: i for i, token in enumerate(sorted({*train, UNKNOWN}))}
    unknown = ids[UNKNOWN]
    return Text(
        torch.tensor([ids[token] for token in train]),
        torch.tensor([ids.get(token, unknown) for token in valid]),
        len(ids),
        tuple(ids),
    )


def _split(text: str, unit: Unit) -> list[str]:
    if unit == "character":
        return list(text)
    return [word for line in text.splitlines() for word in [*line.split(), END_OF_LINE]]


def periodic_text(
    generator: torch.Generator, *, n_tokens: int = 20_000, period: int = 40, n_symbols: int = 8
) -> Text:
    """One random phrase over and over: what any working language model learns by heart.

    The token before leaves about five of the 40 places open, the three before hardly more than
    one; so a bigram model is left with about 1.4 nats, and a model of windows of 64 with the first
    few tokens of each, about 0.04 nats/token.
    """
    phrase = torch.randint(n_symbols, (period,), generator=generator)
    whole = phrase.repeat(2 * n_tokens // period + 1)
    vocabulary = tuple(map(str, range(n_symbols)))
    return Text(whole[:n_tokens], whole[n_tokens : 2 * n_tokens], n_symbols, vocabulary)


class Reading(NamedTuple):
    """Nats/token of a text read in windows: of all tokens, of those late in a stretch, by position.

    Late are the tokens of the second half of every `stretch`, the training length, wherever windows
    begin. No window begins near one, so that reading in longer windows cannot help them by that.
    by_position: (length,), a mean over the windows.
    """

    all: float
    late: float
    by_position: Tensor


@torch.no_grad()
def read(
    run: Run, model: nn.Module, inputs: Tensor, targets: Tensor, length: int, *, stretch: int
) -> Reading:
    """Read a text in windows of `length` tokens, in an order of no meaning.

    The order matters where gates are shuffled: the sequence beside one is not the text before it.
    For the same reason a forward pass has three windows at least, if there are as many.
    """
    order = torch.randperm(len(inputs) // length, generator=run.generator("windows"))
    n_chunks = max(1, len(order) // max(3, EVAL_TOKENS // length))
    x, y = (run.to_device(tokens.view(-1, length)) for tokens in (inputs, targets))
    losses = torch.cat(
        [
            F.cross_entropy(model(x[rows]).flatten(0, 1), y[rows].flatten(), reduction="none")
            for rows in torch.tensor_split(order, n_chunks)
        ]
    ).view(-1, length)
    late = torch.arange(length, device=losses.device) % stretch >= stretch // 2
    return Reading(
        float(losses.double().mean()), float(losses[:, late].double().mean()), losses.mean(0)
    )


def unigram_loss(text: Text, targets: Tensor) -> float:
    """Nats/token of knowing only how common each token is, counted with add-one smoothing."""
    return float(-_unigram(text)[targets].log().mean())


def bigram_loss(text: Text, inputs: Tensor, targets: Tensor) -> float:
    """Nats/token of knowing only the token before, smoothed as by Witten and Bell (1991).

    p(b|a) = (count(ab) + kinds(a) p(b)) / (count(a) + kinds(a)), where kinds(a) is how many
    different tokens follow a: no parameter to choose, fit for characters and for words.
    """
    pairs, counts, followers, kinds = _bigrams(text)
    wanted = inputs * text.vocab_size + targets
    place = torch.searchsorted(pairs, wanted).clamp(max=len(pairs) - 1)
    seen = torch.where(pairs[place] == wanted, counts[place], 0).double()
    unigram = _unigram(text)[targets]
    mass = followers[inputs] + kinds[inputs]
    smoothed = (seen + kinds[inputs] * unigram) / mass.clamp(min=1)
    return float(-torch.where(mass > 0, smoothed, unigram).log().mean())


@lru_cache(maxsize=4)  # every run of a process on one text; a periodic one is a run's own
def _bigrams(text: Text) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Each different pair, as a number, and its count; each token's successors, and their kinds."""
    size = text.vocab_size
    pairs, counts = torch.unique(text.train[:-1] * size + text.train[1:], return_counts=True)
    followers = text.train[:-1].bincount(minlength=size).double()
    return pairs, counts, followers, (pairs // size).bincount(minlength=size).double()


def _unigram(text: Text) -> Tensor:
    counts = text.train.bincount(minlength=text.vocab_size).double() + 1
    return counts / counts.sum()
