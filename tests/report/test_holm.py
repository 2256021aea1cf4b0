import pytest
from records_in_tests import claim, paper, reading, undecided

from paperbench.report.csv_table import paper_csv
from paperbench.report.holm import family_of, holm
from paperbench.report.markdown import paper_table
from paperbench.report.terminal import plain_table


def test_holm_multiplies_by_what_is_left_and_never_goes_down():
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(adjusted) == ["a", "b", "c", "d"]
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}


def family(*p_values):
    return [claim(f"c{i}", p_value=p) for i, p in enumerate(p_values)]


def test_a_pass_that_does_not_hold_among_the_others_is_marked_and_stays_a_pass():
    record = paper(*family(0.0002, 0.0005, 0.02), undecided())
    found = family_of(record)
    assert [found.mark(one) for one in record.claims] == ["✓", "✓", "✗", "−"]
    line = "Holm over 4 claims at 2.5 %: 2 of 3 PASS hold; not: c2"
    assert found.line() == line
    assert f"{line}." in paper_table(record).splitlines()
    text = plain_table(record)
    assert "PASS °        c2" in text
    assert "PASS          c1" in text
    assert text.splitlines()[-1] == line.replace("not:", "not (°):")
    rows = paper_csv(record).splitlines()
    assert [row.split(",")[5] for row in rows[1:]] == ["PASS"] * 3 + ["INCONCLUSIVE"]
    column = rows[0].split(",").index("holm")
    assert [row.split(",")[column] for row in rows[1:]] == ["holds", "holds", "does not hold", ""]


def test_the_same_p_holds_among_fewer():
    assert family_of(paper(*family(0.0002, 0.02))).lost == []
    assert family_of(paper(*family(0.0002, 0.02), undecided())).lost == ["c1"]


def test_a_claim_that_errored_was_asked_too():
    broken = claim("broken", verdict="ERROR", as_expected=False, p_value=None, margin=None)
    assert family_of(paper(*family(0.0002, 0.02), broken)).lost == ["c1"]


def test_exact_claims_and_readings_are_no_part_of_it():
    exact = claim("exact", kind="exact", p_value=None)
    assert list(family_of(paper(*family(0.001, 0.001), exact, reading())).adjusted) == ["c0", "c1"]


def test_nothing_is_corrected_without_company_or_p_values():
    assert family_of(paper(claim(), reading())) is None
    assert family_of(paper(claim(), claim("old", p_value=None))) is None
    assert family_of(paper(undecided(), undecided("another"))) is None
    assert "Holm over" not in plain_table(paper(claim(), reading()))
