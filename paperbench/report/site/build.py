"""`report --html`: every page of the site as text, and the files beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from paperbench.report.site.content import PaperContent, SiteContent
from paperbench.report.site.folder import write_site
from paperbench.report.site.notes import inline
from paperbench.report.site.overview import overview
from paperbench.report.site.paper import paper_page
from paperbench.report.store import path_of

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TICKS = re.compile(r"`([^`]+)`")
HERE = Path(__file__).parent
ASSETS = "assets"


def build_site(content: SiteContent, folder: Path) -> list[Path]:
    """Write the site; return the files that changed.

    The same content gives the same bytes. Raises UsageError for a folder that holds other things.
    """
    return write_site(folder, dict(site_files(content)))


def site_files(content: SiteContent) -> Iterator[tuple[str, str]]:
    """(path, text) of every file."""
    environment = _environment()
    yield (
        "index.html",
        environment.get_template("overview.html").render(page=overview(content), root=""),
    )
    template = environment.get_template("paper.html")
    for paper in content.papers:
        path_of(paper.slug)  # refuses a slug that leaves the folder
        root = "../" * paper.slug.count("/")
        yield paper.page, template.render(page=paper_page(content, paper), root=root)
        yield from _figures(paper)
    for file in sorted((HERE / "static").iterdir()):
        yield f"{ASSETS}/{file.name}", file.read_text(encoding="utf-8")


def _figures(paper: PaperContent) -> Iterator[tuple[str, str]]:
    for place, pictures in paper.pictures.items():
        for picture in pictures:
            yield f"figures/{place.slug}/{paper.slug}/{picture.name}.svg", picture.svg


def ticked(text: str) -> Markup:
    """Text in which what stands in backticks is code, and nothing else is markup."""
    from markupsafe import Markup, escape

    return Markup(_TICKS.sub(r"<code>\1</code>", str(escape(text))))


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["inline"] = inline
    environment.filters["ticked"] = ticked
    environment.filters["capitalize_first"] = lambda text: text[:1].upper() + text[1:]
    return environment
