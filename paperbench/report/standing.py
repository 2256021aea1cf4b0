"""How a verdict stands before a gate, and what it rests on in a few lines of plain text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from paperbench.errors import Location
from paperbench.judge.record import ClaimRecord, PaperRecord
from paperbench.report.numbers import Kinds, decisive_margin
from paperbench.report.words import control_text, one_line, outcome_of, support_cell, verdict_word

# verified: a PASS that was expected. expected: a FAIL or INCONCLUSIVE that was. undecided: no
# decision where one was expected. unexpected: any other verdict, VACUOUS among them.
Standing = Literal["verified", "expected", "undecided", "unexpected", "error", "stale", "reading"]
Places = Mapping[str, Location]  # `<paper>/<claim>` -> where the claim is written
WhyStale = Callable[[PaperRecord, ClaimRecord], str | None]  # None: the verdict counts


def just_judged(paper: PaperRecord, claim: ClaimRecord) -> str | None:
    """The WhyStale of verdicts that were reached a moment ago: none is stale."""
    return None


def standing(claim: ClaimRecord, *, stale: bool = False) -> Standing:
    """Sort a verdict by what follows from it. stale: whether it does not count today."""
    if claim.verdict is None:
        return "reading"
    if stale:
        return "stale"
    found = outcome_of(claim)
    if found == "as expected":
        return "verified" if claim.verdict == "PASS" else "expected"
    return "undecided" if found == "inconclusive" else found


def headline(claim: ClaimRecord) -> str:
    """`FAIL (PASS expected)`."""
    expected = "" if claim.as_expected else f" ({claim.expected} expected)"
    return f"{verdict_word(claim)}{expected}"


def sentence(claim: ClaimRecord) -> str:
    """`FAIL (PASS expected): <why>`, in one line."""
    return f"{headline(claim)}: {one_line(claim.summary)}"


def evidence(claim: ClaimRecord, kinds: Kinds) -> list[str]:
    """What the verdict rests on, a fact a line: check, margin, control, tripped guards, next."""
    facts = [("check", claim.check)]
    if claim.margin is not None:
        unit = "repeats" if claim.kind == "timing" else "seeds"
        facts.append(
            (
                "margin",
                f"{decisive_margin(claim, kinds)}, n = {claim.margin.n}, "
                f"holds on {support_cell(claim)} {unit}",
            )
        )
    if claim.verdict is not None:
        facts.append(("control", control_text(claim)))
    facts += [("guard", f"{guard.name}: {guard.detail}") for guard in claim.guards if not guard.ok]
    facts += [("reason", claim.reason), ("next", claim.next_step)]
    return [f"{name:<8} {one_line(text)}" for name, text in facts if text]
