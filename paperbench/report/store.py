"""The results folder: written whole or not at all, and only when what it says has changed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paperbench.errors import PaperbenchError, UsageError
from paperbench.judge.origin import combined
from paperbench.judge.record import WITH, ClaimRecord, PaperRecord, dump_record, read_record
from paperbench.report.csv_table import paper_csv
from paperbench.report.markdown import paper_table
from paperbench.report.numbers import kinds_of
from paperbench.report.staleness import Current

if TYPE_CHECKING:  # `report` takes a lock only when a page has to change
    from filelock import FileLock

_PART = re.compile(r"[a-z0-9][a-z0-9_-]*")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.=+]+")
# What may differ while the numbers are the same: a run's key covers its code, so the commit that
# is on record is the one that computed them.
_INCIDENTAL = ("commit", "dirty")
_MEND = (
    "make room or choose another folder with `--results`; finished runs are in the ledger, so the "
    "same command writes it again without training"
)


def result_path(results: Path, record: PaperRecord) -> Path:
    """`<results>/<tier>-<device>/<paper>.json`; raises UsageError for a name that leaves it."""
    parts = [f"{record.tier}-{record.device}", *record.paper.split("/")]
    for part in parts:
        part_of_path(part)
    return kept_apart(results, record).joinpath(*parts[:-1], f"{parts[-1]}.json")


def part_of_path(name: str) -> str:
    """The name, if it may be one of a results file's path; raises UsageError otherwise."""
    if not _PART.fullmatch(name):
        raise UsageError(
            f"`{name}` cannot name a results file", help="a paper's slug holds a-z, 0-9 and hyphens"
        )
    return name


def kept_apart(results: Path, record: PaperRecord) -> Path:
    """The results folder itself, or for another one's parts a folder of their own in it."""
    if not record.parts:
        return results
    named = sorted(f"{name}={part}" for name, part in record.parts.items())
    return results / WITH / _UNSAFE.sub("-", "+".join(named))


def write_results(
    results: Path,
    record: PaperRecord,
    *,
    current_claims: Sequence[str],
    current: Current | None = None,
) -> None:
    """Store a paper's verdicts as JSON, Markdown and CSV, beside those of earlier calls.

    current_claims: the paper's claims in their order. One that was not judged this time keeps its
    earlier record; one that is not current any more loses it. current: the hashes of today's
    claims, to mark what was kept and is stale. Nothing is written for the smoke
    tier and for exploratory records, nor when only the time of writing would change.
    """
    judged = [claim for claim in record.claims if not claim.exploratory]
    if record.tier == "smoke" or not judged:
        return
    path = result_path(results, record)
    # Two calls at once, on two claims of one paper: the later one must see what the earlier wrote.
    with _lock(results):
        merged = _merged(path, record, judged, current_claims)
        write_if_changed(path, dump_record(merged))
        for page, text in projections(path, merged, current).items():
            write_if_changed(page, text)


def projections(path: Path, record: PaperRecord, current: Current | None) -> dict[Path, str]:
    """What the Markdown and the CSV beside a results file are to say."""
    return {
        path.with_suffix(".md"): paper_table(record, kinds_of(record), current),
        path.with_suffix(".csv"): paper_csv(record, current),
    }


def mark_stale(results: Path, record: PaperRecord, current: Current) -> list[Path]:
    """Mark the stale verdicts in a record's Markdown and CSV; return the files that changed.

    A page that is not there is not made.
    """
    path = result_path(results, record)
    there = {
        page: text for page, text in projections(path, record, current).items() if page.exists()
    }
    if all(_holds(page, text) for page, text in there.items()):
        return []
    with _lock(results):  # again, of what is stored now: another call may have judged meanwhile
        now = projections(path, read_record(path), current)
        return [page for page in there if write_if_changed(page, now[page])]


def _lock(results: Path) -> FileLock:
    """A lock on the results folder. It lies in the ledger's folder, which nobody commits."""
    from filelock import FileLock

    folder = Path(".paperbench")
    folder.mkdir(exist_ok=True)
    name = hashlib.sha256(str(results.resolve()).encode()).hexdigest()[:16]
    return FileLock(folder / f"results-{name}.lock")


def _merged(
    path: Path, record: PaperRecord, judged: Sequence[ClaimRecord], current_claims: Sequence[str]
) -> PaperRecord:
    """What the file is to hold: the earlier record itself where nothing but its date is new."""
    earlier = _read_earlier(path)
    if earlier is not None and _makers(earlier) != _makers(record):
        earlier = None  # verdicts with another part, or with this one before it was edited
    claims = _merge(earlier.claims if earlier else [], judged, current_claims)
    environment = _environment(record, earlier, claims)
    merged = record.model_copy(update={"claims": claims, "environment": environment})
    if earlier is not None and _essence(earlier) == _essence(merged):
        return earlier
    return merged


def _makers(record: PaperRecord) -> tuple[dict[str, str], dict[str, str]]:
    return record.parts, record.parts_sha256


def _environment(
    record: PaperRecord, earlier: PaperRecord | None, claims: Sequence[ClaimRecord]
) -> dict[str, Any]:
    """That of all the claims: one that is kept from an earlier call was made where it was made."""
    older = earlier.environment if earlier else {}
    judged_now = {claim.claim for claim in record.claims if not claim.exploratory}
    origins = [
        claim.environment or (record.environment if claim.claim in judged_now else older)
        for claim in claims
        if claim.verdict is not None
    ]
    data = dict(record.environment.get("data", {}))
    if any(claim.claim not in judged_now for claim in claims):  # it rests on its data still
        data = {**older.get("data", {}), **data}
    known = combined({name: each[name] for name in each if name != "data"} for each in origins)
    return {**record.environment, **known, "data": data}


def write_if_changed(path: Path, text: str, *, help: str = _MEND) -> bool:
    """Write `text` unless the file holds it already; return whether it was written.

    help: what to do where the disk is full or the folder cannot be written.
    """
    if _holds(path, text):
        return False
    write_atomically(path, text, help=help)
    return True


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def write_atomically(path: Path, text: str, *, help: str = _MEND) -> None:
    """Replace a file in one step: a reader, or a crash, sees the old one or the new one.

    Raises PaperbenchError when the folder cannot be written or the disk is full.
    """
    name = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as out:
            out.write(text.encode())
            out.flush()
            os.fsync(out.fileno())
        os.chmod(name, 0o644)  # mkstemp gives the file to its owner alone
        os.replace(name, path)
        name = None
    except OSError as broken:
        raise PaperbenchError(
            f"{path} cannot be written: {broken.strerror or broken}", help=help
        ) from None
    finally:
        if name is not None:
            Path(name).unlink(missing_ok=True)


def _read_earlier(path: Path) -> PaperRecord | None:
    """The stored record; one that cannot be read is moved aside, never overwritten."""
    if not path.exists():
        return None
    try:
        return read_record(path)
    except PaperbenchError:
        path.replace(path.with_name(f"{path.name}.unreadable"))
        return None


def _merge(
    earlier: Sequence[ClaimRecord], judged: Sequence[ClaimRecord], current: Sequence[str]
) -> list[ClaimRecord]:
    records = {claim.claim: claim for claim in earlier if claim.claim in current}
    for claim in judged:
        before = records.get(claim.claim)
        same = before is not None and _claim_essence(before) == _claim_essence(claim)
        if not same:  # the commit on record is the one that computed the numbers first
            records[claim.claim] = claim
    order = {name: place for place, name in enumerate(current)}
    return sorted(records.values(), key=lambda claim: order.get(claim.claim, len(order)))


def _essence(record: PaperRecord) -> str:
    """What a file says, without when it was written and how long the training took."""
    content: dict[str, Any] = json.loads(record.model_dump_json(exclude={"generated", "claims"}))
    content["claims"] = [_claim_essence(claim) for claim in record.claims]
    return _without_incidentals(content)


def _claim_essence(claim: ClaimRecord) -> str:
    return _without_incidentals(json.loads(claim.model_dump_json(exclude={"seconds"})))


def _without_incidentals(content: dict[str, Any]) -> str:
    for name in _INCIDENTAL:
        content["environment"].pop(name, None)
    return json.dumps(content, sort_keys=True)
