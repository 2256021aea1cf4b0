"""A claim file, parsed and validated: what every later room works with."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from paperbench.registry import Scalar
from paperbench.spec.check import Check, parse_check
from paperbench.spec.positions import Positions

Tier = Literal["smoke", "quick", "full"]
Kind = Literal["margin", "exact", "timing", "rate", "reading"]
Expectation = Literal["pass", "fail", "inconclusive"]
TIERS: tuple[Tier, ...] = ("smoke", "quick", "full")
Parameters = dict[str, Scalar]

DEFAULT_LOOKS = (3, 5, 8)
# Less than the 2.5 % that symmetric margins would allow: a long tail against the claim, not yet
# seen, passes more often. docs/statistics.md has the rates.
DEFAULT_ALPHA = (0.001, 0.0025, 0.005)


class Model(BaseModel):
    """Immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Paper(Model):
    """The work whose claims are tested."""

    title: str
    authors: tuple[str, ...]
    year: int
    url: str
    venue: str | None = None
    arxiv: str | None = None


class Source(Model):
    """Where in the paper the claim stands."""

    section: str | None = None
    figure: int | str | None = None
    table: int | str | None = None
    equation: int | str | None = None
    page: int | str | None = None
    note: str | None = None

    def __str__(self) -> str:
        return ", ".join(
            f"{key} {value}" if key != "note" else str(value)
            for key, value in self.model_dump(exclude_none=True).items()
        )


class Experiment(Model):
    """A registered experiment, its arms, and the budgets of its tiers."""

    run: str
    params: Parameters = Field(default_factory=dict)
    arms: dict[str, Parameters]
    tiers: dict[Tier, Parameters]


class Anchor(Model):
    """An easier instance that the losing arm must solve: `check` must hold on every seed."""

    arm: str
    params: Parameters
    check: str


class Claim(Model):
    """One falsifiable statement. `name` is its key in the file.

    control: overrides by arm; an arm that is not named keeps its parameters.
    control_kind: `ablate` switches the mechanism off, `null-data` destroys the structure.
    control_factor: for `kind: exact`, how far outside the tolerance the control must lie.
    looks, alpha: seeds at each look, and the one-sided error spent there on either side.
    exempt: `arm` or `arm.metric` that need not beat the chance floor, with the reason.
    tiers: where it is asked at all, when not at every tier of its experiment.
    budget: why the arms may differ in parameters, examples, steps or FLOPs; None: they may not.
    """

    name: str
    statement: str
    experiment: str | None = None
    kind: Kind = "margin"
    source: Source = Source()
    reported: str | None = None
    check: str | None = None
    control: dict[str, Parameters] = Field(default_factory=dict)
    control_kind: Literal["ablate", "null-data"] = "ablate"
    control_factor: float = 1000.0
    because: str | None = None
    expect: Expectation | dict[Tier, Expectation] = "pass"
    reason: str | None = None
    looks: tuple[int, ...] = DEFAULT_LOOKS
    alpha: tuple[float, ...] = DEFAULT_ALPHA
    anchor: Anchor | None = None
    exempt: dict[str, str] = Field(default_factory=dict)
    budget: str | None = None
    tiers: tuple[Tier, ...] | None = None

    def asked_at(self, tier: Tier) -> bool:
        """Return whether the claim is asked at this tier, if its experiment has it."""
        return self.tiers is None or tier in self.tiers

    def expected(self, tier: Tier) -> Expectation:
        """What the author predicts at this tier; PASS where nothing is said."""
        if isinstance(self.expect, dict):
            return self.expect.get(tier, "pass")
        return self.expect

    def parsed_check(self) -> Check:
        """The check as a tree. A validated claim of any kind but `reading` has one."""
        assert self.check is not None
        return parse_check(self.check, exact=self.kind == "exact")


class ClaimFile(Model):
    """One paper's claims. `path` and `slug` come from the file's name."""

    slug: str
    path: Path
    schema_version: Literal[1]
    paper: Paper
    experiments: dict[str, Experiment] = Field(default_factory=dict)
    claims: dict[str, Claim]
    _positions: Positions | None = PrivateAttr(default=None)

    @property
    def positions(self) -> Positions | None:
        """Where each key stands in the file; None for a file made in code."""
        return self._positions

    def experiment_of(self, claim: Claim) -> Experiment:
        """The experiment that `claim` runs."""
        assert claim.experiment is not None
        return self.experiments[claim.experiment]

    def claim_content(self, claim: Claim) -> dict[str, Any]:
        """Everything that decides the claim's verdict, and its statement: hashed, and locked.

        An arm of the same experiment that this claim does not use is not part of it, nor is what
        only explains the claim: `source`, `reported` and `because`.
        """
        experiment = None
        if claim.experiment:
            experiment = self.experiment_of(claim).model_dump(mode="json")
            used = {*claim.parsed_check().arms(), *([claim.anchor.arm] if claim.anchor else [])}
            experiment["arms"] = {
                arm: params for arm, params in experiment["arms"].items() if arm in used
            }
        return {
            # What is absent leaves no trace, so that a new optional key ages no verdict.
            "claim": claim.model_dump(
                mode="json", exclude={"source", "reported", "because"}, exclude_none=True
            ),
            "experiment": experiment,
        }

    def claim_sha256(self, claim: Claim) -> str:
        """Hash of `claim_content`: a verdict that carries another one is stale."""
        return canonical_sha256(self.claim_content(claim))


def canonical_sha256(value: Mapping[str, Any]) -> str:
    """SHA-256 of `value` as JSON with sorted keys: the same for the same content."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
