"""`verify --dry-run`: which runs are needed, cached or stale and why, and how long they take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from rich.table import Table

from paperbench.cli.bar_lines import format_seconds
from paperbench.cli.consoles import stdout
from paperbench.judge.looks import looks_of
from paperbench.ledger import Ledger
from paperbench.plan import Forecast, PlannedRun, Site, forecast, plan_claim
from paperbench.spec.model import Claim, ClaimFile


def print_forecast(
    selected: list[tuple[ClaimFile, Claim]],
    site: Site,
    ledger: Ledger,
    known_seconds: Mapping[str, float],
    *,
    workers: int,
    seeds: int | None,
    fresh: bool,
    as_json: bool,
) -> None:
    """Print the cost of every claim: at its first look, and at most, if no look decides."""

    def price(runs: list[PlannedRun]) -> Forecast:
        return forecast(runs, ledger, known_seconds, fresh=fresh)

    rows: list[tuple[str, Forecast, Forecast]] = []
    every_least: list[PlannedRun] = []
    every_most: list[PlannedRun] = []
    for file, claim in selected:
        if claim.kind == "reading":
            continue
        looks = looks_of(claim, seeds=seeds)
        least = plan_claim(file, claim, site, seeds=looks[0].n).every()
        most = plan_claim(file, claim, site, seeds=looks[-1].n).every()
        every_least += least
        every_most += most
        rows.append((f"{file.slug}/{claim.name}", price(least), price(most)))
    least_total, most_total = price(every_least), price(every_most)
    if as_json:
        print(
            json.dumps(
                {
                    "claims": {
                        name: {"first_look": _as_dict(first), "at_most": _as_dict(last)}
                        for name, first, last in rows
                    },
                    "total": {"first_look": _as_dict(least_total), "at_most": _as_dict(most_total)},
                },
                indent=1,
            )
        )
        return
    table = Table("claim", "runs", "cached", "stale", "new", "at most", title_justify="left")
    for name, least_cost, most_cost in [*rows, ("all, shared runs once", least_total, most_total)]:
        table.add_row(name, *_counts(least_cost), f"{len(most_cost.states)} runs")
    stdout.print(table)
    for reason, count in least_total.reasons.items():
        stdout.print(f"stale: {count} runs: {reason}", highlight=False, markup=False)
    stdout.print(
        f"time on {site.device} with {max(1, workers)} at once: first looks "
        f"{_time(least_total, workers)}, at most {_time(most_total, workers)}",
        highlight=False,
    )


def known_seconds(results: Path, files: list[ClaimFile], site: Site) -> dict[str, float]:
    """Arm label -> seconds a run, from the verdict records of the same tier and device."""
    from paperbench.judge.record import read_records

    known: dict[str, float] = {}
    experiments = {
        (file.slug, claim.name): claim.experiment
        for file in files
        for claim in file.claims.values()
    }
    for paper in read_records(results):
        if (paper.tier, paper.device) != (site.tier, site.device_class):
            continue
        for record in paper.claims:
            experiment = experiments.get((paper.paper, record.claim))
            known |= {
                f"{paper.paper}/{experiment} {arm}": seconds
                for arm, seconds in record.seconds.items()
            }
    return known


def _counts(found: Forecast) -> list[str]:
    return [
        str(len(found.states)),
        *(str(found.count(state)) for state in ("cached", "stale", "new")),
    ]


def _time(found: Forecast, workers: int) -> str:
    known = f"about {format_seconds(found.seconds / max(1, workers))}"
    if not found.unknown:
        return known
    never = f"{found.unknown} runs whose like has never run here"
    return f"{known} and {never}" if found.seconds else f"unknown ({never})"


def _as_dict(found: Forecast) -> dict[str, object]:
    return {
        "runs": len(found.states),
        "cached": found.count("cached"),
        "stale": found.count("stale"),
        "new": found.count("new"),
        "why_stale": dict(found.reasons),
        "core_seconds": found.seconds,
        "of_unknown_cost": found.unknown,
    }
