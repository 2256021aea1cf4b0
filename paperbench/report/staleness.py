"""Whether a verdict still is one on today's claim and today's code. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # `validate` and `show` import this module and read no record
    from paperbench.judge.mutation_record import MutationRecord
    from paperbench.judge.record import ClaimRecord, PaperRecord


class Hashes(NamedTuple):
    """What a verdict must carry to be current: hashes of the claim, and of the code of its runs.

    looks: seeds at each of the claim's looks; None: take the record's word for them.
    """

    spec: str
    code: str
    looks: tuple[int, ...] | None = None


Current = Mapping[str, Hashes]  # by `<paper>/<claim>`


class Today(NamedTuple):
    """What mutation trials must rest on to count: today's claims, and mutations by full name."""

    claims: Current
    mutations: Mapping[str, str]  # SHA-256 of their source


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


def why_mutations_stale(record: MutationRecord, today: Today) -> str | None:
    """Why mutation trials do not count today, as a sentence without its end, or None."""
    from paperbench.judge.record import RULES

    if record.rules != RULES:
        return "The rules of judging have changed since"
    for claim in record.claims:
        hashes = today.claims.get(f"{record.paper}/{claim.claim}")
        if hashes is None or hashes[:2] != (claim.spec_sha256, claim.code_sha256):
            return f"The claim {claim.claim} or its code has changed since"
    tried = {mutation.name: mutation.sha256 for mutation in record.mutations}
    components = {name.partition(":")[0] for name in tried}
    now = {
        name: sha256
        for name, sha256 in today.mutations.items()
        if name.partition(":")[0] in components or name.partition("/")[0] == record.paper
    }
    changed = sorted({*tried, *now} - {name for name in now if tried.get(name) == now[name]})
    if not changed:
        return None
    return f"The mutation {changed[0]} was added, removed or changed since"


def _seeds_of_a_look(claim: ClaimRecord, looks: Sequence[int]) -> bool:
    """Whether the seeds are 0, 1, 2, ... up to the look that decided, as a verdict's must be."""
    if claim.exploratory or not 1 <= claim.look <= len(looks):
        return False
    judged = claim.margin is None or claim.kind == "timing" or claim.margin.n == len(claim.seeds)
    return judged and claim.seeds == list(range(looks[claim.look - 1]))


def _listing(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"
