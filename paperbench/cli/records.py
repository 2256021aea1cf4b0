"""From verdicts to the records of a call: one of each paper, and the files that hold them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from paperbench.cli.parts import named_parts
from paperbench.cli.selection import current_hashes
from paperbench.engine.provenance import environment
from paperbench.judge.origin import combined
from paperbench.judge.record import ClaimRecord, PaperRecord
from paperbench.plan import plan_claim
from paperbench.report.store import write_results
from paperbench.sources import part_sha256
from paperbench.spec.model import ClaimFile

if TYPE_CHECKING:
    from paperbench.verify import Options


def paper_record(file: ClaimFile, found: Sequence[ClaimRecord], options: Options) -> PaperRecord:
    """The record of one paper: the verdicts of this call, in the order of the claim file."""
    order = list(file.claims)
    claims = sorted(found, key=lambda record: order.index(record.claim))
    datasets = {
        name
        for claim in file.claims.values()
        if claim.kind != "reading" and any(record.claim == claim.name for record in claims)
        for run in plan_claim(file, claim, options.site, seeds=1).every()
        for name in run.data_names
    }
    return PaperRecord(
        paper=file.slug,
        title=file.paper.title,
        tier=options.site.tier,
        device=options.site.device_class,
        environment={
            **environment(options.site.device, sorted(datasets)),
            **combined(record.environment for record in claims),
        },
        generated=datetime.now(UTC).isoformat(timespec="seconds"),
        parts=named_parts(file, options.site),
        parts_sha256={
            name: part_sha256(options.site.parts[name]) for name in named_parts(file, options.site)
        },
        claims=claims,
    )


def store(
    results: Path, files: Sequence[ClaimFile], papers: Sequence[PaperRecord], *, exploratory: bool
) -> None:
    """Write every paper's files below `results`; nothing of an exploratory call."""
    if exploratory:
        return
    hashes = current_hashes(files)
    current = {file.slug: list(file.claims) for file in files}
    for paper in papers:
        write_results(results, paper, current_claims=current[paper.paper], current=hashes)
