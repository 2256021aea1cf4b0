"""What runs of the translator keep to be looked at."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import torch

from paperbench.lab import Run
from paperbench.papers.seq2seq.kept import keep_alignments, keep_by_length
from paperbench.papers.seq2seq.model import Seq2Seq
from paperbench.papers.seq2seq.number_words import number_lists
from paperbench.papers.seq2seq.pairs import pad


def a_task():
    return number_lists(np.random.default_rng(0), longest=2)


def a_model(task, **options):
    sizes = len(task.source), len(task.target)
    return Run(seed=0).build(lambda: Seq2Seq(*sizes, 8, **options).eval())


@pytest.mark.parametrize("input_feeding", [False, True])
@torch.no_grad()
def test_an_alignment_is_a_row_of_weights_for_every_word_and_the_end(input_feeding):
    task = a_task()
    model = a_model(task, score="general", input_feeding=input_feeding)
    source, target = pad(task.short[:3])
    weights = model.alignment(source, target)
    assert weights.shape == (3, target.shape[1] - 1, source.shape[1])
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:2]))
    assert weights.std() > 0
    assert not model.attention._forward_hooks


def test_without_attention_nothing_is_aligned():
    task = a_task()
    model = a_model(task, score="none")
    with pytest.raises(ValueError, match="aligns nothing"):
        model.alignment(*pad(task.short[:1]))
    run = Run(seed=0)
    keep_alignments(run, model, task)
    assert not run.kept


def test_words_of_both_languages_stand_beside_the_weights():
    task, run = a_task(), Run(seed=0)
    keep_alignments(run, a_model(task, score="dot"), task)
    shown = run.kept["attention/a short sentence"]
    assert shown["keys"] == task.source.decode(task.short[30][0])
    assert shown["queries"] == [*task.target.decode(task.short[30][1]), "</s>"]


def test_translations_are_scored_by_the_length_of_their_source():
    task, run = a_task(), Run(seed=0)
    right_if_short = [
        task.target.decode(target) if len(source) <= 4 else ["null"] for source, target in task.test
    ]
    keep_by_length(run, task, right_if_short)
    kept = run.kept["by_length"]
    words, bleu, exact = np.frombuffer(base64.b64decode(kept["float32"]), "<f4").reshape(-1, 3).T
    assert len(words) == 5 and (np.diff(words) > 0).all()
    assert (exact[0], exact[-1]) == (1, 0) and bleu[0] > 99 and bleu[-1] < 1
