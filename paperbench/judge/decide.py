"""From finished runs to a verdict, one look at a time.

The caller runs the arms for the look's seeds and calls `judge`. As long as the answer needs an
anchor or a control it runs those at the same seeds and calls again; needs `seeds`: the next look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from paperbench.judge import guards as guard
from paperbench.judge.assess import MIN_REPEATS, Assessment, assess, weakest
from paperbench.judge.control import ControlFinding, judge_control, margin_text
from paperbench.judge.control_guards import tripped_by_control
from paperbench.judge.looks import Look, looks_of
from paperbench.judge.numbers import decimals_of, format_margin, format_number
from paperbench.judge.outcome import as_expected, outcome
from paperbench.judge.record import Control, Guard, Margin, Part, Verdict
from paperbench.judge.samples import Runs, first_seeds, samples_of, trouble_in
from paperbench.judge.statistics import MAX_SEEDS
from paperbench.ledger import FinishedRun
from paperbench.registry import ExperimentInfo
from paperbench.spec.check import Check, parse_check
from paperbench.spec.model import Claim

__all__ = ["Evidence", "Judgement", "Look", "as_expected", "judge", "looks_of", "outcome"]

Need = Literal["nothing", "anchor", "control", "seeds"]

_MEND: dict[str, str] = {
    "chance": "train longer or on data with more to learn, or exempt the arm and say why",
    "anchor": "mend the arm that loses: it cannot do the easy instance either",
    "ceiling": "make the task harder, until the arms have room to differ",
    "budget": "give the arms the same budget, or say under `budget:` why they may differ",
    "identical": "find out why the parameters that differ change nothing",
    "divergence": "look at the curves: lower the learning rate, or check the loss",
    "seeds": "draw what is random from `run.generator` or `run.rng`; or, where nothing is random, "
    "say `kind: exact`",
}
_OF_EVERY_VERDICT = ("divergence", "seeds")  # without them neither PASS nor FAIL means anything


@dataclass(frozen=True)
class Evidence:
    """Finished runs by arm of the check, each in the order of seeds, all the same number.

    control: the same arms with the control's overrides; anchor: the anchor arm's runs. None, or
    fewer seeds than the look has: not run yet.
    """

    arms: Mapping[str, Sequence[FinishedRun]]
    control: Mapping[str, Sequence[FinishedRun]] | None = None
    anchor: Sequence[FinishedRun] | None = None


@dataclass(frozen=True)
class Judgement:
    """What one look says. verdict: None while undecided; needs: what must be run before the next.

    summary: one sentence that says why. margin: the weakest part's. guards: those that were
    looked at, whatever the verdict. control: None when it was not needed. p: one-sided, at this
    look alone, of all that a PASS would rest on so far.
    """

    verdict: Verdict | None
    needs: Need
    summary: str
    next_step: str | None = None
    margin: Margin | None = None
    parts: list[Part] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    control: Control | None = None
    p: float = 1.0


@dataclass(frozen=True)
class _Case:
    """One claim at one look, with its arms' runs cut to the look's seeds."""

    claim: Claim
    info: ExperimentInfo
    check: Check
    runs: Runs
    look: Look
    assessed: list[Assessment]
    guards: list[Guard]

    def conclude(
        self,
        verdict: Verdict | None,
        summary: str,
        next_step: str | None = None,
        *,
        needs: Need = "nothing",
        control: Control | None = None,
        p_control: float = 0.0,
    ) -> Judgement:
        parts = [Part(check=each.comparison.text, margin=each.margin) for each in self.assessed]
        return Judgement(
            verdict,
            needs,
            summary,
            next_step,
            weakest(self.assessed).margin,
            parts,
            self.guards,
            control,
            max(p_control, *(each.p for each in self.assessed)),
        )

    def vacuous(self, tripped: Guard, control: Control | None = None) -> Judgement:
        holds = "the check" if tripped.name in _OF_EVERY_VERDICT else "the check holds and"
        return self.conclude(
            "VACUOUS",
            f"{holds} means nothing, says the {tripped.name} guard: {tripped.detail}",
            _MEND[tripped.name],
            control=control,
        )

    @property
    def sample(self) -> str:
        n = self.assessed[0].margin.n
        unit = "repeat" if self.claim.kind == "timing" else "seed"
        return f"{n} {unit}{'s' if n != 1 else ''}"


def judge(claim: Claim, info: ExperimentInfo, evidence: Evidence, look: Look) -> Judgement:
    """Judge a claim at one look.

    Raises ValueError when an arm has fewer runs than the look, and SpecError for a check that its
    kind cannot judge; what a run may do wrong is a verdict, never an exception.
    """
    check = claim.parsed_check()
    runs = first_seeds(evidence.arms, check, look.n)
    trouble = trouble_in(runs, check, claim.kind)
    if trouble:
        return _error(trouble)
    assessed = assess(check, claim.kind, samples_of(runs, check, claim.kind), look)
    guards = looked_at(claim, info, check, runs, assessed)
    case = _Case(claim, info, check, runs, look, assessed, guards)
    void = next((g for g in case.guards if g.name in _OF_EVERY_VERDICT and not g.ok), None)
    # A few seeds may tie by chance; what has no spread is undecided until the last look anyway.
    if void and (look.last or void.name == "divergence"):
        return case.vacuous(void)
    failed = [each for each in assessed if each.state == "fails"]
    if failed:
        return case.conclude("FAIL", _refuted(case, failed))
    undecided = [each for each in assessed if each.state == "open"]
    if undecided:
        return _undecided(case, undecided)
    return _candidate(case, evidence)


def _candidate(case: _Case, evidence: Evidence) -> Judgement:
    """Every part holds: whether that means anything."""
    tripped = next((g for g in case.guards if not g.ok), None)
    if tripped:
        return case.vacuous(tripped)
    if case.claim.anchor is not None:
        stated, anchor_runs = case.claim.anchor, evidence.anchor
        if anchor_runs is None or len(anchor_runs) < case.look.n:
            return case.conclude(
                None, f"the check holds over {case.sample}; the anchor is next", needs="anchor"
            )
        easier = {stated.arm: anchor_runs[: case.look.n]}
        trouble = trouble_in(easier, parse_check(stated.check), case.claim.kind, role="anchor")
        if trouble:
            return _error(trouble, case)
        anchor = guard.anchor(stated, easier, case.claim.kind)
        case = replace(case, guards=[*case.guards, anchor])
        if not anchor.ok:
            return case.vacuous(anchor)
    return _against_control(case, evidence)


def _against_control(case: _Case, evidence: Evidence) -> Judgement:
    claim, check = case.claim, case.check
    if not claim.control:
        return case.conclude(
            "VACUOUS",
            "the claim has no control, so nothing shows that the "
            "mechanism is what makes the check hold",
            "write a `control:` that switches the mechanism off",
        )
    if evidence.control is None or any(
        len(evidence.control.get(arm, ())) < case.look.n for arm in check.arms()
    ):
        return case.conclude(
            None, f"the check holds over {case.sample}; the control is next", needs="control"
        )
    controls = first_seeds(evidence.control, check, case.look.n)
    trouble = trouble_in(controls, check, claim.kind, role="control")
    trouble = trouble or _unpaired(case, controls)
    if trouble:
        return _error(trouble, case)
    finding = judge_control(claim, check, case.assessed, controls, case.look)
    margins = [part.margin.values for part in finding.record.parts]
    diverged = guard.divergence(check, controls, margins)
    if not diverged.ok:
        in_control = Guard(name="divergence", ok=False, detail=f"in the control, {diverged.detail}")
        return _with_guard(case, in_control).vacuous(in_control, finding.record)
    tripped = tripped_by_control(claim.kind, case.info, case.runs, controls)
    if tripped:
        return _with_guard(case, tripped).vacuous(tripped, finding.record)
    return _by_control(case, finding)


def _by_control(case: _Case, finding: ControlFinding) -> Judgement:
    if finding.result == "survived":
        return case.conclude(
            "VACUOUS",
            finding.detail,
            "the mechanism does not earn this: claim less, or find what does",
            control=finding.record,
        )
    if finding.result == "separated":
        return case.conclude(
            "PASS",
            f"the check holds over {case.sample}, margin "
            f"{margin_text(case.assessed)}; {finding.detail}",
            control=finding.record,
            p_control=finding.p,
        )
    if not case.look.last:
        return case.conclude(
            None,
            f"{finding.detail} after {case.sample}",
            needs="seeds",
            control=finding.record,
            p_control=finding.p,
        )
    return case.conclude(
        "INCONCLUSIVE",
        f"{finding.detail} after {case.sample}",
        _more(case, finding.seeds),
        control=finding.record,
        p_control=finding.p,
    )


def _undecided(case: _Case, undecided: list[Assessment]) -> Judgement:
    first = undecided[0]
    if not case.look.last:
        why = (
            "every seed gave the same margin, which only the last look accepts"
            if first.waits
            else f"the interval of `{first.comparison.text}` spans zero"
        )
        return case.conclude(None, f"not decided after {case.sample}: {why}", needs="seeds")
    if case.claim.kind == "timing" and first.margin.n < MIN_REPEATS:
        return case.conclude(
            "INCONCLUSIVE",
            f"{case.sample} decide nothing",
            f"time at least {MIN_REPEATS} repeats in one run",
        )
    if first.margin.n == 1:
        return case.conclude("INCONCLUSIVE", "one seed decides nothing", "run at least 3 seeds")
    seeds = [each.seeds for each in undecided]
    needed = None if None in seeds else max(seed for seed in seeds if seed is not None)
    summary = (
        f"after {case.sample} the interval of `{first.comparison.text}` still spans zero: "
        f"{format_margin(first.margin)}"
    )
    if first.margin.low == first.margin.high:
        summary = f"the margin of `{first.comparison.text}` is exactly 0 over {case.sample}"
    hint = "".join(f"; {g.detail}" for g in case.guards if not g.ok)
    return case.conclude("INCONCLUSIVE", summary, _more(case, needed) + hint)


def _refuted(case: _Case, failed: list[Assessment]) -> str:
    first = failed[0]
    margin = first.margin
    if case.claim.kind == "exact":
        worst = format_number(margin.low, decimals_of(margin), signed=True)
        return (
            f"`{first.comparison.text}` is violated: the worst margin over {case.sample} is {worst}"
        )
    return (
        f"the opposite of `{first.comparison.text}` holds over {case.sample}: margin "
        f"{format_margin(margin)}"
    )


def _more(case: _Case, needed: int | None) -> str:
    unit = "repeats" if case.claim.kind == "timing" else "seeds"
    about = f"more than {MAX_SEEDS}" if needed is None else f"about {needed}"
    return f"{about} {unit} would probably decide it"


def looked_at(
    claim: Claim, info: ExperimentInfo, check: Check, runs: Runs, assessed: list[Assessment]
) -> list[Guard]:
    """The guards that apply to the claim's kind, whatever they say.

    Chance, budget and identical ask whether two trainings were a fair contest: a timing is not
    a training, and an exact claim may be about the budget or the identity itself.
    """
    found = []
    if claim.kind != "timing":
        found.append(guard.chance(claim, info, runs))
    if claim.kind != "exact":
        found.append(guard.ceiling(info, check, runs))
    if claim.kind in ("margin", "rate"):
        found += [guard.budget(claim, runs), guard.identical(check, runs)]
    found.append(guard.divergence(check, runs, [each.margin.values for each in assessed]))
    return [*found, guard.seeds(info, runs)] if claim.kind in ("margin", "rate") else found


def _with_guard(case: _Case, tripped: Guard) -> _Case:
    """The case with `tripped` in the place of the guard of its name."""
    others = [g for g in case.guards if g.name != tripped.name]
    return replace(case, guards=[*others, tripped])


def _unpaired(case: _Case, controls: Runs) -> str | None:
    """A timing control is paired by repeat, so it must have as many."""
    own = case.assessed[0].margin.n
    its = len(samples_of(controls, case.check, case.claim.kind))
    return None if own == its else f"the control was timed over {its} repeats, the arms over {own}"


def _error(trouble: str, case: _Case | None = None) -> Judgement:
    mend = "mend the run and verify again: what has finished is kept"
    if case is None:
        return Judgement("ERROR", "nothing", trouble, mend)
    return case.conclude("ERROR", trouble, mend)
