"""How long tests wait for a page, on a machine that does other things too."""

import pytest

PATIENCE = 60_000  # milliseconds


def expect(what):
    """What must come true in time: a page may be drawn after a click has returned."""
    playwright = pytest.importorskip("playwright.sync_api")
    playwright.expect.set_options(timeout=PATIENCE)
    return playwright.expect(what)
