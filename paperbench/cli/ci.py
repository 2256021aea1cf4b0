"""What a CI server reads: JUnit XML, a badge, and what GitHub Actions shows of a call."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # most calls are made by a person
    from paperbench.judge.record import PaperRecord
    from paperbench.report.standing import Places
    from paperbench.spec.model import ClaimFile

_MEND = "make room, or name a file that you may write"


def publish(papers: Sequence[PaperRecord], files: Sequence[ClaimFile], junit: Path | None) -> None:
    """Tell a CI server of verdicts that were reached just now; nothing where there is none."""
    if junit is not None:
        from paperbench.report.junit import junit_xml
        from paperbench.report.store import write_if_changed

        write_if_changed(junit, junit_xml(papers, places_of(files)), help=_MEND)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _tell_actions(papers, places_of(files))


def write_reports(
    papers: Sequence[PaperRecord], claims: Path | None, *, junit: Path | None, badge: Path | None
) -> list[Path]:
    """Write JUnit XML and badges of stored verdicts; return the files. Exhibits are left out.

    badge: `{paper}` in it stands for the name of a paper: one badge each.
    """
    import json

    from paperbench.cli.selection import current_hashes, files_if_any
    from paperbench.report.badge import badge as badge_of
    from paperbench.report.junit import junit_xml
    from paperbench.report.staleness import why_stale
    from paperbench.report.store import write_if_changed
    from paperbench.spec.select import is_exhibit

    files = files_if_any(claims)
    current = None if files is None else current_hashes(files)
    shown = [paper for paper in papers if not is_exhibit(paper.paper)]
    texts: dict[Path, str] = {}
    if junit is not None:
        texts[junit] = junit_xml(
            shown, places_of(files or ()), lambda paper, claim: why_stale(paper, claim, current)
        )
    if badge is not None:
        for path, counted in _by_badge(badge, shown).items():
            content = badge_of(counted, lambda paper, claim: why_stale(paper, claim, current))
            texts[path] = json.dumps(content) + "\n"
    return [path for path, text in texts.items() if write_if_changed(path, text, help=_MEND)]


def places_of(files: Sequence[ClaimFile]) -> Places:
    """`<paper>/<claim>` -> where the claim is written."""
    return {
        f"{file.slug}/{name}": file.positions.key(("claims", name))
        for file in files
        if file.positions is not None
        for name in file.claims
    }


def _by_badge(badge: Path, papers: Sequence[PaperRecord]) -> dict[Path, list[PaperRecord]]:
    found: dict[Path, list[PaperRecord]] = {}
    for paper in papers:
        path = Path(str(badge).replace("{paper}", paper.paper))
        found.setdefault(path, []).append(paper)
    return found or {badge: []}


def _tell_actions(papers: Sequence[PaperRecord], places: Places) -> None:
    """Annotations on stderr, which the runner reads as well: stdout is for `--json`."""
    import sys

    from paperbench.cli.workflow_commands import commands_heard
    from paperbench.report.github import annotation_lines

    root = Path(os.environ.get("GITHUB_WORKSPACE") or ".").resolve()
    known = {
        name: replace(where, path=where.path.resolve().relative_to(root))
        for name, where in places.items()
        if where.path.resolve().is_relative_to(root)
    }
    lines = list(annotation_lines(papers, known))
    if lines:
        with commands_heard():
            for line in lines:
                print(line, file=sys.stderr)
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        trouble = _append_summary(Path(os.environ["GITHUB_STEP_SUMMARY"]), papers)
        if trouble:
            print(f"note: {trouble}", file=sys.stderr)


def _append_summary(page: Path, papers: Sequence[PaperRecord]) -> str | None:
    """Add to the page of the step; return what stood in the way, for no verdict hangs on it."""
    from paperbench.report.github import MOST_BYTES, step_summary

    try:
        with page.open("ab") as out:
            text = step_summary(papers, room=MOST_BYTES - out.tell())
            if text is None:
                return "the job's summary is full: it has no room for this table"
            out.write(text.encode())
    except OSError as broken:
        return f"the job's summary cannot be written: {broken.strerror or broken}"
    return None
