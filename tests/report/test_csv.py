import io

import pandas as pd
import pytest
from records_in_tests import claim, margin, paper, reading, undecided

from paperbench.report.csv_table import paper_csv, safe_cell
from paperbench.report.staleness import Hashes


def read(text):
    return pd.read_csv(io.StringIO(text), engine="python")  # reads every digit


def test_pandas_reads_the_numbers_back_equal():
    third = margin(1 / 3, 0.1 + 0.2, values=[1 / 3] * 3)
    frame = read(paper_csv(paper(claim(margin=third), undecided())))
    assert frame.loc[0, "margin"] == 1 / 3
    assert frame.loc[0, "low"] == third.low
    assert frame["n"].tolist() == [3, 8]
    assert frame["as_expected"].tolist() == [True, True]
    assert frame["verdict"].tolist() == ["PASS", "INCONCLUSIVE"]


def test_a_negative_number_stays_a_number():
    text = paper_csv(paper(claim(margin=margin(-0.5, 0.25))))
    assert ",-0.5,-0.75,-0.25," in text
    assert read(text)["margin"].dtype == float


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\t=1", " =1", '=HYPERLINK("x")'])
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
