"""Whether a verdict still is one on today's claim and today's code. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # `validate` and `show` import this module and read no record
    from paperbench.judge.record import ClaimRecord, PaperRecord


class Hashes(NamedTuple):
    """What a verdict must carry to be current: hashes of the claim, and of the code of its runs."""

    spec: str
    code: str


Current = Mapping[str, Hashes]  # by `<paper>/<claim>`


def is_stale(paper: PaperRecord, claim: ClaimRecord, current: Current | None) -> bool:
    """Whether the claim, the code behind it or the rules of judging have changed.

    current: None: not known, but older rules are. A reading was not judged.
    """
    from paperbench.judge.record import RULES

    if claim.verdict is not None and claim.rules != RULES:
        return True
    return current is not None and current.get(f"{paper.paper}/{claim.claim}") != Hashes(
        claim.spec_sha256, claim.code_sha256
    )
