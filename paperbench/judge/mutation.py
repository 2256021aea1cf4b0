"""A claim tried on a mutation of the paper's model: does it notice?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paperbench.judge.assess import Assessment, assess, weakest
from paperbench.judge.control import judge_control, margin_text
from paperbench.judge.decide import looked_at
from paperbench.judge.guards import all_numbers, same_numbers
from paperbench.judge.looks import Look
from paperbench.judge.mutation_record import Fate
from paperbench.judge.numbers import decimals_of, format_number
from paperbench.judge.record import Margin
from paperbench.judge.samples import Runs, first_seeds, samples_of, trouble_in
from paperbench.registry import ExperimentInfo
from paperbench.spec.model import Claim


@dataclass(frozen=True)
class Finding:
    """What one look says of a mutation. fate None: the next look decides."""

    fate: Fate | None
    detail: str
    margin: Margin | None = None
    difference: Margin | None = None


def judge_mutation(
    claim: Claim, info: ExperimentInfo, own: Runs, mutated: Runs, look: Look
) -> Finding:
    """Judge a claim that passes, with the mutation in its arms, as its control is judged.

    own, mutated: runs by arm, of the same seeds. The control is not judged again: the paper's own
    is known not to pass.
    """
    check = claim.parsed_check()
    own, mutated = first_seeds(own, check, look.n), first_seeds(mutated, check, look.n)
    ended = _ended_badly(mutated)
    if ended is not None:
        return ended
    if all(all_numbers(info, own[arm]) == all_numbers(info, mutated[arm]) for arm in own):
        return Finding("did not apply", "it changed no number")
    if same_numbers(info, own, mutated, check):
        return Finding("unseen", "it changed no number that the check looks at")
    trouble = trouble_in(mutated, check, claim.kind, role="mutated")
    if trouble:
        return Finding("error", trouble)
    assessed = assess(check, claim.kind, samples_of(own, check, claim.kind), look)
    tried = assess(check, claim.kind, samples_of(mutated, check, claim.kind), look)
    margin = weakest(tried).margin
    guards = looked_at(claim, info, check, mutated, tried)
    diverged = next((g for g in guards if g.name == "divergence" and not g.ok), None)
    if diverged is not None:
        return Finding("killed", f"by the divergence guard: {diverged.detail}", margin)
    if claim.kind == "exact":
        return _of_exact(tried, margin)
    found = judge_control(claim, check, assessed, mutated, look)
    difference = found.record.difference
    if found.result == "separated":
        return Finding("killed", f"by the check: {margin_text(tried)}", margin, difference)
    if found.result == "survived":
        tripped = next((g for g in guards if not g.ok), None)
        if tripped is not None:
            return Finding("killed", f"by the {tripped.name} guard: {tripped.detail}", margin)
        return Finding("survived", f"the claim still holds: {margin_text(tried)}", margin)
    if look.last:
        detail = f"too close to tell after {look.n} seeds: {margin_text(tried)}"
        return Finding("survived", detail, margin, difference)
    return Finding(None, f"too close to tell after {look.n} seeds", margin, difference)


def _ended_badly(mutated: Runs) -> Finding | None:
    """A mutation that makes training diverge is caught; one that crashes is no mutation."""
    for arm, by_seed in mutated.items():
        for seed, run in enumerate(by_seed):
            if run.status == "diverged":
                return Finding("killed", f"arm `{arm}`, seed {seed} diverged: {run.error}")
            if run.status != "done":
                last = (run.error.strip().splitlines() or [""])[-1]
                return Finding("error", f"arm `{arm}`, seed {seed} {run.status}: {last}")
    return None


def _of_exact(tried: Sequence[Assessment], margin: Margin) -> Finding:
    if any(each.state == "fails" for each in tried):
        worst = format_number(margin.low, decimals_of(margin), signed=True)
        return Finding("killed", f"by the check: the worst margin is {worst}", margin)
    return Finding("survived", f"the claim still holds: {margin_text(tried)}", margin)
