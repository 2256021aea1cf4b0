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
