"""Skip-gram with negative sampling: two vectors a word, and what they are trained to do.

Mikolov, Chen, Corrado, Dean, arXiv:1301.3781 (2013), for the skip-gram; Mikolov, Sutskever, Chen,
Corrado, Dean, NIPS 2013, arXiv:1310.4546, for the rest. Equations are numbered as in NOTES.md.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Batch = tuple[Tensor, Tensor, Tensor]  # words (batch,), contexts (batch,), noise (batch, k)
Objective = Callable[[Tensor, Tensor], Tensor]


class SkipGram(nn.Module):
    """A vector w for every word, and another one, c, for the same word as somebody's context.

    The score of a pair is w . c. Initialised as the authors' program does: words within half of
    1 / d_model around 0, contexts at 0.
    """

    def __init__(self, n_words: int, d_model: int) -> None:
        super().__init__()
        self.words = nn.Parameter(torch.empty(n_words, d_model))
        self.contexts = nn.Parameter(torch.empty(n_words, d_model))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the words' vectors and erase the contexts'."""
        half = 0.5 / self.words.shape[1]
        nn.init.uniform_(self.words, -half, half)
        nn.init.zeros_(self.contexts)

    def forward(self, word: Tensor, context: Tensor) -> Tensor:
        """Scores (batch, n) of words (batch,) with contexts (batch, n)."""
        vectors = F.embedding(word, self.words)  # (batch, d_model)
        others = F.embedding(context, self.contexts)  # (batch, n, d_model)
        return (others * vectors[:, None]).sum(-1)

    def every_score(self) -> Tensor:
        """Scores (n_words, n_words) of all words with all contexts."""
        return self.words @ self.contexts.mT


def negative_sampling(seen: Tensor, noise: Tensor) -> Tensor:
    """What a pair costs, in nats: seen scores (batch,), scores (batch, k) of k noise words.

    A pair of the text is to be told from k pairs with a drawn context: equation (1).
    """
    return -(F.logsigmoid(seen) + F.logsigmoid(-noise).sum(-1)).mean()


def sampled_loss(model: SkipGram, batch: Batch) -> Tensor:
    """(1), over a minibatch of pairs of the text and the noise drawn for each."""
    word, context, noise = batch
    scores = model(word, torch.cat([context[:, None], noise], 1))  # (batch, 1 + k)
    return negative_sampling(scores[:, 0], scores[:, 1:])


def expected_loss(model: SkipGram, batch: tuple[Tensor, Tensor]) -> Tensor:
    """(2): the mean of (1) over all pairs of a text and all draws of the noise.

    batch: how often each pair is seen, and expected as noise, each (n_words, n_words).
    """
    seen, noise = batch
    scores = model.every_score()
    # log s(x) = x - softplus(x) and log s(-x) = -softplus(x): one softplus does for both.
    return ((seen + noise) * F.softplus(scores) - seen * scores).sum()
