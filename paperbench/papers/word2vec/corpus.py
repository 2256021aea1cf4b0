"""From a text to what skip-gram reads: words, pairs, noise. Equations as in NOTES.md."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from paperbench.lab import Corpus, shared, shuffled_batches
from paperbench.papers.word2vec.model import Batch

WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, eq=False)
class Text:
    """tokens: (n_tokens, 2) int64, the number of the word among `words`, and of its sentence."""

    tokens: Tensor
    words: tuple[str, ...]

    @property
    def counts(self) -> Tensor:
        """How often each word stands in the text, (n_words,) float64."""
        return self.tokens[:, 0].bincount(minlength=len(self.words)).double()


@shared
def tokenise(corpus: Corpus, *, n_words: int) -> Text:
    """All parts of the corpus in lower case; what is no frequent word is left out, without a gap.

    A paragraph is a sentence, beyond which no window reaches. One that is there several times is
    read once: a half of the text that quotes the other one would be no test.
    """
    whole = f"{corpus.train}\n\n{corpus.valid}\n\n{corpus.test}".lower()
    paragraphs = dict.fromkeys(" ".join(part.split()) for part in whole.split("\n\n"))
    read = [(word, i) for i, part in enumerate(paragraphs) for word in WORD.findall(part)]
    words = tuple(word for word, _ in Counter(word for word, _ in read).most_common(n_words))
    number = {word: i for i, word in enumerate(words)}
    return Text(torch.tensor([(number[word], i) for word, i in read if word in number]), words)


def halves(tokens: Tensor, block: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two halves of a text, each of every other one of its shuffled blocks of `block` tokens."""
    blocks = torch.split(tokens, block)
    order = torch.randperm(len(blocks), generator=generator).tolist()
    first, second = (torch.cat([blocks[i] for i in sorted(order[start::2])]) for start in (0, 1))
    return first, second


def keep_probability(frequency: Tensor, threshold: float) -> Tensor:
    """(5): how probably a token of a word of this relative frequency is kept."""
    return (threshold / frequency).sqrt().clamp(max=1.0)


def noise_distribution(counts: Tensor, exponent: float) -> Tensor:
    """The words' probabilities as noise, proportional to a power of their counts, (n_words,)."""
    powers = counts**exponent
    return powers / powers.sum()


def skip_grams(tokens: Tensor, window: int, generator: torch.Generator) -> Tensor:
    """All pairs (word, context) of one reading, (n_pairs, 2).

    Every token draws how far it looks, 1 to `window` tokens to either side, each as probable as
    the others, so that near contexts count for more (arXiv:1301.3781, section 3.2).
    """
    reach = torch.randint(1, window + 1, (len(tokens),), generator=generator)
    pairs = []
    for distance in range(1, window + 1):
        near = neighbours(tokens, distance)
        pairs += [near[reach[near[:, 0]] >= distance], near.flip(1)[reach[near[:, 1]] >= distance]]
    return tokens[torch.cat(pairs), 0]


def neighbours(tokens: Tensor, distance: int) -> Tensor:
    """Positions (n, 2) of tokens so far apart in one sentence, the left one first."""
    left = torch.arange(max(0, len(tokens) - distance))
    near = torch.stack([left, left + distance], 1)
    return near[tokens[near[:, 0], 1] == tokens[near[:, 1], 1]]


def cooccurrences(tokens: Tensor, n_words: int, window: int) -> Tensor:
    """How often `skip_grams` finds each pair in the mean, (n_words, n_words) float64."""
    table = torch.zeros(n_words * n_words, dtype=torch.float64)
    for distance in range(1, window + 1):
        left, right = tokens[neighbours(tokens, distance), 0].unbind(1)
        found = (left * n_words + right).bincount(minlength=len(table))
        table += found * (window - distance + 1) / window  # P(reach >= distance)
    one_sided = table.view(n_words, n_words)
    return one_sided + one_sided.mT


def read_once(
    tokens: Tensor, keep: Tensor | None, window: int, generator: torch.Generator
) -> Tensor:
    """Pairs (n_pairs, 2) of one reading, after tokens were left out; keep: (n_words,) or None."""
    if keep is not None:
        tokens = tokens[torch.rand(len(tokens), generator=generator) < keep[tokens[:, 0]]]
    return skip_grams(tokens, window, generator)


def pair_batches(
    tokens: Tensor, *, keep: Tensor | None, noise: Tensor, n_negatives: int, window: int, size: int
) -> Callable[[torch.Generator], Iterator[Batch]]:
    """An endless stream of `size` pairs and their noise; every reading draws its pairs anew."""
    upto = noise.cumsum(0)
    upto[-1] = 1.0

    def stream(generator: torch.Generator) -> Iterator[Batch]:
        while True:
            pairs = read_once(tokens, keep, window, generator)
            rows = shuffled_batches(len(pairs), size, generator)
            for _ in range(max(1, len(pairs) // size)):
                word, context = pairs[next(rows)].unbind(1)
                drawn = torch.rand(len(word), n_negatives, generator=generator, dtype=upto.dtype)
                yield word, context, torch.searchsorted(upto, drawn)

    return stream
