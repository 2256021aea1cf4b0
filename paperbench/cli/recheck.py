"""`paperbench report --check`: do the stored verdicts follow from the numbers beside them?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paperbench.cli.consoles import stderr, stdout

if TYPE_CHECKING:
    from paperbench.judge.record import PaperRecord
    from paperbench.report.staleness import Current
    from paperbench.spec.model import ClaimFile


def recheck(claims: Path | None, results: Path, papers: Sequence[PaperRecord]) -> int:
    """Judge every current verdict again; print what does not follow, and return the exit code."""
    from paperbench.cli.selection import current_hashes, load_files
    from paperbench.report.staleness import is_stale

    files = load_files(claims)
    current = current_hashes(files)
    by_slug = {file.slug: file for file in files}
    found, count, stale = [], 0, 0
    for paper in papers:
        file = by_slug.get(paper.paper)
        found += list(_edited_pages(results, paper, current))
        for record in paper.claims:
            if file is None or is_stale(paper, record, current):
                stale += 1
                continue
            count += record.verdict is not None
            found += list(_departures(file, paper, record.claim))
    for line in found:
        stderr.print(f"error: {line}", highlight=False, markup=False, soft_wrap=True)
    if found:
        stderr.print(
            "help: `paperbench verify` judges them again, and trains what its ledger does not hold",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        return 1
    left = f"; {stale} stale, not looked at" if stale else ""
    stdout.print(
        f"{count} verdict{'s follow' if count != 1 else ' follows'} from the numbers beside "
        f"{'them' if count != 1 else 'it'}{left}",
        highlight=False,
    )
    return 0


def _departures(file: ClaimFile, paper: PaperRecord, claim: str) -> Iterator[str]:
    from paperbench.judge.recheck import departures
    from paperbench.registry import find
    from paperbench.report.words import one_line

    record, stated = paper.find(claim), file.claims[claim]
    assert record is not None
    if stated.experiment is None:
        return
    info = find(file.experiment_of(stated).run)
    for phrase in departures(stated, info, record, paper.tier):
        yield f"{file.slug}/{claim} ({paper.tier}, {paper.device}): {one_line(phrase)}"


def _edited_pages(results: Path, paper: PaperRecord, current: Current) -> Iterator[str]:
    """The pages beside a file that do not say what it says."""
    from paperbench.report.store import projections

    path = results / f"{paper.tier}-{paper.device}" / f"{paper.paper}.json"
    for page, text in projections(path, paper, current).items():
        if page.is_file() and page.read_bytes() != text.encode():
            yield f"{page} does not say what {path.name} says"
