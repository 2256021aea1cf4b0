"""`results/README.md`: every verdict there is, those that are not as expected first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from paperbench.judge.record import ClaimRecord, PaperRecord
from paperbench.report.markdown import escape, table, verdict_cell
from paperbench.report.numbers import format_half_width
from paperbench.report.words import control_text, outcome_of

INTRODUCTION = """\
# Results

Verdicts on the claims of papers, by budget and class of device: `<tier>-<device>/<paper>.json` is
the evidence, the `.md` and `.csv` beside it are projections of it. `paperbench verify` writes them
and `paperbench report --markdown` writes this page; nothing here is edited by hand.

A margin is positive where it supports the claim. The control is the same comparison with the
credited mechanism switched off; on it the claim must not pass.
"""
STALE = ("`stale`: the claim has changed since, or is no longer among the claims; this verdict "
         "does not count until `paperbench verify` judges it again.")
_URGENCY = {"error": 0, "unexpected": 0, "inconclusive": 1, "as expected": 2}
Hashes = Mapping[str, str]                      # `<paper>/<claim>` -> current hash


def is_stale(paper: PaperRecord, claim: ClaimRecord, current: Hashes | None) -> bool:
    """Whether the claim is no longer the one that was judged. current: None: not known."""
    return (current is not None
            and current.get(f"{paper.paper}/{claim.claim}") != claim.spec_sha256)


def overview(papers: Sequence[PaperRecord], current: Hashes | None) -> str:
    """The page for all records. current: the hashes of today's claims, to mark stale verdicts."""
    lines = [INTRODUCTION]
    any_stale = False

    def place(paper: PaperRecord) -> tuple[int, str]:
        return ("quick", "full", "smoke").index(paper.tier), paper.device

    for _, group in groupby(sorted(papers, key=place), key=place):
        together = list(group)
        pairs = [(paper, claim) for paper in together for claim in paper.claims]
        pairs.sort(key=lambda pair: _URGENCY[outcome_of(pair[1])])
        stale = [is_stale(paper, claim, current) for paper, claim in pairs]
        any_stale |= any(stale)
        lines += [f"## {together[0].tier}, {together[0].device}", "", _counts(pairs, stale), "",
                  *table(("paper", "claim", "verdict", "margin", "n", "control", "the paper says"),
                         [_row(paper, claim, old)
                          for (paper, claim), old in zip(pairs, stale, strict=True)]), ""]
    if any_stale:
        lines += [STALE, ""]
    return "\n".join(lines).rstrip() + "\n"


def _row(paper: PaperRecord, claim: ClaimRecord, stale: bool) -> list[str]:
    link = f"[{escape(paper.paper)}]({paper.tier}-{paper.device}/{paper.paper}.md)"
    margin = "−" if claim.margin is None else format_half_width(claim.margin)
    n = "−" if claim.margin is None else str(claim.margin.n)
    control = "−" if claim.verdict is None else control_text(claim)
    return [link, escape(claim.claim), verdict_cell(claim, stale=stale), margin, n, control,
            escape(claim.reported or "")]


def _counts(pairs: Sequence[tuple[PaperRecord, ClaimRecord]], stale: Sequence[bool]) -> str:
    judged = [(claim, old) for (_, claim), old in zip(pairs, stale, strict=True)
              if claim.verdict is not None]
    current = [outcome_of(claim) for claim, old in judged if not old]
    parts = [f"{current.count('as expected')} as expected"]
    parts += [f"{count} {words}" for words, count in (
        ("not as expected", current.count("unexpected")),
        ("undecided", current.count("inconclusive")), ("errored", current.count("error")),
        ("stale", sum(old for _, old in judged)),
        ("readings not tried", len(pairs) - len(judged))) if count]
    return ", ".join(parts) + "."
