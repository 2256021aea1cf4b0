"""The site as files: what it says, that it is all there, and that nothing comes from elsewhere."""

import json
import re
from html.parser import HTMLParser
from pathlib import PurePosixPath

import pytest
from records_in_tests import claim, mutations, paper, reading, undecided

from paperbench.errors import UsageError
from paperbench.judge.mutation_record import Trial, TriedClaim, TriedMutation
from paperbench.report.site.build import build_site, site_files
from paperbench.report.site.content import PaperContent, Picture, Place, SiteContent
from paperbench.report.site.folder import MARKER
from paperbench.report.site.overview import overview
from paperbench.report.site.paper import json_for_script
from paperbench.report.staleness import Hashes

HOSTILE = "</title><script>alert('x')</script><img src=//evil onerror=\"alert(1)\">"
QUICK = Place.named("quick-cpu")
RECORDING = {
    "schema_version": 1,
    "experiments": {
        "text": {
            "fox": {"control_of": None, "arm": "fox", "runs": {"0": {"key": "a", "curves": {}}}},
            "old": {"control_of": None, "arm": "old", "runs": {"0": {"key": "z", "curves": {}}}},
        }
    },
}


def tried():
    return mutations(
        rules=3,
        claims=[
            TriedClaim(
                claim="ppl-below-baseline",
                verdict="PASS",
                control="caught",
                spec_sha256="0" * 64,
                code_sha256="",
            )
        ],
        mutations=[TriedMutation(name="fox/gate:slow", summary="A slow gate.", sha256="")],
        trials=[
            Trial(claim="ppl-below-baseline", mutation="fox/gate:slow", fate="killed", detail="")
        ],
    )


NO_CURVES = {"curves": {}, "attention": []}


def content(*records, slug="fox", **more):
    shown = records or (paper(claim(), undecided(), reading()),)
    return SiteContent([PaperContent(slug, list(shown), **more)])


def full_content():
    return content(
        mutations=[tried()],
        notes="# Fox\n\n## Idea\n\n$$a \\tag{1}$$ `Gate` and `ppl-below-baseline`\n",
        sources={"model.py": "class Gate:\n    x = 1  # (1)\n"},
        pictures={QUICK: [Picture("gates", "Gates $f_t$.", "<svg/>")]},
        recordings={QUICK: RECORDING},
    )


def pages(site):
    return dict(site_files(site))


class Links(HTMLParser):
    """What a page links to, what it loads, and the ids that it has."""

    LOADED = {"src", "data", "poster", "srcset", "background", "action", "formaction"}

    def __init__(self, page):
        super().__init__()
        self.links, self.loaded, self.ids, self.tags = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            assert not name.startswith("on"), f"{tag} has {name}"
            if name == "id":
                self.ids.append(value)
            elif name in self.LOADED or (name == "href" and tag == "link"):
                self.loaded.append(value)
            elif name == "href":
                self.links.append(value)


def test_a_site_has_a_page_for_each_paper_and_its_figures():
    files = pages(full_content())
    assert {"index.html", "fox.html", "figures/quick-cpu/fox/gates.svg"} <= set(files)
    assert {"assets/site.css", "assets/overview.js", "assets/paper.js"} <= set(files)


def test_every_link_resolves_and_nothing_is_loaded_from_elsewhere():
    exhibit = PaperContent("exhibits/random", [paper(claim(), paper="exhibits/random")])
    site = SiteContent([*full_content().papers, exhibit])
    files = pages(site)
    found = {name: Links(text) for name, text in files.items() if name.endswith(".html")}
    assert len(found) == 3
    for name, page in found.items():
        assert len(page.ids) == len(set(page.ids)), name
        for address in page.links + page.loaded:
            if address.startswith("data:image/svg+xml"):
                continue
            assert not re.match(r"[a-z]+:|//", address), address
            path, _, fragment = address.partition("#")
            target = str(PurePosixPath(name).parent / path) if path else name
            while "../" in target:
                target = re.sub(r"[^/]+/\.\./", "", target, count=1)
            assert target in files, f"{name} -> {address}"
            if fragment and target.endswith(".html") and "=" not in fragment:
                assert fragment in found[target].ids, f"{name} -> {address}"


def test_the_style_sheets_and_scripts_ask_for_nothing():
    for name, text in pages(full_content()).items():
        if name.startswith("assets/"):
            outside = re.findall(r"(?:url\(|@import|fetch\(|https?:)[^\n]{0,40}", text)
            assert not [each for each in outside if "www.w3.org" not in each], name


def test_hostile_text_stays_text():
    hostile = claim(
        HOSTILE,
        statement=HOSTILE,
        reported=HOSTILE,
        because=f"`{HOSTILE}`",
        source=HOSTILE,
        summary=HOSTILE,
        check="a.x < b.x",
        arms={HOSTILE: {"x": [1.0, 2.0, 3.0]}},
    )
    recording = {"schema_version": 1, "experiments": {HOSTILE: {HOSTILE: RECORDING}}}
    recording["experiments"][HOSTILE][HOSTILE] = {"control_of": None, "runs": {}}
    site = content(
        paper(hostile, title=HOSTILE, environment={"processor": HOSTILE}),
        notes=HOSTILE,
        sources={"model.py": f"x = 1  # (1) {HOSTILE}\n"},
        pictures={QUICK: [Picture("gates", HOSTILE, "<svg/>")]},
        recordings={QUICK: recording},
    )
    for name in ("index.html", "fox.html"):
        page, harmless = Links(pages(site)[name]), Links(pages(full_content())[name])
        for tag in ("script", "img"):
            assert page.tags.count(tag) == harmless.tags.count(tag), tag
        assert not [address for address in page.loaded + page.links if address.startswith("//")]
    assert HOSTILE not in "".join(pages(site).values())


def test_data_of_a_script_cannot_end_it():
    text = json_for_script({"a": "</script><!-- &\u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!-- &\u2028"}


def test_the_same_results_give_the_same_bytes():
    assert pages(full_content()) == pages(full_content())


def test_what_is_absent_is_left_out_without_a_word_too_many():
    page = pages(content())["fox.html"]
    for section in ("Notes", "Source", "Figures", "Curves", "Attention", "Mutations"):
        assert f'id="{section}"' not in page and f'href="#{section}"' not in page
    assert 'id="Claims"' in page and 'id="Provenance"' in page
    assert "without its citation" in page


def test_the_page_holds_the_places_that_the_charts_are_drawn_in():
    page = pages(full_content())["fox.html"]
    place = 'class="curves" data-source="recordings-quick-cpu" data-experiment="text"'
    assert place in page
    assert 'id="Attention"' not in page  # no run kept any
    data = re.search(r'id="recordings-quick-cpu">(.*?)</script>', page, flags=re.DOTALL)[1]
    assert json.loads(data) == RECORDING
    assert "Of other runs than those that the verdicts rest on: old." in page


def test_a_stale_verdict_is_never_shown_as_current():
    old = Hashes("1" * 64, "", (3, 5, 8))
    site = SiteContent(content().papers, {"fox/ppl-below-baseline": old})
    first = overview(site)
    assert ("stale", 3, "old") in first.counts
    assert first.counts[0] == ("as expected", 0, "ok")
    page = pages(site)["fox.html"]
    assert "has changed since: this verdict does not count" in page
    assert 'class="chip pass"' not in page and 'class="chip pass stale"' in page
    assert page.count('<svg class="forest"') == page.count('class="place stale"') > 0  # colourless


def test_curves_of_more_runs_than_were_judged_say_so():
    runs = {"0": {"key": "a", **NO_CURVES}, "1": {"key": "later", **NO_CURVES}}
    arm = {"control_of": None, "arm": "fox", "runs": runs}
    recording = {"schema_version": 1, "experiments": {"text": {"fox": arm}}}
    page = pages(content(recordings={QUICK: recording}))["fox.html"]
    assert "Among them runs that no verdict rests on: fox (seed 1)." in page


def test_the_first_page_tells_passes_from_what_was_only_expected():
    expected = claim("b", verdict="FAIL", expected="FAIL")
    page = pages(content(paper(claim("a"), expected, reading())))["index.html"]
    assert "<b>2</b> as expected" in page
    assert "The verdicts that count: 1 PASS, 1 FAIL." in page


def test_counts_leave_exhibits_and_readings_out():
    exhibit = PaperContent(
        "exhibits/x", [paper(claim(verdict="VACUOUS", as_expected=False), paper="exhibits/x")]
    )
    surprise = paper(claim("a"), claim("b", verdict="FAIL", as_expected=False), reading())
    first = overview(SiteContent([PaperContent("fox", [surprise]), exhibit]))
    told = {words: count for words, count, _ in first.counts}
    assert told == {"as expected": 1, "not as expected": 1, "undecided": 0}
    assert [group.slug for group in first.exhibits] == ["exhibits/x"]


def test_a_claim_shows_the_evidence_of_every_place():
    full = paper(claim(verdict="FAIL", as_expected=False), tier="full", device="cuda")
    page = pages(content(paper(claim()), full))["fox.html"]
    assert page.count('<details class="claim"') == 1
    assert page.index("quick, cpu") < page.index("full, cuda")
    assert page.count('<section class="evidence"') == 2
    for words in (
        "does not pass ✓",
        "chance",
        "lower at 760M",
        "holds on 3 of 3 seeds",
        "gate=open",
    ):
        assert words in page


def test_another_one_s_parts_are_named():
    site = pages(content(paper(claim(), parts={"fox/gate": "mine.py:Mine"})))
    told = "With mine.py:Mine in the place of fox/gate: no verdict on the paper."
    assert told in site["fox.html"] and told in site["index.html"]


def test_mutations_are_shown_with_what_caught_them():
    page = pages(full_content())["fox.html"]
    assert "1 of 1 mutations killed (100 %)" in page
    assert re.search(
        r"(?s)fox/gate:slow</code></th><td [^>]*>A slow gate.</td>.*?killed.*?ppl-b", page
    )


# The folder.


def test_a_site_is_written_once_and_then_left_alone(tmp_path):
    folder = tmp_path / "new" / "site"
    changed = build_site(full_content(), folder)
    assert folder / "index.html" in changed
    assert build_site(full_content(), folder) == []
    assert build_site(content(), folder)  # without figures
    assert not (folder / "figures" / "quick-cpu" / "fox" / "gates.svg").exists()
    assert "gates.svg" not in (folder / MARKER).read_text()


def test_a_folder_with_other_things_is_refused_and_untouched(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="other things than a site"):
        build_site(content(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_of_somebody_else_is_refused_and_others_stay(tmp_path):
    site = tmp_path / "site"
    build_site(content(), site)
    (site / "CNAME").write_text("example.org")
    (site / "seq2seq.html").write_text("mine")
    build_site(content(), site)
    assert (site / "CNAME").exists()
    with pytest.raises(UsageError, match="seq2seq.html is there and not of a site"):
        build_site(content(paper(claim(), paper="seq2seq"), slug="seq2seq"), site)
    assert (site / "seq2seq.html").read_text() == "mine" and (site / "fox.html").exists()


def test_a_marker_cannot_have_files_removed_outside(tmp_path):
    site = tmp_path / "site"
    build_site(content(), site)
    (tmp_path / "precious").write_text("")
    with (site / MARKER).open("a") as marker:
        marker.write(f"../precious\n{tmp_path}/precious\n")
    build_site(content(), site)
    assert (tmp_path / "precious").exists()


def test_a_slug_cannot_leave_the_folder_nor_be_the_first_page(tmp_path):
    with pytest.raises(UsageError):
        build_site(content(slug="../up"), tmp_path / "site")
    assert not (tmp_path / "site").exists()
    assert "index_.html" in pages(content(slug="index"))
