from dataclasses import replace

import pytest

from paperbench.metric_kinds import count, duration
from paperbench.spec import validate

CHECK = "plain.gap - dropout.gap > 0.02"
CONTROL = "      dropout: {mask: frozen}\n"


def claim_with(line):
    return ("    because: U", f"    {line}\n    because: U")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "looks: [1]\n    alpha: [0.01]",
            """\
error: one seed can never decide
  --> dropout.yaml:25:12
25 |     looks: [1]
   |            ^
   = help: start at two seeds or more""",
        ),
        (
            "looks: []",
            """\
error: `looks` needs at least one look, at one seed or more
  --> dropout.yaml:25:12
25 |     looks: []
   |            ^""",
        ),
        (
            "looks: [3, 3, 5]",
            """\
error: `looks` must increase, and is 3, 3, 5
  --> dropout.yaml:25:12
25 |     looks: [3, 3, 5]
   |            ^""",
        ),
        (
            "looks: [3, 5]",
            """\
error: 2 looks (3, 5) need as many values of `alpha`; there are 3 (0.001, 0.0025, 0.005)
  --> dropout.yaml:25:12
25 |     looks: [3, 5]
   |            ^""",
        ),
        (
            "alpha: [0.01, 0, 0.01]",
            """\
error: alpha must lie between 0 and 0.5, and is 0.0
  --> dropout.yaml:25:19
25 |     alpha: [0.01, 0, 0.01]
   |                   ^""",
        ),
        (
            "alpha: [0.01, 0.01, 0.01]",
            """\
error: the alpha of all looks adds up to 0.03, more than 0.025
  --> dropout.yaml:25:12
25 |     alpha: [0.01, 0.01, 0.01]
   |            ^
   = help: a null claim would pass too often""",
        ),
        (
            "control_factor: 9.5",
            """\
error: `control_factor` must be at least 10: a control just outside the tolerance shows nothing
  --> dropout.yaml:25:21
25 |     control_factor: 9.5
   |                     ^^^""",
        ),
        (
            "expect: fail",
            """\
error: claim `shrinks-gap` expects fail without a `reason`
  --> dropout.yaml:25:13
25 |     expect: fail
   |             ^^^^
   = help: add `reason:`: why does the claim not hold at this scale?""",
        ),
        (
            "expect: {full: inconclusive}\n    reason: ' '",
            """\
error: claim `shrinks-gap` expects inconclusive without a `reason`
  --> dropout.yaml:25:13
25 |     expect: {full: inconclusive}
   |             ^
   = help: add `reason:`: why does the claim not hold at this scale?""",
        ),
        (
            "reason: because",
            """\
warning: claim `shrinks-gap` gives a reason and expects a pass
  --> dropout.yaml:25:5
25 |     reason: because
   |     ^^^^^^
   = help: remove `reason`, or say what to `expect`; `because` holds the mechanism""",
        ),
        (
            "exempt: {plan: trivial}",
            """\
error: `exempt` names no arm: `plan`
  --> dropout.yaml:25:14
25 |     exempt: {plan: trivial}
   |              ^^^^
   = help: did you mean `plain`? arms: dropout, plain""",
        ),
        (
            "exempt: {plain.gpa: trivial}",
            """\
error: `exempt` names no metric: `plain.gpa`
  --> dropout.yaml:25:14
25 |     exempt: {plain.gpa: trivial}
   |              ^^^^^^^^^
   = help: did you mean `gap`? metrics: gap, loss, majority_acc, test_acc, train_acc""",
        ),
        (
            "exempt: {plain: ''}",
            """\
error: `plain` is exempt without a reason
  --> dropout.yaml:25:21
25 |     exempt: {plain: ''}
   |                     ^^""",
        ),
        (
            "anchor: {arm: plan, params: {}, check: plain.loss < 1}",
            """\
error: experiment `overfit` has no arm `plan`
  --> dropout.yaml:25:19
25 |     anchor: {arm: plan, params: {}, check: plain.loss < 1}
   |                   ^^^^
   = help: did you mean `plain`? arms: dropout, plain""",
        ),
        (
            "anchor: {arm: plain, params: {stepz: 3}, check: plain.loss < 1}",
            """\
error: unknown parameter `stepz` for experiment `dropout/overfit`
  --> dropout.yaml:25:35
25 |     anchor: {arm: plain, params: {stepz: 3}, check: plain.loss < 1}
   |                                   ^^^^^
   = help: did you mean `steps`? `paperbench show dropout` lists them all""",
        ),
        (
            "anchor: {arm: plain, params: {}, check: plain.los < 1}",
            """\
error: experiment `dropout/overfit` reports no metric `los`
  --> dropout.yaml:25:45
25 |     anchor: {arm: plain, params: {}, check: plain.los < 1}
   |                                             ^^^^^^^^^
   = help: did you mean `loss`? It reports: train_acc, test_acc, gap, loss, majority_acc""",
        ),
        (
            "anchor: {arm: plain, params: {}, check: dropout.loss < 1}",
            """\
error: the anchor runs only the arm `plain`, and its check names `dropout`
  --> dropout.yaml:25:45
25 |     anchor: {arm: plain, params: {}, check: dropout.loss < 1}
   |                                             ^^^^^^^""",
        ),
    ],
)
def test_a_claim_that_cannot_be_judged_is_refused(problems, line, message):
    messages = problems(claim_with(line))
    if "plan, params" in line:  # the anchor's check names another arm than `plan`
        messages = messages[:1]
    assert messages == [message]


def test_alpha_may_add_up_to_exactly_a_fortieth(problems):
    alpha = [0.0146, 0.0013, 0.0082, 0.0009]
    assert sum(alpha) > 0.025  # by a rounding error
    assert problems(claim_with(f"looks: [3, 5, 8, 9]\n    alpha: {alpha}")) == []


def test_one_instance_may_decide_an_exact_claim(problems):
    assert (
        problems(
            claim_with("kind: exact\n    looks: [1]"), (CHECK, "plain.gap - dropout.gap == 0.02")
        )
        == []
    )


@pytest.mark.parametrize(
    ("check", "reachable"),
    [
        ("dropout.gap > 0.51", True),  # 0.51 ** 8 = 0.0046, below alpha 0.005
        ("dropout.gap > 0.52", False),
        ("0.52 <= dropout.gap", False),
        ("dropout.gap < 0.49", True),
        ("dropout.gap < 0.48", False),
        ("0.48 > dropout.gap", False),
        ("dropout.gap > 0", True),
    ],
)
def test_a_rate_that_no_count_could_show_is_refused(problems, check, reachable):
    found = [
        one for one in problems(claim_with("kind: rate"), (CHECK, check)) if one.startswith("error")
    ]
    assert (found == []) is reachable


def test_an_unreachable_rate_says_why(problems):
    assert problems(claim_with("kind: rate"), (CHECK, "dropout.gap > 0.9"))[1:] == [
        """\
error: `dropout.gap > 0.9` can never pass: even 8 of 8 seeds have the probability 0.43 under a \
rate of 0.9, above alpha 0.005
  --> dropout.yaml:22:12
22 |     check: dropout.gap > 0.9
   |            ^^^^^^^^^^^^^^^^^
   = help: add seeds to the last look, or claim a lower rate"""
    ]


def test_a_rate_that_could_never_be_told_from_its_control_is_refused(problems):
    lines = "kind: rate\n    looks: [3, 6]\n    alpha: [0.001, 0.015]"
    assert problems(claim_with(lines), (CHECK, "dropout.gap > 0.3"))[1:] == [
        """\
error: the claim can never be told from its control: even 6 of 6 pairs of seeds in its favour have \
the probability 0.0156 by chance, above alpha 0.015
  --> dropout.yaml:26:12
26 |     looks: [3, 6]
   |            ^
   = help: add seeds to the last look"""
    ]
    reachable = lines.replace("0.015", "0.016")
    assert len(problems(claim_with(reachable), (CHECK, "dropout.gap > 0.3"))) == 1


READING = f"    experiment: overfit\n    check: {CHECK}\n    control:\n{CONTROL}"


def test_a_reading_carries_nothing_that_could_decide(problems):
    assert problems((READING, "    kind: reading\n")) == [
        """\
warning: no claim uses experiment `overfit`
 --> dropout.yaml:8:3
8 |   overfit:
  |   ^^^^^^^"""
    ]
    found = problems(claim_with("kind: reading"))
    assert [one.splitlines()[0] for one in found] == [
        "error: a reading carries no experiment",
        "error: a reading carries no check",
        "error: a reading carries no control",
    ]


def test_a_claim_of_an_unknown_experiment_is_refused(problems):
    assert problems(("experiment: overfit", "experiment: overfitt"))[1:] == [
        """\
error: claim `shrinks-gap` refers to an unknown experiment `overfitt`
  --> dropout.yaml:21:17
21 |     experiment: overfitt
   |                 ^^^^^^^^
   = help: did you mean `overfit`? in this file: overfit"""
    ]


FLOORLESS = ("run: dropout/overfit", "run: dropout/floorless")


def test_a_margin_without_a_chance_floor_is_refused(problems):
    assert problems(FLOORLESS) == [
        """\
error: experiment `dropout/floorless` reports no chance floor, so nothing shows that `plain` and \
`dropout` learned anything
  --> dropout.yaml:19:3
19 |   shrinks-gap:
   |   ^^^^^^^^^^^
   = help: give `@experiment` a `chance=`, or say under `exempt` why an arm needs none"""
    ]


def test_an_exempt_arm_needs_no_chance_floor(problems):
    assert problems(FLOORLESS, claim_with("exempt: {plain: why, dropout.gap: why}")) == []
    left = problems(FLOORLESS, claim_with("exempt: {plain: why, dropout.loss: why}"))
    assert "nothing shows that `dropout` learned" in left[0]
    timed, _ = problems(FLOORLESS, claim_with("kind: timing"))
    assert "compares repeats taken in turn in one process, so in one arm's run" in timed


def test_a_file_without_claims_is_refused(load, registry):
    text = "schema_version: 1\npaper: {title: T, authors: [A], year: 2014, url: u}\nclaims: {}\n"
    assert [one.message for one in validate(load(text), registry)] == ["the file holds no claim"]


@pytest.mark.parametrize(
    ("kind", "check", "complaint"),
    [
        ("rate", "dropout.train_acc > plain.train_acc", "is no rate: `kind: rate` compares one"),
        ("exact", "plain.gap > dropout.gap", "has no tolerance, and `kind: exact` needs one"),
        ("exact", "dropout.train_acc > 0.5", "has no interval, and train_acc varies with the seed"),
        ("timing", "dropout.gap < 0.1", "judges the repeats of one seed, and gap is no duration"),
    ],
)
def test_a_check_that_its_kind_cannot_judge_is_refused(problems, kind, check, complaint):
    found = problems(claim_with(f"kind: {kind}"), (CHECK, check))
    assert any(complaint in one for one in found)


def test_a_timing_claim_compares_durations_per_something(load, edit, make_info):
    measured = replace(make_info(), metrics={"ms": duration, "tokens": count})
    text = edit(claim_with("kind: timing"), (CHECK, "dropout.ms / dropout.tokens < 0.1"))
    found = validate(load(text), {"dropout/overfit": measured})
    assert [problem for problem in found if problem.severity == "error"] == []


def test_a_claim_may_be_asked_at_some_tiers_that_its_experiment_has(problems, load, edit):
    assert problems(claim_with("tiers: [smoke, quick]")) == []
    claim = load(edit(claim_with("tiers: [smoke, quick]"))).claims["shrinks-gap"]
    assert claim.asked_at("quick")
    assert not claim.asked_at("full")
    (text,) = [
        one
        for one in problems(claim_with("tiers: [full]"), ("      full: ", "      #full: "))
        if one.startswith("error")
    ]
    assert "claim `shrinks-gap` is asked at `full`, a tier that its experiment lacks" in text
