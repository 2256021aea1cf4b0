"""The site of the stored results on a phone: every page fits, can be read, and can be reached."""

from itertools import pairwise
from pathlib import Path

import pytest

import paperbench

ROOT = Path(paperbench.__file__).parents[1]
PAPERS = [path.stem for path in sorted((ROOT / "claims").glob("*.yaml"))]
PAGES = ["index", *PAPERS, "exhibits/random-tokens"]
STILL = "*{transition:none!important;animation:none!important}"
# Of each cell of the tables that fold: its text, its edges, and what does not fit into it.
CELLS = """() => [...document.querySelectorAll(".article .folds td, .plain.folds :is(th, td)")]
  .filter((cell) => cell.getClientRects().length)
  .map((cell) => {
    const { left, right, width } = cell.getBoundingClientRect();
    const over = cell.scrollWidth - cell.clientWidth;
    return { text: cell.textContent, left, right, width, over };
  })"""
# Names in the cells of the other tables that stand on more than one line.
BROKEN_NAMES = """() => [...document.querySelectorAll(".article table:not(.folds) code")]
  .filter((code) => code.getClientRects().length > 1)
  .map((code) => code.textContent)"""


@pytest.fixture
def phone(visit, site):
    """Opens a page of the site on a phone, with everything that can be opened open."""

    def opened(name, **how):
        seen = visit(site / f"{name}.html", width=375, height=800, **how)
        seen.page.add_style_tag(content=STILL)
        seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        return seen

    return opened


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_scrolls_one_way_only(phone, name):
    seen = phone(name)
    assert seen.overhang() <= 0
    assert seen.page.locator("h1").bounding_box()["width"] <= 375


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_on_a_phone(phone, name):
    # Minor: a heading that is a formula passes for empty. Contrasts are those of a wide page.
    impacts = ("moderate", "serious", "critical")
    assert phone(name).findings(impacts=impacts, without=["color-contrast"]) == []


@pytest.mark.parametrize("name", PAPERS)
def test_a_row_of_a_wide_table_is_a_block(phone, name):
    page = phone(name).page
    for cell in page.evaluate(CELLS):
        assert cell["left"] >= 0 and cell["right"] <= 375 and cell["over"] <= 0, cell["text"]
        assert cell["width"] > 250, cell["text"]
    assert page.evaluate(BROKEN_NAMES) == []


def test_equations_with_their_code_are_such_tables(phone):
    page = phone("batchnorm").page
    row = page.locator(".article .folds #Eq-1")
    boxes = [cell.bounding_box() for cell in row.locator("td").all()]
    assert len(boxes) == 3
    assert all(above["y"] + above["height"] <= below["y"] + 1 for above, below in pairwise(boxes))
    assert page.locator(".article .folds thead").is_hidden()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator(".article .folds thead").wait_for(state="visible")


def test_a_formula_that_is_too_wide_scrolls_and_is_reached_by_the_keyboard(phone):
    page = phone("batchnorm").page
    wide = "[...document.querySelectorAll('.formula-in-line[tabindex]')]"
    page.wait_for_function(f"{wide}.length > 0")
    reach = page.evaluate(f"{wide}.map(each => each.scrollWidth - each.clientWidth)")
    assert min(reach) > 0
    count = len(reach)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_function(f"{wide}.length < {count}")
