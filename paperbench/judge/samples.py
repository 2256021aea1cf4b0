"""From finished runs to the numbers that a check compares, and what makes them unusable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paperbench.judge.evaluate import Sample
from paperbench.ledger import FinishedRun
from paperbench.spec.check import Check
from paperbench.spec.model import Kind

Runs = Mapping[str, Sequence[FinishedRun]]  # by arm, each in the order of seeds 0, 1, 2, ...


def first_seeds(runs: Runs, check: Check, n: int) -> Runs:
    """The first `n` runs of every arm that the check names.

    Raises ValueError when an arm is missing or has fewer: the caller ran too little.
    """
    short = [arm for arm in check.arms() if len(runs.get(arm, ())) < n]
    if short:
        raise ValueError(f"{n} seeds are judged, but these arms have fewer: {', '.join(short)}")
    return {arm: runs[arm][:n] for arm in check.arms()}


def values_of(run: FinishedRun, metric: str) -> list[float]:
    """A metric's value, or its repeats, as a list; empty when the run does not report it."""
    value = run.metrics.get(metric, [])
    return [float(item) for item in value] if isinstance(value, list) else [float(value)]


def trouble_in(runs: Runs, check: Check, kind: Kind, *, role: str = "") -> str | None:
    """The first reason why these runs cannot be judged, as a sentence, or None.

    role: what the runs are when they are not the claim's own arms ("control", "anchor").
    """
    for arm, by_seed in runs.items():
        for seed, run in enumerate(by_seed):
            if run.status != "done":
                place = f"{role} arm" if role else "arm"
                return f"{place} `{arm}`, seed {seed} {_ended(run)}"
    for metric in check.metrics():
        for seed, run in enumerate(runs[metric.arm]):
            fault = _fault(run.metrics.get(metric.name), kind)
            if fault:
                where = f" of the {role}" if role else ""
                return f"`{metric.arm}.{metric.name}`{where}, seed {seed}: {fault}"
    if kind == "timing":
        lengths = {len(values_of(runs[metric.arm][0], metric.name)) for metric in check.metrics()}
        if len(lengths - {1}) > 1:
            return f"the arms are timed over different numbers of repeats: {sorted(lengths)}"
    return None


def samples_of(runs: Runs, check: Check, kind: Kind) -> list[Sample]:
    """One sample a seed; for timing one sample a repeat of seed 0.

    In a timing claim a metric that is a single number stands beside every repeat.
    """
    columns = {
        (metric.arm, metric.name): _column(runs[metric.arm], metric.name, kind)
        for metric in check.metrics()
    }
    length = max(map(len, columns.values()))
    samples: list[Sample] = []
    for i in range(length):
        sample: dict[str, dict[str, float]] = {}
        for (arm, name), column in columns.items():
            sample.setdefault(arm, {})[name] = column[i] if len(column) > 1 else column[0]
        samples.append(sample)
    return samples


def _column(by_seed: Sequence[FinishedRun], metric: str, kind: Kind) -> list[float]:
    if kind == "timing":
        return values_of(by_seed[0], metric)
    return [values_of(run, metric)[0] for run in by_seed]


def _ended(run: FinishedRun) -> str:
    ended = {"timeout": "ran over its time limit", "killed": "was killed"}.get(
        run.status, run.status
    )
    lines = [line.strip() for line in run.error.splitlines() if line.strip()]
    if not lines:
        return ended
    # A traceback ends with the exception; a message begins with what is wrong.
    return f"{ended}: {lines[-1 if lines[0].startswith('Traceback') else 0]}"


def _fault(value: float | list[float] | None, kind: Kind) -> str | None:
    if value is None:
        return "the run does not report it"
    if isinstance(value, list):
        if kind != "timing":
            return "a list of repeats, which only `kind: timing` compares"
        return None if value else "the list of repeats is empty"
    if kind == "rate" and value not in (0, 1):
        return f"{value} is neither 0 nor 1, and a rate counts successes"
    return None
