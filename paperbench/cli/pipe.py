"""What goes into a pipe is plain text, for which nobody needs to wait for rich."""

from __future__ import annotations

import os
import sys

_FORCING = ("FORCE_COLOR", "TTY_COMPATIBLE")  # rich may take a pipe for a terminal


def is_pipe() -> bool:
    """Whether rich would write plain text to stdout. Not where that is for rich to find out."""
    return not sys.stdout.isatty() and not any(name in os.environ for name in _FORCING)
