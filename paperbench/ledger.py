"""The ledger: finished runs, kept the moment they finish, in one SQLite file.

Crash-safe (write-ahead log, full sync) and shared by processes. A row carries a checksum; a row
that does not match it was tampered with or damaged, and counts as absent.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from paperbench.errors import PaperbenchError

Status = Literal["done", "diverged", "crashed", "timeout", "killed"]
BUSY_SECONDS = 30.0  # how long another process may hold the file

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    key TEXT PRIMARY KEY,
    lineage TEXT NOT NULL,
    payload TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    finished TEXT NOT NULL DEFAULT (datetime('now'))
);
CREATE INDEX IF NOT EXISTS runs_by_lineage ON runs (lineage);
CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, payload TEXT NOT NULL, sha256 TEXT NOT NULL);
"""


@dataclass(frozen=True)
class FinishedRun:
    """One run that ended. Only `done` runs are kept as results to reuse.

    key: content address. lineage: the same run whatever its code, data and torch version, so that
    a stale one can be found. inputs: what went into the key, by name, to say why it is stale.
    metrics: a number, or a list of repeats for timing. curves: series name -> [[step, value], ...].
    kept: arrays for figures, by name, as `lab.run.Run.keep` writes them; the ledger holds them by
    themselves, and hands them out through `Ledger.kept` alone. budget: parameters, examples,
    steps, flops. seconds: wall time.
    """

    key: str
    lineage: str
    status: Status
    metrics: Mapping[str, float | list[float]] = field(default_factory=dict)
    curves: Mapping[str, list[list[float]]] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)
    budget: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)


class Ledger:
    """Finished runs by key. `path`'s folder is made on the first write.

    Raises PaperbenchError when the file is not a ledger or cannot be written.
    """

    def __init__(self, path: Path):
        self.path = path
        self._connection: sqlite3.Connection | None = None

    def get(self, key: str) -> FinishedRun | None:
        """Return the run stored under `key`, or None if there is none that is intact."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, FinishedRun]:
        """Return the intact runs among `keys`, by key."""
        wanted = list(dict.fromkeys(keys))
        if not self.path.exists():
            return {}
        found: dict[str, FinishedRun] = {}
        for start in range(0, len(wanted), 500):  # SQLite's limit on placeholders
            chunk = wanted[start : start + 500]
            marks = ",".join("?" * len(chunk))
            rows = self._query(f"SELECT payload, sha256 FROM runs WHERE key IN ({marks})", chunk)
            found |= {run.key: run for run in _intact(rows)}
        return found

    def lineage(self, lineage: str) -> list[FinishedRun]:
        """Return every intact run of one lineage, the newest first."""
        if not self.path.exists():
            return []
        return _intact(
            self._query(
                "SELECT payload, sha256 FROM runs WHERE lineage = ? "
                "ORDER BY finished DESC, rowid DESC",
                [lineage],
            )
        )

    def put(self, run: FinishedRun) -> None:
        """Store a finished run at once, replacing what stands under its key."""
        content = asdict(run)
        kept = json.dumps(content.pop("kept"), sort_keys=True)
        self._query("DELETE FROM kept WHERE key = ?", [run.key])
        if run.kept:
            self._query(
                "INSERT INTO kept (key, payload, sha256) VALUES (?, ?, ?)",
                [run.key, kept, _sha256(kept)],
            )
        payload = json.dumps(content, sort_keys=True)
        self._query(
            "INSERT OR REPLACE INTO runs (key, lineage, payload, sha256) VALUES (?, ?, ?, ?)",
            [run.key, run.lineage, payload, _sha256(payload)],
        )

    def kept(self, key: str) -> dict[str, Any]:
        """Return what the run stored under `key` has kept for figures; empty when nothing."""
        if not self.path.exists():
            return {}
        rows = self._query("SELECT payload, sha256 FROM kept WHERE key = ?", [key])
        for payload, sha256 in rows:
            if _sha256(payload) == sha256:
                return dict(json.loads(payload))
        return {}

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _query(self, statement: str, values: list[str]) -> list[tuple[str, str]]:
        try:
            if self._connection is None:
                self._connection = self._open()
            with self._connection:
                return self._connection.execute(statement, values).fetchall()
        except (sqlite3.Error, OSError) as broken:
            raise PaperbenchError(
                f"the ledger {self.path} cannot be used: {broken}",
                help="is the disk full, or the file damaged? Move it away: it is only a cache",
            ) from None

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, check_same_thread=False)
        try:
            _retry(lambda: connection.execute("PRAGMA journal_mode=WAL"))
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _retry(action: Callable[[], object]) -> None:
    """Try again while another process holds the file: the switch to WAL does not wait by itself."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            action()
            return
        except sqlite3.OperationalError as busy:
            if "locked" not in str(busy) or time.monotonic() > end:
                raise
            time.sleep(0.05)


def _intact(rows: Iterable[tuple[str, str]]) -> list[FinishedRun]:
    runs = []
    for payload, sha256 in rows:
        try:
            if _sha256(payload) == sha256:
                runs.append(FinishedRun(**json.loads(payload)))
        except (TypeError, ValueError, AttributeError):
            continue  # a row of another version, or of no version
    return runs


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
