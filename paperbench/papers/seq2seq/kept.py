"""What runs keep to be looked at: where attention looks, and how length tells."""

from __future__ import annotations

import torch

from paperbench.lab import Run
from paperbench.papers.seq2seq.captions import corpus_bleu
from paperbench.papers.seq2seq.model import Seq2Seq
from paperbench.papers.seq2seq.pairs import EOS, Task, Words, pad

N_LENGTHS = 5  # equally large groups of test sentences, from the shortest to the longest


@torch.no_grad()
def keep_alignments(run: Run, model: Seq2Seq, task: Task) -> None:
    """Keep the attention on one short and one long sentence, given the true words before."""
    if model.attention is None:
        return
    for name, pairs in (("a short sentence", task.short), ("a long sentence", task.long)):
        pair = pairs[len(pairs) // 3]
        weights = model.alignment(*run.to_device(pad([pair])))
        run.attention(
            name,
            weights[None],  # one layer, one head
            queries=task.target.decode([*pair[1], EOS]),
            keys=task.source.decode(pair[0]),
            caption="A test sentence. Each word of the translation is predicted from the source "
            "and the true words before it.",
        )


def keep_by_length(run: Run, task: Task, translations: list[Words]) -> None:
    """Keep what the greedy translations are worth by the length of the source.

    Rows of (mean source words, BLEU, share without a mistake), a row a group of test sentences.
    """
    order = sorted(range(len(task.test)), key=lambda i: len(task.test[i][0]))
    rows = []
    for group in torch.tensor(order).tensor_split(min(N_LENGTHS, len(order))):
        chosen = group.tolist()
        said = [translations[i] for i in chosen]
        meant = [task.references[i] for i in chosen]
        rows.append(
            [
                sum(len(task.test[i][0]) for i in chosen) / len(chosen),
                corpus_bleu(said, meant)[0],
                sum(" ".join(words) == truth for words, truth in zip(said, meant, strict=True))
                / len(chosen),
            ]
        )
    run.keep("by_length", torch.tensor(rows))
