"""Notes as an article, and the source that it links to."""

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

import paperbench
from paperbench.report.site.notes import article, inline
from paperbench.report.site.source import highlighted, index_sources

MODEL = '''"""A model."""

GATES = 2


class Gate:
    def forward(self, x):
        return x.sigmoid()  # (1)


def attend(q):
    return q  # (2), then (1) a layer below
'''
NOTES = sorted((Path(paperbench.__file__).parent / "papers").glob("*/NOTES.md"))
OTHER = "def attend(q):\n    return q + 1\n\n\ndef measure():\n    return 0\n"
SOURCES = {"model.py": MODEL, "other.py": OTHER, "components.py": "x = 1  # (2)\n"}
INDEX = index_sources(SOURCES)


def shown(markdown, claims=None):
    return article(markdown, INDEX, claims or {}).html


def test_the_title_is_the_page_s_and_sections_are_listed():
    notes = article("# Fox\n\n## The `idea`\n\nText.\n\n### More\n", INDEX, {})
    assert notes.headings == [("Notes-the-idea", "The idea")]
    assert "Fox" not in notes.html
    assert '<h3 id="Notes-the-idea">' in notes.html and "<h4>More</h4>" in notes.html


def test_code_leads_to_its_line():
    assert 'href="#model.py-L6"' in shown("`Gate`")
    assert 'href="#model.py-L7"' in shown("see `Gate.forward(x)`")
    assert 'href="#model.py-L3"' in shown("`GATES`")
    assert 'href="#model.py-L1"' in shown("`model.py`")
    assert 'href="#other.py-L5"' in shown("`measure`")
    assert "href" not in shown("`nowhere`")


def test_where_two_files_define_a_name_the_file_before_it_decides():
    assert 'href="#model.py-L11"' in shown("`attend`")
    assert 'href="#other.py-L1"' in shown("`other.py`, `attend`")


def test_claims_are_linked():
    assert 'href="#beats-it"' in shown("`beats-it` holds", {"beats-it": "beats-it"})


def test_an_equation_has_its_code_beside_it_and_the_code_its_equation():
    notes = article("$$a = b \\tag{1}$$\n\nBy (1) and (7).\n", INDEX, {})
    assert 'id="Eq-1"' in notes.html and '<span class="number">(1)</span>' in notes.html
    assert 'href="#model.py-L8"' in notes.html
    assert "return x.sigmoid()" in notes.html
    assert '<a href="#Eq-1">(1)</a> and (7)' in notes.html
    code = highlighted("model.py", MODEL, notes.equations)
    assert code.count('href="#Eq-1"') == 2 and "Eq-2" not in code


def test_no_two_places_have_the_same_address():
    html = shown("## Idea\n\n## Idea\n\n## !\n\n## ?\n\n$$a \\tag{1}$$\n\n$$b \\tag{1}$$\n")
    ids = re.findall(r'id="([^"]+)"', html)
    assert len(ids) == len(set(ids)) == 5


def test_what_breaks_the_model_computes_no_equation():
    assert {line.file for line in INDEX.equations["2"]} == {"model.py"}


def test_a_row_that_begins_with_a_number_is_the_equation():
    table = "| | equation | code |\n|---|---|---|\n| (2) | $a$ | `measure` |\n"
    notes = article(table, INDEX, {})
    assert notes.equations == {"2"}
    assert re.search(r'<tr [^>]*id="Eq-2"', notes.html) and 'href="#model.py-L12"' in notes.html


def test_a_row_on_an_equation_says_where_it_is_computed():
    table = "\n\n| | |\n|---|---|\n| (5) | `measure` |\n"
    html = shown("$$a \\tag{5}$$" + table)
    assert html.count('id="Eq-5"') == 1
    assert '<span class="where">other.py:5</span>' in html


def test_every_line_of_the_source_has_its_anchor():
    lines = highlighted("model.py", MODEL, set()).split("\n")
    assert len(lines) == MODEL.count("\n")
    assert all(f'id="model.py-L{n}"' in line for n, line in enumerate(lines, start=1))
    assert re.sub(r"<[^>]*>", "", lines[6]).strip() == "def forward(self, x):"


def test_links_lead_to_the_web_to_the_source_or_nowhere():
    assert 'href="https://example.org" rel="noreferrer"' in shown("[a](https://example.org)")
    assert 'href="#model.py-L1"' in shown("[`model.py`](model.py)")
    assert 'href="fox.html"' in shown("[v](../../../results/quick-cpu/fox.md)")
    for target in ("../../secret.md", "javascript:alert(1)", "//evil", "data:text/html,x", "x.md"):
        assert "href" not in shown(f"[a]({target})")


def test_a_number_of_arxiv_is_a_link_and_a_link_stays_one():
    link = '<a href="https://arxiv.org/abs/1207.0580" rel="noreferrer">arXiv:1207.0580</a>'
    assert link + " (2012), and" in shown("*Title*, arXiv:1207.0580 (2012), and")
    assert 'abs/2006.11239v2"' in shown("arXiv:2006.11239v2.")
    assert 'abs/cs/0112017"' in shown("arXiv:cs/0112017")
    assert shown("[arXiv:1207.0580](https://arxiv.org/abs/1207.0580)").count("<a ") == 1
    assert "<a " not in shown("`arXiv:1207.0580` and arXiv:soon")


def test_a_table_of_equations_folds_and_has_no_empty_heading():
    rows = "| | equation | code |\n|---|---|---|\n| (2) | $a$ | `measure` |\n"
    html = shown(rows)
    assert '<table role="table" class="folds">' in html
    assert '<td role="cell"></td>\n<th role="columnheader">equation</th>' in html
    assert html.count('role="row"') == 2 and html.count('role="cell"') == 4
    assert "folds" not in shown("| a | b |\n|---|---|\n| c | d (2) |\n")


def test_boxes_that_scroll_are_no_landmarks():
    html = shown("| a |\n|---|\n| b |\n\n```\ncode\n```\n")
    assert html.count('role="group"') == 2 and "region" not in html


def test_hostile_notes_stay_text():
    html = shown("<script>alert(1)</script>\n\n<b onclick=x>y</b> `</code><script>`\n")
    assert "<script" not in html and "<b " not in html
    assert "<img" not in shown("![x](https://example.org/x.png)")
    assert "<script" not in shown("```\n</code><script>\n```\n")
    assert "<script" not in highlighted("model.py", "x = '<script>'  # (1) <script>\n", {"1"})


def test_a_formula_that_cannot_be_shown_is_text():
    assert '<code class="formula-text">\\frobnicate &lt;b&gt;</code>' in shown("$\\frobnicate <b>$")


def test_a_caption_is_one_line_of_the_same():
    assert re.match(r"a <span class=.formula-in-line.><math", inline("a $x$ <b>"))
    assert "&lt;b&gt;" in inline("a $x$ <b>")


def test_source_that_is_no_python_is_shown_all_the_same():
    assert index_sources({"model.py": "def ("}).names["model.py"].number == 1
    assert "def" in highlighted("model.py", "def (", set())


@pytest.mark.parametrize("notes", NOTES, ids=lambda path: path.parent.name)
def test_no_line_of_a_paper_s_notes_begins_a_list_by_accident(notes):
    assert mistaken(notes.read_text(encoding="utf-8")) == []


def test_lines_that_begin_a_list_by_accident_are_found():
    assert mistaken("of *king - man\n+ woman* it") == ["+ woman* it", "of *king - man", "woman* it"]
    assert mistaken("what $a_i$ is, `b_i`, and *c*:\n\n- one\n- two\n") == []


def mistaken(markdown):
    """Lists that begin in the middle of a paragraph, and words with a mark that marks nothing."""
    lines, paragraph, found = markdown.splitlines(), None, []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type in ("bullet_list_open", "ordered_list_open") and token.map[0] == paragraph:
            found.append(lines[paragraph])
        if token.type == "paragraph_open":
            paragraph = token.map[1]
    words = re.sub(r"<(code|pre|math|svg)\b.*?</\1>", "", shown(markdown), flags=re.DOTALL)
    return found + [line for line in re.sub(r"<[^>]+>", "", words).splitlines() if "*" in line]
