"""Draw the registered figures of papers from the ledger, and write them beside their verdicts."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paperbench.figures import FigureInfo, Kept, NothingKept, figures_of
from paperbench.ledger import Ledger
from paperbench.panels import told_figures
from paperbench.plan import Site
from paperbench.recordings import finished_arms, planned_arms
from paperbench.report.store import part_of_path, path_of, write_if_changed
from paperbench.spec.model import ClaimFile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INDEX = "figures.json"  # in the folder of a paper's figures: names, experiments and captions
DOTS_PER_INCH = 110  # 6.4 inches are 700 pixels
PAD_INCHES = 0.05  # around all that is drawn
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

    folder = results / f"{site.tier}-{site.device_class}" / "figures" / path_of(file.slug)
    drawn: list[Drawn] = []
    lacking: list[tuple[FigureInfo, NothingKept]] = []
    kept = {
        name: Kept(finished_arms(planned_arms(file, name, site, results), ledger), ledger)
        for name in file.experiments
    }
    own = figures_of([file.slug])
    named = {info.name for info in own}
    told = [
        info
        for name in kept
        for info in told_figures(file.slug, name, kept[name])
        if info.name not in named  # a paper may draw itself what a run has only described
    ]
    with matplotlib.rc_context(_STYLE):
        for info in [*own, *told]:
            try:
                picture = info.draw(kept[info.experiment])
            except NothingKept as problem:
                lacking.append((info, problem))
                continue
            path = folder / part_of_path(info.name)
            drawn.append(Drawn(info, path, _write(picture, path)))
    if drawn and not lacking:
        write_if_changed(folder / "README.md", _page(file, drawn))
        write_if_changed(folder / INDEX, _index(drawn))
    return drawn, lacking


def _write(picture: Figure, path: Path) -> bool:
    """Write `<path>.svg` and `<path>.png`; return whether one was another before."""
    text, pixels = io.StringIO(), io.BytesIO()
    # A layout may leave text outside where panels keep their proportions: nothing is cut off.
    page: Any = {"bbox_inches": "tight", "pad_inches": PAD_INCHES}
    picture.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, **page)
    picture.savefig(pixels, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None}, **page)
    target = path.with_name(f"{path.name}.png")
    lines = "\n".join(line.rstrip() for line in text.getvalue().splitlines())
    changed = write_if_changed(path.with_name(f"{path.name}.svg"), f"{lines}\n")
    if changed or not target.exists():
        target.write_bytes(pixels.getvalue())
    return changed


def _index(drawn: list[Drawn]) -> str:
    """What there is to show, for a page that shows it."""
    told = [
        {
            "name": each.figure.name,
            "experiment": each.figure.experiment,
            "caption": each.figure.caption,
        }
        for each in drawn
    ]
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _page(file: ClaimFile, drawn: list[Drawn]) -> str:
    return "\n".join(_lines(file, drawn))


def _lines(file: ClaimFile, drawn: list[Drawn]) -> Iterator[str]:
    yield f"# {file.slug}: figures\n"
    yield f"Drawn by `paperbench figures {file.slug}` from the runs behind the verdicts.\n"
    for each in drawn:
        yield f"## {each.figure.name}\n"
        yield f"![{each.figure.name}]({each.path.name}.png)\n"
        yield f"{each.figure.caption}\n"
