"""Holm's correction over the claims of one record: which PASS verdicts hold together.

It stands beside the plain verdicts and changes none. Computed when a table is made, because the
family is whatever the record holds. Imports nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass

from paperbench.judge.record import ClaimRecord, PaperRecord

FAMILY_ALPHA = 0.025  # one-sided: of any false PASS among the claims


@dataclass(frozen=True)
class Family:
    """Every statistical claim of a record. adjusted: Holm's p-values, by claim."""

    adjusted: dict[str, float]
    passed: list[str]
    lost: list[str]

    def mark(self, claim: ClaimRecord) -> str:
        """`✓` for a PASS that holds in the family, `✗` for one that does not, else `−`."""
        if claim.verdict != "PASS" or claim.claim not in self.adjusted:
            return "−"
        return "✗" if claim.claim in self.lost else "✓"

    def line(self) -> str:
        """`Holm over 7 claims at 2.5 %: 5 of 6 PASS hold; not: x`."""
        held = len(self.passed) - len(self.lost)
        lost = f"; not: {', '.join(self.lost)}" if self.lost else ""
        return (
            f"Holm over {len(self.adjusted)} claims at {100 * FAMILY_ALPHA:g} %: "
            f"{held} of {len(self.passed)} PASS hold{lost}"
        )


def family_of(paper: PaperRecord) -> Family | None:
    """The family of a record; None where there is nothing to correct, or a p-value is missing.

    A claim that errored counts with a p-value of 1: it was asked.
    """
    asked = [claim for claim in paper.claims if claim.kind not in ("exact", "reading")]
    passed = [claim.claim for claim in asked if claim.verdict == "PASS"]
    if len(asked) < 2 or not passed:
        return None
    if any(claim.p_value is None and claim.verdict != "ERROR" for claim in asked):
        return None  # judged under rules that stored none
    adjusted = holm({c.claim: 1.0 if c.p_value is None else c.p_value for c in asked})
    return Family(adjusted, passed, [name for name in passed if adjusted[name] > FAMILY_ALPHA])


def holm(p_values: dict[str, float]) -> dict[str, float]:
    """Adjusted p-values by name (Holm 1979): each at most alpha for those that hold at alpha."""
    adjusted, largest = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, (len(p_values) - rank) * p_values[name])
        adjusted[name] = min(1.0, largest)
    return {name: adjusted[name] for name in p_values}
