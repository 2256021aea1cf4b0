"""One claim tried on one mutation: which of its fates, and why."""

from dataclasses import replace

import pytest
from judge_cases import INFO, arm, around, broken, claim

from paperbench.judge.looks import looks_of
from paperbench.judge.mutation import judge_mutation

BETTER = claim("new.x > old.x")


def spread(center):
    """Near `center`, in another order than `around` is, so that differences have a spread."""
    return around(center)[::-1]


OWN = {"new": arm(x=around(1.0), y=around(0.1)), "old": arm(x=spread(0.5), y=around(0.1))}


def tried(new, old=None, *, of=BETTER, own=OWN, look=0):
    """The finding on a mutation that leaves `old` as it is unless it is given."""
    mutated = {"new": new, "old": old or own["old"]}
    return judge_mutation(of, INFO, own, mutated, looks_of(of, seeds=None)[look])


def test_a_margin_that_is_gone_is_a_kill_by_the_check():
    finding = tried(arm(x=spread(0.4)[2:] + [0.4, 0.41], y=around(0.1)))
    assert finding.fate == "killed"
    assert finding.detail.startswith("by the check: −0.098 [")
    assert finding.difference.low > 0


def test_a_margin_that_stays_survives():
    finding = tried(arm(x=around(0.98)[1:] + [0.98], y=around(0.1)))
    assert finding.fate == "survived"
    assert finding.detail.startswith("the claim still holds: +0.481 [")


def test_what_is_too_close_asks_for_the_next_look_and_survives_the_last():
    noisy = arm(x=[0.2, 1.6, 0.9, 0.1, 1.2, 0.6, 0.2, 1.1], y=around(0.1))
    assert tried(noisy).fate is None
    finding = tried(noisy, look=2)
    assert finding.fate == "survived"
    assert finding.detail.startswith("too close to tell after 8 seeds")


def test_what_is_worse_and_may_pass_yet_is_not_killed_before_it_had_its_looks():
    """A tenth of the effect: undecided over 3 seeds, and a PASS by itself over 8."""
    own = {"new": arm(x=around(3.0)), "old": arm(x=spread(0.0))}
    weaker = arm(x=[0.36, 0.25, 0.31, 0.28, 0.36, 0.27, 0.33, 0.26])
    first = tried(weaker, own=own)
    assert (first.fate, first.difference.low > 0, first.margin.low > 0) == (None, True, False)
    assert tried(weaker, own=own, look=1).fate == "survived"
    weakest = arm(x=[0.3, -0.2, 0.1, 0.5, -0.3, 0.2, 0.1, -0.2])
    assert [tried(weakest, own=own, look=look).fate for look in range(3)] == [None, None, "killed"]


def test_the_same_numbers_are_no_mutation():
    assert tried(OWN["new"]).fate == "did not apply"


def test_a_mutation_that_shows_in_a_curve_alone_is_unseen():
    curved = [replace(run, curves={"loss": [[0, 1.0]]}) for run in OWN["new"]]
    assert tried(curved).fate == "unseen"


def test_numbers_that_the_check_does_not_look_at_are_unseen():
    assert tried(arm(x=around(1.0), y=around(0.7))).fate == "unseen"


def test_a_durations_jitter_is_no_change():
    own = {name: arm(x=around(center), ms=around(3.0)) for name, center in (("new", 1), ("old", 0))}
    mutated = arm(x=around(1), ms=around(4.0))
    assert tried(mutated, own=own).fate == "did not apply"


def test_a_tripped_guard_is_a_kill():
    better = claim("new.acc > old.acc")
    own = {
        "new": arm(acc=around(0.8), floor=[0.3] * 8),
        "old": arm(acc=around(0.5), floor=[0.3] * 8),
    }
    leaking = {"new": spread(0.9), "old": around(0.29)}
    finding = tried(
        *(arm(acc=leaking[name], floor=[0.3] * 8) for name in ("new", "old")), of=better, own=own
    )
    assert finding.fate == "killed"
    assert finding.detail.startswith("by the chance guard: on seed 0 old.acc is 0.29")


def test_divergence_is_a_kill_and_a_crash_is_an_error():
    runs = arm(x=around(1.0), y=around(0.1))
    diverged = [replace(broken("diverged", "loss is nan at step 3")), *runs[1:]]
    assert tried(diverged).fate == "killed"
    assert tried(diverged).detail == "arm `new`, seed 0 diverged: loss is nan at step 3"
    assert tried([broken(), *runs[1:]]).fate == "error"
    assert tried(arm(x=[float("nan")] * 8, y=around(0.1))).fate == "killed"


@pytest.mark.parametrize(("error", "fate"), [(1e-9, "survived"), (1e-3, "killed")])
def test_an_exact_claim_is_killed_by_any_violation(error, fate):
    exact = claim("new.error < 1e-6", kind="exact")
    own = {"new": arm(error=[1e-8] * 8)}
    mutated = {"new": arm(error=[error] * 8)}
    assert judge_mutation(exact, INFO, own, mutated, looks_of(exact, seeds=None)[0]).fate == fate
