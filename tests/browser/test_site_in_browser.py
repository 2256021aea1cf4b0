"""The site that the stored results make, opened from disk in a browser."""

import re
from pathlib import Path

import pytest
from patience import expect

import paperbench

ROOT = Path(paperbench.__file__).parents[1]
KEYS = 80  # presses of Tab after which a page's first controls must all have been reached
# A row of what has no margin.
WITHOUT_MARGIN = '[data-verdict="reading"], [data-verdict="no verdict yet"]'
# Nothing may move while it is looked at.
STILL = "*{transition:none!important;animation:none!important}"


@pytest.fixture
def overview(visit, site):
    return visit(site / "index.html").page


@pytest.fixture
def fox(visit, site):
    return visit(site / "fox.html").page


def shown(page):
    return page.locator("#claims tr.row:visible")


# The first page.


def test_every_claim_has_a_row_with_its_margin_drawn(overview):
    rows = overview.locator("#claims tr.row")
    none = overview.locator(f"#claims tr.row:is({WITHOUT_MARGIN})")
    judged = overview.locator(f"#claims tr.row:not({WITHOUT_MARGIN})")
    assert rows.count() > 100 and none.count() > 0
    box = judged.nth(0).locator("svg.forest").bounding_box()
    assert box["width"] > 150 and box["height"] > 20
    assert judged.locator("svg.forest").count() == judged.count()
    assert none.locator("svg.forest").count() == 0
    heights = "marks => marks.map(mark => mark.offsetHeight)"
    assert max(overview.locator("#claims .ticks i").evaluate_all(heights)) < 25  # one line


def test_claims_without_a_verdict_are_found_and_told_apart(overview):
    every = shown(overview).count()
    none = overview.locator('#claims tr.row[data-verdict="no verdict yet"]').count()
    told = overview.locator("#shown")
    expect(told).to_have_text(
        re.compile(rf"^{every} of {every} rows: \d+ verdicts, .*\b{none} claim")
    )
    overview.get_by_label("Verdict", exact=True).select_option("no verdict yet")
    expect(shown(overview)).to_have_count(none)
    named = "claim without a verdict" if none == 1 else "claims without a verdict"
    expect(told).to_have_text(f"{none} of {every} rows: {none} {named}")
    overview.get_by_role("button", name="Show all").click()
    overview.locator(".counts a", has_text="no verdict yet").click()
    expect(shown(overview)).to_have_count(none)


def test_a_title_of_two_lines_is_whole_in_its_tile(overview):
    title = overview.locator(".tile", has_text="without human knowledge").locator("a span")
    cut = "node => [node.scrollWidth - node.clientWidth, node.scrollHeight - node.clientHeight]"
    assert title.evaluate(cut) == [0, 0]


def test_filters_leave_the_rows_that_fit_and_stand_in_the_address(overview):
    every = shown(overview).count()
    overview.get_by_label("Paper", exact=True).select_option("fox")
    expect(overview.locator("#claims tr.group:visible")).to_have_count(1)
    few = shown(overview).count()
    assert 0 < few < every
    overview.get_by_label("Search").fill("PERPLEXITY transformer")
    expect(overview).to_have_url(re.compile(r"#q=PERPLEXITY\+transformer&paper=fox$"))
    fewer = shown(overview).count()
    assert 0 < fewer < few
    expect(overview.locator("#shown")).to_contain_text(f"{fewer} of {every} rows")
    overview.get_by_label("Search").fill("no claim says this")
    expect(overview.locator("#none")).to_be_visible()
    overview.get_by_role("button", name="Show all").click()
    expect(shown(overview)).to_have_count(every)
    expect(overview).to_have_url(re.compile(r"^[^#]+$"))
    expect(overview.get_by_label("Search")).to_have_value("")


def test_show_all_shows_all_at_once(visit, site):
    page = visit(site / "index.html", fragment="#paper=fox&sort=-claim").page
    hidden = "document.querySelectorAll('#claims tr.row[hidden]').length"
    assert page.evaluate(hidden) > 0
    reset = "document.querySelector('#filters [type=reset]').click()"
    assert page.evaluate(f"({reset}, {hidden})") == 0
    assert page.evaluate("location.hash") == ""
    assert page.locator("#claims th[aria-sort=descending]").count() == 0


def test_a_filtered_view_can_be_linked(visit, site):
    page = visit(site / "index.html", fragment="#verdict=FAIL&sort=-claim").page
    names = page.locator("#claims tr.row:visible .claim a").all_inner_texts()
    assert len(names) > 3 and names == sorted(names, reverse=True)
    assert page.get_by_label("Verdict", exact=True).input_value() == "FAIL"


def test_columns_sort_both_ways_and_then_go_home(overview):
    head = overview.locator('#claims th[data-sort="widths"]')
    home = overview.locator("#claims tr.row").nth(0).get_attribute("data-claim")
    for way in ("descending", "ascending", "none"):
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", way)
        first = overview.locator("#claims tr.row").nth(0)
        widths = overview.locator("#claims tr.row").evaluate_all(
            "rows => rows.map(row => row.dataset.widths)"
        )
        if way != "none":
            finite = [float(each) for each in widths if each and not each.endswith("inf")]
            assert finite == sorted(finite, reverse=way == "descending")
            ranks = [2 if not each else int(each.endswith("inf")) for each in widths]
            assert ranks == sorted(ranks) and set(ranks) == {0, 1, 2}
    assert first.get_attribute("data-claim") == home
    assert overview.locator("#claims tr.group:visible").count() >= 12


def test_a_count_leads_to_its_claims(overview):
    link = overview.locator(".counts a").first
    count = int(link.locator("b").inner_text())
    link.click()
    expect(shown(overview)).to_have_count(count)
    overview.wait_for_function("document.getElementById('Claims').getBoundingClientRect().y < 200")


def test_without_a_script_every_row_is_there(visit, site):
    page = visit(site / "index.html", java_script_enabled=False).page
    assert shown(page).count() > 100 and not page.locator("#filters").is_visible()
    assert page.locator("#claims .group a").first.is_visible()


# A paper's page.


def test_an_address_opens_its_claim(visit, site):
    page = visit(site / "fox.html", fragment="#ppl-below-baseline").page
    claim = page.locator("details#ppl-below-baseline")
    expect(claim).to_have_attribute("open", "")
    expect(page.locator("details.claim[open]")).to_have_count(1)
    place = "document.getElementById('ppl-below-baseline').getBoundingClientRect().y"
    page.wait_for_function(f"Math.abs({place}) < 200")
    assert claim.locator("svg.seeds[role=img]").count() >= 3
    assert claim.locator("svg.seeds[role=img]").first.bounding_box()["width"] > 200


def test_all_claims_open_and_close_together(fox):
    button = fox.get_by_role("button", name="Open all")
    button.click()
    expect(fox.locator("details.claim:not([open])")).to_have_count(0)
    fox.get_by_role("button", name="Close all").click()
    expect(fox.locator("details.claim[open]")).to_have_count(0)


@pytest.mark.parametrize("paper", [path.stem for path in sorted((ROOT / "claims").glob("*.yaml"))])
def test_mathematics_has_a_size_on_every_page(visit, site, paper):
    page = visit(site / f"{paper}.html").page
    boxes = page.evaluate(
        "[...document.querySelectorAll('.article math')].map(math => {"
        "const {width, height} = math.getBoundingClientRect(); return [width, height]})"
    )
    assert len(boxes) > 10
    assert all(width > 0 and height > 0 for width, height in boxes)
    assert page.locator(".formula-text").count() == 0


def test_an_equation_shows_its_line_without_leaving_the_notes(fox):
    equation = fox.locator("#Eq-2")
    equation.scroll_into_view_if_needed()
    before = fox.evaluate("scrollY")
    equation.locator(".code-lines a").first.click()
    line = fox.locator(".line.here")
    expect(line).to_be_visible()
    expect(line).to_contain_text("cumsum")
    expect(fox).to_have_url(re.compile(f"#{re.escape(line.get_attribute('id'))}$"))
    assert fox.evaluate("scrollY") == before
    line.get_by_role("link", name="(2)").click()
    expect(fox).to_have_url(re.compile("#Eq-2$"))


def test_files_are_tabs_that_arrows_move_between(fox):
    tabs = fox.get_by_role("tab")
    names = tabs.all_inner_texts()
    assert names[0] == "model.py" and {"components.py", "figures.py"} <= set(names)
    tabs.nth(0).focus()
    fox.keyboard.press("ArrowRight")
    expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    expect(tabs.nth(1)).to_be_focused()
    expect(fox.locator(".source .file:visible")).to_have_count(1)


def test_charts_are_drawn_in_their_places(fox):
    curves = fox.locator("section.curves").first
    widths = curves.locator("svg").evaluate_all(
        "drawn => drawn.map(each => each.getBoundingClientRect().width)"
    )
    assert max(widths) > 200
    assert fox.locator("section.attention").first.inner_text().strip()


def test_figures_are_there(visit, site):
    page = visit(site / "ddpm.html").page
    page.locator("#Figures").scroll_into_view_if_needed()
    picture = page.locator(".picture img").first
    picture.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.picture img').naturalWidth > 100")


# Everybody's page.


def test_the_theme_is_the_system_s_until_somebody_chooses(visit, site):
    page = visit(site / "index.html", dark=True).page
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(paper)
    button = page.get_by_role("button", name=re.compile("Theme"))
    button.click()
    expect(button).to_contain_text("light")
    page.wait_for_function(f"{paper} != '{dark}'")
    page.reload()
    assert page.evaluate(paper) != dark  # it is remembered
    page.get_by_role("button", name=re.compile("Theme")).click()
    page.wait_for_function(f"{paper} == '{dark}'")


def test_the_keyboard_reaches_the_content_and_every_control(overview):
    overview.keyboard.press("Tab")
    expect(overview.locator(".skip")).to_be_focused()
    overview.keyboard.press("Enter")
    expect(overview.locator("#Main")).to_be_focused()
    reached = set()
    for _ in range(KEYS):
        overview.keyboard.press("Tab")
        reached.add(
            overview.evaluate(
                "(e => e.name || e.closest('th')?.dataset.sort || e.id || e.tagName)"
                "(document.activeElement)"
            )
        )
    assert {"q", "paper", "verdict", "place", "outcome", "claim", "widths"} <= reached
    focused = overview.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert focused == "solid"


def test_a_claim_opens_from_the_keyboard(fox):
    summary = fox.locator("details.claim > summary").first
    summary.focus()
    fox.keyboard.press("Enter")
    expect(fox.locator("details.claim[open]")).to_have_count(1)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["index", "fox", "dropout"])
def test_axe_finds_nothing_serious(visit, site, name, dark):
    seen = visit(site / f"{name}.html", dark=dark)
    seen.page.add_style_tag(content=STILL)
    seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert seen.findings() == []
