"""Whether a verdict is the one that the claim's author predicted. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from paperbench.judge.record import Verdict

Expected = Literal["PASS", "FAIL", "INCONCLUSIVE"]
Outcome = Literal["as expected", "inconclusive", "unexpected", "error"]


def outcome(verdict: Verdict, expected: Expected) -> Outcome:
    """Sort a verdict by what follows from it.

    `inconclusive` (no decision where one was expected) fails only on request; `unexpected` always
    fails, and so does VACUOUS, which nobody may expect; `error` says nothing about the claim.
    """
    if verdict == "ERROR":
        return "error"
    if verdict == expected:
        return "as expected"
    return "inconclusive" if verdict == "INCONCLUSIVE" else "unexpected"


def as_expected(verdict: Verdict, expected: Expected) -> bool:
    """Return whether the verdict is exactly the expected one."""
    return outcome(verdict, expected) == "as expected"
