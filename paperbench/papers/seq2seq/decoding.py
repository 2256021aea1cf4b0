"""From a trained model to a translation: the best next word, or the best few sentences so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from paperbench.papers.seq2seq.model import Seq2Seq
from paperbench.papers.seq2seq.pairs import BOS, EOS, PAD

Rank = Literal["total", "last"]


@dataclass(frozen=True)
class Translations:
    """Words (batch, seq) from the first after BOS, padded after EOS; log p (batch,) in nats."""

    words: Tensor
    log_prob: Tensor

    def lists(self) -> list[list[int]]:
        """The words before EOS."""
        return [[word for word in row if word not in (EOS, PAD)] for row in self.words.tolist()]


@torch.no_grad()
def greedy(model: Seq2Seq, source: Tensor, *, max_len: int) -> Translations:
    """Take the likeliest next word until every sentence has ended, or at `max_len` words."""
    state = model.start(source)
    batch = len(source)
    word = source.new_full((batch,), BOS)
    total = torch.zeros(batch, device=source.device)
    ended = torch.zeros(batch, dtype=torch.bool, device=source.device)
    words = []
    for _ in range(max_len):
        logits, state = model.decode(word[:, None], state)
        log_prob, word = next_log_probs(logits).max(-1)
        word = word.masked_fill(ended, PAD)
        total = total + log_prob.masked_fill(ended, 0.0)
        ended = ended | (word == EOS)
        words.append(word)
        if bool(ended.all()):
            break
    return Translations(torch.stack(words, 1), total)


@torch.no_grad()
def beam_search(
    model: Seq2Seq, source: Tensor, *, width: int, max_len: int, rank: Rank = "total"
) -> Translations:
    """Keep the `width` likeliest beginnings; return the likeliest sentence. Sutskever et al. 3.2.

    A sentence that has ended stays in the beam at its log probability, with no normalisation by
    length. rank `last` is the ablation: beginnings are ranked by their last word's log probability
    alone, and what the words before cost is forgotten.
    """
    batch, device = len(source), source.device
    first_row = torch.arange(batch, device=device)[:, None] * width  # (batch, 1)
    state = model.start(source).select(torch.arange(batch, device=device).repeat_interleave(width))
    word = source.new_full((batch * width,), BOS)
    # All beams start alike: only the first may be extended, or the beam holds copies of it.
    total = torch.full((batch, width), -torch.inf, device=device)
    total[:, 0] = 0.0
    words = source.new_empty(batch * width, 0)
    for _ in range(max_len):
        logits, state = model.decode(word[:, None], state)
        step = next_log_probs(logits)  # (batch width, words)
        ended = ((word == EOS) | (word == PAD))[:, None]
        padding = torch.full_like(step[:1], -torch.inf)  # the only word after the end
        padding[:, PAD] = 0.0
        step = torch.where(ended, padding, step).view(batch, width, -1)
        extended = total[:, :, None] + step  # log p so far
        ranked = extended
        if rank == "last":
            ranked = torch.where(total[:, :, None] > -torch.inf, step, -torch.inf)
        _, best = ranked.flatten(1).topk(width)  # (batch, width)
        total = extended.flatten(1).gather(1, best)
        rows = (first_row + best // step.shape[-1]).flatten()
        word = (best % step.shape[-1]).flatten()
        words = torch.cat([words[rows], word[:, None]], 1)
        state = state.reorder(rows)  # beams change places within a sentence
        if bool(((word == EOS) | (word == PAD)).all()):
            break
    winner = total.argmax(1) if rank == "total" else torch.zeros_like(total[:, 0], dtype=torch.long)
    return Translations(
        words[first_row[:, 0] + winner], total.gather(1, winner[:, None]).squeeze(1)
    )


def next_log_probs(logits: Tensor) -> Tensor:
    """(batch, 1, words) -> (batch, words): log p of the next word; padding and BOS are no words."""
    never = torch.tensor([PAD, BOS], device=logits.device)
    return logits[:, -1].log_softmax(-1).index_fill(-1, never, -torch.inf)
