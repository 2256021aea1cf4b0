"""The commands that read claim files: `list`, `show`, `notes`, `validate`, `schema`."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paperbench.cli.options import ClaimsOption, JsonOption, ResultsOption
from paperbench.cli.pipe import is_pipe
from paperbench.errors import NothingSelected, PaperbenchError, SpecErrors, UsageError, did_you_mean

if TYPE_CHECKING:  # `--help` imports the module of every command
    from paperbench.spec import ClaimFile, Problem

PIPE_WIDTH = 80  # of a page that is folded, where there is no terminal


def list_claims(
    claims: ClaimsOption = None, results: ResultsOption = Path("results"), json: JsonOption = False
) -> None:
    """List papers and claims with their last verdicts."""
    from paperbench.cli.listing import as_json, listing
    from paperbench.cli.lock import lock_states
    from paperbench.cli.selection import current_hashes, load_files
    from paperbench.judge.record import read_records

    files, records = load_files(claims), read_records(results)
    current, locks = current_hashes(files), lock_states(files, claims)
    if json:
        listed = as_json(files, records, current, locks)
        print(json_text.dumps(listed, indent=1, ensure_ascii=False))
        return
    if not files:
        raise NothingSelected(
            "there is no claim file",
            help="is this the right folder? `--claims FOLDER` names another",
        )
    if is_pipe():
        print("".join(text for text, _ in listing(files, records, current, locks)))
        return
    from rich.text import Text

    from paperbench.cli.consoles import is_screen, stdout

    width = stdout.width if is_screen(stdout) else None
    segments = listing(files, records, current, locks, width)
    stdout.print(Text.assemble(*segments), soft_wrap=True)


def show(
    paper: Annotated[str, typer.Argument(help="The paper's slug, as `list` shows it.")],
    claims: ClaimsOption = None,
    results: ResultsOption = Path("results"),
) -> None:
    """Show a paper's citation, experiments and claims with their verdicts."""
    from paperbench.cli.lock import lock_states
    from paperbench.cli.paper_page import Standing, paper_page
    from paperbench.cli.selection import current_hashes, find_file, load_files
    from paperbench.judge.record import read_records

    file = find_file(load_files(claims), paper)
    standing = Standing(read_records(results), current_hashes([file]), lock_states([file], claims))
    if is_pipe():
        print(paper_page(file, PIPE_WIDTH, standing))
        return
    from rich.text import Text

    from paperbench.cli.consoles import page_width, stdout

    stdout.print(Text(paper_page(file, page_width(stdout), standing)), soft_wrap=True)


def notes(
    paper: Annotated[str, typer.Argument(help="The paper's slug, as `list` shows it.")],
    claims: ClaimsOption = None,
) -> None:
    """Show the notes on a paper; plain Markdown in a pipe."""
    from paperbench.cli.consoles import is_screen, page_width, stdout

    path = _notes_path(paper, claims)
    text = path.read_text(encoding="utf-8")
    if not is_screen(stdout):
        print(text, end="" if text.endswith("\n") else "\n")
        return
    from rich.markdown import Markdown

    from paperbench.cli.notes_text import keep_formulas

    stdout.print(Markdown(keep_formulas(text)), width=page_width(stdout))


def _notes_path(paper: str, claims: Path | None) -> Path:
    """The notes that come with the paper's code, else those beside its claim file."""
    from paperbench.cli.paper_files import notes_places
    from paperbench.cli.selection import find_file, load_files
    from paperbench.spec.load import claims_folder

    files = load_files(claims)
    find_file(files, paper)  # refuses what is no paper's slug
    folder = claims_folder(claims)
    for path in notes_places(paper, folder):
        if path.is_file():
            return path
    with_notes = [
        file.slug
        for file in files
        if any(path.is_file() for path in notes_places(file.slug, folder))
    ]
    raise NothingSelected(
        f"there are no notes on `{paper}`",
        help=did_you_mean(paper, with_notes, label="papers with notes"),
    )


def validate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Claim files or folders of them. Default: every claim file.",
            show_default=False,
        ),
    ] = None,
    claims: ClaimsOption = None,
) -> None:
    """Say everything that is wrong or doubtful in the claim files."""
    from paperbench.spec import claims_folder

    folders = paths or [claims_folder(claims)]
    for path in folders:
        if not path.exists():
            raise UsageError(f"there is no file or folder {path}")
    errors, warnings, files = _problems(folders)
    _show([*warnings, *errors])
    if errors:
        counted = [_count(len(errors), "error"), _count(len(warnings), "warning")]
        print(", ".join(counted[: 2 if warnings else 1]), file=sys.stderr)
        raise typer.Exit(2)
    if not files:
        raise NothingSelected(f"there is no claim file in {', '.join(map(str, folders))}")
    claims_there = sum(len(file.claims) for file in files)
    doubt = f", {_count(len(warnings), 'warning')}" if warnings else ""
    print(f"{_count(len(files), 'file')}, {_count(claims_there, 'claim')}: valid{doubt}")


def _show(problems: Sequence[PaperbenchError]) -> None:
    if not problems:  # rich is imported for what there is to show
        return
    from paperbench.cli.consoles import stderr

    for problem in problems:
        stderr.print(str(problem) + "\n", markup=False, soft_wrap=True)


def _problems(
    folders: Sequence[Path],
) -> tuple[list[PaperbenchError], list[Problem], list[ClaimFile]]:
    """Errors, warnings and valid files. An invalid file does not hide the others' warnings."""
    from paperbench.registry import experiments
    from paperbench.spec import discover, load_and_validate

    try:
        files, warnings = load_and_validate(folders, experiments())
        return [], warnings, files
    except SpecErrors as broken:
        errors = broken.problems
    found: list[Problem] = []
    for path in discover(folders):
        with suppress(SpecErrors):  # its errors are among those above
            found += load_and_validate([path], experiments())[1]
    return errors, found, []


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def schema(
    results: Annotated[
        bool, typer.Option("--results", help="Of results files instead of claim files.")
    ] = False,
) -> None:
    """Print the JSON schema of claim files."""
    if not results:
        from paperbench.spec.schema import schema_text

        print(schema_text(), end="")
        return
    from paperbench.judge.record import PaperRecord

    drawn = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **PaperRecord.model_json_schema(),
        "title": "A paperbench results file",
    }
    print(json_text.dumps(drawn, indent=2, ensure_ascii=False))
