"""What `list` shows: papers, claims and their last verdicts."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
EXHIBITS = "exhibits: what the bench must refuse · `paperbench verify 'exhibits/*'` runs them"
_TIERS = ("quick", "full")
Place = tuple[str, str]  # tier, device class
Segments = list[tuple[str, str]]  # text and its style


@dataclass(frozen=True)
class _Table:
    """A paper's claims, each with a cell (text, style) for every place."""

    places: Sequence[Place]
    rows: Mapping[str, Sequence[tuple[str, str]]]

    def where_judged(self) -> _Table:
        """Without the places where no claim has a verdict."""
        kept = [
            i
            for i in range(len(self.places))
            if any(r[i][0] != NOTHING for r in self.rows.values())
        ]
        return _Table(
            [self.places[i] for i in kept],
            {name: [row[i] for i in kept] for name, row in self.rows.items()},
        )


def listing(
    files: Sequence[ClaimFile],
    records: Sequence[PaperRecord],
    current: Current,
    locks: Mapping[str, LockState],
    width: int | None = None,
) -> Segments:
    """One line a claim below its paper; a column for every tier and device with verdicts.

    width: of the terminal. Where the columns do not fit, a paper has only those it needs, and where
    these do not either, its verdicts stand below their claim.
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
    tables = {
        file.slug: _Table(
            places,
            {
                names[file.slug, claim.name]: [
                    _cell(claim, by_place.get((file.slug, *place)), current) for place in places
                ]
                for claim in file.claims.values()
            },
        )
        for file in files
    }
    shared = _widths(list(tables.values()))
    text: Segments = []
    first_exhibit = next((file for file in files if is_exhibit(file.slug)), None)
    for file in files:
        if file is first_exhibit:
            text.append(("\n" if text else "", ""))
            text.append((_folded(EXHIBITS, width), "dim"))
        _append_paper(text, file, width)
        for record in records:
            if record.paper == file.slug and record.parts:
                text.append((_folded(f"  {swapped_text(record)}", width), "yellow"))
        _append_table(text, tables[file.slug], shared, width)
    cells = [cell for table in tables.values() for row in table.rows.values() for cell, _ in row]
    marks = {word for cell in cells for word in cell.split()[1:]}
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
        text.append(("\n" + _folded(" · ".join(legend), width).rstrip("\n"), "dim"))
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


def _append_paper(text: Segments, file: ClaimFile, width: int | None) -> None:
    if text:
        text.append(("\n", ""))
    name = _folded(f"{file.slug} · {citation(file)}", width)
    text += [(file.slug, "bold"), (name.removeprefix(file.slug), "")]


def _widths(tables: Sequence[_Table]) -> list[int]:
    """Of the names and of every place's cells, in all of the tables, which share their places."""
    places = tables[0].places if tables else []
    rows = [(name, row) for table in tables for name, row in table.rows.items()]
    return [
        max((len(name) for name, _ in rows), default=5),
        *(
            max(len(_heading(place)), *(len(row[i][0]) for _, row in rows), 0)
            for i, place in enumerate(places)
        ),
    ]


def _append_table(text: Segments, table: _Table, shared: list[int], width: int | None) -> None:
    widths = shared
    if width is not None and sum(2 + each for each in widths) > width:
        table = table.where_judged()
        widths = _widths([table])
        if sum(2 + each for each in widths) > width:
            for name, cells in table.rows.items():
                _append_stacked(text, name, cells, table.places)
            return
    headers = [
        f"{_heading(place):<{each}}" for place, each in zip(table.places, widths[1:], strict=True)
    ]
    text.append((f"  {'claim':<{widths[0]}}  {'  '.join(headers)}".rstrip() + "\n", "dim"))
    for name, cells in table.rows.items():
        _append_claim(text, name, widths[0], cells, widths[1:])


def _heading(place: Place) -> str:
    return " ".join(place).strip()


def _append_stacked(
    text: Segments, name: str, cells: Sequence[tuple[str, str]], places: Sequence[Place]
) -> None:
    """A claim, and below it a line for every place where it has a verdict."""
    text.append((f"  {name}\n", ""))
    judged = [pair for pair in zip(places, cells, strict=True) if pair[1][0] != NOTHING]
    label = max((len(_heading(place)) for place, _ in judged), default=0)
    for place, (cell, style) in judged:
        text += [(f"    {_heading(place):<{label}}  ", "dim"), (cell, style), ("\n", "")]
    if not judged:
        text.append((f"    {NOTHING}\n", "dim"))


def _folded(line: str, width: int | None) -> str:
    """A line with its end, broken between words where the terminal is narrower."""
    if width is None:
        return f"{line}\n"
    indent = " " * (len(line) - len(line.lstrip()))
    return "".join(f"{each}\n" for each in textwrap.wrap(line, width, subsequent_indent=indent))


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
