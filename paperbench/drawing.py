"""Draw the registered figures of papers from the ledger, and write them beside their verdicts."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paperbench.figures import FigureInfo, Kept, NothingKept, figures_of
from paperbench.judge.looks import looks_of
from paperbench.ledger import FinishedRun, Ledger
from paperbench.plan import PlannedRun, Site, plan_claim
from paperbench.report.store import part_of_path, write_if_changed
from paperbench.spec.model import ClaimFile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 110  # 6.4 inches are 700 pixels
# The same picture is the same bytes: no date, no version, no random names of elements.
_STYLE: Any = {
    "svg.hashsalt": "paperbench",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Drawn:
    """A figure that was drawn. changed: whether a file had to be written."""

    figure: FigureInfo
    path: Path
    changed: bool


def draw(
    file: ClaimFile, site: Site, ledger: Ledger, results: Path
) -> tuple[list[Drawn], list[tuple[FigureInfo, NothingKept]]]:
    """Draw every figure of a paper; those that lack their runs are returned with the reason."""
    import matplotlib

    folder = results / f"{site.tier}-{site.device_class}" / "figures" / part_of_path(file.slug)
    drawn: list[Drawn] = []
    lacking: list[tuple[FigureInfo, NothingKept]] = []
    with matplotlib.rc_context(_STYLE):
        for info in figures_of([file.slug]):
            try:
                picture = info.draw(
                    Kept(finished_runs(file, info.experiment, site, ledger), ledger)
                )
            except NothingKept as problem:
                lacking.append((info, problem))
                continue
            path = folder / part_of_path(info.name)
            drawn.append(Drawn(info, path, _write(picture, path)))
    if drawn and not lacking:
        write_if_changed(folder / "README.md", _page(file, drawn))
    return drawn, lacking


def finished_runs(
    file: ClaimFile, experiment: str, site: Site, ledger: Ledger
) -> dict[str, dict[int, FinishedRun]]:
    """The runs in the ledger of one experiment's arms, by seed, and of its claims' controls."""
    planned: dict[str, dict[int, PlannedRun]] = {}
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
    stored = ledger.get_many(run.key for runs in planned.values() for run in runs.values())
    return {
        arm: {seed: stored[run.key] for seed, run in runs.items() if _is_done(stored, run.key)}
        for arm, runs in planned.items()
    }


def _is_done(stored: Mapping[str, FinishedRun], key: str) -> bool:
    return key in stored and stored[key].status == "done"


def _write(picture: Figure, path: Path) -> bool:
    """Write `<path>.svg` and `<path>.png`; return whether one was another before."""
    text, pixels = io.StringIO(), io.BytesIO()
    picture.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    picture.savefig(pixels, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    target = path.with_name(f"{path.name}.png")
    lines = "\n".join(line.rstrip() for line in text.getvalue().splitlines())
    changed = write_if_changed(path.with_name(f"{path.name}.svg"), f"{lines}\n")
    if changed or not target.exists():
        target.write_bytes(pixels.getvalue())
    return changed


def _page(file: ClaimFile, drawn: list[Drawn]) -> str:
    return "\n".join(_lines(file, drawn))


def _lines(file: ClaimFile, drawn: list[Drawn]) -> Iterator[str]:
    yield f"# {file.slug}: figures\n"
    yield f"Drawn by `paperbench figures {file.slug}` from the runs behind the verdicts.\n"
    for each in drawn:
        yield f"## {each.figure.name}\n"
        yield f"![{each.figure.name}]({each.path.name}.png)\n"
        yield f"{each.figure.caption}\n"
