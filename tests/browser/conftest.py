"""One headless Chromium for all tests of pages, and pages that tell what went wrong in them."""

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from patience import PATIENCE

import paperbench
from paperbench.cli.site import write_report_site
from paperbench.judge.record import read_records

ROOT = Path(paperbench.__file__).parents[1]

# The reason is given here, once: a test that needs a page is skipped where none can be opened.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


def browser_path():
    """The system's Chromium: `PAPERBENCH_BROWSER`, or the first of `BROWSERS` on the path."""
    named = os.environ.get("PAPERBENCH_BROWSER")
    return named or next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def browser():
    """A running Chromium, started at the first test that wants one."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = browser_path()
    if path is None:
        pytest.skip(f"no browser on the path: none of {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=path, args=list(QUIET), timeout=PATIENCE)
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """A page that was opened, what it asked for, and what it complained about."""

    page: object
    errors: list = field(default_factory=list)
    requests: list = field(default_factory=list)

    def findings(self, within="body", impacts=("serious", "critical"), without=()):
        """What axe finds of these impacts in `within` (a selector), as one line each.

        without: rules that are not applied; that of contrasts takes half of the time.
        """
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is absent")
        # Without a preload: axe would fetch the style sheets, which a page from disk may not.
        rules = {rule: {"enabled": False} for rule in without}
        options = {"resultTypes": ["violations"], "preload": False, "rules": rules}
        found = axe.Axe().run(self.page, context=within, options=options).response["violations"]
        return [
            f"{node['target'][0]}: {violation['id']}: {node['failureSummary']}"
            for violation in found
            if violation["impact"] in impacts
            for node in violation["nodes"]
        ]

    def overhang(self):
        """By how many CSS pixels the page is wider than its window."""
        root = "document.documentElement"
        return self.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")

    def beyond_disk(self):
        """Addresses that were asked for and are neither on the disk nor in the page."""
        return [url for url in self.requests if not url.startswith(("file:", "data:", "blob:"))]


@pytest.fixture
def visit(browser):
    """Opens pages: `visit(path, width=375, dark=True)` is a `Visit` whose `page` is Playwright's.

    Every page that is opened must end without a console error and without a request that leaves
    the disk; a test that expects one empties `errors` or `requests` itself.
    """
    visits = []

    def open_page(path, *, fragment="", width=1280, height=900, dark=False, **context):
        scheme = "dark" if dark else "light"
        size = {"width": width, "height": height}
        page = browser.new_context(viewport=size, color_scheme=scheme, **context).new_page()
        page.set_default_timeout(PATIENCE)
        seen = Visit(page)
        page.on("console", lambda said: said.type == "error" and seen.errors.append(said.text))
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.goto(Path(path).absolute().as_uri() + fragment)
        visits.append(seen)
        return seen

    yield open_page
    for seen in visits:
        seen.page.context.close()
    assert not [line for seen in visits for line in seen.errors]
    assert not [url for seen in visits for url in seen.beyond_disk()]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A site of all stored results, with recordings of `fox` where none are stored.

    One claim is without its verdict, whether or not others are.
    """
    folder = tmp_path_factory.mktemp("site") / "site"
    results = tmp_path_factory.mktemp("results")
    for path in sorted((ROOT / "results").glob("**/*")):
        if path.suffix in (".json", ".svg"):
            target = results / path.relative_to(ROOT / "results")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    recordings = results / "quick-cpu" / "recordings" / "fox.json"
    if not recordings.exists():
        recordings.parent.mkdir()
        recordings.write_text(json.dumps(made_up_recordings()))
    first, *rest = read_records(results)
    first = first.model_copy(update={"claims": first.claims[:-1]})
    write_report_site(folder, ROOT / "claims", results, [first, *rest])
    return folder


def made_up_recordings():
    curve = [[0, 10, 20], [4.0, 2.0, 1.0]]
    example = {
        "name": "two words",
        "caption": "",
        "queries": ["a", "b"],
        "keys": ["a", "b"],
        "shape": [1, 1, 2, 2],
        "weights": "/wCAfw==",
        "decay": None,
    }
    run = {"key": "", "curves": {"loss": curve}, "attention": [example]}
    arm = {"control_of": None, "arm": "fox", "runs": {"0": run}}
    return {"schema_version": 1, "paper": "fox", "experiments": {"text": {"fox": arm}}}
