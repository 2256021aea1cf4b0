"""The table of commands. Only the module of the command that is called gets imported."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

import paperbench

COMMANDS = {  # name: where its function is, or its group of commands; in the order of `--help`
    "verify": "paperbench.cli.verify:verify",
    "falsify": "paperbench.cli.falsify:falsify",
    "list": "paperbench.cli.catalogue:list_claims",
    "show": "paperbench.cli.catalogue:show",
    "notes": "paperbench.cli.catalogue:notes",
    "why": "paperbench.cli.evidence:why",
    "validate": "paperbench.cli.catalogue:validate",
    "lock": "paperbench.cli.lock:lock",
    "prml": "paperbench.cli.prml:prml",
    "report": "paperbench.cli.evidence:report",
    "figures": "paperbench.cli.figures:figures",
    "doctor": "paperbench.cli.doctor:doctor",
    "schema": "paperbench.cli.catalogue:schema",
    "data": "paperbench.cli.data:data",
}


class Commands(TyperGroup):
    """The commands of the table, each made when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command called so. None where there is none; all are there then, to suggest from."""
        for name in [cmd_name] if cmd_name in COMMANDS else COMMANDS:
            if name not in self.commands:
                self.commands[name] = _make(name)
        return self.commands.get(cmd_name)


def _make(name: str) -> Any:
    module, _, attribute = COMMANDS[name].partition(":")
    target = getattr(import_module(module), attribute)
    if isinstance(target, typer.Typer):
        return get_command(target)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name)(target)
    return get_command(alone)


# Plain help and usage errors: they must read the same in a log as in a terminal.
app = typer.Typer(
    name="paperbench",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"paperbench {paperbench.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Unit tests for paper claims: train, compare over paired seeds, control, decide.

    Exit codes: 0 all as expected; 1 a claim is not; 2 usage or an invalid claim file; 3 a run
    errored; 4 undecided, with `--fail-on inconclusive`; 5 nothing selected; 6 lock mismatch;
    130 interrupted.
    """
