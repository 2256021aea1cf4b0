"""The site of the stored results: seconds to build it, its size, and seconds to its first words.

`python -m benchmarks.site`. The build is the whole command, started anew. A page counts as readable
at its first contentful paint, opened from disk by a browser that has not seen it before; the
browser is the system's Chromium (`PAPERBENCH_BROWSER` names another), and without one, or without
playwright, that column is left out.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 5
ROOT = Path(__file__).parents[1]
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


def build(folder: Path) -> tuple[float, float]:
    """Wall seconds of the command, and its seconds on a processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "paperbench", "report", "--html", str(folder)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def paints(pages: list[Path]) -> dict[Path, tuple[float, float]] | None:
    """Page -> median seconds to its first contentful paint, and to everything loaded and drawn."""
    browser = os.environ.get("PAPERBENCH_BROWSER") or shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if browser is None:
        return None
    found: dict[Path, tuple[float, float]] = {}
    with sync_playwright() as playwright:
        for page in pages:
            times = []
            for _ in range(REPEATS):  # a browser of its own each: nothing is kept in memory
                chromium = playwright.chromium.launch(
                    executable_path=browser, args=["--headless=new", "--no-sandbox"]
                )
                tab = chromium.new_page()
                tab.goto(page.as_uri())
                tab.wait_for_function(f"({PAINT}) > 0 && ({LOADED}) > 0")
                times.append((tab.evaluate(PAINT) / 1000, tab.evaluate(LOADED) / 1000))
                chromium.close()
            first, loaded = zip(*times, strict=True)
            found[page] = statistics.median(first), statistics.median(loaded)
    return found


def main() -> None:
    """Print the build, then the first page and the largest page of a paper."""
    with tempfile.TemporaryDirectory() as scratch:
        builds = [build(Path(scratch) / f"site-{i}") for i in range(REPEATS)]
        folder = Path(scratch) / "site-0"
        files = [path for path in folder.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        papers = [path for path in folder.glob("*.html") if path.name != "index.html"]
        print(f"papers {len(papers)}, files {len(files)}, {size / 1e6:.1f} MB")
        wall, processor = (statistics.median(times) for times in zip(*builds, strict=True))
        print(f"build  {wall:.2f} s, on a processor {processor:.2f} s\n")
        largest = max(papers, key=lambda path: path.stat().st_size)
        print(f"{'page':20} {'MB':>6} {'first paint s':>14} {'loaded s':>9}")
        painted = paints([folder / "index.html", largest]) or {}
        for page in (folder / "index.html", largest):
            times = "{:14.2f} {:9.2f}".format(*painted[page]) if page in painted else "not measured"
            print(f"{page.name:20} {page.stat().st_size / 1e6:6.2f} {times}")


if __name__ == "__main__":
    main()
