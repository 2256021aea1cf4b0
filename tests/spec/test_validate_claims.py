from pathlib import Path

import pytest

from paperbench.errors import SpecErrors
from paperbench.spec import load_and_validate

CHECK = "plain.gap - dropout.gap > 0.02"
CONTROL = "      dropout: {mask: frozen}\n"


def test_the_example_has_no_problem(problems):
    assert problems() == []


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            ("run: dropout/overfit", "run: dropout/overfitt"),
            """\
error: no experiment is registered as `dropout/overfitt`
 --> dropout.yaml:9:10
9 |     run: dropout/overfitt
  |          ^^^^^^^^^^^^^^^^
  = help: did you mean `dropout/overfit`? registered: dropout/floorless, dropout/overfit""",
        ),
        (
            ("label_noise: 0.2", "label_nose: 0.2"),
            """\
error: unknown parameter `label_nose` for experiment `dropout/overfit`
  --> dropout.yaml:10:27
10 |     params: {hidden: 256, label_nose: 0.2}
   |                           ^^^^^^^^^^
   = help: did you mean `label_noise`? `paperbench show dropout` lists them all""",
        ),
        (
            ("hidden: 256", "hidden: 256.0"),
            """\
error: parameter `hidden` of experiment `dropout/overfit` must be int, and is the number 256.0
  --> dropout.yaml:10:22
10 |     params: {hidden: 256.0, label_noise: 0.2}
   |                      ^^^^^
   = help: write 256""",
        ),
        (
            ("dropout: 0.5", "dropout: half"),
            """\
error: parameter `dropout` of experiment `dropout/overfit` must be float, and is the text "half"
  --> dropout.yaml:13:26
13 |       dropout: {dropout: half}
   |                          ^^^^""",
        ),
        (
            ("quick: {steps: 600}", "quick: {steps: true}"),
            """\
error: parameter `steps` of experiment `dropout/overfit` must be int, and is true
  --> dropout.yaml:16:22
16 |       quick: {steps: true}
   |                      ^^^^""",
        ),
        (
            ("mask: frozen", "mask: frozn"),
            """\
error: parameter `mask` of experiment `dropout/overfit` must be one of 'random', 'frozen', 'off', \
and is the text "frozn"
  --> dropout.yaml:24:23
24 |       dropout: {mask: frozn}
   |                       ^^^^^
   = help: did you mean `frozen`?""",
        ),
        (
            ("      smoke: {steps: 5}\n", ""),
            """\
error: experiment `overfit` has no tier `smoke`
  --> dropout.yaml:14:5
14 |     tiers:
   |     ^^^^^
   = help: add `smoke: {...}` with the parameters of its budget""",
        ),
        (
            ("      quick: {steps: 600}\n", ""),
            """\
error: experiment `overfit` has no tier `quick`
  --> dropout.yaml:14:5
14 |     tiers:
   |     ^^^^^
   = help: add `quick: {...}` with the parameters of its budget""",
        ),
        (
            ("      full: {steps: 20000, label_noise: 0}\n", ""),
            """\
warning: experiment `overfit` has no tier `full`
  --> dropout.yaml:14:5
14 |     tiers:
   |     ^^^^^
   = help: add `full: {...}` with the parameters of its budget""",
        ),
        (
            ("      plain: {", "      spare: {dropout: 0.1}\n      plain: {"),
            """\
warning: no claim uses arm `spare` of experiment `overfit`
  --> dropout.yaml:12:7
12 |       spare: {dropout: 0.1}
   |       ^^^^^""",
        ),
    ],
)
def test_an_experiment_must_fit_its_function(problems, edit, message):
    assert problems(edit) == [message]


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            "plain.gpa - dropout.gap > 0.02",
            """\
error: experiment `dropout/overfit` reports no metric `gpa`
  --> dropout.yaml:22:12
22 |     check: plain.gpa - dropout.gap > 0.02
   |            ^^^^^^^^^
   = help: did you mean `gap`? It reports: train_acc, test_acc, gap, loss, majority_acc""",
        ),
        (
            '"plain.gap - dropot.gap > 0.02"',
            """\
error: experiment `overfit` has no arm `dropot`
  --> dropout.yaml:22:25
22 |     check: "plain.gap - dropot.gap > 0.02"
   |                         ^^^^^^
   = help: did you mean `dropout`? arms: dropout, plain""",
        ),
        (
            ">\n      plain.gap\n      - dropot.gap > 0.02",
            """\
error: experiment `overfit` has no arm `dropot`
  --> dropout.yaml:22:12
22 |     check: >
   |            ^
   = help: did you mean `dropout`? arms: dropout, plain""",
        ),
        (
            r'"plain.gap\x20- dropot.gap > 0.02"',
            r"""error: experiment `overfit` has no arm `dropot`
  --> dropout.yaml:22:12
22 |     check: "plain.gap\x20- dropot.gap > 0.02"
   |            ^
   = help: did you mean `dropout`? arms: dropout, plain""",
        ),
        (
            "plain.gap - dropout.gap == 0.02",
            """\
error: `==` needs `kind: exact`: two trained numbers are never equal
  --> dropout.yaml:22:12
22 |     check: plain.gap - dropout.gap == 0.02
   |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   = help: write an equivalence: -0.01 < a.x - b.x < 0.01""",
        ),
        (
            "plain.gap > __import__('os').getpid()",
            """\
error: only numbers, `arm.metric`, + - * / ** and abs min max log exp sqrt are allowed in a check
  --> dropout.yaml:22:24
22 |     check: plain.gap > __import__('os').getpid()
   |                        ^^^^^^^^^^^^^^^^^^^^^^^^^""",
        ),
        (
            "'plain.gap > eval(1)'",
            """\
error: `eval` is not a function of the check language
  --> dropout.yaml:22:25
22 |     check: 'plain.gap > eval(1)'
   |                         ^^^^^^^
   = help: there are: abs, min, max, log, exp, sqrt""",
        ),
        (
            "plain.gap >",
            """\
error: this is not a comparison that can be parsed
  --> dropout.yaml:22:12
22 |     check: plain.gap >
   |            ^
   = help: write for example `fox.val_loss < transformer.val_loss`""",
        ),
    ],
)
def test_a_check_is_shown_with_a_caret_under_its_fault(problems, check, message):
    assert problems((CHECK, check)) == [message]


@pytest.mark.parametrize(
    ("control", "message"),
    [
        (
            "{dropout: 0}",
            """\
error: the control turns arm `dropout` into arm `plain`
  --> dropout.yaml:24:7
24 |       dropout: {dropout: 0}
   |       ^^^^^^^
   = help: a comparison of a thing with itself can never pass, so it controls nothing""",
        ),
        (
            "{dropout: 0.5}",
            """\
error: the control changes nothing about arm `dropout`
  --> dropout.yaml:24:7
24 |       dropout: {dropout: 0.5}
   |       ^^^^^^^
   = help: switch the credited mechanism off""",
        ),
        (
            "{}",
            """\
error: the control changes nothing about arm `dropout`
  --> dropout.yaml:24:7
24 |       dropout: {}
   |       ^^^^^^^
   = help: switch the credited mechanism off""",
        ),
        (
            "{label_noise: 0.0}",
            """\
error: the control changes nothing about arm `dropout` at tier `full`
  --> dropout.yaml:24:7
24 |       dropout: {label_noise: 0.0}
   |       ^^^^^^^
   = help: switch the credited mechanism off""",
        ),
        (
            "{maks: frozen}",
            """\
error: unknown parameter `maks` for experiment `dropout/overfit`
  --> dropout.yaml:24:17
24 |       dropout: {maks: frozen}
   |                 ^^^^
   = help: did you mean `mask`? `paperbench show dropout` lists them all""",
        ),
    ],
)
def test_a_control_must_switch_something_off(problems, control, message):
    assert problems((CONTROL, f"      dropout: {control}\n")) == [message]


def test_a_control_that_turns_both_arms_into_one_is_refused(problems):
    both = "      dropout: {dropout: 0.3}\n      plain: {dropout: 0.3}\n"
    assert [one.splitlines()[0] for one in problems((CONTROL, both))] == [
        "error: the control turns arm `dropout` into arm `plain`",
        "error: the control turns arm `plain` into arm `dropout`",
    ]


def test_a_control_that_destroys_the_data_of_both_arms_is_accepted(problems):
    both = "      dropout: {data: shuffled}\n      plain: {data: shuffled}\n"
    assert problems((CONTROL, both)) == []


def test_a_control_of_an_arm_that_does_not_exist_is_refused(problems):
    assert problems((CONTROL, "      dropot: {mask: frozen}\n")) == [
        """\
error: the control names no arm: `dropot`
  --> dropout.yaml:24:7
24 |       dropot: {mask: frozen}
   |       ^^^^^^
   = help: did you mean `dropout`? arms: dropout, plain"""
    ]


def test_a_control_of_an_arm_outside_the_check_is_refused(problems):
    assert problems(
        ("      plain: {", "      wide: {hidden: 512}\n      plain: {"),
        (CONTROL, "      wide: {mask: frozen}\n"),
    )[1:] == [
        """\
error: the control changes arm `wide`, which the check does not name
  --> dropout.yaml:25:7
25 |       wide: {mask: frozen}
   |       ^^^^
   = help: change an arm of the check"""
    ]


def test_a_claim_needs_a_control(problems):
    assert problems((f"    control:\n{CONTROL}", "")) == [
        """\
error: claim `shrinks-gap` has no control
  --> dropout.yaml:19:3
19 |   shrinks-gap:
   |   ^^^^^^^^^^^
   = help: add `control: {arm: {parameter: value}}` with the credited mechanism off"""
    ]


def test_a_claim_needs_an_experiment_and_a_check(problems):
    found = problems((f"    experiment: overfit\n    check: {CHECK}\n", ""))
    assert [one.splitlines()[0] for one in found] == [
        "warning: no claim uses experiment `overfit`",
        "error: claim `shrinks-gap` has no experiment",
        "error: claim `shrinks-gap` has no check",
    ]


def test_equal_arms_are_refused_at_the_tier_where_they_are_equal(problems):
    assert (
        problems(
            (
                "      plain: {dropout: 0}",
                "      plain: {dropout: 0}\n      clean: {dropout: 0.0, label_noise: 0.1}",
            ),
            (CHECK, "plain.gap - dropout.gap > clean.gap"),
        )
        == []
    )
    assert problems(
        (
            "      plain: {dropout: 0}",
            "      plain: {dropout: 0}\n      noisy: {dropout: 0.0, steps: 600}",
        ),
        (CHECK, "plain.gap - dropout.gap > noisy.gap"),
    ) == [
        """\
error: arms `plain` and `noisy` have the same parameters at tier `quick`
  --> dropout.yaml:13:7
13 |       noisy: {dropout: 0.0, steps: 600}
   |       ^^^^^
   = help: a comparison of a thing with itself can never pass"""
    ]


def test_errors_of_every_file_are_raised_together(write, registry, edit):
    write(edit(("steps: 600", "stepz: 600")), "claims/one.yaml")
    write("a: [", "claims/three.yaml")
    write(edit(("statement:", "statment:")), "claims/two.yaml")
    with pytest.raises(SpecErrors) as caught:
        load_and_validate([Path("claims")], registry)
    assert [(str(one.where), one.message) for one in caught.value.problems] == [
        ("claims/one.yaml:16:15", "unknown parameter `stepz` for experiment `dropout/overfit`"),
        (
            "claims/three.yaml:2:1",
            "this is not YAML: while parsing a flow node did not find expected node content",
        ),
        ("claims/two.yaml:19:3", "claim `shrinks-gap` lacks the key `statement`"),
        ("claims/two.yaml:20:5", "unknown key `statment` in claim `shrinks-gap`"),
    ]


def test_warnings_stop_nothing(write, registry, edit):
    spare = ("      plain: {", "      spare: {dropout: 0.1}\n      plain: {")
    write(edit(spare), "claims/one.yaml")
    files, warnings = load_and_validate([Path("claims")], registry)
    assert [file.slug for file in files] == ["one"]
    assert [(one.severity, one.message) for one in warnings] == [
        ("warning", "no claim uses arm `spare` of experiment `overfit`")
    ]


def test_two_files_of_one_slug_are_refused(write, registry):
    write(name="claims/fox.yaml")
    write(name="more/fox.yaml")
    with pytest.raises(SpecErrors) as caught:
        load_and_validate([Path("claims"), Path("more")], registry)
    assert str(caught.value) == (
        "error: more/fox.yaml and claims/fox.yaml have the same slug "
        "`fox`\nhelp: rename one of them"
    )
