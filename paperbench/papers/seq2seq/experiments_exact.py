"""What must hold of any translator, trained or not."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from paperbench.lab import Metrics, Run, error, experiment
from paperbench.papers.seq2seq.decoding import beam_search
from paperbench.papers.seq2seq.model import Score, Seq2Seq
from paperbench.papers.seq2seq.pairs import BOS, PAD, UNK, pad

VOCAB_SIZE, D_MODEL, LONGEST = 20, 8, 9
SURE = 8.0  # times the initial weights of what says, and hears, the next word
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


@experiment("seq2seq/search", metrics={"largest_error": error})
@torch.no_grad()
def search(run: Run, *, sums: Literal["own", "neighbour"] = "own", instances: int = 40) -> Metrics:
    """Search with beams of 1 to 4 and score what was found again, by teacher forcing.

    largest_error: of the reported log p, in nats, in double precision, by random models that are
    sure of their next word, so that beams change places. sums `neighbour`: every sentence is given
    the sum of another one of the batch.
    """
    generator = run.generator("sentences")
    worst = 0.0
    for instance in range(instances):
        model = _random_model(run, instance)
        for table in (model.output, model.embed):
            table.weight.mul_(SURE)
        source = torch.tensor([_words(LONGEST, generator) for _ in range(16)]).to(run.device)
        found = beam_search(model, source, width=1 + instance % 4, max_len=LONGEST, rank="total")
        reported = found.log_prob if sums == "own" else found.log_prob.roll(1)
        worst = max(worst, float((reported - _forced(model, source, found.words)).abs().max()))
        run.progress(instance + 1, instances, largest_error=worst)
    return {"largest_error": worst}


def _forced(model: Seq2Seq, source: Tensor, words: Tensor) -> Tensor:
    """What the model gives these words one after another, EOS included: (batch,), nats."""
    begin = words.new_full((len(words), 1), BOS)
    log_p: Tensor = model(source, torch.cat([begin, words[:, :-1]], 1)).log_softmax(-1)
    said = log_p.gather(-1, words[..., None]).squeeze(-1)
    return said.masked_fill(words == PAD, 0.0).sum(1)


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
