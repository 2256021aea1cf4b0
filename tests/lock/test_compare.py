"""Today's claims beside the locked ones: what counts as a change, and how it is shown."""

import pytest
from claims_in_tests import DRAWS, write_claims

from paperbench.errors import LockError
from paperbench.lock import differences, lock_text, read_lock, require_as_locked
from paperbench.lock.changes import ABSENT, Change
from paperbench.spec import load_claim_file

LONG = (
    "On short text a model that forgets what it read long ago reaches a {} perplexity than one "
    "that keeps all of it."
)


@pytest.fixture
def compare(tmp_path, monkeypatch):
    """The lines that tell a claim file from the locked one."""
    monkeypatch.chdir(tmp_path)

    def compare(*edits, locked=DRAWS, selectors=()):
        text = locked
        for old, new in edits:
            assert text.count(old) >= 1, old
            text = text.replace(old, new)
        path = tmp_path / "claims.lock"
        path.write_text(lock_text([load(locked)]), encoding="utf-8")
        found = differences([load(text)], read_lock(path), selectors)
        return [line for difference in found for line in difference.lines()]

    def load(text):
        write_claims(tmp_path, text)
        return load_claim_file(tmp_path.relative_to(tmp_path) / "claims" / "draws.yaml")

    return compare


def test_the_same_claims_do_not_differ(compare):
    assert compare() == []


@pytest.mark.parametrize(
    "edit",
    [
        ("schema_version: 1", "# a comment\nschema_version: 1"),
        ("{mean: 0.0}", "\n        mean: 0.0"),
        ("Its mean is higher by one", "We think so"),
        ("    expect: fail", "    source: {page: 3}\n    reported: 1 %\n    expect: fail"),
        ("Drawing numbers", "Drawing other numbers"),
        ("check: low.value > high.value", "check: >-\n      low.value\n      > high.value"),
        ("    expect: fail", "    looks: [3, 5, 8]\n    expect: fail"),
    ],
)
def test_what_only_formats_or_explains_is_no_change(compare, edit):
    assert compare(edit) == []


def test_a_moved_threshold_is_shown_with_its_place(compare):
    assert compare(("> 0.5", "> 0.4")) == [
        "changed  draws/high-is-higher  claims/draws.yaml:14:3",
        "  check  high.value - low.value > 0.5  →  high.value - low.value > 0.4",
    ]


def test_every_changed_key_has_a_line(compare):
    edits = (
        ("    expect: fail", "    alpha: [0.01, 0.01]\n    looks: [3, 8]\n    expect: fail"),
        ("control: {low: {mean: -1.0}}", "control: {low: {mean: -2.0, spread: 0.1}}"),
        ("    control: {high: {mean: 0.01}}\n", ""),
    )
    assert compare(*edits) == [
        "changed  draws/high-is-higher  claims/draws.yaml:14:3",
        "  control.high.mean  0.01  →  (none)",
        "changed  draws/low-is-higher  claims/draws.yaml:19:3",
        "  alpha               [0.001, 0.0025, 0.005]  →  [0.01, 0.01]",
        "  control.low.mean    -1.0  →  -2.0",
        "  control.low.spread  (none)  →  0.1",
        "  looks               [3, 5, 8]  →  [3, 8]",
    ]


def test_a_budget_that_several_claims_share_changes_each(compare):
    lines = compare(("quick: {}", "quick: {seconds: 0.1}"), ("spread: 0.01", "spread: 0.02"))
    assert lines[1:3] == [
        "  experiment.params.spread        0.01  →  0.02",
        "  experiment.tiers.quick.seconds  (none)  →  0.1",
    ]
    assert len(lines) == 6


def test_a_tier_that_is_gone_is_seen_though_it_was_empty(compare):
    assert compare(("      quick: {}\n", ""))[1] == "  experiment.tiers.quick  {}  →  (none)"


def test_a_number_that_becomes_a_text_is_seen(compare):
    assert compare(("spread: 0.01", 'spread: "0.01"'))[1] == (
        '  experiment.params.spread  0.01  →  "0.01"'
    )
    assert compare(("mean: 1.0", "mean: 1"))[1] == "  experiment.arms.high.mean  1.0  →  1"


def test_of_a_long_text_the_part_that_differs_is_shown(compare):
    lines = compare(
        (LONG.format("lower"), LONG.format("much lower")),
        locked=DRAWS.replace("The high arm draws higher numbers.", LONG.format("lower")),
    )
    assert lines[1] == (
        "  statement  … read long ago reaches a lower perplexity than …  →  "
        "… read long ago reaches a much lower perplexity than …"
    )


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (ABSENT, "x", "(none)  →  x"),
        ("a\x1b[31mb", "c", "a?[31mb  →  c"),
        ("a\tb", "a\nb", '"a\\tb"  →  "a\\nb"'),
        ("x" * 400, "y" * 400, f"{'x' * 160} …  →  {'y' * 160} …"),
        (f"{'a ' * 50}b", f"{'a ' * 60}b", None),
    ],
)
def test_a_value_is_shown_so_that_it_fits_and_does_nothing(old, new, shown):
    text = str(Change("key", old, new))
    assert shown is None or text == shown
    before, after = text.split("  →  ")
    assert before != after
    assert text.isprintable()
    assert len(text) < 400


LOCKED = DRAWS.replace("low-is-higher:", "was-here:")


def test_added_and_removed_claims_are_named(compare):
    assert compare(("was-here:", "low-is-higher:"), locked=LOCKED) == [
        "added    draws/low-is-higher  claims/draws.yaml:20:3",
        "removed  draws/was-here",
    ]


@pytest.mark.parametrize(
    ("selectors", "names"),
    [
        ((), {"high-is-higher", "low-is-higher", "was-here"}),
        (("all",), {"high-is-higher", "low-is-higher", "was-here"}),
        (("draws",), {"high-is-higher", "low-is-higher", "was-here"}),
        (("draws/*-here",), {"was-here"}),
        (("draws/low-is-higher",), {"low-is-higher"}),
        (("draws/high-is-higher", "other"), {"high-is-higher"}),
        (("other",), set()),
    ],
)
def test_only_what_a_selector_means_is_compared(compare, selectors, names):
    edits = (("was-here:", "low-is-higher:"), ("> 0.5", "> 0.4"))
    lines = compare(*edits, locked=LOCKED, selectors=selectors)
    heads = [line.split()[1] for line in lines if not line.startswith(" ")]
    assert {head.partition("/")[2] for head in heads} == names


def test_a_refusal_counts_and_shows_what_differs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = write_claims(tmp_path).relative_to(tmp_path)
    lock = tmp_path / "claims.lock"
    lock.write_text(lock_text([load_claim_file(folder / "draws.yaml")]))
    write_claims(tmp_path, DRAWS.replace("> 0.5", "> 0.4"))
    file = load_claim_file(folder / "draws.yaml")
    require_as_locked([file], lock, ["draws/low-is-higher"])
    with pytest.raises(LockError) as caught:
        require_as_locked([file], lock.relative_to(tmp_path), [])
    assert caught.value.exit_code == 6
    assert str(caught.value) == (
        "error: 1 claim differs from claims.lock\n"
        "  changed  draws/high-is-higher  claims/draws.yaml:14:3\n"
        "    check  high.value - low.value > 0.5  →  high.value - low.value > 0.4\n"
        "help: undo the change; or run `paperbench lock` to lock the new text, and say in the "
        "commit why it changed"
    )
