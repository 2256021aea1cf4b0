"""`paperbench report --compare`: against another results folder, or an earlier revision's."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from paperbench.errors import PaperbenchError, UsageError

if TYPE_CHECKING:
    from paperbench.judge.record import ClaimRecord, PaperRecord
    from paperbench.report.compare import Comparison, Side

GIT = "git:"


def compare_with(
    base: str,
    claims: Path | None,
    results: Path,
    papers: Sequence[PaperRecord],
    *,
    as_json: bool,
    fail_on_regression: bool,
) -> int:
    """Print what changed since `base`, a folder or `git:<revision>`; return the exit code.

    What is stale now is judged by today's claims. Those of `base` are not known: there, stale is
    what its own tables mark so, beside what the rules of judging and the seeds say. Exhibits are
    left out.
    """
    from paperbench.cli.selection import hashes_if_any
    from paperbench.report.compare import Side, compare
    from paperbench.report.mutations import read_all_mutations
    from paperbench.report.staleness import why_stale
    from paperbench.spec.select import is_exhibit

    with _folder_of(base, results) as folder:
        try:
            before = _side_as_marked(folder)
        except PaperbenchError as broken:
            raise UsageError(f"there is no comparing with {base}: {broken.message}") from None
    current = hashes_if_any(claims)
    after = Side(
        [paper for paper in papers if not is_exhibit(paper.paper)],
        read_all_mutations(results),
        lambda paper, claim: why_stale(paper, claim, current),
    )
    found = compare(before, after)
    print(_shown(found, as_json=as_json), end="")
    return 1 if fail_on_regression and found.regressions else 0


def _shown(found: Comparison, *, as_json: bool) -> str:
    """JSON where it is asked for, text for a person's screen, else Markdown."""
    from paperbench.cli.consoles import is_screen, page_width, stdout
    from paperbench.report.compare_pages import (
        comparison_json,
        comparison_markdown,
        comparison_text,
    )

    if as_json:
        return comparison_json(found)
    if is_screen(stdout):
        return comparison_text(found, page_width(stdout))
    return comparison_markdown(found)


def _side_as_marked(folder: Path) -> Side:
    """A results folder, stale where its tables say so; all of it is read now."""
    import csv

    from paperbench.judge.record import read_records
    from paperbench.report.compare import Side
    from paperbench.report.mutations import read_all_mutations
    from paperbench.report.staleness import why_stale
    from paperbench.report.store import result_path
    from paperbench.spec.select import is_exhibit

    papers = [paper for paper in read_records(folder) if not is_exhibit(paper.paper)]
    marked = set()
    for paper in papers:
        sheet = result_path(folder, paper).with_suffix(".csv")
        if sheet.is_file():
            with sheet.open(encoding="utf-8", newline="") as rows:
                marked |= {
                    (paper.paper, paper.tier, paper.device, row.get("claim"))
                    for row in csv.DictReader(rows)
                    if row.get("stale") == "True"
                }

    def why(paper: PaperRecord, claim: ClaimRecord) -> str | None:
        if (paper.paper, paper.tier, paper.device, claim.claim) in marked:
            return "It was stale there already"
        return why_stale(paper, claim, None)

    return Side(papers, read_all_mutations(folder), why)


@contextmanager
def _folder_of(base: str, results: Path) -> Iterator[Path]:
    """The results folder that `base` names; that of a revision is there for this long only."""
    if not base.startswith(GIT):
        if not Path(base).is_dir():
            raise UsageError(
                f"there is no folder {base} to compare with",
                help="name another results folder, or `git:main` for that of a branch or commit",
            )
        yield Path(base)
        return
    import tarfile
    import tempfile

    archive = _archived(base.removeprefix(GIT), results)
    with tempfile.TemporaryDirectory(prefix="paperbench-base-") as folder:
        if archive is not None:
            with tarfile.open(fileobj=BytesIO(archive)) as tar:
                tar.extractall(folder, filter="data")
        yield Path(folder)


def _archived(revision: str, results: Path) -> bytes | None:
    """The results folder as a tar file, as it was at that revision; None where it had none."""
    top = Path(_git(results, "rev-parse", "--show-toplevel").decode().strip())
    commit = f"{revision}^{{commit}}"
    sha = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", commit, asked=revision)
    inside = results.resolve().relative_to(top.resolve()).as_posix()
    tree = f"{sha.decode().strip()}:{'' if inside == '.' else inside}"
    if not _git(top, "rev-parse", "--verify", "--quiet", tree, may_fail=True):
        return None
    return _git(top, "archive", "--format=tar", tree)


def _git(folder: Path, *arguments: str, asked: str | None = None, may_fail: bool = False) -> bytes:
    """What git prints; b"" where it may fail and does. Raises UsageError otherwise."""
    try:
        reply = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True)
    except OSError as broken:
        raise UsageError(f"git cannot be called: {broken.strerror}") from None
    if reply.returncode == 0:
        return reply.stdout
    if may_fail:
        return b""
    said = reply.stderr.decode(errors="replace").strip().splitlines()
    if asked is not None:
        raise UsageError(
            f"git knows no revision `{asked}`",
            help="is it fetched? A shallow clone knows the last commit only",
        )
    raise UsageError(f"git: {said[0] if said else 'failed'}")
