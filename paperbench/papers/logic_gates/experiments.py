"""What is trained and measured. The claims about it are in claims/logic-gates.yaml."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from paperbench.lab import (
    Metrics,
    Run,
    Split,
    Watch,
    accuracy,
    adam,
    cross_entropy,
    derive_seed,
    duration,
    error,
    experiment,
    score,
    train,
)
from paperbench.papers.logic_gates.bits import BitNetwork, RelaxedNetwork
from paperbench.papers.logic_gates.data import monk, one_bit_accuracy, thermometer
from paperbench.papers.logic_gates.model import (
    LogicNetwork,
    gate_coefficients,
    relaxed_gate,
    vote_accuracy,
)

WATCHED = 12  # points of a curve
MOST_WIRED = 10_000  # gates of a network whose wires are kept, three numbers each


def dense_network(n_bits: int, d_hidden: int, n_classes: int) -> nn.Sequential:
    """The rival: one hidden ReLU layer."""
    return nn.Sequential(nn.Linear(n_bits, d_hidden), nn.ReLU(), nn.Linear(d_hidden, n_classes))


def _fit(
    run: Run, split: Split, build: Callable[[], nn.Module], steps: int, batch_size: int, lr: float
) -> nn.Module:
    """Train a classifier; its accuracies, relaxed and hard, become curves."""
    watch = Watch(max(1, steps // WATCHED), lambda model: _accuracies(split, model))
    return train(
        run,
        build=build,
        batches=split.train.batches(batch_size),
        loss=cross_entropy,
        optimizer=adam(lr),
        steps=steps,
        watch=watch,
    ).model


def _accuracies(split: Split, model: nn.Module) -> dict[str, float]:
    """On test data, of the likeliest gates and of the mixtures that were trained."""
    hard = split.test.accuracy(model.eval())
    soft = split.test.accuracy(model.train())
    model.eval()
    return {"hard_acc": hard, "soft_acc": soft}


@experiment(
    "logic-gates/images",
    metrics={"hard_acc": accuracy, "soft_acc": accuracy, "one_bit_acc": accuracy},
    chance={"hard_acc": "one_bit_acc", "soft_acc": "one_bit_acc"},
)
def images(
    run: Run,
    *,
    data: str = "digits",
    n_thresholds: int = 3,
    n_train: int = 1200,
    network: Literal["logic", "random-gates", "dense"] = "logic",
    n_layers: int = 4,
    n_gates: int = 800,
    tau: float = 8.0,
    gates: Literal["all", "unary"] = "all",
    init: Literal["gaussian", "residual"] = "gaussian",
    temperature: float = 1.0,
    learned: Literal["all", "last"] = "all",
    d_hidden: int = 16,
    steps: int = 600,
    batch_size: int = 100,
    lr: float = 0.02,
) -> Metrics:
    """Train one classifier of images whose pixels are bits.

    network: gates that are learned and vote; gates that stay as they were drawn, with a learned
    linear readout; or a dense network with one hidden layer of `d_hidden`.
    """
    whole = run.data(data).split(run.generator("split"), train=n_train)
    split = thermometer(whole, n_thresholds)
    shape = (split.n_features, split.n_classes, n_layers, n_gates, tau)

    def build() -> nn.Module:
        if network == "dense":
            return dense_network(split.n_features, d_hidden, split.n_classes)
        return LogicNetwork(
            *shape,
            gates=gates,
            init=init,
            temperature=temperature,
            learned="readout" if network == "random-gates" else learned,
        )

    model = _fit(run, split, build, steps, batch_size, lr)
    if run.seed == 0 and isinstance(model, LogicNetwork):
        run.keep("gate_counts", _gate_counts(model))
        _keep_circuit(run, split, model)
    return {**_accuracies(split, model), "one_bit_acc": one_bit_accuracy(split)}


def _gate_counts(model: LogicNetwork) -> Tensor:
    """How often each gate was chosen, (n_layers, 16)."""
    return torch.stack([each.bincount(minlength=16) for each in _kinds(model)])


def _kinds(model: LogicNetwork) -> list[Tensor]:
    """Which of the sixteen each gate is, layer by layer."""
    return [torch.tensor(layer.kinds)[layer.chosen().cpu()] for layer in model.logic_layers]


def _keep_circuit(run: Run, split: Split, model: LogicNetwork) -> None:
    """Keep which gate each is, what it reads, and how well each of the last votes.

    Of a large network nothing: MOST_WIRED gates can be drawn from.
    """
    layers = model.logic_layers
    if sum(layer.n_gates for layer in layers) > MOST_WIRED:
        return
    run.keep("kinds", torch.stack(_kinds(model)))  # (n_layers, n_gates)
    run.keep("wires", torch.stack([layer.wires for layer in layers]))  # (n_layers, 2, n_gates)
    if model.readout is None:
        seen = run.to_device((split.test.inputs, split.test.classes))
        run.keep("votes", vote_accuracy(model, *seen))


@experiment(
    "logic-gates/monk",
    metrics={"hard_acc": accuracy, "one_bit_acc": accuracy},
    chance={"hard_acc": "one_bit_acc"},
)
def learn_rule(
    run: Run,
    *,
    problem: Literal["monk-1", "jacket"] = "monk-1",
    n_train: int = 124,
    network: Literal["logic", "linear"] = "logic",
    n_layers: int = 4,
    n_gates: int = 256,
    tau: float = 6.0,
    gates: Literal["all", "unary"] = "all",
    steps: int = 500,
    lr: float = 0.03,
) -> Metrics:
    """Train on some of the robots of a MONK's problem, all at each step; test on the others."""
    split = monk(problem, n_train, run.generator("split"))

    def build() -> nn.Module:
        if network == "linear":
            return nn.Linear(split.n_features, split.n_classes)  # logistic regression
        return LogicNetwork(split.n_features, 2, n_layers, n_gates, tau, gates=gates)

    model = _fit(run, split, build, steps, n_train, lr)
    if run.seed == 0 and isinstance(model, LogicNetwork):
        _keep_circuit(run, split, model)
    hard_acc = _accuracies(split, model)["hard_acc"]
    return {"hard_acc": hard_acc, "one_bit_acc": one_bit_accuracy(split)}


@experiment("logic-gates/gradient", metrics={"log10_ratio": score})
def gradient_norms(
    run: Run,
    *,
    data: str = "digits",
    n_thresholds: int = 3,
    batch_size: int = 100,
    n_layers: int = 8,
    n_gates: int = 500,
    tau: float = 8.0,
    init: Literal["gaussian", "residual"] = "gaussian",
) -> Metrics:
    """Backpropagate once, before any training: the gradient of the logits, layer by layer.

    log10_ratio: norm in the first layer over norm in the last, in decades.
    """
    whole = run.data(data).split(run.generator("split"), train=batch_size)
    split = thermometer(whole, n_thresholds)
    shape = (split.n_features, split.n_classes, n_layers, n_gates, tau)
    model = run.build(lambda: LogicNetwork(*shape, init=init)).double()
    inputs, classes = run.to_device((split.train.inputs.double(), split.train.classes))
    cross_entropy(model.train(), (inputs, classes)).backward()  # type: ignore[no-untyped-call]
    norms = [float(p.grad.norm()) for p in model.parameters() if p.grad is not None]
    for i, norm in enumerate(norms):
        run.record("gradient_norm", i + 1, norm)
    run.spend(parameters=sum(p.numel() for p in model.parameters()), examples=batch_size)
    return {"log10_ratio": float(np.log10(norms[0] / norms[-1]))}


@experiment("logic-gates/relaxation", metrics={"largest_error": error})
def compare_with_truth_tables(
    run: Run, *, n_instances: int = 1000, conjunction: Literal["product", "minimum"] = "product"
) -> Metrics:
    """Compare each relaxed gate with the probability that the Boolean gate gives 1.

    That is the sum, over the four lines of its truth table, of the output there times the
    probability of the line, for independent inputs with random probabilities p and q.
    """
    p, q = torch.rand(2, n_instances, dtype=torch.float64, generator=run.generator("inputs"))
    lines = torch.stack([(1 - p) * (1 - q), (1 - p) * q, p * (1 - q), p * q])  # ab = 00 01 10 11
    outputs = torch.tensor([[int(bit) for bit in f"{gate:04b}"] for gate in range(16)])
    c = gate_coefficients().double()
    relaxed = relaxed_gate(c, p.expand(16, -1), q.expand(16, -1), conjunction)
    return {"largest_error": float((relaxed - outputs.double() @ lines).abs().max())}


@experiment("logic-gates/bits", metrics={"largest_error": error})
def compare_with_bits(
    run: Run,
    *,
    n_instances: int = 20,
    n_examples: int = 100,
    inputs: Literal["bits", "probabilities"] = "bits",
) -> Metrics:
    """Compare the votes of hard networks computed on words of bits and in floating point.

    Networks and inputs are random. inputs: `probabilities` lets the float network see numbers
    between 0 and 1, of which the other sees the rounded ones.
    """
    rng, largest = run.rng("instances"), 0.0
    torch.manual_seed(derive_seed(run.seed, "networks"))
    for instance in range(n_instances):
        n_bits, n_classes = int(rng.integers(2, 40)), int(rng.integers(2, 6))
        n_gates = n_classes * int(rng.integers(10, 40))
        model = LogicNetwork(n_bits, n_classes, 3, n_gates, 1.0).eval()
        x = rng.random((n_examples, n_bits))
        bits = x >= 0.5
        seen = torch.from_numpy(bits if inputs == "bits" else x).float()
        counted = BitNetwork(model).votes(np.ascontiguousarray(bits.T))
        difference = model(seen).detach().numpy() - counted.T
        largest = max(largest, float(np.abs(difference).max()))
        run.progress(instance + 1, n_instances, largest_error=largest)
    return {"largest_error": largest}


@experiment(
    "logic-gates/speed", metrics={"ms_bits": duration, "ms_relaxed": duration, "ms_dense": duration}
)
def time_inference(
    run: Run,
    *,
    n_examples: int = 1024,
    n_bits: int = 192,
    n_classes: int = 10,
    n_layers: int = 4,
    n_gates: int = 800,
    d_hidden: int = 16,
    packing: Literal["words", "bytes"] = "words",
    n_repeats: int = 15,
    n_calls: int = 5,
) -> Metrics:
    """Time three ways from Boolean inputs to class scores, in turn: `n_repeats` times each.

    The same logic network on words of bits and relaxed, and a dense one. What they take does not
    depend on their weights, which are random. A repeat is the fastest of `n_calls`, in
    milliseconds for all examples, on the CPU.
    """
    model = run.build(lambda: LogicNetwork(n_bits, n_classes, n_layers, n_gates, 1.0)).cpu()
    dense = run.build(lambda: dense_network(n_bits, d_hidden, n_classes)).cpu()
    rows = run.rng("inputs").random((n_examples, n_bits)) < 0.5
    columns = np.ascontiguousarray(rows.T)
    on_bits, relaxed = BitNetwork(model, packing), RelaxedNetwork(model, n_examples)
    contestants: dict[str, Callable[[], object]] = {
        "ms_bits": lambda: on_bits.votes(columns),
        "ms_relaxed": lambda: relaxed.votes(columns),
        "ms_dense": lambda: dense(torch.from_numpy(rows).float()),
    }
    found: dict[str, list[float]] = {name: [] for name in contestants}
    with torch.no_grad():
        for repeat in range(n_repeats + 1):  # the first one warms up
            for name, infer in contestants.items():
                ms = min(_milliseconds(infer) for _ in range(n_calls))
                if repeat:
                    found[name].append(ms)
            run.progress(repeat, n_repeats)
    return dict(found)


def _milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)
