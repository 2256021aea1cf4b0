"""A paper's page: its claims with their evidence, its notes beside its source, and what is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paperbench.judge.mutation_record import MutationRecord
from paperbench.judge.record import PaperRecord
from paperbench.report.holm import family_of
from paperbench.report.mutations import claim_rows, mutation_rows, score_line
from paperbench.report.numbers import kinds_of
from paperbench.report.origin import origin_parts
from paperbench.report.site.claims import Evidence, anchor, evidence
from paperbench.report.site.content import PaperContent, Picture, Place, SiteContent
from paperbench.report.site.notes import Article, article
from paperbench.report.site.overview import Strip, overview
from paperbench.report.site.source import highlighted, index_sources
from paperbench.report.words import one_line, swapped_text
from paperbench.spec.model import Claim


@dataclass(frozen=True)
class ClaimView:
    """A claim and its evidence by place. facts: (label, text) that hold at every place."""

    name: str
    anchor: str
    statement: str
    check: str
    facts: Sequence[tuple[str, str]]
    evidence: Sequence[Evidence]


@dataclass(frozen=True)
class SourceFile:
    """A file of the source as HTML, a line each."""

    name: str
    html: str
    lines: int


@dataclass(frozen=True)
class Recorded:
    """The recordings of one place. experiments: (name, what to know of it, has attention)."""

    place: Place
    anchor: str
    data: str
    experiments: Sequence[tuple[str, str, bool]]


@dataclass(frozen=True)
class MutationView:
    """What became of a paper's mutations at one place; rows as in `report.mutations`."""

    place: Place
    stale: str | None
    score: str
    rows: Sequence[tuple[str, str, str, str, str]]
    claims: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Provenance:
    """Where the verdicts of one place come from."""

    place: Place
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class PaperPage:
    """Everything on the page."""

    slug: str
    title: str
    citation: str
    links: Sequence[tuple[str, str]]
    is_exhibit: bool
    swapped: Sequence[str]
    strips: Sequence[Strip]
    claims: Sequence[ClaimView]
    article: Article | None
    sources: Sequence[SourceFile]
    pictures: Mapping[Place, Sequence[Picture]]
    recorded: Sequence[Recorded]
    mutations: Sequence[MutationView]
    provenance: Sequence[Provenance]

    @property
    def has_attention(self) -> bool:
        """Whether any run kept where it looked."""
        return any(has for each in self.recorded for _, _, has in each.experiments)


def paper_page(content: SiteContent, paper: PaperContent) -> PaperPage:
    """The page of one paper; what there is nothing of is empty."""
    records = sorted(paper.records, key=Place.of)
    claims = _claims(content, paper, records)
    index = index_sources(paper.sources)
    named = {claim.name: claim.anchor for claim in claims}
    notes = article(paper.notes, index, named) if paper.notes else None
    known = notes.equations if notes else set()
    shown = overview(SiteContent([paper], content.current, content.today))
    group = (shown.groups or shown.exhibits)[0]
    return PaperPage(
        slug=paper.slug,
        title=one_line(paper.title),
        citation=_citation(paper),
        links=list(_links(paper)),
        is_exhibit=paper.is_exhibit,
        swapped=[swapped_text(record) for record in records if record.parts],
        strips=group.strips,
        claims=claims,
        article=notes,
        sources=[
            SourceFile(name, highlighted(name, text, known), text.count("\n"))
            for name, text in paper.sources.items()
        ],
        pictures=paper.pictures,
        recorded=[
            _recorded(place, recording, records)
            for place, recording in sorted(paper.recordings.items())
        ],
        mutations=[
            _mutations(each, content.why_mutations_stale(each))
            for each in sorted(paper.mutations, key=Place.of)
        ],
        provenance=[Provenance(Place.of(record), list(_provenance(record))) for record in records],
    )


def _claims(
    content: SiteContent, paper: PaperContent, records: Sequence[PaperRecord]
) -> list[ClaimView]:
    """In the order of the claim file; what is no longer among the claims stands last."""
    planned = paper.file.claims if paper.file else {}
    judged = [claim.claim for record in records for claim in record.claims]
    found = _evidence(content, paper, records)
    return [
        _claim(name, found.get(name, []), planned.get(name))
        for name in dict.fromkeys([*planned, *judged])
    ]


def _evidence(
    content: SiteContent, paper: PaperContent, records: Sequence[PaperRecord]
) -> dict[str, list[Evidence]]:
    trials = {Place.of(each): each for each in paper.mutations}
    found: dict[str, list[Evidence]] = {}
    for record in records:
        kinds, family = kinds_of(record), family_of(record)
        tried = trials.get(Place.of(record))
        current = tried if tried and content.why_mutations_stale(tried) is None else None
        for claim in record.claims:
            found.setdefault(claim.claim, []).append(
                evidence(
                    record,
                    claim,
                    kinds,
                    stale=content.why_stale(record, claim),
                    family=family,
                    mutations=current,
                )
            )
    return found


def _claim(name: str, found: Sequence[Evidence], planned: Claim | None) -> ClaimView:
    """What is said of the claim comes from the claim file, else from its first record."""
    said = planned or found[0].claim
    facts = [
        ("source", str(said.source) if said.source else ""),
        ("the paper says", said.reported or ""),
        ("because", said.because or ""),
        ("experiment", (planned.experiment or "") if planned else ""),
        ("kind", "" if said.kind == "margin" else said.kind),
    ]
    return ClaimView(
        name=name,
        anchor=anchor(name),
        statement=one_line(said.statement),
        check=one_line(said.check or ""),
        facts=[(label, one_line(text)) for label, text in facts if text],
        evidence=found,
    )


def _citation(paper: PaperContent) -> str:
    """`Lin, Nikishin, He, Courville. 2025. ICLR`."""
    if paper.file is None:
        return ""
    told = paper.file.paper
    parts = [", ".join(told.authors), str(told.year), told.venue or ""]
    return one_line(". ".join(part for part in parts if part))


def _links(paper: PaperContent) -> Iterator[tuple[str, str]]:
    """(words, address): only of the web."""
    if paper.file is None:
        return
    told = paper.file.paper
    if re.match(r"https?://", told.url):
        yield told.url.removeprefix("https://").removeprefix("http://"), told.url
    if told.arxiv and told.arxiv not in told.url:
        yield f"arXiv:{told.arxiv}", f"https://arxiv.org/abs/{told.arxiv}"


def _recorded(
    place: Place, recording: Mapping[str, Any], records: Sequence[PaperRecord]
) -> Recorded:
    claims = [claim for record in records if Place.of(record) == place for claim in record.claims]
    judged = {key for claim in claims for key in claim.runs}
    altered = {
        (claim.claim, arm): ", ".join(f"{name}={value}" for name, value in new.items())
        for claim in claims
        if claim.control
        for arm, new in claim.control.overrides.items()
    }
    found = recording.get("experiments", {})
    told = {name: _with_alterations(arms, altered) for name, arms in found.items()}
    experiments = [
        (name, _strangers(arms, judged), _has_attention(arms)) for name, arms in found.items()
    ]
    data = json_for_script({**recording, "experiments": told})
    return Recorded(place, f"recordings-{place.slug}", data, experiments)


def _with_alterations(
    arms: Mapping[str, Any], altered: Mapping[tuple[str, str], str]
) -> dict[str, Any]:
    """The entries of a recording; a control's says what it alters, where a verdict knows."""
    return {
        name: {**arm, "alters": alters}
        if (alters := altered.get((arm.get("control_of"), arm.get("arm"))))
        else arm
        for name, arm in arms.items()
    }


def _strangers(arms: Mapping[str, Any], judged: set[str]) -> str:
    """The arms of other runs, and of more runs, than those that the verdicts rest on."""
    other, mixed = [], []
    for name, arm in arms.items():
        extra = [seed for seed, run in arm["runs"].items() if run.get("key") not in judged]
        if extra and len(extra) == len(arm["runs"]):
            other.append(name)
        elif extra:
            mixed.append(f"{name} (seed{'s' if len(extra) > 1 else ''} {', '.join(extra)})")
    which = "all of these arms" if len(other) == len(arms) else ", ".join(other)
    told = [f"Of other runs than those that the verdicts rest on: {which}."] if other else []
    more = [f"Among them runs that no verdict rests on: {', '.join(mixed)}."] if mixed else []
    return " ".join(told + more)


def _has_attention(arms: Mapping[str, Any]) -> bool:
    return any(run.get("attention") for arm in arms.values() for run in arm["runs"].values())


def json_for_script(value: object) -> str:
    """JSON that may stand inside a `script` element, whatever its strings hold."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _mutations(record: MutationRecord, stale: str | None) -> MutationView:
    summaries = {each.name: one_line(each.summary) for each in record.mutations}
    return MutationView(
        place=Place.of(record),
        stale=stale,
        score=score_line(record),
        rows=[
            (name, summaries[name], fate, caught, alive)
            for name, fate, caught, alive in mutation_rows(record)
        ],
        claims=list(claim_rows(record)),
    )


def _provenance(record: PaperRecord) -> Iterator[tuple[str, str]]:
    yield "made", record.generated
    yield "by", " · ".join(origin_parts(record.environment))
    data = record.environment.get("data")
    for name, sha256 in data.items() if isinstance(data, dict) else ():
        yield f"data {name}", f"sha256 {sha256}"
    yield "rules of judging", ", ".join(sorted({str(claim.rules) for claim in record.claims}))
    runs = {key for claim in record.claims for key in claim.runs}
    yield "runs", f"{len(runs)}, by the hash of what computed each"
    place = f"results/{record.tier}-{record.device}/{record.paper}.json"
    yield "evidence", place
