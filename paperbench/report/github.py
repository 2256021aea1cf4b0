"""What GitHub Actions shows of a call: annotations beside the claims, and a page for the job.

The runner reads commands from both streams of a step, at the start of a line; it keeps ten
annotations of each kind a step, and no page of more than 1 MiB.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Literal

from paperbench.errors import Location
from paperbench.judge.record import ClaimRecord, PaperRecord
from paperbench.report.markdown import escape, interval_cell, swapped, table, verdict_cell
from paperbench.report.numbers import Kinds, kinds_of
from paperbench.report.overview import counts_line
from paperbench.report.standing import Places, Standing, evidence, headline, sentence, standing
from paperbench.report.words import control_text, one_line, support_cell

MOST_ANNOTATIONS = 10  # of one kind, in one step
MOST_BYTES = 1024 * 1024  # of a step's page
_LEVELS: dict[Standing, Literal["error", "warning"]] = {
    "error": "error",
    "unexpected": "error",
    "undecided": "warning",
}
_ORDER: tuple[Standing, ...] = (
    "error",
    "unexpected",
    "undecided",
    "expected",
    "verified",
    "stale",
    "reading",
)
_HEADERS = ("paper", "claim", "verdict", "margin [interval]", "holds on", "control")
Judged = tuple[PaperRecord, ClaimRecord, Kinds]


def annotation_lines(papers: Sequence[PaperRecord], places: Places) -> Iterator[str]:
    """A command a claim that needs a look; where there are too many, the last one names the rest.

    places: with paths as the repository knows them. An error for what makes the exit code 1 or 3, a
    warning for what is undecided.
    """
    found = _judged(papers)
    for level in ("error", "warning"):
        chosen = [one for one in found if _LEVELS.get(standing(one[1])) == level]
        fits = len(chosen) <= MOST_ANNOTATIONS
        shown = chosen if fits else chosen[: MOST_ANNOTATIONS - 1]
        for paper, claim, kinds in shown:
            name = f"{paper.paper}/{claim.claim}"
            text = "\n".join([sentence(claim), *evidence(claim, kinds)])
            yield command(level, text, title=f"{name}: {headline(claim)}", at=places.get(name))
        if not fits:
            rest = [f"{paper.paper}/{claim.claim}" for paper, claim, _ in chosen[len(shown) :]]
            text = f"no room for {len(rest)} more: {', '.join(rest)}"
            yield command(level, text, title=f"{len(rest)} more claims need a look")


def command(
    level: Literal["error", "warning"], text: str, *, title: str, at: Location | None = None
) -> str:
    """One line that the runner takes for an annotation, whatever stands in the texts."""
    properties = {"title": one_line(title)}
    if at is not None:
        place = {"file": at.path.as_posix(), "line": str(at.line), "col": str(at.column)}
        properties = {**place, **properties}
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def step_summary(papers: Sequence[PaperRecord], *, room: int = MOST_BYTES) -> str | None:
    """The page of a job: what needs a look is open, the rest folded away.

    room: bytes it may take. What does not fit is left out from the end, the most urgent stands
    first, and the page says how many it left out; None when not even that fits.
    """
    found = _judged(papers)

    def too_long(shown: int) -> bool:
        return len(_page(papers, found, shown).encode()) > room

    if not too_long(len(found)):
        return _page(papers, found, len(found))
    # The first count that is too long, by halving: a page grows with every row.
    first = bisect_right(range(len(found)), 0, key=too_long)
    return _page(papers, found, first - 1) if first else None


def _page(papers: Sequence[PaperRecord], found: Sequence[Judged], shown: int) -> str:
    where = dict.fromkeys(f"{paper.tier}, {paper.device}" for paper in papers)
    rows = found[:shown]
    urgent = [one for one in rows if standing(one[1]) in _LEVELS]
    calm = rows[len(urgent) :]
    pairs = [(paper, claim) for paper, claim, _ in found]
    lines = [
        f"## paperbench: {'; '.join(where)}",
        "",
        f"**{counts_line(pairs, [False] * len(pairs))}**",
        "",
        *swapped(papers),
    ]
    if any(claim.exploratory for _, claim in pairs):
        lines += ["Exploratory: the seeds are not those of the claims' own looks.", ""]
    if urgent:
        lines += [*table(_HEADERS, [_row(*one) for one in urgent]), ""]
        lines += [
            f"- {escape(f'{paper.paper}/{claim.claim}')}: "
            + "; ".join(escape(text) for text in (claim.summary, claim.next_step) if text)
            for paper, claim, _ in urgent
        ]
        lines.append("")
    if calm:
        folded = f"{len(calm)} claim{'s' if len(calm) > 1 else ''} that need no look"
        lines += [f"<details><summary>{folded}</summary>", ""]
        lines += [*table(_HEADERS, [_row(*one) for one in calm]), "", "</details>", ""]
    if shown < len(found):
        lines += [f"No room for {len(found) - shown} of {len(found)} claims.", ""]
    return "\n".join(lines)


def _row(paper: PaperRecord, claim: ClaimRecord, kinds: Kinds) -> list[str]:
    return [
        escape(paper.paper),
        escape(claim.claim),
        verdict_cell(claim),
        "−" if claim.margin is None else interval_cell(claim, kinds),
        support_cell(claim),
        "−" if claim.verdict is None else control_text(claim),
    ]


def _judged(papers: Sequence[PaperRecord]) -> list[Judged]:
    """Every claim with its paper and its metrics' kinds, the most urgent first."""
    found = [
        (paper, claim, kinds)
        for paper, kinds in [(paper, kinds_of(paper)) for paper in papers]
        for claim in paper.claims
    ]
    return sorted(found, key=lambda one: _ORDER.index(standing(one[1])))
