"""What a metric measures: which direction is better and what the best possible value is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class MetricKind:
    """`best` is the value that no arm can beat (an accuracy of 1); None where there is none."""

    name: str
    direction: Direction
    unit: str = ""
    best: float | None = None


accuracy = MetricKind("accuracy", "higher", best=1.0)
fraction = MetricKind("fraction", "neither")
nats = MetricKind("nats", "lower", unit="nats", best=0.0)
perplexity = MetricKind("perplexity", "lower", best=1.0)
bleu = MetricKind("bleu", "higher", unit="BLEU", best=100.0)
error = MetricKind("error", "lower")
count = MetricKind("count", "neither")
steps = MetricKind("steps", "lower", unit="steps")  # to an event, at most the budget
size = MetricKind("size", "lower", unit="bytes")
duration = MetricKind("duration", "lower", unit="ms")
ratio = MetricKind("ratio", "neither")
score = MetricKind("score", "higher")

KINDS = {
    kind.name: kind
    for kind in (
        accuracy,
        fraction,
        nats,
        perplexity,
        bleu,
        error,
        count,
        steps,
        size,
        duration,
        ratio,
        score,
    )
}
