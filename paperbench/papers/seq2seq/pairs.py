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


class Floor:
    """The best predictor that is given the target so far and no source.

    Two are tried: the commonest word after the last two words, and after the last word at this
    position. Their counts come from `seen`; a context that never occurred falls back to the
    commonest word after the last one. The end of the sentence counts as a token.
    """

    def __init__(self, seen: Iterable[list[int]]) -> None:
        counts: list[Counter[tuple[tuple[int, ...], int]]] = [Counter(), Counter(), Counter()]
        for sentence in seen:
            words, contexts = _contexts(sentence)
            for counted, context in zip(counts, contexts, strict=True):
                counted.update(zip(context, words, strict=True))
        self.best = [_commonest(counted) for counted in counts]

    def accuracy(self, test: Iterable[list[int]]) -> float:
        """Share of the tokens of `test` that the better of the two gets right."""
        after_two, at_position, after_one = self.best
        right, total = [0, 0], 0
        for sentence in test:
            words, contexts = _contexts(sentence)
            for word, last_two, position, last in zip(words, *contexts, strict=True):
                fallback = after_one.get(last, EOS)
                right[0] += after_two.get(last_two, fallback) == word
                right[1] += at_position.get(position, fallback) == word
                total += 1
        return max(right) / total


def _contexts(sentence: list[int]) -> tuple[list[int], list[list[tuple[int, ...]]]]:
    """The words with EOS, and of each the last two words, its place and the last, the last."""
    full = [BOS, BOS, *sentence, EOS]
    before, last, words = full[:-2], full[1:-1], full[2:]
    return words, [
        [*zip(before, last, strict=True)],
        [*enumerate(last)],
        [(word,) for word in last],
    ]


def _commonest(counts: Counter[tuple[tuple[int, ...], int]]) -> dict[tuple[int, ...], int]:
    """For each context the word that was counted most often, the first one seen of several."""
    best: dict[tuple[int, ...], int] = {}
    for context, word in counts:
        if counts[context, word] > counts[context, best.setdefault(context, word)]:
            best[context] = word
    return best
