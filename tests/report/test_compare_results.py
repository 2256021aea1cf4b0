"""Two results folders side by side: what is found, in which order, and what it is called."""

import json
from typing import get_args

import pytest
from records_in_tests import claim, margin, mutations, paper, reading, undecided

from paperbench.judge.mutation_record import Trial, TriedMutation
from paperbench.report.compare import Kind, Side, compare
from paperbench.report.compare_pages import (
    KINDS,
    comparison_json,
    comparison_markdown,
    comparison_text,
)

PASSES = claim("it")
FAILS = claim("it", verdict="FAIL", as_expected=False)
OPEN = undecided("it", expected="PASS", as_expected=False)
KNOWN = claim("it", verdict="FAIL", expected="FAIL")


def side(*claims, stale=(), mutations=(), **changes):
    def why(_, record):
        return "old" if record.claim in stale else None

    return Side([paper(*claims, **changes)], mutations, why)


def between(before, after, *, stale_before=(), stale_after=()):
    """The only change, if there is one."""
    old = side(*([before] if before else []), stale=stale_before)
    new = side(*([after] if after else []), stale=stale_after)
    found = compare(old, new)
    assert len(found.changes) + found.unchanged == 1
    return found.changes[0] if found.changes else None


@pytest.mark.parametrize("record", [PASSES, FAILS, OPEN, KNOWN, reading("it")])
def test_the_same_record_is_unchanged(record):
    assert between(record, record) is None
    assert between(record, record, stale_before=["it"], stale_after=["it"]) is None


@pytest.mark.parametrize(
    ("before", "after", "kind", "regression"),
    [
        (PASSES, FAILS, "regressed", True),
        (PASSES, OPEN, "regressed", True),
        (KNOWN, claim("it", expected="FAIL", as_expected=False), "regressed", True),
        (OPEN, FAILS, "regressed", True),
        (PASSES, claim("it", verdict="ERROR", as_expected=False), "regressed", True),
        (PASSES, None, "gone", True),
        (FAILS, None, "gone", False),
        (reading("it"), None, "gone", False),
        (None, FAILS, "bad", False),
        (None, OPEN, "bad", False),
        (None, PASSES, "new", False),
        (None, KNOWN, "new", False),
        (FAILS, PASSES, "mended", False),
        (OPEN, KNOWN, "mended", False),
        (FAILS, OPEN, "other", False),
        (FAILS, reading("it"), "gone", False),  # no longer tried is not as expected
        (PASSES, reading("it"), "gone", True),
        (reading("it"), PASSES, "new", False),
        (reading("it"), FAILS, "bad", False),
        (PASSES, KNOWN, "other", False),  # somebody came to expect the failure
        (FAILS, claim("it", verdict="VACUOUS", as_expected=False), "other", False),
        (PASSES, claim("it", spec_sha256="1" * 64), "restated", False),
        (PASSES, claim("it", code_sha256="1" * 64), "rebuilt", False),
        (PASSES, claim("it", margin=margin(1.6, 0.38)), "apart", False),
        (PASSES, claim("it", margin=margin(1.0, 0.38)), "moved", False),
        (PASSES, claim("it", margin=margin(0.8000001, 0.38)), None, False),
        (PASSES, claim("it", seconds={"fox": 99.0}), None, False),
    ],
)
def test_each_change_has_its_kind(before, after, kind, regression):
    found = between(before, after)
    assert (found and found.kind) == kind
    if found:
        assert found.is_regression == regression


def test_what_became_stale_is_a_regression_and_what_was_judged_again_is_none():
    aged = between(PASSES, PASSES, stale_after=["it"])
    assert (aged.kind, aged.is_regression, aged.notes) == ("aged", True, ["stale now"])
    judged = between(PASSES, PASSES, stale_before=["it"])
    assert (judged.kind, judged.is_regression, judged.notes) == ("judged", False, ["stale before"])
    assert between(FAILS, FAILS, stale_after=["it"]).is_regression is False


def test_what_did_not_hold_and_became_stale_is_told_and_no_regression():
    for record in (OPEN, FAILS):
        change = between(record, record, stale_after=["it"])
        assert (change.kind, change.is_regression) == ("aged", False)
    assert between(OPEN, OPEN, stale_before=["it"]).kind == "judged"
    assert between(FAILS, FAILS, stale_before=["it"]).kind == "judged"


@pytest.mark.parametrize("before", [PASSES, KNOWN, OPEN])
def test_a_stale_verdict_that_is_worse_when_judged_again_is_a_regression(before):
    change = between(before, FAILS, stale_before=["it"])
    assert (change.kind, change.is_regression) == ("regressed", True)


def test_intervals_that_touch_overlap():
    apart = claim("it", margin=margin(0.8 + 2 * 0.38 + 1e-6, 0.38))
    touching = claim("it", margin=margin(0.8 + 2 * 0.38 - 1e-6, 0.38))
    assert "the intervals do not overlap" in between(PASSES, apart).notes
    assert between(PASSES, touching).kind == "moved"


def test_the_margins_of_two_different_claims_are_not_compared():
    found = between(PASSES, claim("it", spec_sha256="1" * 64, margin=margin(9.0, 0.1)))
    assert (found.kind, found.notes) == ("restated", ["the claim was changed"])


def test_the_range_of_an_exact_claim_is_no_interval():
    old, new = (claim("it", kind="exact", margin=margin(mean, 1e-12)) for mean in (1e-10, 2e-10))
    assert between(old, new).kind == "moved"


def test_the_same_claim_elsewhere_is_another_verdict():
    found = compare(side(PASSES), side(PASSES, device="cuda"))
    assert [(change.kind, change.device) for change in found.changes] == [
        ("gone", "cpu"),
        ("new", "cuda"),
    ]


def names(*claims):
    return [record.model_copy(update={"claim": name}) for name, record in claims]


def test_the_most_important_comes_first_and_the_rest_is_counted():
    old = names(("a", PASSES), ("b", PASSES), ("c", FAILS), ("d", PASSES), ("e", PASSES))
    moved = claim("a", margin=margin(1.0, 0.38))
    new = [moved, *names(("b", FAILS), ("c", PASSES), ("d", PASSES), ("f", PASSES))]
    found = compare(side(*old), side(*new))
    assert [(change.claim, change.kind) for change in found.changes] == [
        ("fox/b", "regressed"),
        ("fox/e", "gone"),
        ("fox/c", "mended"),
        ("fox/a", "moved"),
        ("fox/f", "new"),
    ]
    assert (found.unchanged, found.regressions) == (1, 2)
    page = comparison_markdown(found)
    assert page.startswith(
        "**1 no longer as expected; 1 gone; 1 as expected now; 1 with a margin that moved; "
        "1 new**; 1 verdict as before.\n"
    )
    assert (
        "| fox/b | quick, cpu | PASS | **FAIL** (PASS expected) | +0.80 \\[+0.42, +1.18\\] | "
        "+0.80 \\[+0.42, +1.18\\] | − |" in page
    )
    assert "| fox/e | quick, cpu | PASS | − | +0.80 \\[+0.42, +1.18\\] | − | − |" in page
    assert page.index("fox/b") < page.index("fox/e") < page.index("fox/c") < page.index("fox/a")
    assert "<details><summary>New: 1</summary>" in page


def test_a_screen_gets_a_block_for_each_change_and_names_of_the_rest():
    old = names(("a", PASSES), ("b", PASSES), *((f"m{i}", PASSES) for i in range(7)))
    moved = claim("it", margin=margin(1.0, 0.38))
    found = compare(side(*old), side(*names(("b", FAILS), *((f"m{i}", moved) for i in range(7)))))
    text = comparison_text(found, 60)
    assert max(map(len, text.splitlines())) <= 60
    assert "\n\nNo longer as expected (1)\n  fox/b  quick, cpu\n      PASS → FAIL !\n" in text
    assert "      margin +0.80 [+0.42, +1.18]\n\nGone (1)\n  fox/a  quick, cpu\n" in text
    assert "fox/m4 and 2 more" in text.replace("\n  ", " ")
    assert (
        comparison_text(compare(side(), side()), 60) == "Nothing changed: 0 verdicts as before.\n"
    )


def test_when_nothing_changed_one_line_says_so():
    page = comparison_markdown(compare(side(PASSES), side(PASSES)))
    assert page == "**Nothing changed**: 1 verdict as before.\n"


def test_every_kind_has_words_in_the_order_of_importance():
    assert tuple(KINDS) == get_args(Kind)


def test_a_name_is_text():
    found = compare(side(), side(claim("a|b<img>", verdict="FAIL", as_expected=False)))
    page = comparison_markdown(found)
    assert "### New, and not as expected" in page
    assert "| fox/a\\|b&lt;img&gt; |" in page


def trials(**fates):
    return mutations(
        mutations=[TriedMutation(name=name, summary="", sha256="0" * 64) for name in fates],
        trials=[
            Trial(claim="it", mutation=name, fate=fate, detail="") for name, fate in fates.items()
        ],
    )


def test_another_score_of_mutations_is_told():
    old, new = trials(slow="killed", open="killed"), trials(slow="survived", open="killed")
    found = compare(side(PASSES, mutations=[old]), side(PASSES, mutations=[new]))
    page = comparison_markdown(found)
    assert page.startswith("**1 with other mutations**; 1 verdict as before.\n")
    assert "| fox | quick, cpu | 2 of 2 | 1 of 2 | slow |" in page
    assert not compare(side(mutations=[old]), side(mutations=[old])).scores
    assert "| fox | quick, cpu | − | 1 of 2 | slow |" in comparison_markdown(
        compare(side(), side(mutations=[new]))
    )


def test_a_program_gets_both_sides():
    content = json.loads(comparison_json(compare(side(PASSES), side(FAILS))))
    assert (content["unchanged"], content["regressions"]) == (0, 1)
    (change,) = content["changes"]
    assert (change["claim"], change["kind"], change["regression"]) == ("fox/it", "regressed", True)
    assert change["before"]["verdict"] == "PASS"
    assert change["after"]["standing"] == "unexpected"
    assert change["after"]["margin"]["low"] == pytest.approx(0.42)
    assert json.loads(comparison_json(compare(side(), side(OPEN))))["changes"][0]["before"] is None
