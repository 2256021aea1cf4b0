import pytest
from records_in_tests import claim, paper

from paperbench.report.explain import explain
from paperbench.report.markdown import provenance
from paperbench.report.origin import origin_parts, repeatability


def determinism(bitwise, *digests):
    probes = [{"processor": "A CPU", "torch": "2.9", "digest": digest} for digest in digests]
    return {"determinism": {"bitwise": bitwise, "probes": probes}}


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        (determinism(True, "d1"), "repeats bit for bit (probe d1)"),
        (determinism(False, "d1", None), "does NOT repeat bit for bit (probe d1, differs)"),
        (determinism(None, "d1"), "not known to repeat bit for bit"),
        ({}, None),
    ],
)
def test_whether_it_repeats_in_words(environment, text):
    assert repeatability(environment) == text


def test_several_commits_are_all_named():
    environment = {"torch": "2.9", "commit": ["a" * 40, "b" * 40], "dirty": True}
    assert origin_parts(environment) == [
        "torch 2.9",
        f"commit {'a' * 12}, {'b' * 12} with uncommitted changes",
    ]


def test_the_page_says_whether_its_runs_repeat():
    record = paper(claim())
    assert "bit for bit" not in provenance(record)
    record.environment.update(determinism(True, "d1"))
    assert " · repeats bit for bit (probe d1) · data python-docs" in provenance(record)


def test_why_says_where_the_runs_of_that_claim_were_made():
    made = claim(environment={"torch": "2.9", "commit": "c" * 40, **determinism(False, None)})
    screen = explain(paper(made), made)
    assert (
        "made by   torch 2.9 · commit cccccccccccc · does NOT repeat bit for bit (probe\n"
        "          differs)"
    ) in screen
    assert "made by" not in explain(paper(claim()), claim())
