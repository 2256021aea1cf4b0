"""What is translated: lists of numbers from English to German words, or Multi30k's captions.

347 is `three hundred forty seven` and `drei hundert sieben und vierzig`. A tenth of the numbers is
held out: training lists hold none of them, test lists hold nothing else.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from paperbench.lab import ParallelCorpus, shuffled_batches
from paperbench.papers.transformer.model import PAD

BOS, EOS, UNK = 1, 2, 3
BUCKETS = 8  # batches that are sorted by length at a time
N_LISTS, N_HELD_OUT = 6000, 90  # training lists, and the numbers that they do not hold
ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
GERMAN = (
    "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn "
    "sechzehn siebzehn achtzehn neunzehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig "
    "neunzig"
)

Words = list[str]
Pairs = list[tuple[Words, Words]]
Batches = Callable[[torch.Generator], Iterator[tuple[Tensor, Tensor]]]


def spell(number: int, lexicon: str) -> Words:
    """100 to 999 in words; in German the units come before the tens (and `ein` stays `ein`)."""
    say, german = lexicon.split(), lexicon == GERMAN
    hundreds, rest = divmod(number, 100)
    words = [say[hundreds], "hundert" if german else "hundred"]
    if rest < 20:
        return words + [say[rest]] * (rest > 0)
    ten, unit = [say[18 + rest // 10]], [say[rest % 10]] * (rest % 10 > 0)
    return words + (unit + ["und"] * len(unit) + ten if german else ten + unit)


def number_lists(rng: np.random.Generator, longest: int, n_test: int) -> tuple[Pairs, Pairs, Pairs]:
    """Training lists of 1 to `longest` numbers; test lists of one number, and of `longest`."""
    numbers = np.random.default_rng(0).permutation(np.arange(100, 1000))  # the same for all seeds

    def pairs(pool: Any, lengths: Iterable[int]) -> Pairs:
        lists = [rng.choice(pool, n) for n in lengths]
        spelled = {n: (spell(n, ENGLISH), spell(n, GERMAN)) for n in pool.tolist()}
        return [
            (sum((spelled[n][0] for n in row), []), sum((spelled[n][1] for n in row), []))
            for row in lists
        ]

    return (
        pairs(numbers[N_HELD_OUT:], rng.integers(1, longest + 1, N_LISTS)),
        pairs(numbers[:N_HELD_OUT], [1] * n_test),
        pairs(numbers[:N_HELD_OUT], [longest] * n_test),
    )


def captions(corpus: ParallelCorpus) -> tuple[Pairs, Pairs, Pairs]:
    """Training captions; test captions of at most 10 English words, and of at least 16."""

    def tokens(sentence: str) -> Words:
        return re.findall(r"\w+|[^\w\s]", sentence.lower())

    train, test = (
        [(tokens(a), tokens(b)) for a, b in part] for part in (corpus.train, corpus.test)
    )
    return train, [p for p in test if len(p[0]) <= 10], [p for p in test if len(p[0]) >= 16]


class Vocabulary:
    """The words of both languages that occur twice or more, after padding, begin, end, unknown."""

    def __init__(self, pairs: Pairs) -> None:
        counts = Counter(word for pair in pairs for side in pair for word in side)
        known = sorted(word for word, count in counts.items() if count > 1)
        self.numbers = {word: i for i, word in enumerate(known, UNK + 1)}
        self.size = UNK + 1 + len(known)

    def encode(self, pairs: Pairs) -> tuple[Tensor, Tensor]:
        """Sources (n, words), and targets (n, words + 2) between BOS and EOS, padded behind."""
        coded = [[[self.numbers.get(w, UNK) for w in side] for side in pair] for pair in pairs]
        return _pad([s for s, _ in coded]), _pad([[BOS, *t, EOS] for _, t in coded])

    def batches(self, pairs: Pairs, batch_size: int) -> Batches:
        """An endless stream of batches of similar length, every epoch shuffled anew."""
        n_words = torch.tensor([len(source) + len(target) for source, target in pairs])

        def stream(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
            for rows in shuffled_batches(len(pairs), BUCKETS * batch_size, generator):
                by_length = torch.split(rows[n_words[rows].argsort()], batch_size)
                for place in torch.randperm(len(by_length), generator=generator).tolist():
                    yield self.encode([pairs[row] for row in by_length[place].tolist()])

        return stream


def _pad(sentences: list[list[int]]) -> Tensor:
    longest = max(map(len, sentences))
    return torch.tensor([row + [PAD] * (longest - len(row)) for row in sentences])


def floor(train: Pairs, test: Pairs) -> float:
    """Share of target words, the end included, that the last two words say best, with no source."""
    after: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for *context, word in _trigrams(train):
        after[context[0], context[1]][word] += 1
    best = {context: counts.most_common(1)[0][0] for context, counts in after.items()}
    tested = [best.get((first, second)) == word for first, second, word in _trigrams(test)]
    return sum(tested) / len(tested)


def _trigrams(pairs: Pairs) -> Iterator[tuple[str, str, str]]:
    for _, target in pairs:
        words = ["<s>", "<s>", *target, "</s>"]
        yield from zip(words, words[1:], words[2:], strict=False)
