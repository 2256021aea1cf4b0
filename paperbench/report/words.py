"""What a verdict, an expectation and a control are called, the same in every projection."""

from __future__ import annotations

import math
import unicodedata

from paperbench.judge.numbers import decimals_of, format_half_width, format_margin, format_number
from paperbench.judge.outcome import Outcome, outcome
from paperbench.judge.record import ClaimRecord, Control, PaperRecord, Part, Support
from paperbench.report.numbers import deciding_part, holds_on, widths_from_zero

STYLES = {
    "PASS": "green",
    "FAIL": "red",
    "INCONCLUSIVE": "yellow",
    "VACUOUS": "magenta",
    "ERROR": "red",
    "reading": "dim",
}


def one_line(text: str) -> str:
    """Text on one line, without what a terminal would act on."""
    spaced = " ".join(text.split())
    if spaced.isprintable():  # then there is nothing of the sort in it
        return spaced
    kept = (c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return " ".join("".join(kept).split())  # what stood between two spaces is gone


def outcome_of(claim: ClaimRecord) -> Outcome:
    """What follows from a record; a reading is always as expected."""
    return "as expected" if claim.verdict is None else outcome(claim.verdict, claim.expected)


def verdict_word(claim: ClaimRecord) -> str:
    """The verdict; `reading` for what carries none."""
    return claim.verdict or "reading"


def marked_verdict(claim: ClaimRecord, *, stale: bool = False) -> str:
    """The verdict in one cell: `FAIL (expected)`, `PASS !` when unexpected, `PASS stale`."""
    word = verdict_word(claim)
    if outcome_of(claim) in ("unexpected", "error"):
        word += " !"
    elif claim.expected != "PASS" and claim.verdict == claim.expected:
        word += " (expected)"
    return f"{word} stale" if stale else word


def expectation(claim: ClaimRecord) -> str | None:
    """What was expected when it was not a PASS, or was not met: `expected fail: <reason>`."""
    if claim.verdict is None:
        return None
    reason = f": {one_line(claim.reason)}" if claim.reason else ""
    if claim.as_expected:
        return None if claim.expected == "PASS" else f"expected {claim.expected.lower()}{reason}"
    if claim.expected == "PASS":
        return f"not as expected: {one_line(claim.summary)}"
    return f"not as expected ({claim.expected.lower()}{reason}): {one_line(claim.summary)}"


def control_state(claim: ClaimRecord) -> str:
    """What the control says: `does not pass ✓`, `passes too ✗`, `too close to tell`, ..."""
    control = claim.control
    if control is None:
        return "none"
    if control.verdict == "NOT RUN":
        return "not run"
    exact = claim.kind == "exact"
    if claim.verdict == "PASS":
        return "caught ✓" if exact else "does not pass ✓"
    if control.verdict == "PASS":
        return "passes too ✗"
    if exact:
        return "not caught ✗" if claim.verdict == "VACUOUS" else "caught"
    return "too close to tell" if claim.verdict == "INCONCLUSIVE" else "does not pass"


def control_part(control: Control | None) -> Part | None:
    """The part of the check that the control does worst at; None where none was judged."""
    parts = control.parts if control else []
    return min(parts, key=lambda part: widths_from_zero(part.margin), default=None)


def is_elsewhere(claim: ClaimRecord) -> bool:
    """Whether the control does worst at another part than the claim: their margins do not compare.

    The weakest part of a claim need not be the one that its mechanism is needed for.
    """
    part = control_part(claim.control)
    return part is not None and part.check != deciding_part(claim)


def control_text(claim: ClaimRecord, *, half: bool = False) -> str:
    """`−5.30 does not pass ✓`; with `half` of its interval `−5.30 ± 0.12 does not pass ✓`.

    `−5.30 (another part) does not pass ✓` where it is not the claim's weakest part.
    """
    part, state = control_part(claim.control), control_state(claim)
    if part is None:
        return state
    mean = format_number(part.margin.mean, decimals_of(part.margin), signed=True)
    told = format_half_width(part.margin) if half else mean
    return f"{told} {'(another part) ' if is_elsewhere(claim) else ''}{state}"


def difference_part(claim: ClaimRecord) -> str | None:
    """The part whose margins, minus the control's, are the difference; None where there is none.

    It is the one that the claim and its control differ most clearly at.
    """
    control = claim.control
    if control is None or control.difference is None:
        return None
    controlled = {part.check: part.margin.values for part in control.parts}
    for part in claim.parts:
        values = controlled.get(part.check, [])
        if len(part.margin.values) == len(values) and control.difference.values == [
            own - other for own, other in zip(part.margin.values, values, strict=True)
        ]:
            return part.check
    return None


def difference_text(claim: ClaimRecord) -> str | None:
    """`+0.24 [+0.05, +0.44]`, and of which part where there are several; None without one."""
    if claim.control is None or claim.control.difference is None:
        return None
    part = difference_part(claim) if len(claim.parts) > 1 else None
    return format_margin(claim.control.difference) + (f" at `{part}`" if part else "")


def control_sort(control: Control) -> str:
    """What the control takes away, and how: `mechanism off: fox: gate=open`."""
    sort = "mechanism off" if control.kind == "ablate" else "structure destroyed"
    changed = "; ".join(
        f"{arm}: " + ", ".join(f"{name}={value}" for name, value in new.items())
        for arm, new in control.overrides.items()
    )
    return f"{sort}{': ' + changed if changed else ''}"


def support_cell(claim: ClaimRecord) -> str:
    """`7/8`: the whole check holds on 7 of 8 seeds (for timing: repeats)."""
    if claim.support is not None:
        return f"{claim.support.holds}/{claim.support.n}"
    if claim.margin is None:
        return "−"
    by_part = [holds_on(part.check, part.margin.values) for part in claim.parts]
    if any(len(held) != claim.margin.n for held in by_part) or not by_part:
        return f"−/{claim.margin.n}"
    return f"{sum(map(all, zip(*by_part, strict=True)))}/{claim.margin.n}"


def support_text(support: Support, kind: str) -> str:
    """What the count says, whatever the distribution of the margins: the bound on its side."""
    unit = "repeats" if kind == "timing" else "seeds"
    if 2 * support.holds >= support.n:
        bound = f"at least {math.floor(100 * support.low)}"
    else:
        bound = f"at most {math.ceil(100 * support.high)}"
    return (
        f"holds on {support.holds} of {support.n} {unit}, so on {bound} % of all "
        f"({100 * support.level:g} % sure, whatever their distribution)"
    )


def swapped_text(paper: PaperRecord) -> str:
    """Whose parts the verdicts are about: `With mine.py:Mine in the place of dropout/mask: ...`."""
    named = ", ".join(f"{part} in the place of {name}" for name, part in paper.parts.items())
    return one_line(f"With {named}: no verdict on the paper.")


def guards_text(claim: ClaimRecord) -> str:
    """Names of the guards that tripped, for one cell."""
    return ", ".join(guard.name for guard in claim.guards if not guard.ok)
