"""`report --html`: gather what a site shows of every paper, and write it."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from paperbench.cli.paper_files import read_notes, read_sources
from paperbench.cli.selection import current_hashes, load_files, todays_mutations
from paperbench.drawing import INDEX
from paperbench.errors import UsageError
from paperbench.judge.record import PaperRecord
from paperbench.recordings import read_recordings, recordings_path
from paperbench.report.mutations import read_all_mutations
from paperbench.report.site.build import build_site
from paperbench.report.site.content import PaperContent, Picture, Place, SiteContent
from paperbench.report.staleness import Today
from paperbench.report.store import path_of
from paperbench.spec.load import claims_folder
from paperbench.spec.model import ClaimFile

_FOLDER = re.compile(r"(quick|full|smoke)-[a-z0-9]+")


def write_report_site(
    folder: Path, claims: Path | None, results: Path, records: Sequence[PaperRecord]
) -> list[Path]:
    """Write the site; return the files that changed. Claim files are shown where there are any."""
    files = _files(claims)
    trials = read_all_mutations(results)
    current = None if files is None else current_hashes(files)
    today = None if current is None else Today(current, todays_mutations() if trials else {})
    by_slug = {file.slug: file for file in files or ()}
    places = _places(results)
    papers = []
    for slug in sorted({*by_slug, *(record.paper for record in records)}):
        file = by_slug.get(slug)
        notes = read_notes(slug, file.path.parent if file else None)
        pictures = {place: _pictures(results, place, slug) for place in places}
        papers.append(
            PaperContent(
                slug=slug,
                records=[record for record in records if record.paper == slug],
                mutations=[each for each in trials if each.paper == slug],
                file=file,
                notes=notes,
                sources=read_sources(slug, file, notes),
                pictures={place: found for place, found in pictures.items() if found},
                recordings=_recordings(results, places, slug),
            )
        )
    return build_site(SiteContent(papers, current, today), folder)


def _files(claims: Path | None) -> list[ClaimFile] | None:
    """Every claim file; None when no folder was asked for and there is none."""
    if claims is None:
        try:
            claims_folder(None)
        except UsageError:
            return None
    return load_files(claims)


def _places(results: Path) -> list[Place]:
    return sorted(
        Place.named(folder.name)
        for folder in results.iterdir()
        if folder.is_dir() and _FOLDER.fullmatch(folder.name)
    )


def _pictures(results: Path, place: Place, slug: str) -> list[Picture]:
    """The figures of a paper with their captions; one that no index names comes without.

    What cannot be shown is left out, and a warning names it.
    """
    folder = results / place.slug / "figures" / path_of(slug)
    captions = _captions(folder / INDEX)
    names = dict.fromkeys([*captions, *sorted(path.stem for path in folder.glob("*.svg"))])
    drawn = {name: _drawn(folder / f"{name}.svg", results) for name in names}
    return [Picture(name, captions.get(name, ""), svg) for name, svg in drawn.items() if svg]


def _captions(index: Path) -> dict[str, str]:
    """Name -> caption, in the order of the index; empty where there is none."""
    if not index.exists():
        return {}
    try:
        told = json.loads(index.read_text(encoding="utf-8"))
        return {str(each["name"]): str(each.get("caption", "")) for each in told}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        _leave_out(index, "is damaged; `paperbench figures` writes it anew")
        return {}


def _drawn(path: Path, results: Path) -> str:
    """A picture's text; empty for what is no file of its own in the results folder."""
    if not path.resolve().is_relative_to(results.resolve()):  # a site would publish what it names
        return _leave_out(path, "leads out of the results folder")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return _leave_out(path, "cannot be read; `paperbench figures` draws it anew")


def _leave_out(path: Path, why: str) -> str:
    warnings.warn(f"{path} {why}: it is left out", stacklevel=2)
    return ""


def _recordings(
    results: Path, places: Sequence[Place], slug: str
) -> dict[Place, Mapping[str, Any]]:
    found = {
        place: read_recordings(recordings_path(results, place.tier, place.device, slug))
        for place in places
    }
    return {place: recording for place, recording in found.items() if recording}
