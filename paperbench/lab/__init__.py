"""What the author of a paper's experiments uses. Imports torch."""

from paperbench.lab.data import (
    Classification,
    Corpus,
    Examples,
    Files,
    ParallelCorpus,
    Split,
    shuffled_batches,
)
from paperbench.lab.events import first_step
from paperbench.lab.gpu import Gpu
from paperbench.lab.run import Diverged, Metrics, OutOfTime, Run, derive_seed
from paperbench.lab.sharing import shared
from paperbench.lab.training import (
    Fit,
    Watch,
    adam,
    adamw,
    cross_entropy,
    sgd,
    train,
    warmup_cosine,
)
from paperbench.metric_kinds import (
    accuracy,
    bleu,
    count,
    duration,
    error,
    fraction,
    nats,
    perplexity,
    ratio,
    score,
    size,
    steps,
)
from paperbench.registry import experiment

__all__ = [
    "Classification",
    "Corpus",
    "Diverged",
    "Examples",
    "Files",
    "Fit",
    "Gpu",
    "Metrics",
    "OutOfTime",
    "ParallelCorpus",
    "Run",
    "Split",
    "Watch",
    "accuracy",
    "adam",
    "adamw",
    "bleu",
    "count",
    "cross_entropy",
    "derive_seed",
    "duration",
    "error",
    "experiment",
    "first_step",
    "fraction",
    "nats",
    "perplexity",
    "ratio",
    "score",
    "sgd",
    "shared",
    "shuffled_batches",
    "size",
    "steps",
    "train",
    "warmup_cosine",
]
