"""What the site says of one claim: without a verdict, out of date, not as expected, in pictures."""

import json
import re
from pathlib import Path

from records_in_tests import claim, paper, undecided

from paperbench.report.site.build import site_files
from paperbench.report.site.claims import Chip
from paperbench.report.site.content import PaperContent, Picture, Place, SiteContent
from paperbench.report.site.overview import overview
from paperbench.report.staleness import Hashes
from paperbench.spec.model import Claim, ClaimFile, Paper

QUICK = Place.named("quick-cpu")
SVG = '<?xml version="1.0"?>\n<svg width="619.2pt" height="5pt" viewBox="0 0 619.2 {}"></svg>'


def claim_file(**checks):
    """Claims by name (`_` for `-`), each with its check of today."""
    names = {name.replace("_", "-"): check for name, check in checks.items()}
    return ClaimFile(
        slug="fox",
        path=Path("fox.yaml"),
        schema_version=1,
        paper=Paper(title="Fox", authors=("Lin",), year=2025, url="https://example.org"),
        claims={
            name: Claim(name=name, statement=f"{name} holds.", check=check, tiers=("full",))
            for name, check in names.items()
        },
    )


def pages(*records, current=None, **more):
    site = SiteContent([PaperContent("fox", list(records), **more)], current)
    return overview(site), dict(site_files(site))


def test_a_claim_without_a_verdict_has_a_row_and_is_no_verdict():
    file = claim_file(ppl_below_baseline="a.x < b.x", never_tried="a.x < b.x")
    first, site = pages(paper(claim()), file=file)
    judged, none = first.groups[0].rows
    assert (judged.claim, none.claim) == ("ppl-below-baseline", "never-tried")
    assert (none.chip.word, none.forest, none.widths) == ("no verdict yet", "", None)
    assert (none.statement, none.asked) == ("never-tried holds.", "asked at full")
    assert first.told == "1 PASS"
    assert first.counts[0] == ("as expected", 1, "ok")
    assert first.counts[-1] == ("no verdict yet", 1, "old")
    assert first.verdicts == ["PASS", "no verdict yet"] and first.places == [QUICK]
    assert "no verdict yet" not in first.outcomes
    page = site["index.html"]
    assert '<a href="#verdict=no%20verdict%20yet"><b>1</b> no verdict yet</a>' in page
    assert "quick, cpu: 1 PASS; no verdict yet: 1" in page
    assert '<p class="told">no verdict yet: 1</p>' in page  # in the paper's tile


def test_a_paper_without_any_verdict_has_rows_too():
    first, site = pages(file=claim_file(one="a.x < b.x", two="a.x < b.x"))
    assert [row.claim for row in first.groups[0].rows] == ["one", "two"]
    assert first.told == "" and first.counts[-1] == ("no verdict yet", 2, "old")
    assert site["index.html"].count('data-verdict="no verdict yet"') == 2


def test_where_every_claim_has_a_verdict_there_is_no_word_of_it():
    file = claim_file(ppl_below_baseline="a.x < b.x")
    assert "no verdict yet" not in pages(paper(claim()), file=file)[1]["index.html"]


def test_what_was_expected_stands_beside_what_came_otherwise():
    def note(**changes):
        return Chip.of(claim(as_expected=False, **changes), stale=False).note

    assert note(verdict="INCONCLUSIVE") == note(verdict="VACUOUS") == "pass expected"
    assert note(verdict="INCONCLUSIVE", expected="FAIL") == "fail expected"
    assert Chip.of(undecided(), stale=False).note == "expected"
    assert Chip.of(claim(), stale=False).note == note(verdict="ERROR") == ""


def test_evidence_of_another_check_quotes_it():
    told = r"the check that was judged</span> <code>fox\.val_ppl &lt; transformer\.val_ppl</code>"
    current = {"fox/ppl-below-baseline": Hashes("1" * 64, "", (3, 5, 8))}
    changed = claim_file(ppl_below_baseline="fox.val_ppl < 0.9 * transformer.val_ppl")
    page = pages(paper(claim()), current=current, file=changed)[1]["fox.html"]
    assert len(re.findall(told, page)) == 1
    box = page.index('<section class="evidence"')
    assert "0.9 * transformer.val_ppl" in page[:box] and re.search(told, page[box:])
    same = claim_file(ppl_below_baseline="fox.val_ppl <  transformer.val_ppl\n")
    page = pages(paper(claim()), current=current, file=same)[1]["fox.html"]
    assert "this verdict does not count" in page and "the check that was judged" not in page


def test_a_picture_keeps_its_room_and_is_told_in_words():
    pictures = [
        Picture("gates", 'Gates $f_t$ of `fox`, seed 0. Light: "kept".', SVG.format(244.8)),
        Picture("loss-by-place", "", "<svg/>"),
        Picture("flat", "Nothing", SVG.format(0)),
    ]
    page = pages(paper(claim()), pictures={QUICK: pictures})[1]["fox.html"]
    images = [re.sub(r'src="[^"]*" ', "", tag) for tag in re.findall(r"<img [^>]*>", page)]
    assert images == [
        '<img loading="lazy" alt="Gates f_t of fox, seed 0." width="619" height="245">',
        '<img loading="lazy" alt="loss by place">',
        '<img loading="lazy" alt="Nothing">',
    ]


def test_the_recording_of_a_control_says_what_it_alters():
    run = {"0": {"key": "a", "curves": {}, "attention": []}}
    names = {"fox": None, "fox of ppl-below-baseline": "ppl-below-baseline", "fox of gone": "gone"}
    arms = {name: {"control_of": of, "arm": "fox", "runs": run} for name, of in names.items()}
    recording = {"schema_version": 1, "experiments": {"text": arms}}
    page = pages(paper(claim()), recordings={QUICK: recording})[1]["fox.html"]
    data = json.loads(re.search(r'id="recordings-quick-cpu">(.*?)</script>', page)[1])
    shown = data["experiments"]["text"]
    assert {name: arm.get("alters") for name, arm in shown.items()} == {
        "fox": None,
        "fox of ppl-below-baseline": "gate=open",
        "fox of gone": None,
    }
    assert "alters" not in arms["fox of ppl-below-baseline"]  # what was read stays as it is
