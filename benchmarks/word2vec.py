"""Our skip-gram against gensim's, side by side. `python -m benchmarks.word2vec`; needs gensim.

Both read the same text of the crossed language, with the same window, noise and dimensions, and
train on every pair of a reading. Counted are pairs of the text a second, building the vocabulary
left out. gensim goes pair by pair in C; ours takes minibatches of 512 in torch. One thread each, in
turn in one process; the best of the repeats counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from paperbench.lab import Run
from paperbench.papers.word2vec.corpus import noise_distribution, pair_batches, skip_grams
from paperbench.papers.word2vec.crossed import draw_crossed
from paperbench.papers.word2vec.model import SkipGram, sampled_loss

WINDOW, NEGATIVES, BATCH = 5, 5, 512
WIDTHS = (32, 100)
REPEATS = 5


def tasks(d_model: int) -> tuple[dict[str, Callable[[], None]], int]:
    """One reading of the text by either, and how many pairs it has."""
    from gensim.models import Word2Vec

    text, _ = draw_crossed(Run(seed=0), 4000, 0.5, "crossed")
    words = text.tokens[:, 0].view(-1, 11).tolist()
    sentences = [[text.words[word] for word in sentence] for sentence in words]
    n_pairs = len(skip_grams(text.tokens, WINDOW, torch.Generator().manual_seed(0)))
    theirs = Word2Vec(
        vector_size=d_model,
        sg=1,
        hs=0,
        negative=NEGATIVES,
        window=WINDOW,
        min_count=1,
        sample=0,
        workers=1,
    )
    theirs.build_vocab(sentences)
    ours = Run(seed=0).build(lambda: SkipGram(len(text.words), d_model))
    updates = torch.optim.Adam(ours.parameters(), lr=0.01, fused=True)
    noise = noise_distribution(text.counts, 0.75)
    batches = pair_batches(
        text.tokens, keep=None, noise=noise, n_negatives=NEGATIVES, window=WINDOW, size=BATCH
    )

    def read_ours() -> None:
        stream = batches(torch.Generator().manual_seed(0))
        for _ in range(n_pairs // BATCH):
            sampled_loss(ours, next(stream)).backward()
            updates.step()
            updates.zero_grad()

    def read_theirs() -> None:
        theirs.train(sentences, total_examples=len(sentences), epochs=1)

    return {"ours": read_ours, "gensim": read_theirs}, n_pairs


def main() -> None:
    """Print a row for each width."""
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, cpu, 1 thread, window {WINDOW}, {NEGATIVES} noise words\n")
    print("| d | ours, pairs/s | gensim, pairs/s | ours / gensim |")
    print("|---|---|---|---|")
    for d_model in WIDTHS:
        timed, n_pairs = tasks(d_model)
        best = dict.fromkeys(timed, float("inf"))
        for _ in range(REPEATS):
            for name, task in timed.items():
                start = time.perf_counter()
                task()
                best[name] = min(best[name], time.perf_counter() - start)
        ours, theirs = (n_pairs / best[name] for name in ("ours", "gensim"))
        print(f"| {d_model} | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.2f} |")


if __name__ == "__main__":
    main()
