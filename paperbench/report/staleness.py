"""Whether a verdict still is one on today's claim and today's code. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # `validate` and `show` import this module and read no record
    from paperbench.judge.record import ClaimRecord, PaperRecord


class Hashes(NamedTuple):
    """What a verdict must carry to be current: hashes of the claim, and of the code of its runs.

    looks: seeds at each of the claim's looks; None: take the record's word for them.
    """

    spec: str
    code: str
    looks: tuple[int, ...] | None = None


Current = Mapping[str, Hashes]  # by `<paper>/<claim>`


def is_stale(paper: PaperRecord, claim: ClaimRecord, current: Current | None) -> bool:
    """Whether a stored verdict does not count today. current: None: not known."""
    return why_stale(paper, claim, current) is not None


def why_stale(paper: PaperRecord, claim: ClaimRecord, current: Current | None) -> str | None:
    """Why a stored verdict does not count today, as a sentence without its end, or None.

    The claim, the code behind it or the rules of judging have changed, or the seeds are not those
    that the claim's looks ask for: nobody may choose them, whatever a results file says.
    """
    from paperbench.judge.record import RULES

    if claim.verdict is not None and claim.rules != RULES:
        return "The rules of judging have changed since"
    looks: Sequence[int] = claim.looks
    if current is not None:
        today = current.get(f"{paper.paper}/{claim.claim}")
        if today is None or today[:2] != (claim.spec_sha256, claim.code_sha256):
            return "The claim or its code has changed since"
        looks = looks if today.looks is None else today.looks
    if claim.verdict is None or _seeds_of_a_look(claim, looks):
        return None
    return (
        f"It rests on the seeds {_listing(claim.seeds)}, which are not the first of the claim's "
        f"looks ({_listing(looks)})"
    )


def _seeds_of_a_look(claim: ClaimRecord, looks: Sequence[int]) -> bool:
    """Whether the seeds are 0, 1, 2, ... up to the look that decided, as a verdict's must be."""
    if claim.exploratory or not 1 <= claim.look <= len(looks):
        return False
    judged = claim.margin is None or claim.kind == "timing" or claim.margin.n == len(claim.seeds)
    return judged and claim.seeds == list(range(looks[claim.look - 1]))


def _listing(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"
