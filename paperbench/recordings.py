"""What runs recorded on their way, written beside their verdicts: curves, and attention.

`<results>/<tier>-<device>/recordings/<paper>.json`. Bounded, so that it can be committed: a curve
has at most MOST_POINTS points of DIGITS digits, and attention is that of each arm's first seed.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from paperbench.figures import ATTENTION
from paperbench.judge.looks import looks_of
from paperbench.judge.record import read_record
from paperbench.ledger import FinishedRun, Ledger
from paperbench.plan import PlannedRun, Site, plan_claim
from paperbench.report.store import path_of, write_if_changed
from paperbench.spec.model import ClaimFile

SCHEMA_VERSION = 1
MOST_POINTS = 64
DIGITS = 4

Arms = dict[str, dict[int, PlannedRun]]  # arm, or `<arm> of <claim>` for a control's -> by seed


def planned_arms(file: ClaimFile, experiment: str, site: Site, results: Path) -> Arms:
    """The runs that the claims on one experiment rest on: its arms', and the controls'.

    What was trained besides, for mutations say, is none of them. Where no verdict is stored, they
    are all that the claims may ask for.
    """
    planned = _every_arm(file, experiment, site)
    judged = _judged(results / f"{site.tier}-{site.device_class}", file.slug)
    if judged is None:
        return planned
    return {
        arm: {seed: run for seed, run in runs.items() if run.key in judged}
        for arm, runs in planned.items()
    }


def _judged(place: Path, paper: str) -> set[str] | None:
    """The keys of the runs that a paper's stored verdicts rest on; None where there are none."""
    path = place / path_of(paper)
    path = path.with_name(f"{path.name}.json")
    if not path.exists():
        return None
    return {key for claim in read_record(path).claims for key in claim.runs}


def _every_arm(file: ClaimFile, experiment: str, site: Site) -> Arms:
    planned: Arms = {}
    for claim in file.claims.values():
        if claim.experiment != experiment or not claim.asked_at(site.tier):
            continue
        seeds = max(look.n for look in looks_of(claim, seeds=None))
        runs = plan_claim(file, claim, site, seeds=seeds)
        for arm, replicates in runs.arms.items():
            planned.setdefault(arm, {}).update({run.seed: run for run in replicates})
        for arm in claim.control:
            by_seed = {run.seed: run for run in runs.control.get(arm, ())}
            planned[f"{arm} of {claim.name}"] = by_seed
    return planned


def finished_arms(planned: Arms, ledger: Ledger) -> dict[str, dict[int, FinishedRun]]:
    """Those of the planned runs that the ledger holds."""
    stored = ledger.get_many(run.key for runs in planned.values() for run in runs.values())
    return {
        arm: {
            seed: stored[run.key]
            for seed, run in runs.items()
            if run.key in stored and stored[run.key].status == "done"
        }
        for arm, runs in planned.items()
    }


def write_recordings(file: ClaimFile, site: Site, ledger: Ledger, results: Path) -> bool:
    """Write a paper's recordings; return whether the file changed.

    A run that the ledger does not hold keeps what an earlier call wrote of it, if its key is still
    that of today's plan; what no verdict rests on is dropped. Without any, no file is made.
    """
    path = recordings_path(results, site.tier, site.device_class, file.slug)
    earlier = read_recordings(path).get("experiments", {})
    experiments = {}
    for experiment in file.experiments:
        planned = planned_arms(file, experiment, site, results)
        finished = finished_arms(planned, ledger)
        arms = {
            arm: recorded
            for arm, runs in planned.items()
            if (
                recorded := _arm(
                    arm, runs, finished[arm], earlier.get(experiment, {}).get(arm, {}), ledger
                )
            )
        }
        if arms:
            experiments[experiment] = arms
    if not experiments:
        return False
    return write_if_changed(path, _text(file.slug, site, experiments))


def recordings_path(results: Path, tier: str, device: str, paper: str) -> Path:
    """Where a paper's recordings lie; raises UsageError for a slug that leaves it."""
    path = path_of(paper)
    return results / f"{tier}-{device}" / "recordings" / path.with_name(f"{path.name}.json")


def read_recordings(path: Path) -> dict[str, Any]:
    """The file's content; empty where there is none.

    One that is damaged, or of another version, is as if there were none, and a warning says so:
    curves are evidence beside a verdict, and no reason to show nothing at all.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    current = isinstance(content, dict) and content.get("schema_version") == SCHEMA_VERSION
    if current and _is_whole(content):
        return dict(content)
    warnings.warn(
        f"{path} is damaged or of another version, and left out; `paperbench verify` writes it "
        "anew",
        stacklevel=2,
    )
    return {}


def _is_whole(content: Mapping[str, Any]) -> bool:
    """Whether it holds experiments, arms and runs as they are written; no number is looked at."""
    experiments = content.get("experiments", {})
    if not _are_objects({"experiments": experiments}) or not _are_objects(experiments):
        return False
    arms = [arm for arms in experiments.values() for arm in arms.values()]
    return all(
        isinstance(arm, dict)
        and {"arm", "control_of"} <= set(arm)
        and isinstance(arm.get("runs"), dict)
        and all(
            isinstance(run, dict)
            and isinstance(run.get("curves"), dict)
            and isinstance(run.get("attention"), list)
            for run in arm["runs"].values()
        )
        for arm in arms
    )


def _are_objects(content: Mapping[str, Any]) -> bool:
    return all(isinstance(each, dict) for each in content.values())


def _arm(
    name: str,
    planned: Mapping[int, PlannedRun],
    finished: Mapping[int, FinishedRun],
    earlier: Mapping[str, Any],
    ledger: Ledger,
) -> dict[str, Any]:
    arm, _, control_of = name.partition(" of ")
    runs: dict[str, Any] = {}
    for seed, run in sorted(planned.items()):
        before = earlier.get("runs", {}).get(str(seed), {})
        if seed in finished:
            runs[str(seed)] = _run(finished[seed], {} if runs else ledger.kept(run.key))
        elif before.get("key") == run.key:
            runs[str(seed)] = before
    recorded = any(run["curves"] or run["attention"] for run in runs.values())
    return {"control_of": control_of or None, "arm": arm, "runs": runs} if recorded else {}


def _run(run: FinishedRun, kept: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": run.key,
        "curves": {name: thinned(points) for name, points in sorted(run.curves.items())},
        "attention": [
            {"name": name.removeprefix(ATTENTION), "decay": None, **content}
            for name, content in kept.items()
            if name.startswith(ATTENTION)
        ],
    }


def thinned(points: Sequence[Sequence[float]]) -> list[list[float | None]]:
    """A curve as [steps, values], evenly thinned; the first and the last point stay.

    A value that is not finite is None: JSON has no word for it.
    """
    last = len(points) - 1
    count = min(len(points), MOST_POINTS)
    chosen = [points[round(i * last / max(1, count - 1))] for i in range(count)]
    return [
        [_short(step) for step, _ in chosen],
        [float(f"{value:.{DIGITS}g}") if isfinite(value) else None for _, value in chosen],
    ]


def _short(step: float) -> float:
    return int(step) if step == int(step) else step


def _text(paper: str, site: Site, experiments: Mapping[str, Any]) -> str:
    """JSON with a line for each arm, so that a change can be found in a comparison."""
    head = {
        "schema_version": SCHEMA_VERSION,
        "paper": paper,
        "tier": site.tier,
        "device": site.device_class,
    }
    blocks = []
    for experiment, arms in experiments.items():
        lines = ",\n".join(f"  {json.dumps(arm)}: {_compact(arms[arm])}" for arm in arms)
        blocks.append(f" {json.dumps(experiment)}: {{\n{lines}\n }}")
    joined = ",\n".join(blocks)
    return f'{json.dumps(head)[:-1]}, "experiments": {{\n{joined}\n}}}}\n'


def _compact(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)
