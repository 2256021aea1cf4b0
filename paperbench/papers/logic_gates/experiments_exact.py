"""What a layer computes in inference, compared with truth tables that are looked up."""

from __future__ import annotations

from typing import Literal

import torch

from paperbench.lab import Metrics, Run, error, experiment
from paperbench.papers.logic_gates.model import LogicLayer


@experiment("logic-gates/inference", metrics={"largest_error": error})
@torch.no_grad()
def inference(
    run: Run,
    *,
    n_instances: int = 50,
    n_in: int = 12,
    n_gates: int = 40,
    mode: Literal["hard", "relaxed"] = "hard",
) -> Metrics:
    """Give a layer random bits, and look up what its likeliest gates say to them. Section 3.

    Nothing is trained. Every instance has its own logits and its own 64 rows of bits. The number of
    a gate, written in binary, is its truth table: its outputs for ab = 00, 01, 10, 11.
    """
    generator = run.generator("instances")
    layer = run.build(lambda: LogicLayer(n_in, n_gates)).train(mode == "relaxed")
    largest = 0.0
    for instance in range(n_instances):
        layer.logits.copy_(torch.randn(n_gates, 16, generator=generator))
        bits = torch.randint(2, (n_in, 64), generator=generator)
        likeliest = layer.logits.argmax(-1)[:, None]
        a, b = (bits[wire] for wire in layer.wires)  # each (n_gates, 64)
        expected = (likeliest >> (3 - 2 * a - b)) & 1
        off = (layer(bits.float()) - expected).abs().max()
        largest = max(largest, float(off))
        run.progress(instance + 1, n_instances, largest_error=largest)
    return {"largest_error": largest}
