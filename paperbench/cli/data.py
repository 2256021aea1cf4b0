"""`paperbench data`: which datasets there are, fetching them, checking them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from paperbench.cli.consoles import stdout
from paperbench.errors import DataError, UsageError

if TYPE_CHECKING:  # `--help` imports the module of every command
    from paperbench.datasets import Dataset

data = typer.Typer(
    name="data",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show, fetch and check the datasets of the full tier.",
)


@data.command("list")
def list_datasets() -> None:
    """Show every dataset: what it is, its licence, and whether its files are here."""
    from paperbench.datasets import DATASETS, folders

    names = max(map(len, DATASETS))
    for dataset in DATASETS.values():
        state = dataset_state(dataset)
        style = {"there": "green", "embedded": "green", "absent": "yellow"}.get(state, "red")
        line = Text(f"{dataset.name:<{names}}  ")
        line.append(f"{state:<12}", style=style)
        stdout.print(line.append(f"{dataset.summary}; {dataset.licence}"), soft_wrap=True)
    stdout.print(f"looked in {', '.join(map(str, folders()))}", markup=False, soft_wrap=True)


@data.command("fetch")
def fetch_datasets(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Datasets, or `all`.")],
) -> None:
    """Download datasets from their canonical homes and check every file."""
    from paperbench.datasets import fetch

    for dataset in _named(names):
        if dataset.embedded is not None:
            _say(f"{dataset.name}: comes with an installed package, nothing to fetch")
            continue
        fetch(dataset, _say)


@data.command("check")
def check_datasets(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Datasets that must be complete. Default: all that are here.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check the SHA-256 of every file; exit 3 when one is corrupt or a named one is missing."""
    from paperbench.datasets import check

    bad: list[str] = []
    for dataset in _named(names or ["all"]):
        if not names and dataset_state(dataset) == "absent":
            _say(f"{dataset.name}: absent")
            continue
        for name, path, state in check(dataset):
            _say(f"{dataset.name}/{name}: {state}{f' ({path})' if path and state == 'ok' else ''}")
            if state != "ok" and dataset.name not in bad:
                bad.append(dataset.name)
    if bad:
        raise DataError(
            f"not complete: {', '.join(bad)}", help=f"run `paperbench data fetch {' '.join(bad)}`"
        )


def dataset_state(dataset: Dataset) -> str:
    """`embedded`, `there`, `absent`, or how many of its files are there; reads none of them."""
    from paperbench.datasets import locate

    if dataset.embedded is not None:
        return "embedded" if dataset.embedded().is_file() else "absent"
    there = sum(locate(dataset, file) is not None for file in dataset.files)
    if there == len(dataset.files):
        return "there"
    return f"{there} of {len(dataset.files)}" if there else "absent"


def _named(names: list[str]) -> list[Dataset]:
    from paperbench.datasets import DATASETS, find_dataset

    if "all" in names:
        if len(names) > 1:
            raise UsageError("`all` stands alone")
        return list(DATASETS.values())
    return [find_dataset(name) for name in dict.fromkeys(names)]


def _say(line: str) -> None:
    stdout.print(line, markup=False, soft_wrap=True)
