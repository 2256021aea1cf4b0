"""The quick task: lists of numbers from English words to German words.

347 is `three hundred forty seven` and `drei hundert sieben und vierzig`: the order inside a number
changes, a word has no constant partner (`one` is `ein` before `hundert` and `und`, else `eins`),
and nothing but the next hundred says that a number is complete.

Of every hundred a stretch of ten numbers is held out: training lists hold none of them, test lists
hold nothing else. Their words all occur in training, in other numbers. (Digit by digit nothing
marks the end of a number, and the same three digits do occur in training, across two numbers.)

Spelled digit by digit, 347 is `three four seven` and `drei vier sieben`: one word for one word, in
the same order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from paperbench.papers.seq2seq.pairs import BOS, EOS, PAD, Batches, Pair, Task, Vocabulary, Words

Order = Literal["forward", "backward", "scrambled"]
Spelling = Literal["words", "digits"]
Array = npt.NDArray[np.int64]

ENGLISH_UNITS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
ENGLISH_TEENS = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
ENGLISH_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
GERMAN_UNITS = ["eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
GERMAN_TEENS = [
    "zehn",
    "elf",
    "zwölf",
    "dreizehn",
    "vierzehn",
    "fünfzehn",
    "sechzehn",
    "siebzehn",
    "achtzehn",
    "neunzehn",
]
GERMAN_TENS = [
    "zwanzig",
    "dreißig",
    "vierzig",
    "fünfzig",
    "sechzig",
    "siebzig",
    "achtzig",
    "neunzig",
]

NUMBERS = range(100, 1000)
HELD_OUT = frozenset(
    100 * hundred + 37 * hundred % 91 + i for hundred in range(1, 10) for i in range(10)
)
N_TEST = 200  # lists of each length
N_SEEN = 2000  # training lists for the floors


def english(number: int) -> Words:
    """347 -> three hundred forty seven. Raises ValueError outside of 100..999."""
    hundred, tens, unit = _digits(number)
    words = [ENGLISH_UNITS[hundred - 1], "hundred"]
    if tens == 1:
        return [*words, ENGLISH_TEENS[unit]]
    return [
        *words,
        *([ENGLISH_TENS[tens - 2]] if tens else []),
        *([ENGLISH_UNITS[unit - 1]] if unit else []),
    ]


def german(number: int) -> Words:
    """347 -> drei hundert sieben und vierzig. Raises ValueError outside of 100..999."""
    hundred, tens, unit = _digits(number)
    words = [_german_unit(hundred), "hundert"]
    if tens == 1:
        return [*words, GERMAN_TEENS[unit]]
    if tens and unit:
        return [*words, _german_unit(unit), "und", GERMAN_TENS[tens - 2]]
    if tens:
        return [*words, GERMAN_TENS[tens - 2]]
    return [*words, GERMAN_UNITS[unit - 1]] if unit else words


def digit_by_digit(number: int) -> tuple[Words, Words]:
    """305 -> three zero five, and drei null fünf."""
    digits = _digits(number)
    return (
        [["zero", *ENGLISH_UNITS][digit] for digit in digits],
        [["null", *GERMAN_UNITS][digit] for digit in digits],
    )


def _german_unit(digit: int) -> str:
    return "ein" if digit == 1 else GERMAN_UNITS[digit - 1]


def _digits(number: int) -> tuple[int, int, int]:
    if number not in NUMBERS:
        raise ValueError(f"a number of three digits is wanted, not {number}")
    return number // 100, number // 10 % 10, number % 10


class NumberLists:
    """Number lists as pairs.

    order: `backward` reverses every target, the first word comes last; `scrambled` puts the words
    of all targets of one length into the same arbitrary order, so that neither end of the source is
    near to where the target begins.
    """

    def __init__(
        self, *, longest: int, order: Order = "forward", spelling: Spelling = "words"
    ) -> None:
        self.longest, self.order = longest, order
        spelled = {
            number: digit_by_digit(number)
            if spelling == "digits"
            else (english(number), german(number))
            for number in NUMBERS
        }
        self.source = Vocabulary.of(source for source, _ in spelled.values())
        self.target = Vocabulary.of(target for _, target in spelled.values())
        self._source = _table({n: self.source.encode(words) for n, (words, _) in spelled.items()})
        self._target = _table({n: self.target.encode(words) for n, (_, words) in spelled.items()})
        self._training = np.array([number for number in NUMBERS if number not in HELD_OUT])
        longest_target = longest * self._target.shape[1]
        self._places = np.tile(np.arange(longest_target), (longest_target + 1, 1))
        for n_words, places in enumerate(self._places):
            places[:n_words] = np.random.default_rng(n_words).permutation(n_words)

    def pairs(self, numbers: Array) -> list[Pair]:
        """Source and target of every list. numbers: (n, length), 0 where a list is shorter."""
        sources, targets = self._encode(numbers)
        return [
            ([word for word in source if word != PAD], [word for word in target if word != PAD])
            for source, target in zip(sources.tolist(), targets.tolist(), strict=True)
        ]

    def pair(self, numbers: list[int]) -> Pair:
        """Source and target of one list."""
        return self.pairs(np.array([numbers]))[0]

    def training(self, rng: np.random.Generator, lengths: Array) -> Array:
        """Training lists of so many numbers, none of them held out, as `pairs` takes them."""
        return draw(rng, self._training, lengths)

    def batches(self, batch_size: int) -> Batches:
        """An endless stream of training lists; those of one batch hold equally many numbers.

        1, 2, ..., longest and again from 1, whatever the seed: batches of several seeds differ in
        length by what the words of their numbers do.
        """

        def stream(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
            seed = int(torch.randint(2**62, (1,), generator=generator))
            rng = np.random.default_rng(seed)
            for length in itertools.cycle(range(1, self.longest + 1)):
                numbers = self.training(rng, np.full(batch_size, length))
                sources, targets = self._encode(numbers)
                yield torch.from_numpy(sources), torch.from_numpy(_delimited(targets))

        return stream

    def _encode(self, numbers: Array) -> tuple[Array, Array]:
        """Words of source and target, (n, words), padded behind."""
        sources = _without_gaps(self._source[numbers].reshape(len(numbers), -1))
        targets = self._target[numbers].reshape(len(numbers), -1)
        if self.order == "backward":
            targets = targets[:, ::-1]
        targets = _without_gaps(targets)
        if self.order == "scrambled":
            places = self._places[(targets != PAD).sum(1), : targets.shape[1]]
            targets = np.take_along_axis(targets, places, 1)
        return sources, targets


def _table(encoded: dict[int, list[int]]) -> Array:
    """Words by number, (largest number + 1, most words), PAD behind and where none is."""
    table = np.full((max(encoded) + 1, max(map(len, encoded.values()))), PAD)
    for number, words in encoded.items():
        table[number, : len(words)] = words
    return table


def _without_gaps(words: Array) -> Array:
    """The same rows with all padding behind, as short as the longest allows."""
    real = words != PAD
    n_words = real.sum(1)
    filled = np.full((len(words), n_words.max()), PAD)
    filled[np.arange(filled.shape[1]) < n_words[:, None]] = words[real]
    return filled


def _delimited(words: Array) -> Array:
    """Rows between BOS and EOS, (n, words + 2)."""
    rows = np.pad(words, ((0, 0), (1, 1)), constant_values=PAD)
    rows[:, 0] = BOS
    rows[np.arange(len(rows)), (words != PAD).sum(1) + 1] = EOS
    return rows


def draw(rng: np.random.Generator, pool: Array, lengths: Array) -> Array:
    """Lists of numbers from `pool`, (n, longest of `lengths`), 0 where a list is shorter."""
    there = np.arange(lengths.max()) < lengths[:, None]
    numbers = np.zeros(there.shape, np.int64)
    numbers[there] = rng.choice(pool, there.sum())
    return numbers


def number_lists(
    rng: np.random.Generator,
    *,
    longest: int,
    order: Order = "forward",
    spelling: Spelling = "words",
) -> Task:
    """Lists of 1 to `longest` numbers; `short` tests single numbers, `long` the longest lists."""
    lists = NumberLists(longest=longest, order=order, spelling=spelling)
    held_out = np.array(sorted(HELD_OUT))
    short = lists.pairs(held_out[:, None])
    long = lists.pairs(draw(rng, held_out, np.full(N_TEST, longest)))
    lengths = rng.integers(1, longest + 1, N_SEEN)
    seen = [target for _, target in lists.pairs(lists.training(rng, lengths))]
    # The mixture that translations are scored on: every length equally often.
    mixed = lists.pairs(draw(rng, held_out, 1 + np.arange(N_TEST) % longest))
    references = [" ".join(lists.target.decode(target)) for _, target in mixed]
    return Task(lists.source, lists.target, mixed, references, short, long, lists.batches, seen)
