"""`paperbench falsify`: do the claims notice when the model is broken?"""

from __future__ import annotations

import gc
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paperbench.cli.consoles import page_width, stderr, stdout
from paperbench.cli.engines import LEDGER, Replicates, engine_maker
from paperbench.cli.options import ClaimsOption, JsonOption, ResultsOption
from paperbench.cli.verify import TierName
from paperbench.errors import NothingSelected, UsageError

if TYPE_CHECKING:  # `--help` imports the module of every command
    from paperbench.falsify import Tried
    from paperbench.judge.mutation_record import MutationRecord
    from paperbench.plan import Site
    from paperbench.spec.model import Claim, ClaimFile


def falsify(
    selectors: Annotated[
        list[str] | None,
        typer.Argument(help="`fox`, `fox/ppl-below-baseline`, a glob, or `all` (the default)."),
    ] = None,
    tier: Annotated[TierName, typer.Option(help="Budget of every run.")] = TierName.quick,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-j", min=0, help="Worker processes; 0: in this process."),
    ] = None,
    at_least: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Exit 1 when a paper's claims kill a smaller share than this."
        ),
    ] = None,
    claims: ClaimsOption = None,
    results: ResultsOption = Path("results"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Train again what is cached.")] = False,
    json: JsonOption = False,
) -> None:
    """Break the papers' models in every registered way and say which claims notice."""
    gc.enable()
    from paperbench.cli.live import Bars, watcher_for
    from paperbench.cli.selection import load_selected
    from paperbench.engine.devices import available_cores, resolve_device
    from paperbench.falsify import falsify as pursue
    from paperbench.falsify import mutations_of
    from paperbench.ledger import Ledger
    from paperbench.plan import Site
    from paperbench.report.mutations import score_line, trial_lines, write_mutations

    _refuse_smoke(tier)
    _, found = load_selected(claims, selectors or [], tier.value)
    selected = [(file, claim) for file, claim in found if mutations_of(file, claim)]
    if not selected:
        raise NothingSelected(
            "no mutation is registered for the selected claims",
            help="register some beside the paper: `@mutation` in its components.py",
        )
    site = Site(tier.value, resolve_device(device))
    if workers is None:
        workers = available_cores() if site.device == "cpu" else 0
    ledger = Ledger(LEDGER)
    out = stderr if json else stdout
    watcher = watcher_for(out)
    try:
        with watcher.live() if isinstance(watcher, Bars) else nullcontext():
            found_out = pursue(
                selected, site, ledger, engine_maker(workers, Replicates.auto), watcher, fresh=fresh
            )
            tried = list(found_out)
    except KeyboardInterrupt:
        kept = f"{watcher.carried_out} finished runs are kept"
        out.print(f"interrupted: {kept}; the same command resumes")
        raise
    finally:
        ledger.close()
    records = [_record(file, site, tried) for file in _files(selected)]
    if json:
        print("[" + ",\n".join(record.model_dump_json() for record in records) + "]")
    for record in records:
        where = ""
        if _is_whole(record, selected):
            where = f" · {write_mutations(results, record)[1]}"
        if not json:
            stdout.print(trial_lines(record, page_width(stdout)), soft_wrap=True)
            stdout.print(f"{record.paper}: {score_line(record)}{where}\n", highlight=False)
    raise typer.Exit(_exit_code(records, at_least))


def _refuse_smoke(tier: TierName) -> None:
    if tier is TierName.smoke:
        raise UsageError(
            "the smoke tier gives no verdict, so nothing can be killed there",
            help="`verify --tier smoke --with COMPONENT=MUTATION` shows that a mutation runs",
        )


def _exit_code(records: list[MutationRecord], at_least: float | None) -> int:
    errored = any(claim.verdict == "ERROR" for record in records for claim in record.claims)
    if errored or any(record.names_of("error", "did not apply") for record in records):
        return 3
    # Where nothing applied no share was reached.
    low = [
        record
        for record in records
        if at_least and (not record.applied or record.killed < at_least * record.applied)
    ]
    return 1 if low else 0


def _files(selected: list[tuple[ClaimFile, Claim]]) -> list[ClaimFile]:
    return list({file.slug: file for file, _ in selected}.values())


def _is_whole(record: MutationRecord, selected: list[tuple[ClaimFile, Claim]]) -> bool:
    """Whether all of a paper's claims were asked for: a score of some must not pass for it."""
    file = next(file for file, _ in selected if file.slug == record.paper)
    asked = {
        name
        for name, claim in file.claims.items()
        if claim.kind != "reading"
        and claim.asked_at(record.tier)
        and record.tier in file.experiment_of(claim).tiers
    }
    return asked <= {claim.claim for claim in record.claims}


def _record(file: ClaimFile, site: Site, tried: list[Tried]) -> MutationRecord:
    from paperbench.engine.provenance import environment
    from paperbench.judge.mutation_record import MutationRecord, TriedMutation
    from paperbench.judge.record import RULES
    from paperbench.sources import part_sha256

    order = list(file.claims)
    own = [each for each in tried if each.file.slug == file.slug]
    own.sort(key=lambda each: order.index(each.claim.claim))
    mutations = {m.full_name: m for each in own for m in each.mutations}
    return MutationRecord(
        paper=file.slug,
        title=file.paper.title,
        tier=site.tier,
        device=site.device_class,
        environment=environment(site.device, []),
        generated=datetime.now(UTC).isoformat(timespec="seconds"),
        rules=RULES,
        claims=[each.claim for each in own],
        mutations=[
            TriedMutation(name=m.full_name, summary=m.summary, sha256=part_sha256(m.target))
            for m in mutations.values()
        ],
        trials=[trial for each in own for trial in each.trials],
    )
