"""`lock`, `verify --locked` and what `list` and `show` say of the lock, as a person sees them."""

import json

import pytest
from claims_in_tests import DRAWS, write_claims

from paperbench.cli import run

MOVED = DRAWS.replace("> 0.5", "> 0.4")
REFUSAL = """\
error: 1 claim differs from claims.lock
  changed  draws/high-is-higher  claims/draws.yaml:14:3
    check  high.value - low.value > 0.5  →  high.value - low.value > 0.4
help: undo the change; or run `paperbench lock` to lock the new text, and say in the commit why \
it changed
"""


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """A command in a folder with the given claim file; in this process."""
    monkeypatch.chdir(tmp_path)
    write_claims(tmp_path)

    def call(*arguments, text=None):
        if text is not None:
            write_claims(tmp_path, text)
        code = run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_lock_says_what_it_locks_and_writes_nothing_the_second_time(call, tmp_path):
    assert call("lock") == (
        0,
        "added    draws/high-is-higher  claims/draws.yaml:14:3\n"
        "added    draws/low-is-higher  claims/draws.yaml:20:3\n"
        "wrote claims.lock: 2 claims, 2 added, 0 unchanged\n",
        "",
    )
    lock = tmp_path / "claims.lock"
    before = lock.stat().st_mtime_ns
    assert call("lock") == (0, "claims.lock: 2 claims, 2 unchanged\n", "")
    assert call("lock", text=f"# a comment\n{DRAWS}")[1] == "claims.lock: 2 claims, 2 unchanged\n"
    assert lock.stat().st_mtime_ns == before
    assert {path.name for path in tmp_path.iterdir()} == {"claims", "claims.lock"}


def test_lock_shows_what_it_takes_over(call):
    call("lock")
    renamed = MOVED.replace("low-is-higher", "low-wins")
    assert call("lock", text=renamed)[1] == (
        "changed  draws/high-is-higher  claims/draws.yaml:14:3\n"
        "  check  high.value - low.value > 0.5  →  high.value - low.value > 0.4\n"
        "removed  draws/low-is-higher\n"
        "added    draws/low-wins  claims/draws.yaml:20:3\n"
        "wrote claims.lock: 2 claims, 1 added, 1 changed, 1 removed, 0 unchanged\n"
    )
    assert call("lock", "--check") == (0, "claims.lock: 2 claims as locked\n", "")


def test_check_writes_nothing_and_exits_6(call, tmp_path):
    code, out, err = call("lock", "--check")
    assert (code, out) == (6, "")
    assert err == (
        "error: there is no lock claims.lock\n"
        "help: run `paperbench lock` and commit what it writes\n"
    )
    call("lock")
    locked = (tmp_path / "claims.lock").read_bytes()
    assert call("lock", "--check", text=MOVED) == (6, "", REFUSAL)
    assert (tmp_path / "claims.lock").read_bytes() == locked


def test_a_threshold_moved_after_a_pass_is_refused_before_anything_trains(call, tmp_path):
    """The story that the lock is for."""
    call("lock")
    code, out, _ = call("verify", "-j", "0", "--locked", "draws/high-is-higher")
    assert (code, "PASS" in out) == (0, True)
    results = tmp_path / "results" / "quick-cpu" / "draws.json"
    stored = results.read_bytes()
    code, out, err = call("verify", "-j", "0", "--locked", "draws/high-is-higher", text=MOVED)
    assert (code, out) == (6, "")
    assert err.endswith(REFUSAL)
    assert results.read_bytes() == stored
    assert call("verify", "-j", "0", "--locked", "draws/low-is-higher")[0] == 0
    assert call("verify", "-j", "0", "draws/high-is-higher")[0] == 0, "it is only asked for"
    assert call("lock")[0] == 0
    assert call("verify", "-j", "0", "--locked")[0] == 0


@pytest.mark.parametrize(
    "more", [("--dry-run",), ("--tier", "smoke"), ("--seeds", "4"), ("--json",)]
)
def test_every_kind_of_verify_is_refused(call, more, tmp_path):
    call("lock")
    code, out, _ = call("verify", "-j", "0", "--locked", *more, text=MOVED)
    assert (code, out) == (6, "")
    assert not (tmp_path / ".paperbench").exists()


def test_a_claim_that_moved_to_another_tier_is_still_compared(call):
    call("lock")
    text = DRAWS.replace("    expect: fail", "    tiers: [smoke]\n    expect: fail")
    code, _, err = call("verify", "-j", "0", "--locked", text=text)
    assert code == 6
    assert '    tiers  (none)  →  ["smoke"]\n' in err


def test_a_claim_that_is_gone_or_new_is_refused_where_its_paper_is_verified(call):
    call("lock")
    gone = DRAWS[: DRAWS.index("  low-is-higher:")]
    assert call("verify", "--locked", "draws/high-is-higher", "-n", text=gone)[0] == 0
    code, _, err = call("verify", "--locked", "draws", "-n")
    assert (code, "  removed  draws/low-is-higher\n" in err) == (6, True)
    call("lock")
    code, _, err = call("verify", "--locked", "-n", text=DRAWS)
    assert (code, "  added    draws/low-is-higher  claims/draws.yaml:20:3\n" in err) == (6, True)


def test_an_invalid_claim_file_or_a_usage_error_comes_first(call):
    call("lock")
    for arguments in (("verify", "--locked"), ("lock", "--check"), ("lock",)):
        code, _, err = call(*arguments, text=MOVED.replace("trial/draw", "trial/darw"))
        assert (code, "no experiment is registered as `trial/darw`" in err) == (2, True)
    assert call("verify", "--locked", "--device", "cuda:99", text=MOVED)[0] == 2


def test_without_a_lock_nothing_is_verified_as_locked(call):
    code, out, err = call("verify", "-j", "0", "--locked")
    assert (code, out) == (6, "")
    assert "error: there is no lock claims.lock\n" in err


def test_an_edited_lock_is_refused_by_all_and_never_written_over(call, tmp_path):
    call("lock")
    lock = tmp_path / "claims.lock"
    edited = lock.read_text().replace("> 0.5", "> 0.4")
    lock.write_text(edited)
    for arguments in (("lock",), ("lock", "--check"), ("verify", "--locked")):
        code, _, err = call(*arguments, text=MOVED)
        assert code == 6
        assert "error: the lock was edited: what it says of `draws/high-is-higher`" in err
        assert " --> claims.lock:3:3\n" in err
    assert lock.read_text() == edited


def test_list_goes_on_with_an_edited_lock_and_warns(call, tmp_path):
    call("lock")
    lock = tmp_path / "claims.lock"
    lock.write_text("{")
    code, out, err = call("list")
    assert (code, "high-is-higher" in out) == (0, True)
    assert err.startswith("warning: this is not a lock: ")


def test_another_folder_has_a_lock_of_its_own(call, tmp_path, monkeypatch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    assert call("lock", "--claims", str(tmp_path / "claims"))[0] == 0
    assert (tmp_path / "claims.lock").is_file()
    code, _, err = call("lock")
    assert (code, err) == (
        2,
        "error: there is no folder `claims` here\nhelp: `--claims FOLDER` names another\n",
    )
    assert not list(elsewhere.iterdir())


def test_a_folder_that_cannot_be_written_is_named(call, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    assert call("lock")[2] == (
        "error: claims.lock cannot be written: No space left on device\n"
        "help: make room, or give yourself the right to write there, and run the same command "
        "again\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["claims"]


def test_list_marks_what_is_not_as_locked(call):
    before = call("list")[1]
    call("lock")
    assert call("list")[1] == before, "what is locked needs no mark"
    text = MOVED.replace("low-is-higher", "low-wins")
    assert call("list", text=text)[1] == (
        "draws · Drawing numbers (Gosset et al. 1908)\n"
        "  claim             quick  full\n"
        "  high-is-higher ≠  −      −\n"
        "  low-wins +        −      −\n"
        "\n"
        "≠ changed since it was locked · + not locked\n"
    )
    claims = json.loads(call("list", "--json")[1])[0]["claims"]
    assert [claim["lock"] for claim in claims] == ["changed", "not locked"]


def test_show_says_beside_each_claim_its_verdicts_and_the_lock(call):
    def shown(text=None):
        lines = call("show", "draws", text=text)[1].splitlines()
        return [line for line in lines if line.startswith(("  verdict ", "  lock "))]

    assert shown() == ["  verdict     none yet"] * 2
    call("verify", "-j", "0", "draws/high-is-higher")
    call("lock")
    assert shown() == [
        "  verdict     PASS (quick, cpu)",
        "  lock        locked",
        "  verdict     none yet",
        "  lock        locked",
    ]
    assert shown(MOVED.replace("low-is-higher", "low-wins")) == [
        "  verdict     PASS stale (quick, cpu)",
        "  lock        changed since it was locked",
        "  verdict     none yet",
        "  lock        not locked",
    ]


def test_every_report_shows_the_verdict_on_an_earlier_wording_as_stale(call, tmp_path):
    call("verify", "-j", "0", "draws/high-is-higher")
    results = tmp_path / "results"
    pages = [results / "quick-cpu" / "draws.md", results / "quick-cpu" / "draws.csv"]
    before = [page.read_text() for page in pages]
    assert call("report")[2] == "wrote results/README.md\n"
    assert [page.read_text() for page in pages] == before
    code, out, err = call("report", text=MOVED)
    assert (code, "PASS stale" in out) == (0, True)
    assert err == (
        "wrote results/README.md\n"
        "wrote results/quick-cpu/draws.md\n"
        "wrote results/quick-cpu/draws.csv\n"
    )
    assert "| high-is-higher | PASS stale |" in pages[0].read_text()
    assert "draws,quick,cpu,high-is-higher,margin,PASS,PASS,True,True," in pages[1].read_text()
    assert "PASS (quick, cpu, stale)" in call("why", "high-is-higher")[1]
    assert "PASS stale" in call("list")[1]
    call("report", text=DRAWS)
    assert [page.read_text() for page in pages] == before


def test_verifying_one_claim_marks_the_stale_verdict_on_another(call, tmp_path):
    call("verify", "-j", "0")
    call("verify", "-j", "0", "draws/low-is-higher", text=MOVED)
    page = (tmp_path / "results" / "quick-cpu" / "draws.md").read_text()
    assert "| high-is-higher | PASS stale |" in page
    assert "| low-is-higher | FAIL (expected) |" in page
