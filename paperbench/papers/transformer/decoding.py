"""From a trained model to a translation: the best few beginnings, and in the end the best one."""

from __future__ import annotations

import torch
from torch import Tensor

from paperbench.papers.transformer.model import PAD, Transformer
from paperbench.papers.transformer.recurrent import RecurrentTranslator
from paperbench.papers.transformer.sentences import BOS, EOS

PENALTY = 0.6  # alpha, section 6.1


@torch.no_grad()
def beam_search(
    model: Transformer | RecurrentTranslator, source: Tensor, *, width: int, max_len: int
) -> tuple[Tensor, Tensor]:
    """Keep the `width` likeliest beginnings; return the best sentence. A width of 1 is greedy.

    Returns words (batch, at most max_len) from the first after BOS, padded after EOS, and their
    scores (batch,): log p in nats over the length's penalty. Wu et al. 2016, equation 14.
    """
    batch, device = len(source), source.device
    memory = model.encode(source).repeat_interleave(width, 0)
    sources = source.repeat_interleave(width, 0)
    words = source.new_full((batch * width, 1), BOS)
    first_row = torch.arange(batch, device=device)[:, None] * width  # (batch, 1)
    # All begin alike: only the first may be extended, or the beam holds copies of it.
    total = torch.full((batch, width), -torch.inf, device=device, dtype=memory.dtype)
    total[:, 0] = 0.0
    for _ in range(max_len):
        logits = model.decode(words, memory, sources)[:, -1]  # (batch width, vocab_size)
        log_p = logits.log_softmax(-1)
        log_p[:, [PAD, BOS]] = -torch.inf
        ended = (words[:, -1] == EOS) | (words[:, -1] == PAD)
        log_p[ended] = -torch.inf
        log_p[ended, PAD] = 0.0  # the only word after the end, at no cost
        extended = total[:, :, None] + log_p.view(batch, width, -1)
        total, best = extended.flatten(1).topk(width)  # (batch, width)
        rows = (first_row + best // log_p.shape[-1]).flatten()
        words = torch.cat([words[rows], best.flatten()[:, None] % log_p.shape[-1]], 1)
        if bool(((words[:, -1] == EOS) | (words[:, -1] == PAD)).all()):
            break
    words = words[:, 1:]
    length = (words != PAD).sum(1).view(batch, width)  # the end counts
    scores = total / ((5 + length) / 6) ** PENALTY
    winner = scores.argmax(1, keepdim=True)
    return words[(first_row + winner).flatten()], scores.gather(1, winner).squeeze(1)
