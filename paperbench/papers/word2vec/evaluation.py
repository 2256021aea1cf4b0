"""What vectors are asked: how similar two words are, and the fourth word of an analogy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.stats import spearmanr
from torch import Tensor
from torch.nn import functional as F

CHUNK = 500  # questions answered at once


@dataclass(frozen=True, eq=False)
class Judgements:
    """What is known about some words, numbered as in a text.

    pairs: (n_pairs, 2) with scores (n_pairs,), higher where more similar. questions: (n, 4), words
    a, b, c, d of "a is to b as c is to d".
    """

    pairs: Tensor
    scores: Tensor
    questions: Tensor


def read_judgements(similarity: str, analogies: str, words: Sequence[str]) -> Judgements:
    """From lines `word word score` and lines `a b c d`, those whose words are all known.

    A line that begins with a colon is a title.
    """
    number = {word: i for i, word in enumerate(words)}
    scored = [line.lower().split() for line in similarity.splitlines()]
    scored = [row for row in scored if number.keys() >= set(row[:2])]
    asked = [line.lower().split() for line in analogies.splitlines() if line[:1] != ":"]
    asked = [row for row in asked if number.keys() >= set(row)]
    return Judgements(
        torch.tensor([[number[word] for word in row[:2]] for row in scored]),
        torch.tensor([float(row[2]) for row in scored]),
        torch.tensor([[number[word] for word in row] for row in asked]),
    )


def rank_correlation(vectors: Tensor, pairs: Tensor, scores: Tensor) -> float:
    """Spearman's, of the cosines of pairs of rows of `vectors` with the scores."""
    one, other = vectors[pairs].unbind(1)  # each (n_pairs, d_model)
    return spearman(F.cosine_similarity(one, other), scores)


def frequency_correlation(counts: Tensor, pairs: Tensor, scores: Tensor) -> float:
    """The better of two shortcuts: how frequent the rarer word is, how alike the frequencies."""
    logs = counts.log()[pairs]  # (n_pairs, 2)
    rarer, apart = logs.min(1).values, (logs[:, 0] - logs[:, 1]).abs()
    return max(abs(spearman(each, scores)) for each in (rarer, apart))


def spearman(one: Tensor, other: Tensor) -> float:
    """Rank correlation of two vectors."""
    return float(spearmanr(one.cpu().numpy(), other.cpu().numpy()).statistic)


def answer_analogies(vectors: Tensor, asked: Tensor) -> Tensor:
    """(6): the word nearest to b - a + c by the cosine, none of the three; asked: (n, 3)."""
    unit = F.normalize(vectors)
    a, b, c = (unit[column] for column in asked.unbind(1))
    return nearest(unit, b - a + c, asked)


def nearest(vectors: Tensor, targets: Tensor, excluded: Tensor) -> Tensor:
    """Which row of `vectors` has the largest product with each target, (n,), but for `excluded`."""
    similarity = targets @ vectors.mT  # (n, n_words)
    return similarity.scatter(1, excluded, -torch.inf).argmax(1)


def analogy_accuracy(vectors: Tensor, questions: Tensor) -> float:
    """The share of questions answered with their fourth word."""
    answers = [answer_analogies(vectors, part[:, :3]) for part in torch.split(questions, CHUNK)]
    return float((torch.cat(answers) == questions[:, 3]).double().mean())


def nearest_accuracy(vectors: Tensor, questions: Tensor) -> float:
    """The same without any offset: the nearest neighbour of c, or of b, whichever does better."""
    unit = F.normalize(vectors)
    right = [
        [nearest(unit, unit[part[:, column]], part[:, :3]) == part[:, 3] for column in (1, 2)]
        for part in torch.split(questions, CHUNK)
    ]
    return max(float(torch.cat(each).double().mean()) for each in zip(*right, strict=True))
