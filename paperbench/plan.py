"""Which runs a claim needs, which of them are in the ledger, and why a stale one is stale."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.metadata import version
from statistics import fmean
from typing import Literal

from paperbench.components import Parts, part_name
from paperbench.datasets import DATASETS, datasets_named
from paperbench.ledger import FinishedRun, Ledger
from paperbench.registry import ExperimentInfo, Scalar, find
from paperbench.sources import part_sha256, source_hashes
from paperbench.spec.model import Claim, ClaimFile, Tier, canonical_sha256
from paperbench.spec.resolve import resolve_parameters

DEFAULT_TIME_LIMIT = {"smoke": 120.0, "quick": 900.0, "full": 6 * 3600.0}  # seconds a run


@dataclass(frozen=True)
class PlannedRun:
    """One training to carry out, or to find in the ledger under `key`.

    label: the arm as a person names it. device: where it runs; only its class (`cpu`, `cuda`,
    `mps`) is part of the key. exclusive: nothing may run beside it (timing). parts: what stands in
    the place of the paper's own components.
    """

    key: str
    lineage: str
    experiment: str
    params: Mapping[str, Scalar]
    seed: int
    device: str
    label: str
    inputs: Mapping[str, str]
    time_limit: float
    exclusive: bool = False
    parts: Parts = field(default_factory=dict)

    @property
    def data_names(self) -> tuple[str, ...]:
        """The datasets that the parameters name."""
        return datasets_named(self.params)


@dataclass(frozen=True)
class ClaimRuns:
    """The runs of one claim up to `seeds` replicates: its arms, their control, its anchor."""

    arms: Mapping[str, Sequence[PlannedRun]]
    control: Mapping[str, Sequence[PlannedRun]]
    anchor: Sequence[PlannedRun] = ()

    def every(self) -> list[PlannedRun]:
        """All of them, each key once."""
        runs = [
            run
            for group in (*self.arms.values(), *self.control.values(), self.anchor)
            for run in group
        ]
        return list({run.key: run for run in runs}.values())


@dataclass(frozen=True)
class Site:
    """Where and at what budget runs are carried out, and with which parts in place of our own."""

    tier: Tier
    device: str
    parts: Parts = field(default_factory=dict)

    @property
    def device_class(self) -> str:
        """`cuda:1` is of class `cuda`: results are comparable within a class."""
        return self.device.partition(":")[0]

    def parts_in(self, experiment: str) -> Parts:
        """Those of the parts that belong to the paper of this experiment."""
        paper = experiment.partition("/")[0]
        return {name: part for name, part in self.parts.items() if name.startswith(f"{paper}/")}


def plan_claim(file: ClaimFile, claim: Claim, site: Site, *, seeds: int) -> ClaimRuns:
    """Return the runs that the claim needs for `seeds` replicates at this tier and device.

    The site's parts are in the arms and the anchor. The control keeps the paper's own: it must
    switch the mechanism off, which a part may not know how to do.
    """
    experiment = file.experiment_of(claim)
    info = find(experiment.run)
    arms = claim.parsed_check().arms()
    exclusive = claim.kind == "timing"

    def replicate(
        arm: str, overrides: Mapping[str, Scalar], label: str, site: Site = site
    ) -> list[PlannedRun]:
        params = resolve_parameters(info, experiment, arm, site.tier, overrides)
        return [
            plan_run(
                info,
                params,
                seed,
                site,
                label=f"{file.slug}/{claim.experiment} {label}",
                exclusive=exclusive,
            )
            for seed in range(seeds)
        ]

    anchor = claim.anchor
    return ClaimRuns(
        arms={arm: replicate(arm, {}, arm) for arm in arms},
        control={
            arm: replicate(
                arm,
                claim.control.get(arm, {}),
                f"{arm} control" if arm in claim.control else arm,
                replace(site, parts={}),
            )
            for arm in arms
        },
        anchor=replicate(anchor.arm, anchor.params, f"{anchor.arm} anchor") if anchor else (),
    )


def plan_run(
    info: ExperimentInfo,
    params: Mapping[str, Scalar],
    seed: int,
    site: Site,
    *,
    label: str,
    exclusive: bool = False,
) -> PlannedRun:
    """Return one run with its content address."""
    inputs = {"torch": _torch_version(), **_source_inputs(info.module)}
    parts = site.parts_in(info.name)
    if parts:
        inputs |= {f"part {name}": part_sha256(part) for name, part in parts.items()}
        label = f"{label} with {', '.join(map(part_name, parts.values()))}"
    inputs |= {f"data {name}": _data_sha256(name) for name in datasets_named(params)}
    run = PlannedRun(
        key="",
        lineage="",
        experiment=info.name,
        params=dict(params),
        seed=seed,
        device=site.device,
        label=label,
        inputs=inputs,
        time_limit=DEFAULT_TIME_LIMIT[site.tier],
        exclusive=exclusive,
        parts=parts,
    )
    return with_seed(run, seed)


def with_seed(run: PlannedRun, seed: int) -> PlannedRun:
    """The same arm on another seed."""
    identity: dict[str, object] = {
        "experiment": run.experiment,
        "params": dict(run.params),
        "seed": seed,
        "device": run.device.partition(":")[0],
    }
    if run.exclusive:  # what ran beside others was not timed
        identity["exclusive"] = True
    if run.parts:
        identity["parts"] = dict(run.parts)
    return replace(
        run,
        seed=seed,
        key=canonical_sha256({**identity, "inputs": dict(run.inputs)}),
        lineage=canonical_sha256(identity),
    )


def why_stale(run: PlannedRun, ledger: Ledger) -> str | None:
    """Say why an earlier result of this run does not count any more; None if there is none."""
    earlier = ledger.lineage(run.lineage)
    if not earlier:
        return None
    old = earlier[0].inputs
    changed = [
        name for name in sorted({*old, *run.inputs}) if old.get(name) != run.inputs.get(name)
    ]
    if not changed:
        return "its last run did not finish" if earlier[0].status != "done" else None
    details = [
        f"torch {old.get('torch')} → {run.inputs['torch']}"
        if name == "torch"
        else f"{name} changed"
        for name in changed
    ]
    return "; ".join(details)


State = Literal["cached", "stale", "new"]


@dataclass(frozen=True)
class Forecast:
    """What a set of runs will cost.

    reasons: why stale -> how many runs. seconds: one core's time for the runs to be carried out,
    but for `unknown` of them whose like has never run.
    """

    states: Mapping[str, State]
    reasons: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    unknown: int = 0

    def count(self, state: State) -> int:
        """How many runs are in `state`."""
        return sum(value == state for value in self.states.values())


def forecast(
    runs: Iterable[PlannedRun],
    ledger: Ledger,
    known_seconds: Mapping[str, float],
    *,
    fresh: bool = False,
) -> Forecast:
    """Sort runs into cached, stale and new, and estimate the time of those not cached.

    known_seconds: arm label -> seconds, from earlier verdict records, used where the ledger holds
    no run of the same arm. fresh: what is cached counts as new.
    """
    unique = {run.key: run for run in runs}
    stored = {} if fresh else ledger.get_many(unique)
    done = {key for key, run in unique.items() if finished(run, stored.get(key))}
    states: dict[str, State] = {}
    reasons: dict[str, int] = {}
    total, unknown = 0.0, 0
    costs = Costs(ledger, lambda: known_seconds)
    for key, run in unique.items():
        reason = None if fresh or key in done else why_stale(run, ledger)
        states[key] = "cached" if key in done else "stale" if reason else "new"
        if reason:
            reasons[reason] = reasons.get(reason, 0) + 1
        if key not in done:
            cost = costs.seconds(run)
            total, unknown = total + (cost or 0.0), unknown + (cost is None)
    return Forecast(states, reasons, total, unknown)


class Costs:
    """What runs are expected to take, from the ledger, or else from what is known elsewhere.

    known_seconds: gives arm label -> seconds, from earlier verdict records; asked when needed.
    """

    def __init__(self, ledger: Ledger, known_seconds: Callable[[], Mapping[str, float]]) -> None:
        self._ledger, self._known_seconds = ledger, known_seconds
        self._found: dict[str, float | None] = {}

    def seconds(self, run: PlannedRun) -> float | None:
        """Mean time of the same arm's earlier runs, at any seed and version; None if never run."""
        arm = {
            "experiment": run.experiment,
            "params": dict(run.params),
            "device": run.device.partition(":")[0],
        }
        name = canonical_sha256({**arm, "label": run.label})
        if name not in self._found:
            lineages = [canonical_sha256({**arm, "seed": seed}) for seed in range(8)]
            earlier = [self._ledger.lineage(lineage)[:1] for lineage in lineages]
            times = [old.seconds for runs in earlier for old in runs if old.status == "done"]
            self._found[name] = fmean(times) if times else self._elsewhere.get(run.label)
        return self._found[name]

    @cached_property
    def _elsewhere(self) -> Mapping[str, float]:
        return self._known_seconds()


def finished(run: PlannedRun, outcome: FinishedRun | None) -> bool:
    """Whether the ledger's `outcome` saves carrying out `run`: only a run that is done does."""
    return outcome is not None and outcome.key == run.key and outcome.status == "done"


@cache
def _torch_version() -> str:
    return version("torch")


@cache
def _data_sha256(name: str) -> str:
    return DATASETS[name].sha256()


@cache
def _source_inputs(module: str) -> dict[str, str]:
    return {f"source {name}": digest for name, digest in source_hashes(module).items()}
