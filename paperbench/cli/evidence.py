"""The commands that read verdict records: `why` and `report`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paperbench.cli.options import ClaimsOption, JsonOption, JunitOption, ResultsOption
from paperbench.errors import NothingSelected, UsageError, did_you_mean

if TYPE_CHECKING:  # `--help` imports the module of every command
    from paperbench.judge.record import ClaimRecord, PaperRecord
    from paperbench.report.staleness import Current


def why(
    claim: Annotated[str, typer.Argument(help="`fox/ppl-below-baseline`, or the claim's name.")],
    tier: Annotated[str | None, typer.Option(help="smoke, quick or full.")] = None,
    device: Annotated[str | None, typer.Option(help="Class of device: cpu, cuda or mps.")] = None,
    claims: ClaimsOption = None,
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> None:
    """Show the evidence for one verdict, seed by seed."""
    from paperbench.cli.selection import hashes_if_any
    from paperbench.judge.record import read_records
    from paperbench.report.explain import explain
    from paperbench.report.numbers import kinds_of
    from paperbench.report.staleness import why_stale
    from paperbench.report.words import STYLES, verdict_word

    current = hashes_if_any(claims)
    found = _find(claim, read_records(results), current)
    chosen = [
        (paper, record)
        for paper, record in found
        if tier in (None, paper.tier) and device in (None, paper.device)
    ]
    if not chosen:
        there = ", ".join(f"{paper.tier} {paper.device}" for paper, _ in found)
        asked = " ".join(filter(None, (tier, device)))
        raise NothingSelected(
            f"`{claim}` has no verdict at {asked}", help=f"it was judged at: {there}"
        )
    paper, record = min(chosen, key=lambda pair: pair[0].tier != "quick")
    if json:
        print(record.model_dump_json(indent=1))
        return
    from rich.text import Text

    from paperbench.cli.consoles import is_screen, page_width, stdout

    screen = Text(
        explain(
            paper,
            record,
            kinds_of(paper),
            stale=why_stale(paper, record, current),
            mutants=_mutants(results, paper, record, current),
            width=page_width(stdout),
        )
    )
    word = verdict_word(record)
    screen.highlight_regex(rf"\b{word}\b", STYLES[word])
    screen.highlight_regex(r"\S*┄\S*", "dim")  # an interval that leaves the sign open
    stdout.print(screen, soft_wrap=True)
    for other, verdict in found:
        if other is not paper:
            stdout.print(
                f"\nalso judged: {verdict_word(verdict)} ({other.tier}, {other.device}): "
                f"`--tier {other.tier} --device {other.device}`",
                markup=False,
                soft_wrap=not is_screen(stdout),
            )


def _mutants(
    results: Path, paper: PaperRecord, record: ClaimRecord, current: Current | None
) -> str | None:
    """What `falsify` found of this very claim, computed by this very code."""
    from paperbench.cli.selection import todays_mutations
    from paperbench.report.mutations import claim_line, find_mutations
    from paperbench.report.staleness import Today, why_mutations_stale

    if paper.parts:  # it was the paper's own code that was broken
        return None
    found = find_mutations(results, paper.paper, paper.tier, paper.device)
    for claim in found.claims if found else ():
        hashes = record.spec_sha256, record.code_sha256
        if claim.claim == record.claim and (claim.spec_sha256, claim.code_sha256) == hashes:
            line = claim_line(found, claim.claim) if found else None
            today = Today(current or {}, todays_mutations())
            stale = why_mutations_stale(found, today) if found and current is not None else None
            return f"{line} (stale: {stale[0].lower()}{stale[1:]})" if line and stale else line
    return None


def _find(
    name: str, papers: list[PaperRecord], current: Current | None
) -> list[tuple[PaperRecord, ClaimRecord]]:
    """The records of a claim, named with its paper or alone where that is unambiguous."""
    judged = [
        (f"{paper.paper}/{record.claim}", paper, record)
        for paper in papers
        for record in paper.claims
    ]
    known = sorted({full for full, _, _ in judged} | set(current or ()))
    names = [full for full in known if full == name]
    names = names or [full for full in known if full.rpartition("/")[2] == name]
    if len(names) > 1:
        raise UsageError(
            f"`{name}` is a claim of several papers", help=f"one of {', '.join(names)}"
        )
    if not names:
        raise NothingSelected(
            f"no claim is called `{name}`", help=did_you_mean(name, known, label="claims")
        )
    found = [(paper, record) for full, paper, record in judged if full == names[0]]
    if not found:
        raise NothingSelected(
            f"`{names[0]}` has not been judged yet", help=f"run `paperbench verify {names[0]}`"
        )
    return found


def report(
    markdown: Annotated[
        bool,
        typer.Option(
            "--markdown",
            help="Print the summary and write it to README.md of the results folder (the default; "
            "in a terminal only its counts are printed, unless this is asked for).",
        ),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print all records as one JSON array; writes nothing.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Write nothing; exit 1 when a stored verdict does not follow from the numbers "
            "stored beside it, or a page does not say what its file says.",
        ),
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FOLDER",
            help="Write a site of all verdicts with their evidence. It opens from disk.",
        ),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also fill the blocks of a page of yours that stand between "
            "`<!-- paperbench: results quick-cpu -->` (or `papers`: a row a paper) and "
            "`<!-- paperbench: end -->`.",
        ),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="BASE",
            help="Print what changed since another results folder, or since `git:REVISION`; with "
            "`--json` as JSON. Writes nothing.",
        ),
    ] = None,
    fail_on_regression: Annotated[
        bool,
        typer.Option(
            "--fail-on-regression",
            help="With `--compare`: exit 1 when a claim that was as expected is not any more, or "
            "is stale or gone.",
        ),
    ] = False,
    junit_xml: JunitOption = None,
    badge: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a badge as JSON for shields.io; one a paper, with `{paper}` in the name.",
        ),
    ] = None,
    claims: ClaimsOption = None,
    results: ResultsOption = Path("results"),
) -> None:
    """Summarise every verdict in the results folder."""
    if markdown + check + (html is not None) + (compare is not None or json) > 1:
        raise UsageError(
            "`--markdown`, `--html`, `--json`, `--check` and `--compare` are five reports",
            help="ask for one of them; `--compare` alone goes with `--json`",
        )
    if fail_on_regression and compare is None:
        raise UsageError(
            "a regression shows only beside a base", help="name one with `--compare BASE`"
        )
    from paperbench.judge.record import read_records

    papers = read_records(results)
    if not papers and (compare is not None or not json):
        raise NothingSelected(
            f"there is no verdict in {results}",
            help="run `paperbench verify`, or name a folder with `--results`",
        )
    asked_for_files = junit_xml is not None or badge is not None
    if asked_for_files:
        from paperbench.cli.ci import write_reports

        _say_written(write_reports(papers, claims, junit=junit_xml, badge=badge))
    if compare is not None:
        from paperbench.cli.compare import compare_with

        asked = {"as_json": json, "fail_on_regression": fail_on_regression}
        raise typer.Exit(compare_with(compare, claims, results, papers, **asked))
    if json:
        print("[" + ",\n".join(paper.model_dump_json() for paper in papers) + "]")
        return
    if check:
        from paperbench.cli.recheck import recheck

        raise typer.Exit(recheck(claims, results, papers))
    if html is not None:
        _write_site(html, claims, results, papers)
        return
    if asked_for_files and not markdown and into is None:
        return
    _summarise(papers, claims, results, into, short=sys.stdout.isatty() and not markdown)


def _summarise(
    papers: list[PaperRecord], claims: Path | None, results: Path, into: Path | None, *, short: bool
) -> None:
    """Print and write the summary, fill the blocks of a page, and mark what is stale.

    short: print what a screen can hold of it.
    """
    from paperbench.cli.selection import hashes_if_any, todays_mutations
    from paperbench.report.mutations import mark_stale_mutations, read_all_mutations
    from paperbench.report.overview import fill_blocks, overview, short_overview
    from paperbench.report.staleness import Today
    from paperbench.report.store import mark_stale, write_if_changed

    current = hashes_if_any(claims)
    trials = read_all_mutations(results)
    today = None if current is None else Today(current, todays_mutations() if trials else {})
    text = overview(papers, current, trials, today)
    if short:
        print("\n".join([*short_overview(papers, current), ""]))
    else:
        print(text, end="")
    pages = {results / "README.md": text}
    if into is not None:
        link_base = f"{os.path.relpath(results, into.parent)}/".replace(os.sep, "/")
        pages[into] = fill_blocks(_read_page(into), papers, current, trials, link_base=link_base)
    written = [target for target, content in pages.items() if write_if_changed(target, content)]
    if current is not None:
        written += [path for paper in papers for path in mark_stale(results, paper, current)]
    if today is not None:
        written += [path for each in trials for path in mark_stale_mutations(results, each, today)]
    _say_written(written)


def _say_written(files: Sequence[Path]) -> None:
    if not files:  # rich is imported for what there is to say
        return
    from paperbench.cli.consoles import stderr

    for target in files:
        stderr.print(f"wrote {target}", markup=False, soft_wrap=True)


def _write_site(
    folder: Path, claims: Path | None, results: Path, papers: list[PaperRecord]
) -> None:
    from paperbench.cli.site import write_report_site

    changed = write_report_site(folder, claims, results, papers)
    count = f"{len(changed)} file{'' if len(changed) == 1 else 's'} changed"
    print(f"{folder / 'index.html'}: {count if changed else 'as before'}")


def _read_page(page: Path) -> str:
    from paperbench.report.overview import has_block

    try:
        text = page.read_text(encoding="utf-8")
    except OSError as broken:
        raise UsageError(f"{page} cannot be read: {broken.strerror}") from None
    if not has_block(text):
        raise UsageError(
            f"{page} has no block to fill",
            help="write `<!-- paperbench: results quick-cpu -->` and `<!-- paperbench: end -->`",
        )
    return text
