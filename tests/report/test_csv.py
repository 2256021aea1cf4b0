import csv
import io
import math
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records_in_tests import claim, margin, paper, reading, undecided

from paperbench.judge.record import Margin, Support
from paperbench.report.csv_table import COLUMNS, paper_csv, safe_cell
from paperbench.report.staleness import Hashes
from paperbench.report.words import one_line

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@sum",
    "\t=1",
    "\r=1",
    " =1",
    "\n\n=1",
    '=HYPERLINK("x")',
    '"=1+1"',
    "'=1+1",
    "“=1”",
    "＝1+1",
    "＋1",
    "－1",
    "＠sum",
    "\u200b=1",
    "\u3000=1",
    "=cmd|' /C calc'!A0",
]
TEXTS = ("statement", "reported", "source", "summary")


def read(text):
    return pd.read_csv(io.StringIO(text))


def cells(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


def test_a_negative_number_stays_a_number():
    text = paper_csv(paper(claim(margin=margin(-0.5, 0.25))))
    assert ",-0.5,-0.75,-0.25," in text
    assert read(text)["margin"].dtype == float


def test_whole_numbers_and_truths_are_written_as_such():
    row = cells(paper_csv(paper(claim())))[0]
    assert (row["n"], row["holds_on"], row["as_expected"], row["stale"]) == (
        "3",
        "3",
        "True",
        "False",
    )
    frame = read(paper_csv(paper(claim(), undecided())))
    assert frame["n"].tolist() == [3, 8]
    assert frame["as_expected"].tolist() == [True, True]
    assert frame["verdict"].tolist() == ["PASS", "INCONCLUSIVE"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_a_spreadsheet_would_run_starts_with_an_apostrophe(text):
    assert safe_cell(text).startswith("'")
    frame = read(paper_csv(paper(claim(statement=text))))
    assert frame.loc[0, "statement"] == safe_cell(text)


def test_commas_quotes_and_newlines_stay_in_their_cell():
    frame = read(paper_csv(paper(claim(statement='a, "b"\nc'), reading())))
    assert frame["statement"].tolist() == ['a, "b" c', "Read it."]
    assert pd.isna(frame.loc[1, "verdict"])


def test_a_stale_verdict_says_so_in_its_row():
    record = paper(claim(), undecided())
    current = {"fox/ppl-below-baseline": Hashes("0" * 64, "")}
    assert read(paper_csv(record, current))["stale"].tolist() == [False, True]
    assert read(paper_csv(record))["stale"].tolist() == [False, False]


numbers = st.one_of(
    st.floats(),
    st.sampled_from([0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, -0.0]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(numbers, min_size=9, max_size=9), st.integers(1, 10**6))
def test_pandas_and_python_read_the_same_numbers_back(given_numbers, n):
    mean, low, high, alpha, held, difference, share, most, p_value = given_numbers
    control = claim().control
    part = control.parts[0].model_copy(update={"margin": margin(held, 0.0)})
    record = claim(
        margin=Margin(mean=mean, low=low, high=high, alpha=alpha, n=n, values=[]),
        control=control.model_copy(
            update={
                "parts": [part],
                "difference": Margin(
                    mean=difference, low=difference, high=low, alpha=0.1, n=n, values=[]
                ),
            }
        ),
        support=Support(holds=n, n=n, low=share, high=most, level=0.95),
        p_value=p_value,
    )
    text = paper_csv(paper(record))
    row = cells(text)[0]
    pythons = {name: float(row[name]) for name in ("margin", "low", "high", "alpha", "p_value")}
    pandas = read(text).loc[0]
    for name, value in (
        ("margin", mean),
        ("low", low),
        ("high", high),
        ("alpha", alpha),
        ("control_margin", held),
        ("difference", difference),
        ("difference_high", low),
        ("holds_at_least", share),
        ("holds_at_most", most),
        ("p_value", p_value),
    ):
        assert same(pandas[name], value), name
        assert same(pythons.get(name, value), value), name
    assert pandas["n"] == pandas["holds_on"] == n
    assert row["n"] == str(n)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(FORMULAS),
            st.text("=+-@\"'`,;\n\r\t ＝＋－＠a1", max_size=12),
            st.text(st.characters(codec="utf-8"), max_size=20),
        ),
        min_size=4,
        max_size=4,
    )
)
def test_every_text_comes_back_in_its_own_cell_and_none_is_a_formula(given_texts):
    texts = dict(zip(TEXTS, given_texts, strict=True))
    text = paper_csv(paper(claim(**texts), undecided()))
    rows = cells(text)
    assert [list(row) for row in rows] == [COLUMNS] * 2
    frame = pd.read_csv(io.StringIO(text), keep_default_na=False, dtype=str)
    for name, value in texts.items():
        cell, line = rows[0][name], one_line(value)
        assert cell in (line, f"'{line}")
        assert frame.loc[0, name] == cell
        assert not re.match(r"[\s\"`“”‘’]*[=+\-@＝＋－＠]", cell)


def test_what_is_absent_is_empty_and_what_is_no_number_is_said():
    absent, no_number = cells(paper_csv(paper(reading(), claim(margin=margin(math.nan, 1.0)))))
    assert (absent["margin"], no_number["margin"]) == ("", "nan")
