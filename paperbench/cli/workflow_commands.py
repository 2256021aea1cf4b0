"""GitHub Actions takes lines of a log for commands; what others wrote must not be one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_tokens: list[str] = []  # of the block that is open, if one is


@contextmanager
def commands_stopped() -> Iterator[None]:
    """Make the runner take nothing that is printed in the block for a command of a workflow.

    A claim's text is folded, so any word of it may begin a line; `##[...]` counts anywhere in one.
    The runner listens again at a token that no claim can know. Nothing outside Actions.
    """
    if os.environ.get("GITHUB_ACTIONS") != "true" or _tokens:
        yield
        return
    _tokens.append(os.urandom(16).hex())
    _stop()
    try:
        yield
    finally:
        _resume()
        _tokens.clear()


@contextmanager
def commands_heard() -> Iterator[None]:
    """Inside `commands_stopped`: what is printed in the block is for the runner."""
    if _tokens:
        _resume()
    try:
        yield
    finally:
        if _tokens:
            _stop()


def _stop() -> None:
    print(f"::stop-commands::{_tokens[0]}", file=sys.stderr, flush=True)


def _resume() -> None:
    with suppress(BrokenPipeError):  # nobody reads it, the runner neither
        sys.stdout.flush()  # what waits there was written before
    print(f"::{_tokens[0]}::", file=sys.stderr, flush=True)
