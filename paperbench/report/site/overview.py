"""The first page: how every paper stands, and one row a claim with its margin on a common scale."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from paperbench.judge.record import ClaimRecord
from paperbench.report.numbers import decisive_margin, kinds_of
from paperbench.report.site.claims import NO_VERDICT, OUTCOMES, Chip, anchor
from paperbench.report.site.content import PaperContent, Place, SiteContent
from paperbench.report.site.forest import claim_widths, forest_row
from paperbench.report.words import control_text, one_line, outcome_of, support_cell, swapped_text
from paperbench.spec.model import Claim


@dataclass(frozen=True)
class Row:
    """One claim at one place; at none where it has no verdict yet.

    widths: half-widths from zero, to sort by; None: no margin. asked: the place in words, or where
    a verdict is still to come from.
    """

    paper: str
    claim: str
    href: str
    statement: str
    place: Place | None
    asked: str
    chip: Chip
    outcome: str = ""
    stale: bool = False
    forest: str = ""
    widths: float | None = None
    margin: str = "−"
    support: str = "−"
    control: str = "−"


@dataclass(frozen=True)
class Strip:
    """The verdicts of a paper at one place, a chip each: (claim, link, chip)."""

    place: Place
    chips: Sequence[tuple[str, str, Chip]]
    summary: str


@dataclass(frozen=True)
class Group:
    """One paper: its title, its strips, and its rows."""

    slug: str
    title: str
    href: str
    strips: Sequence[Strip]
    rows: Sequence[Row]

    @property
    def unjudged(self) -> int:
        """How many of its claims have no verdict yet."""
        return sum(row.place is None for row in self.rows)


@dataclass(frozen=True)
class Overview:
    """Everything that the first page shows. counts: (words, how many, class).

    told: the current verdicts by word, of which a FAIL that was expected is one too. outcomes:
    what a verdict may be besides its word.
    """

    groups: Sequence[Group]
    exhibits: Sequence[Group]
    counts: Sequence[tuple[str, int, str]]
    told: str
    swapped: Sequence[str]
    places: Sequence[Place]
    verdicts: Sequence[str]
    outcomes: Sequence[str]
    any_stale: bool


def overview(content: SiteContent) -> Overview:
    """The first page of a site."""
    groups = [_group(content, paper) for paper in content.papers if not paper.is_exhibit]
    rows = [row for group in groups for row in group.rows]
    outcomes = _outcomes(rows)
    return Overview(
        groups=groups,
        exhibits=[_group(content, paper) for paper in content.papers if paper.is_exhibit],
        counts=outcomes + _uncounted(rows),
        told=summary([row for row in rows if _counts(row)]),
        swapped=list(
            dict.fromkeys(
                swapped_text(record)
                for paper in content.papers
                for record in paper.records
                if record.parts
            )
        ),
        places=sorted({row.place for row in rows if row.place}),
        verdicts=sorted({row.chip.word for row in rows}, key=_verdict_order),
        outcomes=[words for words, _, _ in outcomes],
        any_stale=any(row.stale for row in rows),
    )


def _group(content: SiteContent, paper: PaperContent) -> Group:
    rows, strips = [], []
    for record in sorted(paper.records, key=Place.of):
        kinds = kinds_of(record)
        here = []
        for claim in record.claims:
            stale = content.why_stale(record, claim) is not None
            here.append(_row(paper, Place.of(record), claim, decisive_margin(claim, kinds), stale))
        strips.append(_strip(Place.of(record), here))
        rows += here
    judged = {row.claim for row in rows}
    planned = paper.file.claims.values() if paper.file else ()
    rows += [_row_of_none(paper, claim) for claim in planned if claim.name not in judged]
    return Group(paper.slug, one_line(paper.title), paper.page, strips, rows)


def _row_of_none(paper: PaperContent, claim: Claim) -> Row:
    """The row of a claim without a verdict at any place."""
    return Row(
        paper=paper.slug,
        claim=claim.name,
        href=f"{paper.page}#{anchor(claim.name)}",
        statement=one_line(claim.statement),
        place=None,
        asked=f"asked at {', '.join(claim.tiers)}" if claim.tiers else "−",
        chip=Chip.none(),
    )


def _row(paper: PaperContent, place: Place, claim: ClaimRecord, margin: str, stale: bool) -> Row:
    return Row(
        paper=paper.slug,
        claim=claim.claim,
        href=f"{paper.page}#{anchor(claim.claim)}",
        statement=one_line(claim.statement),
        place=place,
        asked=place.words,
        chip=Chip.of(claim, stale=stale),
        outcome=OUTCOMES[outcome_of(claim)],
        stale=stale,
        forest=forest_row(claim),
        widths=claim_widths(claim),
        margin=margin,
        support=support_cell(claim),
        control="−" if claim.verdict is None else control_text(claim),
    )


def _strip(place: Place, rows: Sequence[Row]) -> Strip:
    return Strip(place, [(row.claim, row.href, row.chip) for row in rows], summary(rows))


def summary(rows: Sequence[Row]) -> str:
    """`8 PASS, 1 FAIL, 1 INCONCLUSIVE`, and how many of them do not count today."""
    counts = Counter(row.chip.word for row in rows if not row.stale)
    told = [f"{counts[word]} {word}" for word in sorted(counts, key=_verdict_order)]
    stale = sum(row.stale for row in rows)
    return ", ".join([*told, f"{stale} stale"] if stale else told)


def _counts(row: Row) -> bool:
    """Whether it is a verdict that counts today."""
    return row.place is not None and not row.stale and row.chip.word != "reading"


def _outcomes(rows: Sequence[Row]) -> list[tuple[str, int, str]]:
    """How many current verdicts are as expected, and how many are otherwise."""
    counts = Counter(row.outcome for row in rows if _counts(row))
    told = [
        ("as expected", counts["as expected"], "ok"),
        ("not as expected", counts["not as expected"], "bad"),
        ("undecided", counts["undecided"], "open"),
    ]
    if counts["errored"]:
        told.append(("errored", counts["errored"], "bad"))
    return told


def _uncounted(rows: Sequence[Row]) -> list[tuple[str, int, str]]:
    """How many verdicts are stale, and how many claims have none; nothing where there are none."""
    stale, none = sum(row.stale for row in rows), sum(row.place is None for row in rows)
    return [each for each in (("stale", stale, "old"), (NO_VERDICT, none, "old")) if each[1]]


def _verdict_order(word: str) -> int:
    order = ("PASS", "FAIL", "INCONCLUSIVE", "VACUOUS", "ERROR", "reading", NO_VERDICT)
    return order.index(word)
