"""What vectors are asked: how similar two words are, and the fourth word of an analogy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.stats import spearmanr
from torch import Tensor
from torch.nn import functional as F


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


def judge(vectors: Tensor, counts: Tensor, known: Judgements) -> dict[str, float]:
    """What vectors (n_words, d_model) know of what is known, and what shortcuts know of it.

    counts: (n_words,), how often each word stands in the text. rare_similarity: on the pairs of
    which a word is in the rarer half of those judged.
    """
    alike = F.cosine_similarity(*vectors[known.pairs].unbind(1))  # type: ignore[arg-type]
    of_pairs = counts[known.pairs]  # (n_pairs, 2)
    rare = (of_pairs < counts[torch.unique(known.pairs)].median()).any(1)
    logs = of_pairs.log()
    by_frequency = (logs.min(1).values, (logs[:, 0] - logs[:, 1]).abs())  # the rarer; how alike
    asked, fourth = known.questions[:, :3], known.questions[:, 3]
    answers = (answer_analogies(vectors, asked), *shortcuts(vectors, asked))
    offset, *others = ((each == fourth).double().mean().item() for each in answers)
    return {
        "similarity": spearman(alike, known.scores),
        "rare_similarity": spearman(alike[rare], known.scores[rare]),
        "frequency_similarity": max(abs(spearman(each, known.scores)) for each in by_frequency),
        "analogy_acc": offset,
        "nearest_acc": max(others),
    }


def spearman(one: Tensor, other: Tensor) -> float:
    """Rank correlation of two vectors."""
    return float(spearmanr(one.cpu().numpy(), other.cpu().numpy()).statistic)


def answer_analogies(vectors: Tensor, asked: Tensor) -> Tensor:
    """(6): the word nearest to b - a + c by the cosine, none of the three; asked: (n, 3)."""
    unit = F.normalize(vectors)
    a, b, c = unit[asked].unbind(1)
    return nearest(unit, b - a + c, asked)


def shortcuts(vectors: Tensor, asked: Tensor) -> list[Tensor]:
    """Answers without any offset: the word nearest to b, to c, and to both, none of the three.

    Where a word is a stem in a form, only the fourth word and a itself share something with both b
    and c; and a is excluded.
    """
    unit = F.normalize(vectors)
    _, b, c = unit[asked].unbind(1)
    return [nearest(unit, target, asked) for target in (b, c, b + c)]


def nearest(vectors: Tensor, targets: Tensor, excluded: Tensor) -> Tensor:
    """Which row of `vectors` has the largest product with each target, (n,), but for `excluded`."""
    similarity = targets @ vectors.mT  # (n, n_words)
    return similarity.scatter(1, excluded, -torch.inf).argmax(1)
