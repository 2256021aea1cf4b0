import io

from records_in_tests import claim, margin, paper, reading, undecided
from rich.cells import cell_len
from rich.console import Console

from paperbench.report.terminal import plain_table, summary_line, verdict_table

LOST = {"verdict": "FAIL", "as_expected": False, "summary": "the opposite holds"}


def printed(record, **options):
    stream = io.StringIO()
    Console(file=stream, **options).print(verdict_table(record))
    return stream.getvalue()


BOXED = """\
┌────────────────────────┬──────────────┬─────────────────────────┬───────┬───────────────────────┬───────────────┐
│ claim                  │ verdict      │ margin [interval]       │ holds │ control               │ paper         │
├────────────────────────┼──────────────┼─────────────────────────┼───────┼───────────────────────┼───────────────┤
│ ppl-below-baseline     │ PASS         │ +0.80 [+0.42, +1.18]    │ 3/3   │ −6.90 does not pass ✓ │ lower at 760M │
│ data-dependent-on-text │ INCONCLUSIVE │ +0.005 [−0.020, +0.030] │ 5/8   │ not run               │ better        │
│   expected inconclusive: short text lacks resets                                                                │
└────────────────────────┴──────────────┴─────────────────────────┴───────┴───────────────────────┴───────────────┘
Holm over 2 claims at 2.5 %: 1 of 1 PASS hold
"""  # noqa: E501
PLAIN = """\
PASS          ppl-below-baseline
              margin +0.80 [+0.42, +1.18]  holds 3/3
              control −6.90 does not pass ✓
              paper: lower at 760M
INCONCLUSIVE  data-dependent-on-text
              margin +0.005 [−0.020, +0.030]  holds 5/8  control not run
              paper: better
              expected inconclusive: short text lacks resets
Holm over 2 claims at 2.5 %: 1 of 1 PASS hold
"""


def test_a_wide_terminal_shows_boxes():
    assert (
        printed(paper(claim(), undecided()), force_terminal=True, width=120, color_system=None)
        == BOXED
    )


def test_a_pipe_and_a_narrow_terminal_show_plain_text():
    record = paper(claim(), undecided())
    assert printed(record, width=1000) == PLAIN
    assert printed(record, force_terminal=True, width=80, color_system=None) == PLAIN


def test_no_plain_line_is_longer_than_80_columns_whatever_the_text():
    long = claim(reported="word " * 60, reason="why " * 60, **LOST)
    text = plain_table(paper(long))
    assert max(map(len, text.splitlines())) <= 80
    assert "not as expected: the opposite holds" in text


def test_a_warning_stands_below_its_claim():
    record = paper(claim(warnings=["one seed stands apart"]))
    assert "              warning: one seed stands apart" in plain_table(record).splitlines()
    boxed = printed(record, force_terminal=True, width=120, color_system=None).splitlines()
    assert boxed[4].startswith("│   warning: one seed stands apart")


def test_every_boxed_line_is_equally_wide():
    record = paper(
        claim(reported="a quotation much longer than its cell will ever be"),
        claim("lost", reason="r " * 90, **LOST),
        reading(),
    )
    lines = printed(record, force_terminal=True, width=160, color_system=None).splitlines()
    assert len({cell_len(line) for line in lines[:-1]}) == 1
    assert lines[-1].startswith("Holm over 2 claims")


def test_verdicts_have_their_colours_and_no_color_has_none(monkeypatch):
    record = paper(claim(), claim("lost", **LOST))
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = printed(record, force_terminal=True, width=160, color_system="standard")
    assert "\x1b[32mPASS" in coloured
    assert "\x1b[31mFAIL" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    bare = printed(record, force_terminal=True, width=160, color_system="standard")
    assert "\x1b[3" not in bare


def test_text_that_a_terminal_would_act_on_is_shown_without_effect():
    text = plain_table(paper(claim(reported="\x1b[2J\x07wiped\n[red]not markup[/red]")))
    assert "\x1b" not in text
    assert "[2Jwiped [red]not markup[/red]" in text


def test_a_control_that_passes_too_is_crossed():
    passing = claim().control.model_copy(update={"verdict": "PASS"})
    vacuous = claim(verdict="VACUOUS", as_expected=False, control=passing)
    assert "passes too ✗" in plain_table(paper(vacuous))


def test_the_summary_counts_and_points_at_the_worst():
    record = paper(
        claim(), claim("lost", **LOST), undecided(expected="PASS", as_expected=False), reading()
    )
    line = summary_line([record], elapsed="2 m 41 s", where=["results/quick-cpu/fox.md"])
    assert line.plain == (
        "1 as expected, 1 not, 1 undecided, 1 reading not tried · 2 m 41 s · "
        "results/quick-cpu/fox.md · look closer: paperbench why fox/lost"
    )


def test_the_summary_of_many_papers_names_three_files():
    line = summary_line([paper(claim())], elapsed="1.0 s", where=list("abcde"))
    assert line.plain.startswith("1 as expected, 0 not · 1.0 s · a · b · c and 2 more · ")


def test_an_exact_claim_says_so_and_shows_whole_numbers():
    record = paper(
        claim(kind="exact", check="fox.val_ppl == 6", margin=margin(0.0, 0.0), support=None)
    )
    assert plain_table(record).splitlines()[:2] == [
        "PASS          ppl-below-baseline  (exact)",
        "              margin 0  holds 3/3  control −6.90 caught ✓",
    ]
