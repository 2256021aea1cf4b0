"""Where a run was carried out is told as far as it is known, and never costs the run."""

import subprocess

import pytest

from paperbench.engine import provenance


@pytest.mark.parametrize(
    "trouble",
    [
        FileNotFoundError("git"),
        subprocess.CalledProcessError(128, "git"),
        subprocess.TimeoutExpired("git", 20),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
def test_a_git_that_is_absent_refuses_or_takes_too_long_leaves_the_commit_out(
    tmp_path, monkeypatch, trouble
):
    def run(*_, **__):
        raise trouble

    (tmp_path / ".git").mkdir()
    monkeypatch.setattr("paperbench.__file__", str(tmp_path / "paperbench" / "__init__.py"))
    monkeypatch.setattr(subprocess, "run", run)
    assert provenance._commit() == {}
