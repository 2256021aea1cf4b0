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
from paperbench.recordings import write_recordings
from paperbench.report.store import write_results
from paperbench.sources import part_sha256
from paperbench.spec.model import ClaimFile

if TYPE_CHECKING:
    from paperbench.ledger import Ledger
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
    results: Path,
    files: Sequence[ClaimFile],
    papers: Sequence[PaperRecord],
    options: Options,
    ledger: Ledger,
) -> None:
    """Write every paper's files below `results`; nothing of an exploratory call.

    With another one's parts, only the verdicts: what is recorded beside them is the paper's own.
    """
    if options.seeds is not None:
        return
    hashes = current_hashes(files)
    by_slug = {file.slug: file for file in files}
    for paper in papers:
        file = by_slug[paper.paper]
        write_results(results, paper, current_claims=list(file.claims), current=hashes)
        if not options.site.parts:
            write_recordings(file, options.site, ledger, results)
