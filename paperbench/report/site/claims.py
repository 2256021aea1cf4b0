"""What a page says of one claim: its verdict in a chip, and the evidence at each place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from paperbench.judge.mutation_record import MutationRecord
from paperbench.judge.numbers import format_margin
from paperbench.judge.record import ClaimRecord, PaperRecord, Part
from paperbench.report.explain import method
from paperbench.report.holm import Family
from paperbench.report.mutations import claim_line
from paperbench.report.numbers import Kinds, supporting, unit_of
from paperbench.report.origin import origin_parts
from paperbench.report.site.content import Place
from paperbench.report.site.forest import forest_row
from paperbench.report.site.seeds import SeedTable, arm_drawings, margin_drawing, seed_table
from paperbench.report.words import (
    control_sort,
    control_state,
    difference_text,
    expectation,
    one_line,
    outcome_of,
    support_text,
    verdict_word,
)

GLYPHS = {"PASS": "✓", "FAIL": "✗", "INCONCLUSIVE": "?", "VACUOUS": "∅", "ERROR": "!"}
OUTCOMES = {
    "as expected": "as expected",
    "unexpected": "not as expected",
    "inconclusive": "undecided",
    "error": "errored",
}


NO_VERDICT = "no verdict yet"


def anchor(name: str) -> str:
    """A claim's name as an id; claim files allow only names that are one already."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name)


@dataclass(frozen=True)
class Chip:
    """A verdict to be seen: a word, a sign, a class for its colour, and what to add to it."""

    word: str
    glyph: str
    css: str
    note: str

    @classmethod
    def of(cls, claim: ClaimRecord, *, stale: bool) -> Chip:
        """The chip of a record."""
        word, outcome = verdict_word(claim), outcome_of(claim)
        note = "expected" if claim.expected != "PASS" and outcome == "as expected" else ""
        if outcome in ("unexpected", "inconclusive"):
            note = f"{claim.expected.lower()} expected"
        if claim.verdict is None:
            note = ""
        css = f"{word.lower()}{' stale' if stale else ''}"
        return cls(word, GLYPHS.get(word, "–"), css, "stale" if stale else note)

    @classmethod
    def none(cls) -> Chip:
        """The chip of a claim that was not judged yet."""
        return cls(NO_VERDICT, "–", "unjudged", "")


@dataclass(frozen=True)
class PartView:
    """One comparison of the check, with its numbers. arms: (caption, drawing, key)."""

    check: str
    margin: str
    method: str
    count: str
    arms: Sequence[tuple[str, str, Sequence[tuple[str, str]]]]
    margins: str | None
    table: SeedTable


@dataclass(frozen=True)
class ControlView:
    """What the control changed and what came of it. parts: (check, margin) as text."""

    sort: str
    state: str
    detail: str
    parts: Sequence[tuple[str, str]]
    difference: str


@dataclass(frozen=True)
class Evidence:
    """A claim's verdict at one place. facts: (label, text) of what was counted and computed.

    check: that was judged, which today's need not be.
    """

    place: Place
    claim: ClaimRecord
    check: str
    chip: Chip
    stale: str | None
    forest: str
    expectation: str | None
    parts: Sequence[PartView]
    control: ControlView | None
    facts: Sequence[tuple[str, str]]


def evidence(
    record: PaperRecord,
    claim: ClaimRecord,
    kinds: Kinds,
    *,
    stale: str | None,
    family: Family | None,
    mutations: MutationRecord | None,
) -> Evidence:
    """Everything that one verdict rests on. stale: why it does not count today."""
    return Evidence(
        place=Place.of(record),
        claim=claim,
        check=one_line(claim.check or ""),
        chip=Chip.of(claim, stale=stale is not None),
        stale=stale,
        forest=forest_row(claim),
        expectation=expectation(claim),
        parts=[_part(claim, part, kinds) for part in claim.parts],
        control=_control(claim, kinds),
        facts=list(_facts(claim, family, mutations)),
    )


def _part(claim: ClaimRecord, part: Part, kinds: Kinds) -> PartView:
    unit = unit_of(claim, part.check, kinds)
    repeats = "repeats" if claim.kind == "timing" else "seeds"
    held = supporting(part.check, part.margin.values)
    return PartView(
        check=part.check,
        margin=format_margin(part.margin, unit),
        method=method(claim, part.margin),
        count=f"{held} of {part.margin.n} {repeats} support it",
        arms=arm_drawings(claim, part),
        margins=margin_drawing(claim, part, unit),
        table=seed_table(claim, part),
    )


def _control(claim: ClaimRecord, kinds: Kinds) -> ControlView | None:
    control = claim.control
    if control is None:
        return None
    state = control_state(claim)
    return ControlView(
        sort=control_sort(control),
        state=state,
        # Where it is caught the detail only repeats the margins that follow.
        detail="" if "✓" in state else one_line(control.detail),
        parts=[
            (part.check, format_margin(part.margin, unit_of(claim, part.check, kinds)))
            for part in control.parts
        ],
        difference=difference_text(claim) or "",
    )


def _facts(
    claim: ClaimRecord, family: Family | None, mutations: MutationRecord | None
) -> list[tuple[str, str]]:
    facts = []
    if claim.support is not None:
        facts.append(("support", support_text(claim.support, claim.kind)))
    if claim.p_value is not None:
        facts.append(("p-value", f"{claim.p_value:.2g}, one-sided, over all looks so far"))
    if family is not None and claim.claim in family.adjusted:
        adjusted = f"{family.adjusted[claim.claim]:.2g} over {len(family.adjusted)} claims"
        held = {"✓": "; this PASS holds among them", "✗": "; this PASS does not hold among them"}
        facts.append(("Holm", adjusted + held.get(family.mark(claim), "")))
    facts += [("warning", one_line(warning)) for warning in claim.warnings]
    caught = claim_line(mutations, claim.claim) if mutations else None
    if caught:
        facts.append(("mutations", caught))
    if claim.seconds:
        told = ", ".join(
            f"{arm} {seconds:.0f} s" if seconds >= 1 else f"{arm} under 1 s"
            for arm, seconds in claim.seconds.items()
        )
        facts.append(("training", told))
    made = " · ".join(origin_parts(claim.environment))
    return facts + ([("made by", made)] if made else [])
