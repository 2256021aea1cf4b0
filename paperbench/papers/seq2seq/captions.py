"""The full task: Multi30k, English captions to German ones, and BLEU.

Words in lower case, punctuation apart; a word seen once in training is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from paperbench.lab import ParallelCorpus
from paperbench.papers.seq2seq.pairs import Batches, Pair, Task, Vocabulary, Words, pad

MIN_COUNT = 2  # rarer words are unknown
SHORT, LONG = 10, 16  # source words: at most, at least, to be short or long
BUCKETS = 20  # batches sorted by length at a time


def tokenize(sentence: str) -> Words:
    """Lower case; words and single punctuation marks."""
    return re.findall(r"\w+|[^\w\s]", sentence.lower())


def captions(corpus: ParallelCorpus) -> Task:
    """Train on the training captions, test on test_2016_flickr."""
    train = [(tokenize(english), tokenize(german)) for english, german in corpus.train]
    source = Vocabulary.of((english for english, _ in train), at_least=MIN_COUNT)
    target = Vocabulary.of((german for _, german in train), at_least=MIN_COUNT)
    pairs = [(source.encode(english), target.encode(german)) for english, german in train]
    test = [
        (source.encode(tokenize(english)), target.encode(tokenize(german)))
        for english, german in corpus.test
    ]
    return Task(
        source,
        target,
        test,
        [" ".join(tokenize(german)) for _, german in corpus.test],
        short=[pair for pair in test if len(pair[0]) <= SHORT],
        long=[pair for pair in test if len(pair[0]) >= LONG],
        batches=lambda batch_size: bucketed(pairs, batch_size),
        seen=[target for _, target in pairs],
    )


def bucketed(pairs: list[Pair], batch_size: int) -> Batches:
    """An endless stream of batches of similar length: little of a batch is padding.

    Each epoch is shuffled; BUCKETS batches at a time are sorted by length, cut, and shuffled again.
    """

    def stream(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            order = torch.randperm(len(pairs), generator=generator).tolist()
            for start in range(0, len(order), batch_size * BUCKETS):
                rows = order[start : start + batch_size * BUCKETS]
                rows.sort(key=lambda row: (len(pairs[row][0]), len(pairs[row][1])))
                cuts = [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
                for cut in torch.randperm(len(cuts), generator=generator).tolist():
                    if len(cuts[cut]) == min(batch_size, len(pairs)):
                        yield pad(pairs[row] for row in cuts[cut])

    return stream


def corpus_bleu(translations: list[Words], references: list[str]) -> tuple[float, str]:
    """BLEU in 0..100 of tokenized text, and sacrebleu's signature.

    references: tokens with spaces between them, by the tokenizer of the translations, so that a
    perfect one scores 100. Not comparable with BLEU of detokenized text.
    """
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(tokenize="none")
    score = metric.corpus_score([" ".join(words) for words in translations], [references])
    return float(score.score), str(metric.get_signature())
