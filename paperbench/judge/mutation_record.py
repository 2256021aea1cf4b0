"""What became of every mutation of a paper: the evidence that its claims can fail.

Imports nothing heavy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from paperbench.errors import Location, PaperbenchError
from paperbench.judge.record import Margin, Record, Verdict, first_problem

Fate = Literal["killed", "survived", "unseen", "did not apply", "error"]


class Trial(Record):
    """One claim tried on one mutation.

    killed: with it the claim would not pass, and its margin is significantly worse, or a guard
    trips. survived: it would still pass, or stays too close to tell at the last look. unseen: the
    mutation changed numbers, but none that this claim looks at. did not apply: it changed no
    number. error: a run crashed. margin: of the weakest part, with the mutation. difference: the
    claim's own margin minus that, paired by seed.
    """

    claim: str
    mutation: str
    fate: Fate
    detail: str
    n: int = 0
    margin: Margin | None = None
    difference: Margin | None = None


class TriedClaim(Record):
    """One claim of the paper. Only one that passes by itself can be tried on mutations."""

    claim: str
    verdict: Verdict | None
    control: str
    spec_sha256: str
    code_sha256: str


class TriedMutation(Record):
    """One registered mutation. sha256: of its source."""

    name: str
    summary: str
    sha256: str


class MutationRecord(Record):
    """One file of `results/mutations/`: a paper at one tier on one class of device.

    rules: of judging, under which all of it was judged.
    """

    schema_version: Literal[1] = 1
    paper: str
    title: str
    tier: Literal["smoke", "quick", "full"]
    device: str
    environment: dict[str, Any]
    generated: str
    rules: int = 1
    claims: list[TriedClaim] = Field(default_factory=list)
    mutations: list[TriedMutation] = Field(default_factory=list)
    trials: list[Trial] = Field(default_factory=list)

    def fate(self, mutation: str) -> Fate | Literal["not tried"]:
        """What became of a mutation over all claims: one claim that catches it is enough.

        Not tried: no claim passes that it could be tried on.
        """
        fates = [trial.fate for trial in self.trials if trial.mutation == mutation]
        for fate in ("error", "killed", "survived", "unseen"):
            if fate in fates:
                # No claim looks at what it changes: it lives on.
                return "survived" if fate == "unseen" else fate
        return "did not apply" if fates else "not tried"

    def names_of(self, *fates: Fate | Literal["not tried"]) -> list[str]:
        """The mutations that came to one of these fates."""
        return [each.name for each in self.mutations if self.fate(each.name) in fates]

    @property
    def killed(self) -> int:
        """How many mutations some claim catches."""
        return len(self.names_of("killed"))

    @property
    def applied(self) -> int:
        """How many mutations changed any number, and ran."""
        return len(self.names_of("killed", "survived"))

    def of_claim(self, claim: str) -> list[Trial]:
        """What a claim was tried on."""
        return [trial for trial in self.trials if trial.claim == claim]


def read_mutations(path: Path) -> MutationRecord:
    """Read one file; raises PaperbenchError that names it when it is not one."""
    try:
        return MutationRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as broken:
        raise PaperbenchError(
            f"this is not a file of mutation trials: {first_problem(broken)}",
            where=Location(path, 1, 1),
            help="run `paperbench falsify` again, or remove the file",
        ) from None
