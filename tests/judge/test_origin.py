"""The environment of a verdict is what its runs say, not what the caller is."""

import pytest

from paperbench.judge.origin import combined, origin_of
from paperbench.ledger import FinishedRun


def run(status="done", **environment):
    base = {"torch": "2.9", "processor": "A CPU", "commit": "a" * 40, "dirty": False}
    return FinishedRun("key", "lineage", status, environment={**base, **environment})


def bitwise(*runs):
    return origin_of(runs)["determinism"]["bitwise"]


def test_runs_that_agree_are_told_once():
    assert origin_of([run(determinism="d1"), run(determinism="d1")]) == {
        "torch": "2.9",
        "processor": "A CPU",
        "commit": "a" * 40,
        "dirty": False,
        "determinism": {
            "bitwise": True,
            "probes": [{"processor": "A CPU", "torch": "2.9", "digest": "d1"}],
        },
    }


def test_what_differs_is_a_list_and_one_dirty_run_makes_all_dirty():
    origin = origin_of([run(commit="b" * 40, dirty=True), run(), run()])
    assert origin["commit"] == ["a" * 40, "b" * 40]
    assert origin["dirty"] is True


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([run(determinism="d1"), run(determinism="d2")], False),
        ([run(determinism="d1"), run(determinism="d2", processor="Another")], True),
        ([run(determinism="d1"), run(determinism="d2", torch="3.0")], True),
        ([run(determinism="d1"), run(determinism=None)], False),
        ([run(determinism="d1"), run()], None),
        ([run(), run(determinism=None)], False),
        ([run(), run(determinism="d1"), run(determinism="d2")], False),
        ([FinishedRun("key", "lineage", "done"), run(determinism="d1")], None),
    ],
)
def test_bitwise_is_for_all_processes_together(runs, said):
    assert bitwise(*runs) is said
    assert bitwise(*reversed(runs)) is said


def test_a_run_that_gave_no_number_says_nothing():
    assert origin_of([run("killed"), run("crashed", determinism=None)]) == {}
    assert bitwise(run("crashed"), run(determinism="d1")) is True


def test_claims_put_together_say_what_all_their_runs_said():
    one, two, three = (origin_of([run(determinism=digest)]) for digest in ("d1", "d1", "d2"))
    assert combined([one, two, {}]) == one
    assert combined([one, three])["determinism"]["bitwise"] is False
    unknown = origin_of([run()])
    assert combined([one, unknown])["determinism"]["bitwise"] is None
    assert combined([combined([one, unknown]), two])["determinism"]["bitwise"] is None
    assert combined([combined([one, three]), two])["determinism"]["bitwise"] is False


def test_claims_put_together_without_any_probe_say_nothing_of_it():
    assert combined([{"torch": "2.9"}, {"torch": "2.10"}]) == {"torch": ["2.10", "2.9"]}
    assert combined([]) == {}
