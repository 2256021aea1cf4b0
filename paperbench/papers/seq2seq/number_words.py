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

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from paperbench.papers.seq2seq.pairs import Batches, Pair, Task, Vocabulary, Words, pad

Order = Literal["forward", "backward", "scrambled"]
Spelling = Literal["words", "digits"]

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
        self._words = {
            number: (self.source.encode(source), self.target.encode(target))
            for number, (source, target) in spelled.items()
        }
        self._training = np.array([number for number in NUMBERS if number not in HELD_OUT])

    def pair(self, numbers: list[int]) -> Pair:
        """Source and target of one list."""
        source = [word for number in numbers for word in self._words[number][0]]
        target = [word for number in numbers for word in self._words[number][1]]
        if self.order == "backward":
            target = target[::-1]
        elif self.order == "scrambled":
            places = np.random.default_rng(len(target)).permutation(len(target))
            target = [target[place] for place in places]
        return source, target

    def draw(self, rng: np.random.Generator, n: int, length: int) -> list[Pair]:
        """Training lists of `length` numbers, none of them held out."""
        drawn = rng.choice(self._training, size=(n, length))
        return [self.pair(numbers) for numbers in drawn.tolist()]

    def batches(self, batch_size: int) -> Batches:
        """An endless stream of training lists; those of one batch hold equally many numbers."""

        def stream(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
            seed = int(torch.randint(2**62, (1,), generator=generator))
            rng = np.random.default_rng(seed)
            while True:
                yield pad(self.draw(rng, batch_size, int(rng.integers(1, self.longest + 1))))

        return stream


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
    short = [lists.pair([number]) for number in sorted(HELD_OUT)]
    long = [lists.pair(numbers) for numbers in rng.choice(held_out, (N_TEST, longest)).tolist()]
    lengths = rng.integers(1, longest + 1, N_SEEN).tolist()
    seen = [lists.draw(rng, 1, length)[0][1] for length in lengths]
    # The mixture that translations are scored on: every length equally often.
    mixed = [lists.pair(rng.choice(held_out, 1 + i % longest).tolist()) for i in range(N_TEST)]
    references = [" ".join(lists.target.decode(target)) for _, target in mixed]
    return Task(lists.source, lists.target, mixed, references, short, long, lists.batches, seen)
