"""Claims and finished runs with given numbers, so that a test reads as its arithmetic."""

from pathlib import Path

from paperbench.judge.decide import Evidence, judge, looks_of
from paperbench.ledger import FinishedRun
from paperbench.metric_kinds import KINDS
from paperbench.registry import ExperimentInfo
from paperbench.spec.model import Claim

KIND_OF = {
    "acc": "accuracy",
    "floor": "accuracy",
    "loss": "nats",
    "loss_floor": "nats",
    "error": "error",
    "params": "count",
    "ms": "duration",
    "solved": "fraction",
    "x": "score",
    "y": "score",
}
INFO = ExperimentInfo(
    name="demo/train",
    module="demo",
    function="train",
    path=Path("demo.py"),
    line=1,
    summary="",
    parameters={},
    metrics={name: KINDS[kind] for name, kind in KIND_OF.items()},
    chance={"acc": "floor", "loss": "loss_floor"},
)
JITTER = (0.0, 0.01, -0.01, 0.005, -0.005, 0.008, -0.008, 0.002)


def arm(*, budget=None, key="arm", **metrics):
    """One arm's runs: `arm(x=[1, 2, 3])` is three seeds."""
    n = len(next(iter(metrics.values())))
    return [
        FinishedRun(
            key=f"{key}-{seed}-{sorted(metrics)}",
            lineage="",
            status="done",
            metrics={name: values[seed] for name, values in metrics.items()},
            budget=dict(budget or {}),
            seconds=2.0,
        )
        for seed in range(n)
    ]


def around(center, n=8):
    """Numbers near `center` with a standard deviation of about 0.007."""
    return [center + jitter for jitter in JITTER[:n]]


def broken(status="crashed", error="ValueError: shapes differ"):
    return FinishedRun(key="broken", lineage="", status=status, error=error)


def claim(check, **options):
    options.setdefault("control", {"new": {"mechanism": False}})
    return Claim(
        name="demo", statement="New is better.", experiment="train", check=check, **options
    )


def verdict_of(claim, arms, *, control=None, anchor=None, info=INFO, seeds=None):
    """Go through the looks as `verify` does; return the last judgement and the look."""
    for look in looks_of(claim, seeds=seeds):
        judgement = judge(claim, info, Evidence(arms, control, anchor), look)
        if judgement.needs != "seeds":
            break
    return judgement, look
