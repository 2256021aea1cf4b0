"""What GitHub Actions is told: read back as its runner reads it."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from records_in_tests import claim, paper, undecided

from paperbench.errors import Location
from paperbench.report.github import MOST_ANNOTATIONS, annotation_lines, command, step_summary

AT = Location(Path("claims/fox.yaml"), 56, 3)


def bad(name="fails", **changes):
    settings = {"verdict": "FAIL", "as_expected": False, "summary": "the opposite holds"}
    return claim(name, **settings, **changes)


def open_question(name="cannot-tell"):
    return undecided(name, expected="PASS", as_expected=False, reason=None)


def read(line):
    """Level, properties and message, by the runner's own rules: see its ActionCommand."""
    assert "\n" not in line
    assert "\r" not in line
    assert line.startswith("::")
    info, separator, data = line[2:].partition("::")
    assert separator
    level, _, listed = info.partition(" ")
    pairs = (pair.split("=", 1) for pair in listed.split(",") if pair)
    return (
        level,
        {name: unescape(value, ":,\r\n%") for name, value in pairs},
        unescape(data, "\r\n%"),
    )


def unescape(text, characters):
    for character in characters:
        text = text.replace(f"%{ord(character):02X}", character)
    return text


def test_what_is_not_as_expected_is_an_error_at_its_line():
    (line,) = annotation_lines([paper(claim(), bad())], {"fox/fails": AT})
    level, properties, message = read(line)
    assert level == "error"
    assert properties == {
        "file": "claims/fox.yaml",
        "line": "56",
        "col": "3",
        "title": "fox/fails: FAIL (PASS expected)",
    }
    assert message.splitlines()[:2] == [
        "FAIL (PASS expected): the opposite holds",
        "check    fox.val_ppl < transformer.val_ppl",
    ]


@pytest.mark.parametrize(
    ("record", "level"),
    [
        (bad(expected="INCONCLUSIVE"), "error"),
        (claim(verdict="VACUOUS", as_expected=False), "error"),
        (claim(verdict="ERROR", as_expected=False), "error"),
        (claim(expected="FAIL", as_expected=False), "error"),
        (open_question(), "warning"),
    ],
)
def test_an_undecided_claim_is_only_a_warning(record, level):
    (line,) = annotation_lines([paper(record)], {})
    assert read(line)[0] == level
    assert "file" not in read(line)[1]


def test_what_is_as_expected_needs_no_annotation():
    calm = [claim(), undecided(), claim("known", verdict="FAIL", expected="FAIL")]
    assert list(annotation_lines([paper(*calm)], {})) == []


@given(st.text(), st.text())
@example("100 %0A, 5 %25", ",file=x::%3A")
def test_no_text_breaks_out_of_its_annotation(text, title):
    level, properties, message = read(command("error", text, title=f"x{title}", at=AT))
    assert level == "error"
    assert message == text
    assert set(properties) == {"file", "line", "col", "title"}


@pytest.mark.parametrize("count", [MOST_ANNOTATIONS, MOST_ANNOTATIONS + 1, 37])
def test_the_runner_keeps_ten_of_a_kind_and_the_last_names_the_rest(count):
    many = [bad(f"fails-{number}") for number in range(count)]
    lines = list(annotation_lines([paper(*many, open_question())], {}))
    errors = [read(line) for line in lines if line.startswith("::error")]
    assert len(errors) == MOST_ANNOTATIONS
    assert len(lines) == MOST_ANNOTATIONS + 1
    told = " ".join(f"{found['title']} {message}" for _, found, message in errors)
    assert all(re.search(rf"\bfails-{number}\b", told) for number in range(count))
    assert ("no room" in told) == (count > MOST_ANNOTATIONS)


def test_the_page_opens_with_what_needs_a_look_and_folds_the_rest():
    text = step_summary([paper(claim(), undecided(), open_question(), bad())])
    assert text.startswith(
        "## paperbench: quick, cpu\n\n**2 as expected, 1 not as expected, 1 undecided.**\n"
    )
    order = [text.index(word) for word in ("| fails |", "| cannot-tell |", "<details>", "| ppl-b")]
    assert order == sorted(order)
    assert "| fox | fails | **FAIL** (PASS expected) | +0.80 \\[+0.42, +1.18\\] | 3/3 |" in text
    assert (
        "- fox/fails: the opposite holds\n- fox/cannot-tell: the interval still spans zero; about"
        in text
    )
    assert "2 claims that need no look" in text


def test_a_page_of_only_good_news_has_no_table_outside_the_fold():
    text = step_summary([paper(claim())])
    assert text.index("<details>") < text.index("| paper |")
    assert "1 claim that" in text


def test_the_page_says_when_it_is_no_verdict_on_the_paper():
    text = step_summary([paper(claim(exploratory=True), parts={"fox/gate": "mine.py:Mine"})])
    assert "no verdict on the paper" in text
    assert "Exploratory" in text


@pytest.mark.parametrize("room", [20, 400, 1500, 4000, 10**6])
def test_the_page_fits_its_room_and_counts_what_it_left_out(room):
    many = [claim(f"holds-{number}") for number in range(40)]
    text = step_summary([paper(bad(), *many)], room=room)
    if text is None:
        assert room < 100
        return
    assert len(text.encode()) <= room
    shown = len(re.findall(r"^\| fox \|", text, flags=re.MULTILINE))
    assert ("No room" in text) == (shown < 41)
    if shown < 41:
        assert f"No room for {41 - shown} of 41 claims." in text
    if shown:
        assert "| fails |" in text
    if 400 < room < 10**6:  # one more would not have fitted
        assert room - len(text.encode()) < 200


def test_the_page_takes_what_is_written_for_text():
    hostile = bad("fails", next_step="</details><img src=x> | `[a](b)`\n# no heading")
    text = step_summary([paper(hostile, claim())])
    assert "<img" not in text
    assert text.count("</details>") == 1
    assert "\n# no heading" not in text
