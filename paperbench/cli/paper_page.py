"""What `show` prints: a paper's citation, its experiments and its claims."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from paperbench.cli.lock import LockState
from paperbench.components import ComponentInfo, components_of
from paperbench.judge.record import PaperRecord
from paperbench.registry import ExperimentInfo, Scalar, experiments
from paperbench.report.staleness import Current, is_stale
from paperbench.report.words import marked_verdict, one_line
from paperbench.spec.model import Claim, ClaimFile, Experiment

_LOCK = {"locked": "locked", "changed": "changed since it was locked", "not locked": "not locked"}


@dataclass(frozen=True)
class Standing:
    """Where the claims stand today: their verdicts, what makes one stale, and the lock."""

    records: Sequence[PaperRecord] = ()
    current: Current = field(default_factory=dict)
    locks: Mapping[str, LockState] = field(default_factory=dict)

    def facts(self, paper: str, claim: str) -> list[tuple[str, str]]:
        """What to show beside a claim: (label, text)."""
        verdicts = [
            f"{marked_verdict(record, stale=is_stale(page, record, self.current))} "
            f"({page.tier}, {page.device})"
            for page in self.records
            if page.paper == paper and (record := page.find(claim)) is not None
        ]
        lock = self.locks.get(f"{paper}/{claim}")
        facts = [("verdict", "; ".join(verdicts) or "none yet")]
        return [*facts, ("lock", _LOCK[lock])] if lock else facts


def paper_page(file: ClaimFile, width: int, standing: Standing) -> str:
    """The page as text, folded at `width`."""
    paper = file.paper
    lines = textwrap.wrap(one_line(paper.title), width)
    lines += textwrap.wrap(
        one_line(
            f"{', '.join(paper.authors)}. {paper.year}{'. ' + paper.venue if paper.venue else ''}"
        ),
        width,
    )
    lines += [one_line(paper.url)] + ([f"arXiv:{one_line(paper.arxiv)}"] if paper.arxiv else [])
    for name, experiment in file.experiments.items():
        lines += ["", *_experiment(name, experiment, experiments().get(experiment.run), width)]
    for claim in file.claims.values():
        lines += ["", *_claim(file.slug, claim, width)]
        for label, text in standing.facts(file.slug, claim.name):
            lines += _fold(label, text, width)
    runs = dict.fromkeys(each.run.partition("/")[0] for each in file.experiments.values())
    for component in (each for paper in runs for each in components_of(paper)):
        lines += ["", *_component(component, width)]
    return "\n".join(lines)


def _experiment(
    name: str, experiment: Experiment, info: ExperimentInfo | None, width: int
) -> list[str]:
    lines = [f"experiment {name}: {experiment.run}"]
    if info is not None and info.summary:
        lines += _fold("", one_line(info.summary), width)
    lines += _fold("params", _values(experiment.params) or "none", width)
    lines += ["  arms"]
    for arm, values in experiment.arms.items():
        lines += _fold(f"  {arm}", _values(values) or "the defaults", width)
    lines += ["  tiers"]
    for tier, values in experiment.tiers.items():
        lines += _fold(f"  {tier}", _values(values) or "the defaults", width)
    if info is None:
        return lines
    lines += ["  parameters"]
    column = max((len(each) for each in info.parameters), default=0)
    for parameter in info.parameters.values():
        described = f"{parameter.describe()}, default {parameter.default!r}"
        lines += textwrap.wrap(
            described,
            width,
            initial_indent=f"    {parameter.name:<{column}}  ",
            subsequent_indent=" " * (column + 6 if column + 30 < width else 8),
            break_on_hyphens=False,
        )
    metrics = ", ".join(
        f"{metric} ({kind.name}{_direction(kind.direction)})"
        for metric, kind in info.metrics.items()
    )
    return lines + _fold("metrics", metrics, width)


def _component(component: ComponentInfo, width: int) -> list[str]:
    lines = [f"component {component.name}"]
    lines += _fold("", component.summary, width)
    for each in component.mutations:
        lines += _fold("mutation", f"{each.name}: {each.summary}", width)
    return lines


def _direction(direction: str) -> str:
    return "" if direction == "neither" else f", {direction} is better"


def _claim(slug: str, claim: Claim, width: int) -> list[str]:
    lines = [f"claim {slug}/{claim.name}" + ("" if claim.kind == "margin" else f" ({claim.kind})")]
    lines += _fold("", one_line(claim.statement), width)
    control = "; ".join(f"{arm}: {_values(values)}" for arm, values in claim.control.items())
    if control and claim.control_kind == "null-data":
        control += " (structure destroyed)"
    expect = (
        claim.expect
        if isinstance(claim.expect, str)
        else ", ".join(f"{expected} at {tier}" for tier, expected in claim.expect.items())
    )
    if expect == "pass":
        expect = ""
    anchor = f"{claim.anchor.check} with {_values(claim.anchor.params)}" if claim.anchor else ""
    looks = ", ".join(
        f"n = {n} (alpha {alpha:g})" for n, alpha in zip(claim.looks, claim.alpha, strict=False)
    )
    facts = (
        ("experiment", claim.experiment),
        ("check", claim.check),
        ("control", control),
        ("anchor", anchor),
        ("source", str(claim.source)),
        ("reported", claim.reported),
        ("because", claim.because),
        ("expect", expect),
        ("reason", claim.reason),
        ("budget", claim.budget),
        ("exempt", "; ".join(f"{arm}: {why}" for arm, why in claim.exempt.items())),
        ("looks", looks if claim.kind in ("margin", "rate") else ""),
    )
    for name, text in facts:
        lines += _fold(name, one_line(text), width) if text else []
    return lines


def _values(values: Mapping[str, Scalar]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _fold(label: str, text: str, width: int) -> list[str]:
    """Text after its label at column 14 or, where the label is longer, below it."""
    if not label:
        return textwrap.wrap(
            text, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )
    head = f"  {label}"
    fits = len(head) < 14
    lines = textwrap.wrap(
        text,
        width,
        initial_indent=f"{head:<14}" if fits else " " * 14,
        subsequent_indent=" " * 14,
        break_on_hyphens=False,
    )
    return lines if fits else [head, *lines]
