"""What holds of any Transformer, trained or not, and what one costs."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from paperbench.lab import Metrics, Run, count, duration, error, experiment, ratio
from paperbench.lab.flops import count_flops
from paperbench.papers.transformer.model import Transformer, attend, sinusoids
from paperbench.papers.transformer.recurrent import RecurrentTranslator
from paperbench.papers.transformer.sentences import UNK

PAPER_VOCABULARY = 37_000  # section 5.1
LENGTHS = (64, 128, 256, 512)
WARM_UP = 3  # rounds that are not timed


@experiment("transformer/attention", metrics={"largest_error": error})
def attention(run: Run, *, scaled: bool = True, instances: int = 20) -> Metrics:
    """Compare value and gradients with torch's own attention, at random sizes and masks.

    largest_error: relative to the largest element, in double precision.
    """
    generator, rng, worst = run.generator("instances"), run.rng("sizes"), 0.0
    for _ in range(instances):
        target, source, d_head = (int(n) for n in rng.integers(2, 9, 3))
        shapes = (target, d_head), (source, d_head), (source, 5), (target, 5)
        *qkv, above = (torch.randn(2, 3, *s, generator=generator).double() for s in shapes)
        mask = torch.rand(2, 1, target, source, generator=generator) < 0.7
        mask[..., 0] = True  # every query may look somewhere
        found = []
        for exact in (False, True):
            q, k, v = (x.clone().requires_grad_() for x in qkv)
            if exact:
                read = F.scaled_dot_product_attention(q, k, v, mask)
            else:
                read, _ = attend(q, k, v, mask, scaled=scaled)
            found.append([read.detach(), *torch.autograd.grad(read, (q, k, v), above)])
        for own, other in zip(*found, strict=True):
            worst = max(worst, float((own - other).abs().max() / other.abs().max()))
    return {"largest_error": worst}


@experiment("transformer/positions", metrics={"largest_error": error})
def positions(
    run: Run,
    *,
    table: Literal["sinusoids", "random"] = "sinusoids",
    d_model: int = 32,
    seq_len: int = 200,
    instances: int = 10,
) -> Metrics:
    """Fit, for random offsets, one linear map from every position to that many places further."""
    codes = sinusoids(seq_len, d_model)
    if table == "random":
        codes = torch.randn(codes.shape, generator=run.generator("table"), dtype=torch.float64)
    if run.seed == 0:
        run.figure(
            "codes",
            codes,
            draw="heatmap",
            caption="The encoding of every position, a row each: a sine and a cosine of each "
            "wavelength, the shortest on the left.",
            x="dimension",
            y="position",
        )
    worst = 0.0
    for offset in run.rng("offsets").integers(1, seq_len // 4, instances):
        here, there = codes[:-offset], codes[offset:]
        fitted = torch.linalg.lstsq(here, there, driver="gelsd").solution  # (d_model, d_model)
        worst = max(worst, float((here @ fitted - there).abs().max()))
    return {"largest_error": worst}


@experiment("transformer/base-model", metrics={"parameters": count})
def base_model(run: Run, *, tied: bool = True) -> Metrics:
    """Count the parameters of the paper's base model, none of them allocated. Table 3."""
    with torch.device("meta"):
        model = Transformer(
            PAPER_VOCABULARY, 512, d_ff=2048, n_heads=8, n_layers=6, dropout=0.1, tied=tied
        )
    return {"parameters": sum(each.numel() for each in model.parameters())}


@experiment("transformer/cost", metrics={"flops_slope": ratio, "bytes_slope": ratio})
def cost(
    run: Run, *, attention: Literal["softmax", "linear"] = "softmax", d_head: int = 16
) -> Metrics:
    """Count what attention does, and what it keeps for its gradient, at several lengths n.

    Slopes are fitted to logarithms: 2 for n^2. What is kept of the inputs is not counted. `linear`
    has no softmax, and so need not form the weights.
    """
    flops, kept = [], []
    for n in LENGTHS:
        generator = run.generator(f"{n}")
        sizes: dict[int, int] = {}
        inputs = [torch.randn(1, n, d_head, generator=generator).requires_grad_() for _ in "qkv"]
        given = {x.data_ptr() for x in inputs}

        def keep(x: Tensor, given: set[int] = given, sizes: dict[int, int] = sizes) -> Tensor:
            if x.data_ptr() not in given:
                sizes[x.data_ptr()] = x.numel() * x.element_size()
            return x

        with count_flops() as counter, torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
            q, k, v = inputs
            read = attend(q, k, v)[0] if attention == "softmax" else q.exp() @ (k.exp().mT @ v)
            read.sum().backward()  # type: ignore[no-untyped-call]
        flops.append(float(counter.get_total_flops()))
        kept.append(float(sum(sizes.values())))
    if run.seed == 0:
        run.keep("counts", np.array([LENGTHS, flops, kept]))
    slopes = [float(np.polyfit(np.log(LENGTHS), np.log(each), 1)[0]) for each in (flops, kept)]
    return {"flops_slope": slopes[0], "bytes_slope": slopes[1]}


@experiment(
    "transformer/speed",
    metrics={"transformer_ms": duration, "recurrent_ms": duration, "stepwise_ms": duration},
)
def speed(
    run: Run,
    *,
    places: Literal["together", "one-by-one"] = "together",
    d_model: int = 128,
    d_recurrent: int = 160,
    seq_len: int = 64,
    batch_size: int = 8,
    vocab_size: int = 100,
    repeats: int = 15,
) -> Metrics:
    """Time forward and backward of both models in turn, about equal in parameters.

    recurrent: torch's fused LSTM. stepwise: the same, given one place after another. places
    `one-by-one`: the Transformer's decoder reads every beginning by itself, as in decoding.
    """
    words = torch.randint(UNK, vocab_size, (2, batch_size, seq_len), generator=run.generator("ids"))
    source, target = run.to_device(tuple(words))
    transformer = run.build(
        lambda: Transformer(vocab_size, d_model, d_ff=4 * d_model, n_heads=4, n_layers=1)
    )
    recurrent, stepwise = (
        run.build(lambda: RecurrentTranslator(vocab_size, d_recurrent, stepwise=stepwise))  # noqa: B023
        for stepwise in (False, True)
    )

    def read() -> Tensor:
        if places == "together":
            return transformer.forward(source, target).sum()
        memory = transformer.encode(source)
        beginnings = (target[:, :n] for n in range(1, seq_len + 1))
        last = [transformer.decode(each, memory, source)[:, -1] for each in beginnings]
        return torch.stack(last).sum()

    timed: dict[str, Callable[[], Tensor]] = {
        "transformer_ms": read,
        "recurrent_ms": lambda: recurrent.forward(source, target).sum(),
        "stepwise_ms": lambda: stepwise.forward(source, target).sum(),
    }
    found: dict[str, list[float]] = {name: [] for name in timed}
    for repeat, (name, forward) in itertools.product(range(-WARM_UP, repeats), timed.items()):
        start = time.perf_counter()
        forward().backward()  # type: ignore[no-untyped-call]
        if run.device.type == "cuda":
            torch.cuda.synchronize()
        if repeat >= 0:
            found[name].append(1e3 * (time.perf_counter() - start))
    return found
