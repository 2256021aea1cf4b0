"""JUnit XML: what another reader of the format sees in it, and what Jenkins would refuse."""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped
from records_in_tests import claim, margin, paper, reading, undecided

from paperbench.errors import Location
from paperbench.judge.record import Guard
from paperbench.report.junit import junit_xml

TRIPPED = Guard(name="chance", ok=False, detail="fox.val_ppl 10.3 against bigram_ppl 10.1")


@dataclass(frozen=True)
class Element:
    """What the schema of Jenkins' xUnit plugin (junit-10) allows of one element."""

    needs: frozenset[str]
    may: frozenset[str]
    children: frozenset[str]


def element(needs="", may="", children=""):
    return Element(*(frozenset(words.split()) for words in (needs, may, children)))


OUTCOME = element(may="type message")
SCHEMA = {
    "testsuites": element(may="name time tests failures errors", children="testsuite"),
    "testsuite": element(
        needs="name tests failures errors",
        may="time skipped timestamp hostname id package file log url group",
        children="properties testcase system-out system-err testsuite",
    ),
    "properties": element(children="property"),
    "property": element(needs="name value"),
    "testcase": element(
        needs="name",
        may="time classname group",
        children="skipped error failure system-out system-err",
    ),
    "failure": OUTCOME,
    "error": OUTCOME,
    "skipped": OUTCOME,
}
# That of the Ant task: a local time, without a zone.
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def complaints(text):
    """What a strict reader has against the file."""
    root = ElementTree.fromstring(text.encode())
    found = [] if root.tag == "testsuites" else [f"the root is {root.tag}"]
    for node in root.iter():
        allowed = SCHEMA[node.tag]
        names = set(node.attrib)
        found += [f"{node.tag} lacks {name}" for name in allowed.needs - names]
        found += [f"{node.tag} has {name}" for name in names - allowed.needs - allowed.may]
        found += [
            f"{child.tag} in {node.tag}" for child in node if child.tag not in allowed.children
        ]
        time = node.get("time")
        if time is not None and not re.fullmatch(r"\d+\.\d{3}", time):
            found.append(f"time {time}")
        if not TIMESTAMP.fullmatch(node.get("timestamp", "2026-01-01T00:00:00")):
            found.append(f"timestamp {node.get('timestamp')}")
    return found


MANY = (
    claim("passes"),
    claim("fails", verdict="FAIL", as_expected=False, summary="the opposite holds"),
    claim("means-nothing", verdict="VACUOUS", as_expected=False, guards=[TRIPPED]),
    claim("too-good", expected="FAIL", as_expected=False, reason="We thought so."),
    claim("known-to-fail", verdict="FAIL", expected="FAIL", reason="Too small."),
    undecided("cannot-tell", expected="PASS", as_expected=False, reason=None),
    undecided("known-to-be-open"),
    claim("crashed", verdict="ERROR", as_expected=False, margin=None, summary="out of memory"),
    reading(),
)


@pytest.fixture(scope="module")
def suite():
    places = {"fox/fails": Location(Path("claims/fox.yaml"), 56, 3)}
    (found,) = JUnitXml.fromstring(junit_xml([paper(*MANY)], places).encode())
    return found


def cases(suite):
    return {case.name: case for case in suite}


def test_a_strict_reader_has_nothing_against_it():
    assert complaints(junit_xml([paper(*MANY), paper(*MANY, paper="other")])) == []
    assert complaints(junit_xml([])) == []


def test_the_strict_reader_can_complain():
    text = junit_xml([paper(*MANY)])
    assert complaints(text.replace('classname="fox"', 'file="claims/fox.yaml"'))
    assert complaints(text.replace(' skipped="4"', "", 1).replace("errors=", "mistakes="))


@pytest.mark.parametrize(
    ("name", "sort", "kind"),
    [
        ("fails", Failure, "FAIL"),
        ("means-nothing", Failure, "VACUOUS"),
        ("too-good", Failure, "UNEXPECTED PASS"),
        ("known-to-fail", Skipped, "EXPECTED FAIL"),
        ("cannot-tell", Skipped, "INCONCLUSIVE"),
        ("known-to-be-open", Skipped, "EXPECTED INCONCLUSIVE"),
        ("crashed", Error, "ERROR"),
        ("an-essay", Skipped, "READING"),
    ],
)
def test_another_reader_finds_each_outcome_with_its_type(suite, name, sort, kind):
    (result,) = cases(suite)[name].result
    assert (type(result), result.type) == (sort, kind)


def test_what_passed_has_no_result_and_the_counts_are_right(suite):
    assert cases(suite)["passes"].result == []
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (9, 3, 1, 4)
    assert cases(suite)["passes"].classname == suite.name == "fox"


def test_the_time_is_that_of_the_arms(suite):
    assert cases(suite)["passes"].time == 13.0
    assert suite.time == pytest.approx(13.0 * 8)


def test_properties_say_where_it_was_judged(suite):
    found = {each.name: each.value for each in suite.properties()}
    assert (found["tier"], found["device"]) == ("quick", "cpu")
    assert found["commit"] == "0123456789abcdef"


def test_several_or_changed_commits_are_told():
    origin = {"commit": ["aaa", "bbb"], "dirty": True}
    assert 'value="aaa, bbb with uncommitted changes"' in junit_xml([paper(environment=origin)])


def test_a_failure_says_what_it_rests_on_and_where_it_is_written(suite):
    text = cases(suite)["fails"].result[0].text
    assert text.splitlines() == [
        "FAIL (PASS expected): the opposite holds",
        "check    fox.val_ppl < transformer.val_ppl",
        "margin   +0.80 [+0.42, +1.18], n = 3, holds on 3/3 seeds",
        "control  −6.90 does not pass",
        "at       claims/fox.yaml:56:3",
    ]
    vacuous = cases(suite)["means-nothing"].result[0].text
    assert "guard    chance: fox.val_ppl 10.3 against bigram_ppl 10.1" in vacuous
    assert "next     about 40 seeds" in cases(suite)["cannot-tell"].result[0].text


def test_a_skip_says_why_it_was_expected(suite):
    assert cases(suite)["known-to-fail"].result[0].message == "expected FAIL: Too small."


def test_a_stale_verdict_is_a_skip_whatever_it_says():
    text = junit_xml([paper(*MANY)], why_stale=lambda paper, claim: "The claim has changed since")
    (suite,) = JUnitXml.fromstring(text.encode())
    assert (suite.failures, suite.errors, suite.skipped) == (0, 0, 9)
    (result,) = cases(suite)["passes"].result
    assert result.type == "STALE"
    assert result.message.startswith("The claim has changed since")


def test_the_same_paper_at_two_places_has_two_suites():
    text = junit_xml([paper(claim()), paper(claim(), tier="full", device="cuda")])
    names = [suite.name for suite in JUnitXml.fromstring(text.encode())]
    assert names == ["fox.quick-cpu", "fox.full-cuda"]


@given(st.text(alphabet=st.characters(), max_size=40))
def test_any_text_is_written_and_read_back_but_for_what_xml_cannot_hold(text):
    record = claim("fails", verdict="FAIL", as_expected=False, summary=f"<{text}]]>", check=text)
    written = junit_xml([paper(record, title=text)])
    (suite,) = JUnitXml.fromstring(written.encode())
    (case,) = suite
    assert case.result[0].message.startswith("FAIL (PASS expected): <")
    assert case.result[0].message.endswith("]]>")


def test_what_xml_cannot_hold_is_left_out():
    record = claim("fails", verdict="FAIL", as_expected=False, summary="a\x00\x1b\ufffe\ud800b")
    (suite,) = JUnitXml.fromstring(junit_xml([paper(record)]).encode())
    assert next(iter(suite)).result[0].message == "FAIL (PASS expected): ab"


def test_infinite_and_missing_margins_have_words():
    endless = margin(float("inf"), float("nan"))
    record = claim("fails", verdict="FAIL", as_expected=False, margin=endless)
    assert "margin   +∞ [nan, nan]" in junit_xml([paper(record)])


@pytest.mark.parametrize("record", [claim(), claim(verdict="FAIL", expected="FAIL")])
def test_what_is_exploratory_is_neither_passed_nor_expected(record):
    found = junit_xml([paper(record.model_copy(update={"exploratory": True}))])
    (case,) = ElementTree.fromstring(found.encode()).iter("testcase")
    (child,) = case
    assert (child.tag, child.get("type")) == ("skipped", "EXPLORATORY")
    assert "other seeds" in child.get("message")


def test_what_is_exploratory_and_not_as_expected_still_fails():
    bad = claim(verdict="FAIL", as_expected=False, exploratory=True)
    (case,) = ElementTree.fromstring(junit_xml([paper(bad)]).encode()).iter("testcase")
    assert (case[0].tag, case[0].get("type")) == ("failure", "FAIL")
