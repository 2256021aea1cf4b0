"""Experiments that only tests use: each one fails, or succeeds, in its own way."""

import os
import random
import time
from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch import nn

from paperbench.lab import (
    Metrics,
    Run,
    accuracy,
    adam,
    cross_entropy,
    experiment,
    nats,
    score,
    sgd,
    train,
)


@experiment(
    "trial/fit",
    metrics={"test_acc": accuracy, "majority_acc": accuracy},
    chance={"test_acc": "majority_acc"},
)
def fit(
    run: Run, *, data: str = "digits", hidden: int = 16, steps: int = 60, lr: float = 1e-2
) -> Metrics:
    """Train a small classifier on digits."""
    split = run.data(data).split(run.generator("split"), train=400, test=300)
    fit = train(
        run,
        build=lambda: nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10)),
        batches=split.train.batches(32),
        loss=cross_entropy,
        optimizer=adam(lr),
        steps=steps,
    )
    return {
        "test_acc": split.test.accuracy(fit.model),
        "majority_acc": split.test.majority_accuracy(),
    }


@experiment("trial/draw", metrics={"value": score, "floor": score}, chance={"value": "floor"})
def draw(run: Run, *, mean: float = 0.0, spread: float = 1.0, seconds: float = 0.0) -> Metrics:
    """Draw one number: the cheapest run there is."""
    time.sleep(seconds)
    if os.environ.get("STAYS_AT_SEED") == str(run.seed):
        parent = os.getppid()
        while os.getppid() == parent:  # until it is killed, or nobody waits for it any more
            time.sleep(0.01)
    value = level(run.generator(f"noise of {mean}"), mean, spread).item()
    run.spend(parameters=1, examples=1, steps=1)
    run.progress(1, 1, value=value)
    return {"value": value, "floor": -1e9}


def level(generator: torch.Generator, mean: float, spread: float) -> torch.Tensor:
    """A normal deviate."""
    return mean + spread * torch.randn((), generator=generator)


@experiment("trial/trouble", metrics={"loss": nats, "floor": nats}, chance={"loss": "floor"})
def trouble(
    run: Run,
    *,
    how: Literal[
        "none", "raise", "diverge", "hang", "kill", "wrong-metrics", "nan", "slow", "exit"
    ] = "none",
) -> Metrics:
    """Go wrong in the way that is asked for."""
    if how == "raise":
        raise ValueError("the trial went wrong on purpose")
    if how == "diverge":
        train(
            run,
            build=lambda: nn.Linear(2, 2),
            batches=lambda generator: iter(lambda: (torch.ones(4, 2), torch.zeros(4).long()), 0),
            loss=lambda model, batch: model(batch[0]).square().sum(),
            optimizer=sgd(1e6),
            steps=100,
        )
    if how == "hang":
        time.sleep(3600)
    if how == "slow":
        for step in range(10_000):
            time.sleep(0.01)
            run.progress(step, 10_000)
    if how == "exit":
        raise SystemExit(0)
    if how == "kill":
        os.kill(os.getpid(), 9)
    if how == "wrong-metrics":
        return {"lost": 1.0}
    return {"loss": float("nan") if how == "nan" else 1.0, "floor": 2.0}


@experiment("trial/careless", metrics={"value": score, "floor": score}, chance={"value": "floor"})
def careless(run: Run) -> Metrics:
    """Depend on everything that a process can be set to, and seed nothing."""
    query = torch.rand(1, 2, 5, 4)  # (batch, heads, seq, d_head)
    weight = torch.ones(6, 6, requires_grad=True)
    attended = torch.nn.functional.scaled_dot_product_attention(query, query, query)
    seen = [
        torch.rand(()).item(),
        np.random.random(),
        random.random(),
        (torch.ones(()) / 3).item(),
        attended.sum().item(),
        (weight @ weight / 3).sum().item(),
        weight.square().sum().requires_grad,
        torch.get_num_threads(),
        torch.get_deterministic_debug_mode(),
        torch.get_float32_matmul_precision() == "highest",
        torch.is_anomaly_enabled(),
        torch.backends.mkldnn.enabled,
        torch.backends.cuda.flash_sdp_enabled(),
        (torch.tensor(1e-40) * 1.0).item(),
        float(np.array(1e-300) * 1e-300),
        len(os.getcwd()),
        "LEFT_BEHIND" in os.environ,
    ]
    for place, value in enumerate(seen):
        run.record("seen", place, float(value))
    return {"value": float(seen[0]), "floor": -1e9}


def _sow() -> None:
    torch.manual_seed(999)
    np.random.seed(999)
    random.seed(999)


LEFT_BEHIND = {
    "seeds": _sow,
    "dtype": lambda: torch.set_default_dtype(torch.float64),
    "device": lambda: torch.set_default_device("meta"),
    "grad": lambda: torch.set_grad_enabled(False),
    "threads": lambda: torch.set_num_threads(2),
    "algorithms": lambda: torch.use_deterministic_algorithms(False),
    "precision": lambda: torch.set_float32_matmul_precision("medium"),
    "denormals": lambda: torch.set_flush_denormal(True),
    "autocast": lambda: torch.set_autocast_enabled("cpu", True),
    "anomaly": lambda: torch.set_anomaly_enabled(True),
    "mkldnn": lambda: torch.backends.mkldnn.set_flags(False),
    "attention": lambda: torch.backends.cuda.enable_flash_sdp(False),
    "numpy": lambda: np.seterr(all="raise"),
    "folder": lambda: os.chdir("/"),
    "environment": lambda: os.environ.update(LEFT_BEHIND="yes"),
}


@experiment("trial/litter", metrics={"value": score, "floor": score}, chance={"value": "floor"})
def litter(run: Run, *, what: str = "seeds", then: Literal["return", "raise"] = "raise") -> Metrics:
    """Leave the process changed, in one way or in `all`, and end well or not."""
    for leave in LEFT_BEHIND.values() if what == "all" else [LEFT_BEHIND[what]]:
        leave()
    if then == "raise":
        raise ValueError("crashed with the process changed")
    return {"value": 1.0, "floor": 0.0}


def normal_batches(generator: torch.Generator, size: float = 1.0) -> Iterator[torch.Tensor]:
    """Normal deviates without end, (8, 3)."""
    while True:
        yield size * torch.randn(8, 3, generator=generator)


@experiment("trial/mixed", metrics={"value": score, "floor": score}, chance={"value": "floor"})
def mixed(run: Run, *, pause: float = 0.0) -> Metrics:
    """Draw from every global generator before, while and after it trains."""
    run.record("before", 0, torch.rand(()).item() + np.random.random() + random.random())
    time.sleep(pause)
    fit = train(
        run,
        build=lambda: nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 1)),
        batches=normal_batches,
        loss=lambda model, batch: (model(batch) - batch.sum(-1, keepdim=True)).square().mean(),
        optimizer=adam(1e-2),
        steps=30,
    )
    run.record("after", 0, torch.rand(()).item() + np.random.random() + random.random())
    with torch.no_grad():
        value = fit.model(torch.ones(1, 3)).item()
    return {"value": value, "floor": -1e9}


@experiment("trial/one-breaks", metrics={"value": score, "floor": score}, chance={"value": "floor"})
def one_breaks(run: Run, *, how: Literal["raise", "diverge", "late", "kill"] = "raise") -> Metrics:
    """Seed 1 goes wrong; the others train."""
    breaks = run.seed == 1
    if breaks and how == "raise":
        raise ValueError("the trial went wrong on purpose")
    if breaks and how == "kill":
        os.kill(os.getpid(), 9)
    size = {"diverge": 1e30, "late": 40.0}.get(how, 1.0) if breaks else 1.0

    fit = train(
        run,
        build=lambda: nn.Linear(3, 1),
        batches=lambda generator: normal_batches(generator, size),
        loss=lambda model, batch: (model(batch) - batch.sum(-1, keepdim=True)).square().mean(),
        optimizer=sgd(0.05),
        steps=30,
    )
    return {"value": fit.losses[-1][1], "floor": -1e9}


@experiment(
    "trial/unstackable", metrics={"value": score, "floor": score}, chance={"value": "floor"}
)
def unstackable(run: Run) -> Metrics:
    """Another model for every seed, and a stream that goes on where it was left."""
    stream = run.generator("one stream for all")
    fit = train(
        run,
        build=lambda: nn.Sequential(nn.Linear(3, 4 + run.seed), nn.Linear(4 + run.seed, 1)),
        batches=lambda _: normal_batches(stream),
        loss=lambda model, batch: (model(batch) - batch.sum(-1, keepdim=True)).square().mean(),
        optimizer=sgd(0.05),
        steps=30,
    )
    return {"value": fit.losses[-1][1], "floor": -1e9}


_SHARED_MODEL = nn.Linear(3, 1)


class _Awkward(nn.Module):
    """Keeps something beside its tensors that a step changes, or two tensors in one place."""

    average: torch.Tensor

    def __init__(self, what: str):
        super().__init__()
        self.what, self.calls = what, 0
        self.layer, self.other = nn.Linear(3, 3), nn.Linear(3, 3)
        self.register_buffer("average", torch.zeros(3))
        if what == "shared-memory":
            self.other.weight.data = self.layer.weight.data

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (batch, 3) -> (batch, 1)."""
        h = self.other(self.layer(x).relu())
        if self.what == "moving-average":
            self.average = 0.9 * self.average + 0.1 * h.detach().mean(0)
        if self.what == "counter":
            self.calls += 1
        if self.what == "global-draws" and np.random.rand() < 0.15:
            h = h * 2
        return (h + self.average).sum(-1, keepdim=True) * (1 + 0.01 * self.calls)


@experiment("trial/untogether", metrics={"value": score, "floor": score}, chance={"value": "floor"})
def untogether(run: Run, *, what: str = "counter") -> Metrics:
    """Train in a way that cannot be shared with other seeds."""
    stream, used = run.generator("one stream for all"), []

    def batches(generator: torch.Generator) -> Iterator[torch.Tensor]:
        for batch in normal_batches(stream if what == "stream" else generator):
            used.append(1)
            if what == "spending":
                run.spend(tokens=24)
            yield batch * (1 + len(used) / 100) if what == "batches" else batch

    def build() -> nn.Module:
        if what == "build" and run.seed == 1:
            raise ValueError("not this one")
        return _SHARED_MODEL if what == "same-model" else _Awkward(what)

    def loss(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        factor = float(os.environ.get("OF_A_RUN", "1"))
        return factor * (model(batch) - batch.sum(-1, keepdim=True)).square().mean()

    if what == "environment":
        os.environ["OF_A_RUN"] = str(1 + run.seed)
    if what == "folder":
        os.chdir("/")
    if what == "dtype":
        torch.set_default_dtype(torch.float64)
        stream = torch.Generator().manual_seed(run.seed)
    optimiser = adam(1e-2)
    if what == "picky-optimiser":
        optimiser = lambda p: torch.optim.SGD([q for q in p if q.dim() > 1], lr=0.01)  # noqa: E731
    try:
        fit = train(run, build=build, batches=batches, loss=loss, optimizer=optimiser, steps=30)
    except BaseException:
        if what != "broad":
            raise
        return {"value": -123.0, "floor": -1e9}
    with torch.no_grad():
        value = fit.model(torch.ones(1, 3)).item()
    return {"value": value, "floor": -1e9}
