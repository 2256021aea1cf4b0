"""The command line: flags in, calls, exit code out."""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer

import paperbench
from paperbench.cli.catalogue import list_claims, notes, schema, show, validate
from paperbench.cli.data import data
from paperbench.cli.doctor import doctor
from paperbench.cli.evidence import report, why
from paperbench.cli.falsify import falsify
from paperbench.cli.lock import lock
from paperbench.cli.prml import prml
from paperbench.cli.verify import verify
from paperbench.errors import PaperbenchError, SpecErrors, render

PIPE_CLOSED = 141  # what a shell reports for SIGPIPE

# Plain help and usage errors: they must read the same in a log as in a terminal.
app = typer.Typer(
    name="paperbench",
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


app.command("verify")(verify)
app.command("falsify")(falsify)
app.command("list")(list_claims)
app.command("show")(show)
app.command("notes")(notes)
app.command("why")(why)
app.command("validate")(validate)
app.command("lock")(lock)
app.command("prml")(prml)
app.command("report")(report)
app.add_typer(data, name="data")
app.command("doctor")(doctor)
app.command("schema")(schema)


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.disable()  # most commands end before they make garbage; `verify` turns it on again
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code. A defect keeps its traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show ● shows ?
            stream.reconfigure(errors="replace")
    warnings.showwarning = _show_warning
    try:
        try:
            app(args=list(arguments), prog_name="paperbench")
        finally:
            sys.stdout.flush()
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):
            return _give_up_pipe()
        return ended.code if isinstance(ended.code, int) else 0
    except PaperbenchError as error:
        print(str(error) if isinstance(error, SpecErrors) else render(error), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _give_up_pipe()
    return 0


def _give_up_pipe() -> int:
    """Leave quietly: the interpreter would complain when it flushes what nobody reads."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    if category is UserWarning:  # ours, such as a plugin that cannot be read
        text = f"warning: {message}\n"
    else:
        text = warnings.formatwarning(message, category, filename, lineno, line)
    (file or sys.stderr).write(text)
