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
    """Whether the claim or the code behind it has changed. current: None: not known."""
    return current is not None and current.get(f"{paper.paper}/{claim.claim}") != Hashes(
        claim.spec_sha256, claim.code_sha256
    )
