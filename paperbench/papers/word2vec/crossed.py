"""A language whose meanings are known: every word is a stem in a form, and both choose its company.

Twelve stems in five forms make sixty words. A stem has topics that it is spoken of with, a form has
its own company, and what stands around a word is drawn half from either, between filler words that
go with everything. So `form b of stem 1 - form a of stem 1 + form a of stem 2` has an answer.
"""

from __future__ import annotations

from itertools import permutations
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from paperbench.lab import Run
from paperbench.papers.word2vec.corpus import Text
from paperbench.papers.word2vec.evaluation import Judgements

N_STEMS, N_FORMS, N_TOPICS, N_COMPANY, N_FILLER = 12, 5, 30, 15, 5
N_ASKED = N_STEMS * N_FORMS  # words number 0 to 59: stem * N_FORMS + form
SIDE = 5  # tokens on either side of a word
CONCENTRATION = 0.3  # of the Dirichlet distributions: a stem has about a third of the topics


def draw_crossed(
    run: Run, n_sentences: int, filler: float, forms: Literal["crossed", "unrelated"]
) -> tuple[Text, Judgements]:
    """A text of sentences of 11 words, and what is true of its words.

    filler: the share of filler words around a word. forms: with `unrelated` every stem has its own
    order of the five companies, so that what a form means for one stem says nothing of another.
    """
    rng = run.rng("language")
    topics = rng.dirichlet(np.full(N_TOPICS, CONCENTRATION), N_STEMS)
    companies = rng.dirichlet(np.full(N_COMPANY, CONCENTRATION), N_FORMS)
    orders = np.stack([rng.permutation(N_FORMS) for _ in range(N_STEMS)])
    if forms == "crossed":
        orders = np.tile(np.arange(N_FORMS), (N_STEMS, 1))
    meaning = torch.tensor(  # (60, 45): what a word is spoken of with
        np.concatenate([topics.repeat(N_FORMS, 0), companies[orders.ravel()]], 1) / 2
    )
    fillers = (filler * _zipf(N_FILLER)).expand(N_ASKED, -1)
    around = torch.cat([(1 - filler) * meaning, fillers], 1)  # (60, 50)
    generator = run.generator("sentences")
    asked_about = _zipf(N_STEMS).repeat_interleave(N_FORMS)
    asked = torch.multinomial(asked_about, n_sentences, replacement=True, generator=generator)
    others = torch.multinomial(around[asked], 2 * SIDE, replacement=True, generator=generator)
    others = others + N_ASKED
    words = torch.cat([others[:, :SIDE], asked[:, None], others[:, SIDE:]], 1)
    sentence = torch.arange(n_sentences).repeat_interleave(words.shape[1])
    tokens = torch.stack([words.flatten(), sentence], 1)
    pairs = torch.combinations(torch.arange(N_ASKED))
    alike = (meaning[pairs[:, 0]] * meaning[pairs[:, 1]]).sqrt().sum(1)  # Bhattacharyya
    names = tuple(map(str, range(N_ASKED + around.shape[1])))
    return Text(tokens, names), Judgements(pairs, alike, _questions())


def _zipf(n: int) -> Tensor:
    weights = 1 / torch.arange(1, n + 1, dtype=torch.float64)
    return weights / weights.sum()


def _questions() -> Tensor:
    """All of "form i of stem s is to form j of s as form i of stem t is to form j of t"."""
    rows = [
        [N_FORMS * s + i, N_FORMS * s + j, N_FORMS * t + i, N_FORMS * t + j]
        for s, t in permutations(range(N_STEMS), 2)
        for i, j in permutations(range(N_FORMS), 2)
    ]
    return torch.tensor(rows)
