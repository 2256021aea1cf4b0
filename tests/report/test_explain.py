from records_in_tests import claim, margin, paper, reading, undecided

from paperbench.judge.record import Part, Support
from paperbench.report.explain import explain

SCREEN = """\
FoX reaches a lower perplexity than a Transformer.             PASS (quick, cpu)

check     fox.val_ppl < transformer.val_ppl
source    section 4.2, figure 2
paper     lower at 760M
because   the gate forgets

          ● fox  ○ transformer                                  ●      ○  margin
seed 0           ●───────────────────────────────────────○  6.170  6.970   +0.80
seed 1            ●─────────────────────────────────○       6.190  6.860   +0.67
seed 2    ●──────────────────────────────────────────────○  6.030  6.970   +0.94

           0 supports it                              +1.2
margin     │               ├──────────────●─────────────┤   +0.80 [+0.42, +1.18]
control   ◀│                                                −6.90 [−7.30, −6.50]
          ◀ control off this scale
          t interval, n = 3, look 1 of 3, one-sided alpha 0.005
          3 of 3 seeds support it

support   holds on 3 of 3 seeds, so on at least 25 % of all (95 % sure, whatever
          their distribution)
p-value   0.0005, one-sided, over all looks so far

guards    chance ✓ fox.val_ppl 6.03 against bigram_ppl 10.1
          budget ✓ same steps

control   mechanism off: fox: gate=open
          does not pass ✓
          claim minus control +7.70 [+7.20, +8.20], paired by seed

verdict   PASS: the check holds over 3 seeds"""


def test_the_screen_shows_seeds_interval_guards_and_control():
    assert explain(paper(claim()), claim()) == SCREEN


def test_a_check_that_is_no_comparison_of_two_arms_shows_margins_around_zero():
    part = "transformer.val_ppl - fox.val_ppl > 0.5"
    record = claim(check=part, margin=margin(0.1, 0.4, values=[0.2, -0.1, 0.2]), control=None)
    lines = explain(paper(record), record).splitlines()
    at = lines.index("          −0.3   against it 0 supports it             +0.5")
    assert lines[at + 1 : at + 6] == [
        "seed 0                      │          •                    +0.20",
        "seed 1                •     │                               −0.10",
        "seed 2                      │          •                    +0.20",
        "margin     ├┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┼┄┄┄┄●┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┤   +0.10 [−0.30, +0.50]",
        "          ┄ spans zero: undecided",
    ]
    assert "          2 of 3 seeds support it" in lines


def test_every_part_of_a_conjunction_is_shown():
    first, second = "fox.val_ppl < transformer.val_ppl", "fox.val_ppl < 7"
    record = claim(
        check=f"{first} and {second}",
        parts=[Part(check=first, margin=margin()), Part(check=second, margin=margin())],
    )
    screen = explain(paper(record), record)
    assert f"part 1    {first}" in screen
    assert f"part 2    {second}" in screen
    assert screen.count("t interval") == 2


def test_timing_counts_repeats_and_leaves_out_the_many():
    values = [1.0 + i / 100 for i in range(40)]
    record = claim(
        kind="timing", margin=margin(1.2, 0.1, n=40, alpha=0.025, values=values), arms={}, seeds=[0]
    )
    screen = explain(paper(record), record)
    assert "repeat 15" in screen
    assert "repeat 16" not in screen
    assert "and 24 more repeats" in screen
    assert "40 of 40 repeats support it" in screen


def test_exact_and_rate_name_their_own_interval():
    exact = claim(kind="exact", margin=margin(0.0, 0.0, alpha=0.0))
    assert "mean and range over 3 seeds" in explain(paper(exact), exact)
    rate = claim(kind="rate", check="fox.solved > 0.5", arms={})
    assert "exact binomial interval" in explain(paper(rate), rate)


def test_an_undecided_claim_says_what_was_expected_and_what_to_do():
    screen = explain(paper(undecided()), undecided())
    assert "expected  INCONCLUSIVE: short text lacks resets" in screen
    assert screen.endswith("next      about 40 seeds would decide it")


def test_a_warning_stands_beside_the_count():
    screen = explain(paper(claim()), claim(warnings=["one seed stands apart: -0.1 on seed 4"]))
    assert "warning   one seed stands apart: -0.1 on seed 4" in screen.splitlines()
    few = Support(holds=1, n=8, low=0.001, high=0.531, level=0.95)
    assert "holds on 1 of 8 seeds, so on at most 54 % of all" in explain(
        paper(), claim(support=few)
    )
    timed = claim(kind="timing", arms={}, seeds=[0])
    assert "holds on 3 of 3 repeats" in explain(paper(timed), timed)


def test_a_stale_verdict_says_so_first():
    reason = "The claim or its code has changed since"
    head = explain(paper(claim()), claim(), stale=reason).split("\n\n")[0]
    assert "PASS (quick, cpu, stale)" in head
    assert f"{reason}: this verdict does not count until" in " ".join(head.split())


def test_numbers_that_are_not_finite_do_not_break_the_picture():
    nan = float("nan")
    record = claim(
        verdict="VACUOUS",
        as_expected=False,
        margin=margin(nan, nan, values=[nan] * 3),
        arms={arm: {"val_ppl": [nan] * 3} for arm in ("fox", "transformer")},
    )
    rows = [line for line in explain(paper(record), record).splitlines() if "seed " in line]
    assert [row.split()[-1] for row in rows] == ["nan"] * 3
    assert all("│" in row and "━" not in row for row in rows)


def test_a_reading_has_no_seeds():
    assert explain(paper(reading()), reading()).splitlines()[-1] == (
        "verdict   reading: read, not tried"
    )


def test_the_screen_fits_80_columns():
    long = claim(statement="word " * 40, because="why " * 60, reported="so " * 60)
    assert max(map(len, explain(paper(long), long).splitlines())) <= 80
