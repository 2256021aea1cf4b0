"""Sentence pairs as numbers: vocabulary, batches, and what can be said without the source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

PAD, BOS, EOS, UNK = range(4)
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")

Words = list[str]
Pair = tuple[list[int], list[int]]  # source and target, no specials
Batches = Callable[[torch.Generator], Iterator[tuple[Tensor, Tensor]]]


class Vocabulary:
    """Words and their numbers; the first four are padding, begin, end and unknown."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = [*SPECIAL, *words]
        self.numbers = {word: i for i, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, words: Iterable[str]) -> list[int]:
        """Numbers of the words; a word that is not there is unknown."""
        return [self.numbers.get(word, UNK) for word in words]

    def decode(self, numbers: Iterable[int]) -> Words:
        """Words of the numbers."""
        return [self.words[number] for number in numbers]

    @classmethod
    def of(cls, sentences: Iterable[Words], *, at_least: int = 1) -> Vocabulary:
        """The words that occur `at_least` so often, the commonest first."""
        counts = Counter(word for sentence in sentences for word in sentence)
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls(word for word, count in ranked if count >= at_least)


@dataclass(frozen=True)
class Task:
    """What to translate. `short` and `long` are test sentences, too, of those lengths.

    references: for every pair of `test` what its translation is, as text.
    batches: batch size -> endless stream of training batches.
    seen: target sentences of training, from which the floors are counted.
    """

    source: Vocabulary
    target: Vocabulary
    test: list[Pair]
    references: list[str]
    short: list[Pair]
    long: list[Pair]
    batches: Callable[[int], Batches]
    seen: list[list[int]]


def pad(pairs: Iterable[Pair]) -> tuple[Tensor, Tensor]:
    """Source (batch, source) and target (batch, target + 2), the target between BOS and EOS."""
    sources, targets = zip(*pairs, strict=True)
    return _pad(sources), _pad([BOS, *target, EOS] for target in targets)


def _pad(sentences: Iterable[list[int]]) -> Tensor:
    rows = list(sentences)
    longest = max(map(len, rows))
    return torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])


def floor_accuracy(seen: Iterable[list[int]], test: Iterable[list[int]]) -> float:
    """Token accuracy of the best predictor that is given the target so far and no source.

    Two are tried: the commonest word after the last two words, and after the last word at this
    position. Their counts come from `seen`; a context that never occurred falls back to the
    commonest word after the last one. The end of the sentence counts as a token.
    """
    tables: list[dict[tuple[int, ...], Counter[int]]] = [{}, {}, {}]
    for sentence in seen:
        for word, contexts in _contexts(sentence):
            for table, context in zip(tables, contexts, strict=True):
                table.setdefault(context, Counter())[word] += 1
    best = [
        {context: counts.most_common(1)[0][0] for context, counts in table.items()}
        for table in tables
    ]
    right, total = [0, 0], 0
    for sentence in test:
        for word, (last_two, position, last) in _contexts(sentence):
            fallback = best[2].get(last, EOS)
            right[0] += best[0].get(last_two, fallback) == word
            right[1] += best[1].get(position, fallback) == word
            total += 1
    return max(right) / total


def _contexts(sentence: list[int]) -> Iterator[tuple[int, list[tuple[int, ...]]]]:
    full = [BOS, BOS, *sentence, EOS]
    for i in range(2, len(full)):
        yield full[i], [(full[i - 2], full[i - 1]), (i, full[i - 1]), (full[i - 1],)]
