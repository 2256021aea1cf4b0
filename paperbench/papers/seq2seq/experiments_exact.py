"""What must hold of any translator, trained or not."""

from __future__ import annotations

from typing import Literal

import torch

from paperbench.lab import Metrics, Run, error, experiment
from paperbench.papers.seq2seq.model import Score, Seq2Seq
from paperbench.papers.seq2seq.pairs import PAD, UNK, pad

VOCAB_SIZE, D_MODEL, LONGEST = 20, 8, 9
SCORES: tuple[Score, ...] = ("none", "dot", "general", "concat", "uniform")


@experiment("seq2seq/padding", metrics={"largest_difference": error})
@torch.no_grad()
def padding(
    run: Run, *, padding: Literal["skipped", "read"] = "skipped", instances: int = 40
) -> Metrics:
    """Translate sentences alone and in a batch with longer ones, by random models of every sort.

    largest_difference: of any logit, relative to the largest logit of its sentence, in double
    precision. padding `read`: what fills up a batch is taken for a word.
    """
    generator = run.generator("sentences")
    worst = 0.0
    for instance in range(instances):
        model = _random_model(run, instance)
        lengths = torch.randint(1, LONGEST + 1, (4,), generator=generator).tolist()
        pairs = [(_words(length, generator), _words(3, generator)) for length in lengths]
        source, target = (part.to(run.device) for part in pad(pairs))
        filled = source if padding == "skipped" else source.masked_fill(source == PAD, UNK)
        together = model(filled, target[:, :-1])
        for row, length in enumerate(lengths):
            alone = model(source[row : row + 1, :length], target[row : row + 1, :-1])
            difference = (together[row] - alone[0]).abs().max() / alone.abs().max()
            worst = max(worst, float(difference))
        run.progress(instance + 1, instances, largest_difference=worst)
    return {"largest_difference": worst}


def _random_model(run: Run, instance: int) -> Seq2Seq:
    """Another score, another direction of reading, one layer or two, one way or both."""
    model = run.build(
        lambda: Seq2Seq(
            VOCAB_SIZE,
            VOCAB_SIZE,
            D_MODEL,
            score=SCORES[instance % len(SCORES)],
            n_layers=1 + instance // 5 % 2,
            reverse=instance // 10 % 2 == 1,
            bidirectional=instance // 20 % 2 == 1,
        )
    )
    return model.double().eval()


def _words(length: int, generator: torch.Generator) -> list[int]:
    drawn = torch.randint(UNK + 1, VOCAB_SIZE, (length,), generator=generator)
    return [int(word) for word in drawn]
