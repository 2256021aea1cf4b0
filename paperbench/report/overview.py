"""`results/README.md`: every verdict there is, those that are not as expected first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from paperbench.judge.mutation_record import MutationRecord
from paperbench.judge.record import ClaimRecord, PaperRecord
from paperbench.report.markdown import (
    STALE,
    control_cell,
    escape,
    margin_cell,
    metric_cell,
    swapped,
    table,
    verdict_cell,
)
from paperbench.report.numbers import kinds_of
from paperbench.report.staleness import Current, Today, is_stale, why_mutations_stale
from paperbench.report.words import marked_verdict, outcome_of, support_cell
from paperbench.spec.select import is_exhibit

INTRODUCTION = """\
# Results

Verdicts on the claims of papers, by budget and class of device: `<tier>-<device>/<paper>.json` is
the evidence, the `.md` and `.csv` beside it are projections of it. `paperbench verify` writes them
and `paperbench report --markdown` writes this page; nothing here is edited by hand.

A margin is positive where it supports the claim; `±` is half of the interval that the verdict
rests on. An arrow says which direction of a metric is better. The control is the same comparison
with the credited mechanism switched off; on it the claim must not pass. `holds / n`: on how many of
n seeds (for a timing, repeats) the whole check holds.
"""
EXHIBITS = """\
## Exhibits

Claims restated to show what the bench refuses. They are no part of the counts above, and
`paperbench verify` runs them only when they are asked for: `paperbench verify 'exhibits/*'`.
"""
_BLOCK = re.compile(
    r"(?P<begin><!-- paperbench: (?P<what>results|papers) (?P<place>[a-z]+-[a-z]+) -->)\n"
    r"(?:.*?\n)??(?P<end><!-- paperbench: end -->)",
    flags=re.DOTALL,
)
_URGENCY = {"error": 0, "unexpected": 0, "inconclusive": 1, "as expected": 2}


def overview(
    papers: Sequence[PaperRecord],
    current: Current | None,
    mutations: Sequence[MutationRecord] = (),
    today: Today | None = None,
) -> str:
    """The page for all records. current: the hashes of today's claims, to mark stale verdicts.

    today: those of claims and mutations, to mark stale trials.
    """
    lines = [INTRODUCTION]
    exhibits = [paper for paper in papers if is_exhibit(paper.paper)]
    lines += _place_sections("##", [paper for paper in papers if paper not in exhibits], current)
    if exhibits:
        lines += [EXHIBITS, *_place_sections("###", exhibits, current)]
    if mutations:
        lines += [*_mutations(mutations, today), ""]
    if any(is_stale(paper, claim, current) for paper in papers for claim in paper.claims):
        lines += [STALE, ""]
    return "\n".join(lines).rstrip() + "\n"


def _place_sections(
    level: str, papers: Sequence[PaperRecord], current: Current | None
) -> list[str]:
    """A heading, counts and a table for every tier and device with records."""
    lines: list[str] = []
    for _, group in groupby(sorted(papers, key=_place), key=_place):
        together = list(group)
        lines += [f"{level} {together[0].tier}, {together[0].device}", ""]
        lines += [*swapped(together), *_place_table(together, current), ""]
    return lines


def short_overview(papers: Sequence[PaperRecord], current: Current | None) -> list[str]:
    """The counts of the page, a line a tier and device, and what is not as expected there."""
    lines = []
    for _, group in groupby(sorted(papers, key=_place), key=_place):
        together = list(group)
        pairs = [
            (paper, claim)
            for paper in together
            for claim in paper.claims
            if not is_exhibit(paper.paper)
        ]
        stale = [is_stale(paper, claim, current) for paper, claim in pairs]
        lines.append(f"{together[0].tier} {together[0].device}: {counts_line(pairs, stale)}")
        lines += [
            f"  {marked_verdict(claim, stale=old)}  {paper.paper}/{claim.claim}"
            for (paper, claim), old in zip(pairs, stale, strict=True)
            if outcome_of(claim) != "as expected"
        ]
    return lines


def has_block(page: str) -> bool:
    """Whether `fill_blocks` finds something to fill."""
    return _BLOCK.search(page) is not None


def fill_blocks(
    page: str,
    papers: Sequence[PaperRecord],
    current: Current | None,
    mutations: Sequence[MutationRecord] = (),
    *,
    link_base: str,
) -> str:
    """Put today's verdicts between the marks of a page, a README say; the rest stays as it is.

    A block begins with `<!-- paperbench: results TIER-DEVICE -->`, a row a claim, or with
    `<!-- paperbench: papers TIER-DEVICE -->`, a row a paper, and ends with
    `<!-- paperbench: end -->`. link_base: from the page to the results folder, ending in `/`.
    Exhibits are left out.
    """

    def fill(block: re.Match[str]) -> str:
        chosen = [
            paper
            for paper in papers
            if f"{paper.tier}-{paper.device}" == block["place"] and not is_exhibit(paper.paper)
        ]
        if not chosen:
            rows = ["No verdict yet."]
        elif block["what"] == "papers":
            rows = _paper_table(chosen, current, mutations, link_base)
        else:
            rows = _place_table(chosen, current, link_base)
        return "\n".join([block["begin"], "", *rows, "", block["end"]])

    return _BLOCK.sub(fill, page)


def _mutations(records: Sequence[MutationRecord], today: Today | None) -> list[str]:
    """How many broken versions of each paper's model its claims notice."""
    rows = []
    for record in records:
        place = f"{record.tier}-{record.device}"
        link = f"[{escape(record.paper)}](mutations/{place}/{record.paper}.md)"
        survivors = ", ".join(record.names_of("survived")) or "−"
        stale = today is not None and why_mutations_stale(record, today)
        score = f"{record.killed} of {record.applied}{' stale' if stale else ''}"
        rows.append([link, place.replace("-", ", "), score, escape(survivors)])
    return [
        "## Mutations",
        "",
        "Each breaks one part of a model on purpose; it is killed when some claim notices "
        "(`paperbench falsify`).",
        "",
        *table(("paper", "tier, device", "killed", "survivors"), rows),
    ]


def _place(paper: PaperRecord) -> tuple[int, str]:
    return ("quick", "full", "smoke").index(paper.tier), paper.device


def _place_table(
    papers: Sequence[PaperRecord], current: Current | None, link_base: str = ""
) -> list[str]:
    """Counts and one row a claim, for the records of one tier and device."""
    pairs = [(paper, claim) for paper in papers for claim in paper.claims]
    pairs.sort(key=lambda pair: _URGENCY[outcome_of(pair[1])])
    stale = [is_stale(paper, claim, current) for paper, claim in pairs]
    return [
        counts_line(pairs, stale),
        "",
        *table(
            (
                "paper",
                "claim",
                "verdict",
                "metric",
                "margin",
                "holds / n",
                "control",
                "the paper says",
            ),
            [
                _row(paper, claim, old, link_base)
                for (paper, claim), old in zip(pairs, stale, strict=True)
            ],
        ),
    ]


def _paper_table(
    papers: Sequence[PaperRecord],
    current: Current | None,
    mutations: Sequence[MutationRecord],
    link_base: str,
) -> list[str]:
    """Counts and one row a paper, for the records of one tier and device."""
    scores = {(each.paper, each.tier, each.device): each for each in mutations}
    rows = []
    for paper in papers:
        link = f"[{escape(paper.paper)}]({link_base}{paper.tier}-{paper.device}/{paper.paper}.md)"
        cells = [
            (claim, verdict_cell(claim, stale=is_stale(paper, claim, current)))
            for claim in paper.claims
        ]
        verdicts = Counter(cell for _, cell in cells if not cell.startswith("**"))
        others = [f"{escape(each.claim)}: {cell}" for each, cell in cells if cell.startswith("**")]
        trial = scores.get((paper.paper, paper.tier, paper.device))
        rows.append(
            [
                link,
                escape(paper.title),
                ", ".join(f"{n} {cell}" for cell, n in sorted(verdicts.items(), key=_by_count)),
                "; ".join(others) or "−",
                f"{trial.killed} of {trial.applied}" if trial else "−",
            ]
        )
    pairs = [(paper, claim) for paper in papers for claim in paper.claims]
    head = ("paper", "title", "as expected", "otherwise", "broken models noticed")
    stale = [is_stale(paper, claim, current) for paper, claim in pairs]
    return [counts_line(pairs, stale), "", *table(head, rows)]


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _row(paper: PaperRecord, claim: ClaimRecord, stale: bool, link_base: str) -> list[str]:
    link = f"[{escape(paper.paper)}]({link_base}{paper.tier}-{paper.device}/{paper.paper}.md)"
    kinds = kinds_of(paper)
    return [
        link,
        escape(claim.claim),
        verdict_cell(claim, stale=stale),
        metric_cell(claim, kinds),
        margin_cell(claim, kinds),
        support_cell(claim),
        control_cell(claim),
        escape(claim.reported or ""),
    ]


def counts_line(pairs: Sequence[tuple[PaperRecord, ClaimRecord]], stale: Sequence[bool]) -> str:
    """`119 as expected, 2 undecided.`: how the verdicts stand. stale: of each, in their order."""
    judged = [
        (claim, old)
        for (_, claim), old in zip(pairs, stale, strict=True)
        if claim.verdict is not None
    ]
    current = [outcome_of(claim) for claim, old in judged if not old]
    parts = [f"{current.count('as expected')} as expected"]
    parts += [
        f"{count} {words}"
        for words, count in (
            ("not as expected", current.count("unexpected")),
            ("undecided", current.count("inconclusive")),
            ("errored", current.count("error")),
            ("stale", sum(old for _, old in judged)),
            ("readings not tried", len(pairs) - len(judged)),
        )
        if count
    ]
    return ", ".join(parts) + "."
