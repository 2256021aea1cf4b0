"""The parts of skip-gram that can be replaced, and ways to break them that `falsify` tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from paperbench.components import component, mutation
from paperbench.papers.word2vec.corpus import noise_distribution
from paperbench.papers.word2vec.evaluation import answer_analogies, nearest
from paperbench.papers.word2vec.factorisation import shifted_pmi
from paperbench.papers.word2vec.model import negative_sampling

if TYPE_CHECKING:
    from paperbench.engine.interface import Interface


@component("word2vec/loss", original=negative_sampling)
def try_loss(part: Interface) -> None:
    """A function `(seen, noise)` of scores, (batch,) of pairs of the text and (batch, k) of the
    same words with k noise words, that returns the mean loss of a pair of the text, a scalar.
    """
    seen, noise = part.input(6), part.input(6, 3)
    loss = part.tensor(part.call(seen, noise), ())
    for each in (seen, noise):
        part.passes_gradients(loss, each)


@component("word2vec/noise", original=noise_distribution)
def try_noise(part: Interface) -> None:
    """A function `(counts, exponent)` that returns how probable each word is as noise, (n_words,),
    for counts (n_words,), some of which may be 0.
    """
    counts = torch.tensor([5.0, 2.0, 0.0, 1.0], dtype=torch.float64)
    noise = part.tensor(part.call(counts, 0.5), (4,))
    if not torch.isclose(noise.sum(), torch.ones((), dtype=noise.dtype)):
        raise part.misfit("returned probabilities that do not sum to 1")


@component("word2vec/table", original=shifted_pmi)
def try_table(part: Interface) -> None:
    """A function `(counts, noise, n_negatives)` that returns the scores, (n_words, n_words), at
    which the expected loss is least. counts: of pairs (word, context), (n_words, n_words); noise:
    the probabilities of the noise words, (n_words,). Minus infinity where a pair is never seen.
    """
    counts = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    part.tensor(part.call(counts, counts.sum(0) / counts.sum(), 2), (2, 2))


@component("word2vec/analogy", original=answer_analogies)
def try_analogy(part: Interface) -> None:
    """A function `(vectors, asked)` that returns for each row a, b, c of `asked`, (n, 3), the row
    of `vectors`, (n_words, d_model), that is to c as b is to a: integers (n,).
    """
    asked = torch.tensor([[0, 1, 2], [3, 4, 5]])
    answers = part.tensor(part.call(part.input(8, 4).detach(), asked), (2,))
    if answers.dtype != torch.int64:
        raise part.misfit(f"returned {answers.dtype}, no numbers of words")


@mutation("word2vec/loss", "noise-averaged")
def noise_averaged(seen: Tensor, noise: Tensor) -> Tensor:
    """The k noise words of a pair weigh as much as one: a mean where a sum should be."""
    return -(F.logsigmoid(seen) + F.logsigmoid(-noise).mean(-1)).mean()


@mutation("word2vec/noise", "counts-forgotten")
def counts_forgotten(counts: Tensor, exponent: float) -> Tensor:
    """Every word is as probable as noise, however rare it is."""
    return torch.full_like(counts, 1 / len(counts))


@mutation("word2vec/noise", "exponent-forgotten")
def exponent_forgotten(counts: Tensor, exponent: float) -> Tensor:
    """Noise is the unigram itself, whatever the exponent."""
    return counts / counts.sum()


@mutation("word2vec/table", "shift-forgotten")
def shift_forgotten(counts: Tensor, noise: Tensor, n_negatives: float) -> Tensor:
    """The table is not shifted by log k."""
    return shifted_pmi(counts, noise, 1)


@mutation("word2vec/analogy", "question-words-allowed")
def question_words_allowed(vectors: Tensor, asked: Tensor) -> Tensor:
    """The three words of a question may be its answer."""
    unit = F.normalize(vectors)
    a, b, c = unit[asked].unbind(1)
    return nearest(unit, b - a + c, asked[:, :0])


@mutation("word2vec/analogy", "first-word-ignored")
def first_word_ignored(vectors: Tensor, asked: Tensor) -> Tensor:
    """Nothing is taken off: the word nearest to both b and c."""
    unit = F.normalize(vectors)
    _, b, c = unit[asked].unbind(1)
    return nearest(unit, b + c, asked)
