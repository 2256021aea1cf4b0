"""The lock as a file: what it holds, where it lies, and what of it is not believed."""

import json
from pathlib import Path

import pytest
from claims_in_tests import DRAWS, write_claims

from paperbench.errors import LockError, UsageError
from paperbench.lock import lock_path, lock_text, read_lock
from paperbench.spec import load_claim_file


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return [load_claim_file(write_claims(tmp_path) / "draws.yaml")]


@pytest.fixture
def refusal(tmp_path, files):
    """The text of the error with which a lock is refused."""

    def refusal(text):
        path = Path("claims.lock")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(LockError) as caught:
            read_lock(path)
        assert caught.value.exit_code == 6
        return str(caught.value)

    return refusal


def test_it_holds_each_claim_as_text_with_the_hash_that_verdicts_carry(files):
    lock = json.loads(lock_text(files))
    assert lock["schema_version"] == 1
    assert list(lock["claims"]) == ["draws/high-is-higher", "draws/low-is-higher"]
    entry = lock["claims"]["draws/high-is-higher"]
    assert entry["sha256"] == files[0].claim_sha256(files[0].claims["high-is-higher"])
    assert entry["claim"]["check"] == "high.value - low.value > 0.5"
    assert entry["experiment"]["arms"] == {"low": {"mean": 0.0}, "high": {"mean": 1.0}}
    assert "because" not in entry["claim"]


def test_a_key_has_a_line_of_its_own_and_a_list_stays_on_one(files):
    lines = lock_text(files).splitlines()
    assert '    "check": "high.value - low.value > 0.5",' in lines
    assert '    "looks": [3, 5, 8],' in lines


def test_it_reads_back_as_it_was_written(files, tmp_path):
    odd = 'statement: "Größer: \\"1e-3\\" \\\\ no \\u2028 \\U0001F600"'
    text = DRAWS.replace("statement: The high arm draws higher numbers.", odd)
    files = [load_claim_file(write_claims(tmp_path, text) / "draws.yaml")]
    path = tmp_path / "claims.lock"
    path.write_text(lock_text(files), encoding="utf-8")
    (claim, _) = files[0].claims.values()
    assert "\u2028" in claim.statement
    assert read_lock(path)["draws/high-is-higher"] == files[0].claim_content(claim)


@pytest.mark.parametrize(
    ("folder", "lock"),
    [
        ("claims", "claims.lock"),
        ("my/claims", "my/claims.lock"),
        ("my/claims/", "my/claims.lock"),
        ("my/v1.2", "my/v1.2.lock"),
    ],
)
def test_it_lies_beside_the_folder_and_is_named_after_it(folder, lock):
    assert lock_path(Path(folder)) == Path(lock)


def test_a_folder_without_a_name_in_its_path_is_found_by_its_own(tmp_path, monkeypatch):
    (tmp_path / "claims" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "claims" / "inner")
    assert lock_path(Path(".")) == tmp_path / "claims" / "inner.lock"
    assert lock_path(Path("..")) == tmp_path / "claims.lock"
    with pytest.raises(UsageError, match="has no name that a lock could take"):
        lock_path(Path("/"))


def test_no_lock_says_how_to_get_one(files):
    with pytest.raises(LockError) as caught:
        read_lock(Path("claims.lock"))
    assert str(caught.value) == (
        "error: there is no lock claims.lock\nhelp: run `paperbench lock` and commit what it writes"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("> 0.5", "> 0.4"),
        ('"looks": [3, 5, 8]', '"looks": [3, 5]'),
        ('"mean": 1.0', '"mean": 1'),
        ('"name": "high-is-higher",', '"name": "high-is-higher", "note": "",'),
    ],
)
def test_an_edited_lock_is_not_believed(files, refusal, old, new):
    text = lock_text(files)
    assert old in text
    refused = refusal(text.replace(old, new, 1))
    assert refused.startswith(
        "error: the lock was edited: what it says of `draws/high-is-higher` does not have the "
        "hash beside it\n --> claims.lock:3:3\n"
    )
    assert '3 |   "draws/high-is-higher": {\n  |   ^^^^^^^^^^^^^^^^^^^^^^' in refused
    assert "help: restore it from version control; or remove it, run `paperbench lock`" in refused


def test_an_edited_hash_is_not_believed_either(files, refusal):
    sha256 = files[0].claim_sha256(files[0].claims["low-is-higher"])
    refused = refusal(lock_text(files).replace(sha256, "0" * 64))
    assert "what it says of `draws/low-is-higher` does not have the hash beside it" in refused


def test_what_a_merge_leaves_is_refused_at_its_line(files, refusal):
    text = lock_text(files).replace(' "claims": {', '<<<<<<< HEAD\n "claims": {')
    assert "this is not a lock: " in refusal(text)
    assert "--> claims.lock:2:1" in refusal(text)


def test_two_entries_of_one_claim_are_refused(files, refusal):
    text = lock_text(files).replace("draws/low-is-higher", "draws/high-is-higher")
    assert refusal(text).startswith(
        "error: claims.lock is not a lock: `draws/high-is-higher` stands in it twice\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "this is not a lock: Expecting value"),
        ("[]", "a lock is a mapping of `schema_version` and `claims`"),
        ('{"schema_version": 1}', "a lock is a mapping of `schema_version` and `claims`"),
        ('{"schema_version": 2, "claims": {}}', "its schema version is `2`; this paperbench"),
        ('{"schema_version": true, "claims": {}}', "its schema version is `True`"),
        ('{"schema_version": 1, "claims": []}', "`claims` is a mapping of names"),
        ('{"schema_version": 1, "claims": {"a/b": 3}}', "the lock was edited"),
        ('{"schema_version": 1, "claims": {"a/b": {"sha256": ""}}}', "the lock was edited"),
        ('{"schema_version": NaN, "claims": {}}', "NaN is not a finite number"),
        ("[" * 100_000, "it is nested too deeply"),
        ('{"schema_version": ' + "9" * 5000 + "}", "claims.lock is not a lock: "),
        (b"\xff\xfe", "claims.lock is not a lock: "),
        (
            '{"schema_version": 1, "claims": {"a": {"sha256": "", "experiment": null, '
            '"claim": "\\ud800"}}}',
            "claims.lock is not a lock: ",
        ),
    ],
)
def test_what_is_no_lock_is_refused(refusal, text, said):
    assert said in refusal(text)


def test_a_huge_file_is_not_read(refusal, monkeypatch):
    monkeypatch.setattr("paperbench.lock.lock_file.MAX_BYTES", 10)
    assert "it has more than 10 bytes" in refusal('{"schema_version": 1, "claims": {}}')
