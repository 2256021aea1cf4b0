"""What a reader sees of a page: parsed by another's Markdown parser, every text comes back."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from records_in_tests import claim, margin, mutations, paper, undecided

from paperbench.judge.mutation_record import Trial, TriedMutation
from paperbench.report.markdown import code, escape, paper_table
from paperbench.report.mutations import page as mutations_page
from paperbench.report.overview import fill_blocks, overview
from paperbench.report.words import one_line

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = [
    "a | b",
    "a\n\n| --- |\n| x |",
    "[x](javascript:alert(1)) ![y](http://a.b/c.png) [ref]: /url",
    "*bold* _it_ **b** __b__ ~~gone~~ ~x~",
    "`code` ``more`` ` and a lone ```",
    "<script>alert(1)</script> <!-- --> <b>b</b> &amp; &#64; &lt;",
    "$x$ $$y$$ \\(z\\) \\| \\",
    "# title #",
    "- item",
    "1. item",
    "12) item",
    "+ item",
    "> quoted",
    "=== ---",
    "--- | :-: |",
    "@someone asks @org/team, not a@b.example",
    "=cmd|' /C calc'!A0",
    "    indented",
    "\ttab\r\nline\u2028separator\u0085next",
    "http://example.org/a_b_c <http://x.y>",
    "\u202eright to left\u202c \u200bzero width \ufeff",
]
# Every character that means something somewhere, more often than letters.
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text("\\`*_[]()|~$#!<>&@:=+-.1 \n\ta", max_size=24),
    st.text(st.characters(codec="utf-8"), max_size=24),
)


def shown(token):
    """The text of an inline token; only an empty comment may stand in it."""
    text = ""
    for child in token.children:
        if child.type == "html_inline":
            assert child.content == "<!-- -->"
            continue
        assert child.type in ("text", "text_special", "code_inline", "strong_open", "strong_close")
        text += child.content
    return text


def tables(markdown):
    """Every table as rows of the texts of cells; links are followed by their text alone."""
    found, rows = [], None
    for token in PARSER.parse(markdown):
        if token.type == "table_open":
            rows = []
            found.append(rows)
        elif token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(None)
        elif token.type == "inline" and rows and rows[-1] and rows[-1][-1] is None:
            rows[-1][-1] = token
        elif token.type == "table_close":
            rows = None
    return found


@settings(max_examples=300, deadline=None)
@given(texts)
def test_escaped_text_is_shown_as_it_is(text):
    tokens = PARSER.parse(escape(text))
    line = one_line(text)
    if not line:
        assert tokens == []
        return
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert shown(tokens[1]) == line


@settings(max_examples=200, deadline=None)
@given(texts.filter(one_line))
def test_a_code_span_is_one_code_span(text):
    (token,) = [each for each in PARSER.parse(f"- check: {code(text)}") if each.type == "inline"]
    assert [child.type for child in token.children] == ["text", "code_inline"]
    assert token.children[1].content.strip() == one_line(text)


@settings(max_examples=120, deadline=None)
@given(st.lists(texts, min_size=8, max_size=8))
def test_a_page_has_the_cells_and_the_texts_of_its_record_and_nothing_else(given_texts):
    title, statement, reported, because, reason, summary, arm, metric = given_texts
    arm, metric = arm or "arm", metric or "metric"
    record = paper(
        claim(
            statement=statement,
            reported=reported,
            because=because,
            reason=reason,
            summary=summary,
            source=because,
            next_step=reason,
            warnings=[summary],
            arms={arm: {metric: [1.0, 2.0, 3.5]}, "other": {"loss": [1.0]}},
        ),
        undecided(reported=reported),
        title=title,
    )
    verdicts, means = tables(paper_table(record))
    assert {len(row) for row in verdicts} == {8}
    assert [shown(row[7]) for row in verdicts[1:]] == [one_line(reported)] * 2
    assert [shown(cell) for cell in means[0]] == ["arm", "n", one_line(metric), "loss"]
    assert [shown(row[0]) for row in means[1:]] == [one_line(arm), "other"]
    whole = tables(overview([record], None)) + tables(
        fill_blocks(
            "<!-- paperbench: papers quick-cpu -->\n<!-- paperbench: end -->",
            [record],
            None,
            link_base="results/",
        )
    )
    assert [{len(row) for row in rows} for rows in whole] == [{8}, {5}]
    assert shown(whole[0][1][7]) == one_line(reported)
    assert shown(whole[1][1][1]) == one_line(title)


@settings(max_examples=60, deadline=None)
@given(texts)
def test_a_page_of_mutations_has_its_cells_whatever_their_text(text):
    record = mutations(
        title=text,
        mutations=[TriedMutation(name="a", summary=text, sha256="")],
        trials=[Trial(claim="two", mutation="a", fate="error", detail=text)],
    )
    found = tables(mutations_page(record))
    assert [len(row) for rows in found for row in rows] == [5] * (2 + 1 + 2)
    assert shown(found[0][1][1]) == shown(found[2][1][4]) == one_line(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_nobody_is_mentioned(text):
    assert not re.search(r"(?<!\w)@\w", escape(text))


def test_what_is_not_symmetric_is_shown_with_both_ends():
    lopsided = margin(0.4, 0.2).model_copy(update={"low": 0.0})
    ((_, row),) = tables(paper_table(paper(claim(margin=lopsided, arms={}))))
    assert shown(row[3]) == "+0.40 [0.00, +0.60]"
    ((_, row),) = tables(paper_table(paper(claim(margin=margin(0.4, 0.2), arms={}))))
    assert shown(row[3]) == "+0.40 ± 0.20"
