"""Words that no page was made for, on a phone."""

import pytest
from records_in_tests import claim, paper

from paperbench.report.site.build import build_site
from paperbench.report.site.content import PaperContent, SiteContent


@pytest.mark.parametrize("name", ["index.html", "fox.html"])
def test_a_word_of_ten_thousand_letters_makes_no_page_wider(visit, tmp_path, name):
    told = claim(statement="W" * 10_000, summary="</script><b>" + "x" * 10_000)
    build_site(SiteContent([PaperContent("fox", [paper(told)])]), tmp_path / "s i té")
    seen = visit(tmp_path / "s i té" / name, width=375)
    seen.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert seen.overhang() == 0


def test_a_formula_in_a_line_makes_no_page_wider(visit, tmp_path):
    wide = " + ".join(f"x_{{{i}}}" for i in range(40))
    notes = f"# Fox\n\nSo ${wide}$ it is, or\n\n- ${wide}$\n\n| a |\n|---|\n| ${wide}$ |\n"
    build_site(SiteContent([PaperContent("fox", [paper(claim())], notes=notes)]), tmp_path / "site")
    seen = visit(tmp_path / "site" / "fox.html", width=375)
    boxes = [each.bounding_box() for each in seen.page.locator(".formula-in-line").all()]
    assert len(boxes) == 3 and all(box["width"] > 100 for box in boxes)
    assert seen.overhang() == 0
