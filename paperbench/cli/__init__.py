"""The command line: flags in, calls, exit code out."""

from __future__ import annotations

import codecs
import gc
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from paperbench.cli.stand_ins import stand_ins
from paperbench.cli.workflow_commands import commands_stopped
from paperbench.errors import PaperbenchError, SpecErrors, render

PIPE_CLOSED = 141  # what a shell reports for SIGPIPE


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.disable()  # most commands end before they make garbage; `verify` turns it on again
    code = run(sys.argv[1:])
    if not gc.isenabled():
        gc.freeze()  # nor need the interpreter look for any as it ends: that takes 20 ms
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code. A defect keeps its traceback."""
    codecs.register_error("paperbench", stand_ins)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="paperbench")
    warnings.showwarning = _show_warning
    with commands_stopped():
        return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        from paperbench.cli.app import app  # not before `main` has stopped the garbage collector

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
