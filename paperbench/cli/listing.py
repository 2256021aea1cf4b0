"""What `list` shows: papers, claims and their last verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from paperbench.cli.lock import LockState
from paperbench.judge.record import ClaimRecord, PaperRecord
from paperbench.report.staleness import Current, is_stale
from paperbench.report.words import (
    STYLES,
    marked_verdict,
    one_line,
    outcome_of,
    swapped_text,
    verdict_word,
)
from paperbench.spec.model import Claim, ClaimFile
from paperbench.spec.select import is_exhibit

NOTHING = "−"
_LOCK_MARKS: dict[LockState, str] = {"changed": " ≠", "not locked": " +"}
EXHIBITS = "exhibits: what the bench must refuse · `paperbench verify 'exhibits/*'` runs them\n"
_TIERS = ("quick", "full")
Place = tuple[str, str]  # tier, device class
Segments = list[tuple[str, str]]  # text and its style


def listing(
    files: Sequence[ClaimFile],
    records: Sequence[PaperRecord],
    current: Current,
    locks: Mapping[str, LockState],
) -> Segments:
    """One line a claim below its paper; a column for every tier and device with verdicts.

    Exhibits come last, under a heading of their own.
    """
    files = sorted(files, key=lambda file: is_exhibit(file.slug))
    places = _places(records)
    by_place: dict[tuple[str, ...], PaperRecord] = {
        (paper.paper, paper.tier, paper.device): paper for paper in records
    }
    names = {
        (file.slug, name): name + _lock_mark(locks.get(f"{file.slug}/{name}"))
        for file in files
        for name in file.claims
    }
    name_width = max(map(len, names.values()), default=5)
    rows: list[tuple[ClaimFile, Claim, list[tuple[str, str]]]] = []
    for file in files:
        for claim in file.claims.values():
            cells = [_cell(claim, by_place.get((file.slug, *place)), current) for place in places]
            rows.append((file, claim, cells))
    widths = [
        max(len(" ".join(place).strip()), *(len(row[2][i][0]) for row in rows), 0)
        for i, place in enumerate(places)
    ]
    text: Segments = []
    first_exhibit = next((file for file in files if is_exhibit(file.slug)), None)
    for file in files:
        if file is first_exhibit:
            text.append((("\n" if text else "") + EXHIBITS, "dim"))
        _append_paper(text, file, name_width, places, widths)
        for record in records:
            if record.paper == file.slug and record.parts:
                text.append((f"  {swapped_text(record)}\n", "yellow"))
        for owner, claim, cells in rows:
            if owner is file:
                _append_claim(text, names[file.slug, claim.name], name_width, cells, widths)
    marks = {word for _, _, cells in rows for cell, _ in cells for word in cell.split()[1:]}
    marks |= {_lock_mark(state).strip() for state in locks.values()}
    legend = [
        f"{mark} {meaning}"
        for mark, meaning in (
            ("!", "not as expected"),
            (
                "stale",
                "the claim, its code or the rules have changed since it was judged, or its seeds "
                "are not those of its looks",
            ),
            ("≠", "changed since it was locked"),
            ("+", "not locked"),
        )
        if mark in marks
    ]
    if legend:
        text.append(("\n" + " · ".join(legend), "dim"))
    elif text:
        text[-1] = (text[-1][0].rstrip(), text[-1][1])
    return text


def as_json(
    files: Sequence[ClaimFile],
    records: Sequence[PaperRecord],
    current: Current,
    locks: Mapping[str, LockState],
) -> list[dict[str, Any]]:
    """The same as a list of papers for programs; `lock` is null where there is no lock."""
    papers = []
    for file in files:
        claims = []
        for claim in file.claims.values():
            found = [
                (paper, record)
                for paper in records
                if paper.paper == file.slug
                if (record := paper.find(claim.name)) is not None
            ]
            claims.append(
                {
                    "claim": claim.name,
                    "statement": claim.statement,
                    "kind": claim.kind,
                    "lock": locks.get(f"{file.slug}/{claim.name}"),
                    "verdicts": [_verdict(*pair, current) for pair in found],
                }
            )
        papers.append(
            {
                "paper": file.slug,
                "exhibit": is_exhibit(file.slug),
                "title": file.paper.title,
                "year": file.paper.year,
                "authors": list(file.paper.authors),
                "url": file.paper.url,
                "claims": claims,
            }
        )
    return papers


def _verdict(paper: PaperRecord, record: ClaimRecord, current: Current) -> dict[str, Any]:
    return {
        "tier": paper.tier,
        "device": paper.device,
        "verdict": record.verdict,
        "expected": record.expected,
        "as_expected": record.as_expected,
        "stale": is_stale(paper, record, current),
        "parts": dict(paper.parts),
    }


def _places(records: Sequence[PaperRecord]) -> list[Place]:
    """The tiers and devices with verdicts; `quick` and `full` even without."""
    found: set[Place] = {(paper.tier, paper.device) for paper in records}
    found |= {(tier, "") for tier in _TIERS if all(place[0] != tier for place in found)}
    order = ("quick", "full", "smoke")
    return sorted(found, key=lambda place: (order.index(place[0]), place[1]))


def _cell(claim: Claim, paper: PaperRecord | None, current: Current) -> tuple[str, str]:
    """A verdict with its marks, and its style."""
    record = paper.find(claim.name) if paper else None
    if paper is None or record is None:
        return NOTHING, "dim"
    stale = is_stale(paper, record, current)
    style = "dim" if stale else STYLES[verdict_word(record)]
    if outcome_of(record) in ("unexpected", "error"):
        style = f"bold {STYLES[verdict_word(record)]}"
    return marked_verdict(record, stale=stale), style


def _lock_mark(state: LockState | None) -> str:
    return "" if state is None else _LOCK_MARKS.get(state, "")


def _append_paper(
    text: Segments, file: ClaimFile, name_width: int, places: Sequence[Place], widths: Sequence[int]
) -> None:
    if text:
        text.append(("\n", ""))
    text += [(file.slug, "bold"), (f" · {citation(file)}\n", "")]
    headers = "  ".join(
        f"{' '.join(place).strip():<{width}}" for place, width in zip(places, widths, strict=True)
    )
    text.append((f"  {'claim':<{name_width}}  {headers}".rstrip() + "\n", "dim"))


def _append_claim(
    text: Segments,
    name: str,
    name_width: int,
    cells: Sequence[tuple[str, str]],
    widths: Sequence[int],
) -> None:
    text.append((f"  {name:<{name_width}}", ""))
    last = len(cells) - 1
    for i, ((cell, style), width) in enumerate(zip(cells, widths, strict=True)):
        text += [("  ", ""), (cell, style), (" " * (width - len(cell)) if i < last else "", "")]
    text.append(("\n", ""))


def citation(file: ClaimFile) -> str:
    """`Dropout: A Simple Way ... (Srivastava et al. 2014)`."""
    paper = file.paper
    first = paper.authors[0] if paper.authors else "unknown"
    many = " et al." if len(paper.authors) > 1 else ""
    return one_line(f"{paper.title} ({first}{many} {paper.year})")
