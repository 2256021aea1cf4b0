import re

from records_in_tests import claim, mutations, paper, reading, undecided

from paperbench.judge.mutation_record import Trial, TriedMutation
from paperbench.judge.record import RULES
from paperbench.metric_kinds import perplexity
from paperbench.report.markdown import code, escape, paper_table
from paperbench.report.overview import fill_blocks, overview
from paperbench.report.staleness import Hashes

HOSTILE = (  # no @: nobody is mentioned by means of a comment
    "a | b\n| --- |\n<script>alert(1)</script> `code` [x](javascript:y) *bold* _it_ "
    "<!-- \\| ~~gone~~ # no $x$"
)


def table_rows(markdown):
    return [line for line in markdown.splitlines() if line.startswith("|")]


def unescaped_pipes(line):
    return len(re.findall(r"(?<!\\)(?:\\\\)*\|", line))


def test_a_page_begins_with_title_provenance_and_table():
    lines = paper_table(paper(claim(), undecided())).splitlines()
    assert lines[:8] == [
        "# Forgetting Transformer",
        "",
        "tier quick · device cpu · paperbench 0.1.0 · torch 2.4.0 · Python 3.11.9 · A CPU · "
        "commit 0123456789ab · data python-docs sha256 ffffffffffff · 2026-01-02T03:04:05+00:00",
        "",
        "| claim | verdict | metric | margin | holds / n | Holm | control | paper |",
        "|---|---|---|---|---|---|---|---|",
        "| ppl-below-baseline | PASS | val\\_ppl | +0.80 ± 0.38 | 3/3 | ✓ "
        "| −6.90 ± 0.40 does not pass ✓ | lower at 760M |",
        "| data-dependent-on-text | INCONCLUSIVE (expected) | val\\_ppl | +0.005 ± 0.025 | 5/8 "
        "| − | not run | better |",
    ]


def test_a_section_holds_what_the_verdict_rests_on():
    page = paper_table(paper(claim()), {"val_ppl": perplexity})
    for line in (
        "## ppl-below-baseline",
        "- check: `fox.val_ppl < transformer.val_ppl`",
        "- verdict: PASS: the check holds over 3 seeds",
        "- guard budget ✓: same steps",
        "- control (ablate: fox gate=open): does not pass ✓; margin −6.90 "
        "\\[−7.30, −6.50\\]; difference +7.70 \\[+7.20, +8.20\\]",
        "- margin: +0.80 \\[+0.42, +1.18\\], 3 of 3 seeds support it",
        "| arm | n | val\\_ppl ↓ |",
        "| fox | 3 | 6.13 ± 0.22 |",
        "Means over seeds, ± half of their 95 % t interval; ↑: higher is better, ↓: lower is "
        "better.",
    ):
        assert line in page.splitlines()
    assert "| PASS | val\\_ppl ↓ | +0.80 ± 0.38 |" in page
    assert "val\\_ppl ↓" not in paper_table(paper(claim())), "no arrow for a metric not known"


def test_an_unexpected_verdict_is_bold_and_says_what_was_expected():
    page = paper_table(paper(claim(verdict="FAIL", as_expected=False)))
    assert "| **FAIL** (PASS expected) |" in page


def test_hostile_text_cannot_break_a_table_or_add_markup():
    record = paper(
        claim(
            statement=HOSTILE,
            reported=HOSTILE,
            because=HOSTILE,
            reason=HOSTILE,
            source=HOSTILE,
            summary=HOSTILE,
        ),
        title=HOSTILE,
    )
    page = paper_table(record)
    assert {unescaped_pipes(row) for row in table_rows(page)[:3]} == {9}
    assert len(table_rows(page)) == 3 + 4
    assert "<script" not in page
    assert "<!--" not in page
    assert page.splitlines()[0].startswith("# a \\| b \\| --- \\|")


def test_escaped_text_starts_neither_list_nor_heading_nor_quotation():
    assert escape("# title") == "\\# title"
    assert escape("- item") == "\\- item"
    assert escape("1. item") == "1\\. item"
    assert escape("31.0 M steps") == "31.0 M steps"
    assert escape("> quoted") == "&gt; quoted"
    assert escape("a & b") == "a &amp; b"


def test_a_code_span_holds_backticks():
    assert code("a `b` c") == "``a `b` c``"
    assert code("`a`") == "`` `a` ``"


def test_the_overview_lists_unexpected_verdicts_first_and_marks_stale_ones():
    lost = claim("lost", verdict="FAIL", as_expected=False, spec_sha256="1" * 64)
    records = [paper(claim(), lost, reading()), paper(claim(), device="cuda", tier="full")]
    page = overview(
        records,
        {
            "fox/ppl-below-baseline": Hashes("0" * 64, ""),
            "fox/lost": Hashes("2" * 64, ""),
            "fox/an-essay": Hashes("0" * 64, ""),
        },
    )
    quick, full = page.split("## full, cuda")
    rows = table_rows(quick)
    assert rows[2].startswith("| [fox](quick-cpu/fox.md) | lost | **FAIL** (PASS expected) stale |")
    assert rows[3] == (
        "| [fox](quick-cpu/fox.md) | ppl-below-baseline | PASS | val\\_ppl ↓ | +0.80 ± 0.38 | 3/3 "
        "| −6.90 ± 0.40 does not pass ✓ | lower at 760M |"
    )
    assert "1 as expected, 1 stale, 1 readings not tried." in quick
    assert "`stale`: the claim, its code or the rules of judging have changed since" in full


def test_a_verdict_whose_code_has_changed_is_stale():
    current = {"fox/ppl-below-baseline": Hashes("0" * 64, "of today")}
    assert "| PASS stale |" in overview([paper(claim(code_sha256="of then"))], current)
    assert "| PASS |" in overview([paper(claim(code_sha256="of today"))], current)


def test_marked_blocks_of_another_page_are_filled_and_the_rest_stays():
    page = (
        "# Mine\n<!-- paperbench: results quick-cpu -->\nof then\n<!-- paperbench: end -->\n"
        "text\n<!-- paperbench: results full-cuda -->\n<!-- paperbench: end -->\nend\n"
    )
    filled = fill_blocks(page, [paper(claim())], None, link_base="results/")
    assert filled.startswith("# Mine\n<!-- paperbench: results quick-cpu -->\n")
    assert "of then" not in filled
    assert "[fox](results/quick-cpu/fox.md)" in filled
    assert "No verdict yet." in filled
    assert filled.endswith("<!-- paperbench: end -->\nend\n")
    assert fill_blocks(filled, [paper(claim())], None, link_base="results/") == filled


def test_a_block_of_papers_has_a_row_for_each_and_names_what_is_otherwise():
    block = "<!-- paperbench: papers quick-cpu -->\n<!-- paperbench: end -->\n"
    lost = claim("lost", verdict="FAIL", as_expected=False)
    papers = [paper(claim(), claim("two"), lost), paper(claim(), tier="full")]
    trials = mutations(
        mutations=[TriedMutation(name=name, summary="", sha256="") for name in "ab"],
        trials=[
            Trial(claim="two", mutation=name, fate=fate, detail="")
            for name, fate in (("a", "killed"), ("b", "survived"))
        ],
    )
    (row,) = table_rows(fill_blocks(block, papers, None, [trials], link_base="out/"))[2:]
    assert row == (
        "| [fox](out/quick-cpu/fox.md) | Forgetting Transformer | 2 PASS "
        "| lost: **FAIL** (PASS expected) | 1 of 2 |"
    )


def test_a_verdict_judged_under_older_rules_is_stale_and_a_reading_is_not():
    current = {"fox/ppl-below-baseline": Hashes("0" * 64, ""), "fox/an-essay": Hashes("0" * 64, "")}
    page = overview([paper(claim(rules=RULES - 1), reading())], current)
    assert "| PASS stale |" in page
    assert "reading stale" not in page
    assert "| PASS stale |" in overview([paper(claim(rules=1))], None)


def test_a_section_says_what_needs_no_distribution_and_what_to_beware_of():
    page = paper_table(paper(claim(warnings=["one seed stands apart: *x*"])))
    for line in (
        "- the check holds on 3 of 3 seeds, so on at least 25 % of all (95 % sure, whatever their "
        "distribution)",
        "- p-value: 0.0005, one-sided, over all looks so far",
        "- warning: one seed stands apart: \\*x\\*",
    ):
        assert line in page.splitlines()


def test_nothing_is_stale_where_the_claims_are_not_known():
    assert "stale" not in overview([paper(claim())], None)


def test_a_verdict_on_a_claim_that_is_gone_is_stale():
    assert "| PASS stale |" in overview([paper(claim())], {})


def test_a_stale_verdict_is_marked_in_its_row_and_its_section():
    record = paper(claim(), undecided())
    current = {"fox/ppl-below-baseline": Hashes("0" * 64, "")}
    page = paper_table(record, current=current)
    assert "| ppl-below-baseline | PASS | " in page
    assert "| data-dependent-on-text | INCONCLUSIVE (expected) stale | " in page
    assert "- verdict: INCONCLUSIVE (expected) stale: the interval still spans zero" in page
    assert page.count("this verdict does not count until `paperbench verify` judges it again") == 1
    for fresh in (None, {**current, "fox/data-dependent-on-text": Hashes("0" * 64, "")}):
        assert "stale" not in paper_table(record, current=fresh)


def test_exhibits_stand_apart_and_count_nowhere():
    shown = claim("shown", verdict="VACUOUS", as_expected=False)
    records = [paper(claim()), paper(shown, paper="exhibits/random-tokens")]
    papers, exhibits = overview(records, None).split("## Exhibits")
    assert "1 as expected.\n" in papers
    assert "shown" not in papers
    assert "### quick, cpu\n\n0 as expected, 1 not as expected.\n" in exhibits
    assert (
        "| [exhibits/random-tokens](quick-cpu/exhibits/random-tokens.md) | shown "
        "| **VACUOUS** (PASS expected) |" in exhibits
    )
    assert "Exhibits" not in overview(records[:1], None)
    block = "<!-- paperbench: results quick-cpu -->\n<!-- paperbench: end -->\n"
    assert "shown" not in fill_blocks(block, records, None, link_base="results/")
    assert "No verdict yet." in fill_blocks(block, records[1:], None, link_base="results/")
