"""`paperbench verify`: train, judge, table, exit code."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paperbench.cli.consoles import is_screen, stderr, stdout
from paperbench.cli.engines import LEDGER, Replicates, engine_maker
from paperbench.cli.options import ClaimsOption, JsonOption, JunitOption, ResultsOption
from paperbench.errors import UsageError

if TYPE_CHECKING:  # `--help` imports the module of every command
    from paperbench.judge.record import ClaimRecord, PaperRecord
    from paperbench.ledger import Ledger
    from paperbench.spec.model import ClaimFile
    from paperbench.verify import Options, Selected


class TierName(StrEnum):
    """Budgets."""

    smoke = "smoke"
    quick = "quick"
    full = "full"


class FailOn(StrEnum):
    """What else makes the exit code not 0."""

    inconclusive = "inconclusive"


def verify(
    selectors: Annotated[
        list[str] | None,
        typer.Argument(
            help="`fox`, `fox/ppl-below-baseline`, a glob, or `all` (the default). Exhibits only "
            "by name: `exhibits/*`."
        ),
    ] = None,
    tier: Annotated[TierName, typer.Option(help="Budget of every run.")] = TierName.quick,
    device: Annotated[
        str,
        typer.Option(help="auto, cpu, cuda, cuda:N or mps. A device that is absent is an error."),
    ] = "auto",
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1, help="One look of N seeds; the result is exploratory and is not stored."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            "-j",
            min=0,
            help="Worker processes; 0 trains in this process. "
            "Default: one a core, or none on an accelerator.",
        ),
    ] = None,
    replicates: Annotated[
        Replicates,
        typer.Option(
            help="Train the seeds of an arm together, as one more axis, or each alone. "
            "`auto` takes what a short measurement found to be faster."
        ),
    ] = Replicates.auto,
    replace: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="COMPONENT=TARGET",
            help="Put a part of yours (file.py:Name, package.module:Name) or a registered mutation "
            "in the place of a paper's component; the verdicts are kept apart.",
        ),
    ] = None,
    claims: ClaimsOption = None,
    results: ResultsOption = Path("results"),
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", "-n", help="Say which runs are needed, cached or stale, and stop."
        ),
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Train again what is cached.")] = False,
    fail_fast: Annotated[
        bool,
        typer.Option("--fail-fast", "-x", help="Stop at the first claim that is not as expected."),
    ] = False,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(help="`inconclusive`: exit 4 when a claim that should pass is undecided."),
    ] = None,
    locked: Annotated[
        bool,
        typer.Option(
            "--locked", help="Exit 6, and train nothing, unless the claims are as locked."
        ),
    ] = False,
    junit_xml: JunitOption = None,
    json: JsonOption = False,
) -> None:
    """Train the claims' arms, judge them, and write the verdicts to the results folder."""
    gc.enable()
    from paperbench.cli.lock import refuse_unlocked
    from paperbench.cli.parts import read_parts
    from paperbench.cli.selection import load_selected
    from paperbench.engine.devices import available_cores, resolve_device
    from paperbench.ledger import Ledger
    from paperbench.plan import Site
    from paperbench.verify import Options

    if junit_xml is not None and (dry_run or tier is TierName.smoke):
        raise UsageError(
            "there is no verdict to write as JUnit XML",
            help="leave out `--dry-run`, and choose another tier than smoke",
        )
    files, selected = load_selected(claims, selectors or [], tier.value)
    place = resolve_device(device)
    if locked:
        refuse_unlocked(files, claims, selectors or [])
    site = Site(tier.value, place, read_parts(replace or [], selected))
    if workers is None:
        workers = available_cores() if site.device == "cpu" else 0
    ledger = Ledger(LEDGER)
    if dry_run:
        from paperbench.cli.forecast import known_seconds, print_forecast

        print_forecast(
            selected,
            site,
            ledger,
            known_seconds(results, files, site),
            workers=workers,
            seeds=seeds,
            fresh=fresh,
            as_json=json,
        )
        return
    if tier is TierName.smoke:
        from paperbench.cli.smoke import smoke

        raise typer.Exit(smoke(selected, site, engine_maker(workers, replicates), as_json=json))
    options = Options(site, seeds=seeds, fresh=fresh, fail_fast=fail_fast)
    raise typer.Exit(
        _verify(
            files,
            selected,
            options,
            ledger,
            workers,
            replicates,
            results,
            fail_on,
            junit_xml,
            as_json=json,
        )
    )


def _verify(
    files: list[ClaimFile],
    selected: list[Selected],
    options: Options,
    ledger: Ledger,
    workers: int,
    replicates: Replicates,
    results: Path,
    fail_on: FailOn | None,
    junit_xml: Path | None,
    *,
    as_json: bool,
) -> int:
    from paperbench.cli.ci import publish
    from paperbench.cli.forecast import known_seconds
    from paperbench.cli.live import Bars, watcher_for
    from paperbench.cli.needed_data import refuse_missing_data
    from paperbench.cli.records import paper_record, store
    from paperbench.verify import verify as pursue

    out = stderr if as_json else stdout
    watcher = watcher_for(out)
    started = time.monotonic()
    _print_headers(selected, options, workers)
    refuse_missing_data(selected, options, ledger)
    records: dict[str, list[ClaimRecord]] = {}
    interrupted = False
    try:
        with watcher.live() if isinstance(watcher, Bars) else nullcontext():
            answers = pursue(
                selected,
                options,
                ledger,
                engine_maker(workers, replicates),
                watcher,
                known_seconds=lambda: known_seconds(results, files, options.site),
            )
            for file, record in answers:
                records.setdefault(file.slug, []).append(record)
    except KeyboardInterrupt:
        interrupted = True
        out.print(
            f"interrupted: {watcher.carried_out} finished runs are kept; the same command resumes"
        )
    papers = [
        paper_record(file, records[file.slug], options) for file in files if file.slug in records
    ]
    if as_json:
        print("[" + ",\n".join(paper.model_dump_json() for paper in papers) + "]")
    elif not interrupted:
        _print_verdicts(papers, options, results, time.monotonic() - started)
    # Last, so that a full disk does not keep the verdicts from being seen.
    store(results, files, papers, options, ledger)
    ledger.close()
    if interrupted:
        raise KeyboardInterrupt
    publish(papers, files, junit_xml)
    every = [record for paper in papers for record in paper.claims]
    return exit_code(every, fail_on_inconclusive=fail_on is FailOn.inconclusive)


def _print_verdicts(
    papers: list[PaperRecord], options: Options, results: Path, seconds: float
) -> None:
    from paperbench.cli.bar_lines import format_seconds
    from paperbench.report.numbers import kinds_of
    from paperbench.report.store import kept_apart, result_path
    from paperbench.report.terminal import heading, summary_line, verdict_table

    for paper in papers:
        if len(papers) > 1:
            stdout.print(f"\n{heading(paper)}", style="bold", markup=False)
        stdout.print(verdict_table(paper, kinds_of(paper)))
    if len(papers) > 1:
        stdout.print()
    exploratory = options.seeds is not None
    where = [str(result_path(results, paper).with_suffix(".md")) for paper in papers]
    apart = next((kept_apart(results, paper) for paper in papers if paper.parts), None)
    line = summary_line(
        papers,
        elapsed=format_seconds(seconds),
        where=[] if exploratory else where,
        asked=f" --results {apart}" if apart else "",
    )
    stdout.print(line, highlight=False)
    for paper in papers:
        _print_notes_on_parts(results, paper)
    if exploratory:
        stdout.print(
            f"exploratory: one look of {options.seeds} seeds in place of the claims' own; "
            "nothing was stored",
            highlight=False,
        )


def _print_notes_on_parts(results: Path, paper: PaperRecord) -> None:
    if not paper.parts:
        return
    from paperbench.cli.parts import notes_on_parts
    from paperbench.judge.record import read_record
    from paperbench.report.store import result_path

    path = result_path(results, paper.model_copy(update={"parts": {}}))
    for note in notes_on_parts(paper, read_record(path) if path.is_file() else None):
        stdout.print(f"note: {note}", highlight=False, markup=False, soft_wrap=True)


def exit_code(records: Iterable[ClaimRecord], *, fail_on_inconclusive: bool) -> int:
    """0 all as expected, 3 a run errored, 1 a claim is not as expected, 4 undecided on request."""
    from paperbench.judge.outcome import outcome

    found = {
        outcome(record.verdict, record.expected) for record in records if record.verdict is not None
    }
    if "error" in found:
        return 3
    if "unexpected" in found:
        return 1
    return 4 if fail_on_inconclusive and "inconclusive" in found else 0


def _print_headers(selected: list[Selected], options: Options, workers: int) -> None:
    from paperbench.cli.parts import named_parts
    from paperbench.report.words import one_line

    by_slug: dict[str, list[Selected]] = {}
    for file, claim in selected:
        by_slug.setdefault(file.slug, []).append((file, claim))
    how = f"{workers} workers" if workers > 1 else "1 worker" if workers else "in this process"
    for slug, pairs in by_slug.items():
        paper = pairs[0][0].paper
        many = " et al." if len(paper.authors) > 1 else ""
        parts = named_parts(pairs[0][0], options.site)
        swapped = "".join(f" · {part} as {name}" for name, part in parts.items())
        stderr.print(
            f"{slug} · {one_line(paper.title)} ({one_line(paper.authors[0])}{many} {paper.year})  "
            f"{options.site.tier} · {options.site.device} · {how}{swapped} · "
            f"{len(pairs)} claim{'s' if len(pairs) != 1 else ''}",
            highlight=False,
            markup=False,
            soft_wrap=not is_screen(stderr),
        )
