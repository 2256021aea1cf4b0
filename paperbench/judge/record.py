"""The verdict record: the evidence for one claim, as it is stored under `results/`.

Imports nothing heavy: `list`, `why` and `report` read records without NumPy.
"""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from paperbench.errors import Location, PaperbenchError

SCHEMA_VERSION: Literal[1] = 1
# Of judging. Raise it with every change that may alter a verdict on the same runs: what was judged
# under older rules is shown stale.
RULES: int = 3
WITH = "with"  # the folder of `results/` for verdicts with another one's parts
Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE", "VACUOUS", "ERROR"]
Values = dict[str, list[float]]  # metric -> one value a seed, in the order of seeds


class Record(BaseModel):
    """Immutable; an unknown key means another schema version."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Margin(Record):
    """An interval on the mean margin: positive supports the claim.

    alpha: one-sided error on either side at this look. n: seeds. values: one margin a seed.
    """

    mean: float
    low: float
    high: float
    alpha: float
    n: int
    values: list[float]


class Part(Record):
    """One comparison of a check with its own margin."""

    check: str
    margin: Margin


class Guard(Record):
    """One condition without which a PASS would mean nothing."""

    name: Literal["chance", "anchor", "ceiling", "budget", "identical", "divergence", "seeds"]
    ok: bool
    detail: str


class Support(Record):
    """On how many seeds (for timing: repeats) the whole check holds; assumes no distribution.

    low, high: with confidence `level` each, the check holds on at least, at most this share of all
    seeds.
    """

    holds: int
    n: int
    low: float
    high: float
    level: float


class Control(Record):
    """The claim judged again with the mechanism off.

    difference: claim margin minus control margin, paired by seed, for the part it separates best.
    """

    verdict: Verdict | Literal["NOT RUN"]
    kind: Literal["ablate", "null-data"]
    parts: list[Part] = Field(default_factory=list)
    difference: Margin | None = None
    arms: dict[str, Values] = Field(default_factory=dict)
    overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)
    detail: str = ""


class ClaimRecord(Record):
    """Everything that the verdict on one claim rests on.

    margin: the weakest part's. code_sha256: of the source that computed the runs; empty for a
    reading. look: 1-based, of `looks`. summary: one sentence that says why the
    verdict is what it is. next_step: what a person can do about it. seconds: training time by arm.
    rules: those it was judged under. support and p_value: None where nothing was estimated.
    p_value: one-sided, over all looks so far, of the weakest part and of the difference from the
    control where that was judged. warnings: what the margins look like, where it matters.
    environment: where the runs were carried out, as they say themselves.
    """

    claim: str
    statement: str
    kind: Literal["margin", "exact", "timing", "rate", "reading"]
    check: str | None
    verdict: Verdict | None  # None: a reading carries no verdict
    expected: Literal["PASS", "FAIL", "INCONCLUSIVE"]
    as_expected: bool
    reason: str | None = None
    summary: str
    next_step: str | None = None
    margin: Margin | None = None
    parts: list[Part] = Field(default_factory=list)
    look: int = 0
    looks: list[int] = Field(default_factory=list)
    exploratory: bool = False
    seeds: list[int] = Field(default_factory=list)
    arms: dict[str, Values] = Field(default_factory=dict)
    budgets: dict[str, dict[str, float]] = Field(default_factory=dict)
    control: Control | None = None
    guards: list[Guard] = Field(default_factory=list)
    source: str | None = None
    reported: str | None = None
    because: str | None = None
    spec_sha256: str
    code_sha256: str = ""
    rules: int = 1
    support: Support | None = None
    p_value: float | None = None
    warnings: list[str] = Field(default_factory=list)
    runs: list[str] = Field(default_factory=list)
    seconds: dict[str, float] = Field(default_factory=dict)
    environment: dict[str, Any] = Field(default_factory=dict)


class PaperRecord(Record):
    """One file of `results/`: a paper's claims at one tier on one class of device.

    parts: what stood in the place of the paper's own components; empty for the official verdicts.
    parts_sha256: of their source, by component.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    paper: str
    title: str
    tier: Literal["smoke", "quick", "full"]
    device: str
    environment: dict[str, Any]
    generated: str
    parts: dict[str, str] = Field(default_factory=dict)
    parts_sha256: dict[str, str] = Field(default_factory=dict)
    claims: list[ClaimRecord]

    def find(self, claim: str) -> ClaimRecord | None:
        """The record of the claim called `claim`, if there is one."""
        return next((record for record in self.claims if record.claim == claim), None)


def read_record(path: Path) -> PaperRecord:
    """Read one results file; raises PaperbenchError that names the file when it is not one."""
    try:
        return PaperRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as broken:
        raise PaperbenchError(
            f"this is not a results file of schema version {SCHEMA_VERSION}: "
            f"{first_problem(broken)}",
            where=Location(path, 1, 1),
            help="run `paperbench verify` again, or remove the file",
        ) from None


def first_problem(broken: Exception) -> str:
    """The first thing that is wrong with a file, and where: `claims.0.n: Input should be ...`."""
    if not isinstance(broken, ValidationError):
        return str(broken)
    first = broken.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]


BESIDE = ("figures", "recordings")  # folders of a tier and device that hold no verdicts


def read_records(results: Path) -> list[PaperRecord]:
    """Every record under `results/`, sorted by tier, device and paper.

    Raises PaperbenchError for one that lies in another's place: a verdict that was moved there is
    none of that tier, device or paper, and one with another's part none of the paper's own.
    """
    return [
        _in_its_place(path, results)
        for path in sorted(results.glob("*-*/**/*.json"))
        if path.relative_to(results).parts[1] not in BESIDE
    ]


def _in_its_place(path: Path, results: Path) -> PaperRecord:
    record = read_record(path)
    place = f"{record.tier}-{record.device}/{record.paper}.json"
    if record.parts and results.resolve().parent.name != WITH:
        named = ", ".join(f"{part} in the place of {name}" for name, part in record.parts.items())
        raise PaperbenchError(
            f"these verdicts are with {named}, and lie among the paper's own",
            where=Location(path, 1, 1),
            help=f"remove the file: `verify --with` keeps such verdicts below {results / WITH}",
        )
    if path.relative_to(results).as_posix() != place:
        raise PaperbenchError(
            f"these verdicts are of `{record.paper}` ({record.tier}, {record.device}), and lie in "
            "another's place",
            where=Location(path, 1, 1),
            help=f"move the file to {results / place}, or remove it",
        )
    return record


def dump_record(record: PaperRecord) -> str:
    """The record as the JSON text of its file: stable order, readable differences."""
    return json.dumps(json.loads(record.model_dump_json()), indent=1, ensure_ascii=False) + "\n"
