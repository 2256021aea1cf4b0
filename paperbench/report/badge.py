"""A badge: how many claims are as expected, as the JSON that shields.io draws a badge from."""

from __future__ import annotations

from collections.abc import Sequence

from paperbench.judge.record import PaperRecord
from paperbench.report.standing import Standing, WhyStale, just_judged, standing
from paperbench.spec.select import is_exhibit

# From bad to good: a claim with several verdicts counts as its worst, and so does the badge.
_COLOURS: dict[Standing, str] = {
    "error": "red",
    "unexpected": "red",
    "undecided": "yellow",
    "stale": "lightgrey",
    "expected": "brightgreen",
    "verified": "brightgreen",
}
_ORDER = list(_COLOURS)


def badge(papers: Sequence[PaperRecord], why_stale: WhyStale = just_judged) -> dict[str, str | int]:
    """The endpoint badge of these records, in the colour of the worst verdict among them.

    Counted are claims: those judged at the quick tier, where there are any, else at any. A stale
    verdict is none that is as expected; exhibits and readings are not counted.
    """
    counted = [paper for paper in papers if not is_exhibit(paper.paper)]
    quick = [paper for paper in counted if paper.tier == "quick"]
    worst: dict[str, Standing] = {}
    for paper in quick or counted:
        for claim in paper.claims:
            found = standing(claim, stale=why_stale(paper, claim) is not None)
            if found != "reading":
                name = f"{paper.paper}/{claim.claim}"
                worst[name] = min(found, worst.get(name, found), key=_ORDER.index)
    good = sum(found in ("expected", "verified") for found in worst.values())
    message = f"{good} of {len(worst)} as expected" if worst else "none judged"
    colour = _COLOURS[min(worst.values(), key=_ORDER.index)] if worst else "lightgrey"
    return {"schemaVersion": 1, "label": "claims", "message": message, "color": colour}
