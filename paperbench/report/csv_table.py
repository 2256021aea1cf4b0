"""The verdicts as CSV: one row a claim. Every number reads back as the very same one.

Imports pandas only when a table is written.
"""

from __future__ import annotations

import math
import re

from paperbench.judge.record import ClaimRecord, Margin, PaperRecord
from paperbench.report.holm import Family, family_of
from paperbench.report.numbers import deciding_part
from paperbench.report.staleness import Current, is_stale
from paperbench.report.words import control_part, control_state, difference_part, one_line

# What spreadsheets take for the start of a formula, full-width forms included. Some look past
# white space and quotation marks first.
_FORMULA = re.compile(r"[\s'\"`\u2018\u2019\u201c\u201d\uff02\uff07]*[=+\-@\t\r＝＋－＠]")
Cell = str | float | None  # True, 3 and 0.1 are written as Python writes them


def paper_csv(record: PaperRecord, current: Current | None = None) -> str:
    """The rows of one record as CSV text with a header.

    current: the hashes of today's claims, to mark stale verdicts.

    A text cell that a spreadsheet would run as a formula starts with an apostrophe. Numbers stay
    numbers, with every digit; what is absent is empty, and a number that is none is `nan`. pandas
    reads the same numbers back; before its version 3 with `float_precision="round_trip"`.
    """
    import pandas as pd

    family = family_of(record)
    rows = [
        {**_row(record, claim, family), "stale": is_stale(record, claim, current)}
        for claim in record.claims
    ]
    # As objects: a column of whole numbers with a gap in it stays one, and no digit is rounded.
    frame = pd.DataFrame(
        [[_said(row[name]) for name in COLUMNS] for row in rows], columns=COLUMNS, dtype=object
    )
    return str(frame.to_csv(index=False, lineterminator="\n"))


def _said(cell: Cell) -> Cell:
    """Pandas leaves a number that is none empty, as it does what is absent."""
    return "nan" if isinstance(cell, float) and math.isnan(cell) else cell


COLUMNS = [
    "paper",
    "tier",
    "device",
    "claim",
    "kind",
    "verdict",
    "expected",
    "as_expected",
    "stale",
    "part",
    "margin",
    "low",
    "high",
    "alpha",
    "n",
    "holds_on",
    "holds_at_least",
    "holds_at_most",
    "p_value",
    "p_holm",
    "holm",
    "warnings",
    "control",
    "control_part",
    "control_margin",
    "difference_part",
    "difference",
    "difference_low",
    "difference_high",
    "guards_tripped",
    "check",
    "statement",
    "reported",
    "source",
    "summary",
    "spec_sha256",
    "parts",
]


def safe_cell(text: str | None) -> str | None:
    """One line of text that no spreadsheet takes for a formula; None where there is none."""
    if not text:
        return None
    line = one_line(text)
    return f"'{line}" if _FORMULA.match(text) or _FORMULA.match(line) else line


def _row(record: PaperRecord, claim: ClaimRecord, family: Family | None) -> dict[str, Cell]:
    control = claim.control
    difference = control.difference if control else None
    held = control_part(control)
    texts = {
        "paper": record.paper,
        "tier": record.tier,
        "device": record.device,
        "parts": ", ".join(f"{name}={part}" for name, part in record.parts.items()),
        "claim": claim.claim,
        "kind": claim.kind,
        "verdict": claim.verdict,
        "expected": claim.expected,
        "control": control_state(claim),
        "check": claim.check,
        "part": deciding_part(claim) if claim.margin else None,
        "control_part": held.check if held else None,
        "difference_part": difference_part(claim),
        "statement": claim.statement,
        "reported": claim.reported,
        "source": claim.source,
        "summary": claim.summary,
        "spec_sha256": claim.spec_sha256,
        "holm": {"✓": "holds", "✗": "does not hold"}.get(family.mark(claim) if family else ""),
        "warnings": "; ".join(claim.warnings),
        "guards_tripped": ", ".join(g.name for g in claim.guards if not g.ok),
    }
    return {
        **{name: safe_cell(text) for name, text in texts.items()},
        "as_expected": claim.as_expected,
        **_numbers(claim.margin),
        "holds_on": claim.support.holds if claim.support else None,
        "holds_at_least": claim.support.low if claim.support else None,
        "holds_at_most": claim.support.high if claim.support else None,
        "p_value": claim.p_value,
        "p_holm": family.adjusted.get(claim.claim) if family else None,
        "control_margin": held.margin.mean if held else None,
        "difference": difference.mean if difference else None,
        "difference_low": difference.low if difference else None,
        "difference_high": difference.high if difference else None,
    }


def _numbers(margin: Margin | None) -> dict[str, Cell]:
    if margin is None:
        return dict.fromkeys(("margin", "low", "high", "alpha", "n"))
    return {
        "margin": margin.mean,
        "low": margin.low,
        "high": margin.high,
        "alpha": margin.alpha,
        "n": margin.n,
    }
