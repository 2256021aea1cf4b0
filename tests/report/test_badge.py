"""The badge: its schema, what it counts, and its colour."""

import pytest
from records_in_tests import claim, paper, reading, undecided

from paperbench.report.badge import badge

FAILS = claim("fails", verdict="FAIL", as_expected=False)
OPEN = undecided("open", expected="PASS", as_expected=False)
KNOWN = claim("known", verdict="FAIL", expected="FAIL")


def test_it_is_what_the_endpoint_of_shields_asks_for():
    assert badge([paper(claim(), KNOWN)]) == {
        "schemaVersion": 1,
        "label": "claims",
        "message": "2 of 2 as expected",
        "color": "brightgreen",
    }


@pytest.mark.parametrize(
    ("claims", "message", "colour"),
    [
        ([claim(), OPEN], "1 of 2 as expected", "yellow"),
        ([claim(), OPEN, FAILS], "1 of 3 as expected", "red"),
        ([claim(verdict="ERROR", as_expected=False)], "0 of 1 as expected", "red"),
        ([claim(), reading()], "1 of 1 as expected", "brightgreen"),
        ([reading()], "none judged", "lightgrey"),
        ([], "none judged", "lightgrey"),
    ],
)
def test_the_worst_verdict_colours_it_and_readings_do_not_count(claims, message, colour):
    found = badge([paper(*claims)])
    assert (found["message"], found["color"]) == (message, colour)


def test_a_stale_verdict_is_not_verified_whatever_it_says():
    def stale(paper, claim):
        return "old" if claim.claim == "known" else None

    found = badge([paper(claim(), KNOWN)], stale)
    assert (found["message"], found["color"]) == ("1 of 2 as expected", "lightgrey")
    assert badge([paper(FAILS)], lambda paper, claim: "old")["color"] == "lightgrey"


def test_a_claim_counts_once_with_its_worst_verdict_at_the_quick_tier():
    on_gpu = paper(claim("a", verdict="FAIL", as_expected=False), device="cuda")
    full = paper(claim("b", verdict="FAIL", as_expected=False), tier="full")
    found = badge([paper(claim("a"), claim("b")), on_gpu, full])
    assert (found["message"], found["color"]) == ("1 of 2 as expected", "red")
    assert badge([full])["message"] == "0 of 1 as expected"


def test_exhibits_do_not_count():
    assert badge([paper(FAILS, paper="exhibits/shown"), paper(claim())])["color"] == "brightgreen"
