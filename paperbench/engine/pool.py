"""Two ways to carry runs out: here, or in worker processes. Neither knows what a claim is."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
import tempfile
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures import TimeoutError as RunTimeout
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from paperbench.engine.progress import Progress, ProgressFile, read_progress
from paperbench.ledger import FinishedRun
from paperbench.plan import PlannedRun

if TYPE_CHECKING:
    from pebble import ProcessPool

GRACE_SECONDS = 30.0  # beyond its limit, for start-up, before a worker is killed


class Engine(ABC):
    """Takes runs and gives outcomes back, each as soon as it is there."""

    @abstractmethod
    def submit(self, run: PlannedRun) -> None:
        """Queue a run."""

    @abstractmethod
    def collect(self, seconds: float) -> list[FinishedRun]:
        """Wait up to `seconds` and return the runs that ended."""

    @abstractmethod
    def progress(self) -> dict[str, tuple[PlannedRun, Progress]]:
        """The runs under way by key."""

    def close(self) -> None:
        """Stop everything under way; what has not been collected is lost."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class InProcess(Engine):
    """One run after the other in this process: for debuggers, and for one GPU."""

    def __init__(self) -> None:
        self._waiting: deque[PlannedRun] = deque()
        self._current: tuple[PlannedRun, Progress] | None = None
        self._prepared = False

    def submit(self, run: PlannedRun) -> None:
        self._waiting.append(run)

    def collect(self, seconds: float) -> list[FinishedRun]:
        from paperbench.engine.execute import execute
        from paperbench.engine.isolation import prepare_process

        if not self._waiting:
            return []
        if not self._prepared:
            prepare_process()
            self._prepared = True
        run = self._waiting.popleft()
        started = time.time()

        def report(step: int, steps: int, shown: dict[str, float]) -> None:
            self._current = run, Progress(step, steps, shown, started)

        report(0, 0, {})
        outcome = execute(run, report)
        self._current = None
        return [outcome]

    def progress(self) -> dict[str, tuple[PlannedRun, Progress]]:
        current = self._current
        return {current[0].key: current} if current else {}


class Workers(Engine):
    """Worker processes, each with one run at a time; one that dies takes only its own run along."""

    def __init__(self, count: int):
        self._count = count
        self._folder = Path(tempfile.mkdtemp(prefix="paperbench-"))
        self._pool = self._new_pool()
        self._futures: dict[Future[FinishedRun], PlannedRun] = {}
        self._lost: set[str] = set()  # runs that have lost a pool once

    def submit(self, run: PlannedRun) -> None:
        with _interrupts_held_back():
            future = self._pool.schedule(
                _work, args=(run, self._folder), timeout=run.time_limit + GRACE_SECONDS
            )
        self._futures[future] = run

    def collect(self, seconds: float) -> list[FinishedRun]:
        done, _ = wait(self._futures, timeout=seconds, return_when=FIRST_COMPLETED)
        ended = [(future, self._futures.pop(future)) for future in done]
        return [
            outcome for future, run in ended if (outcome := self._outcome(future, run)) is not None
        ]

    def progress(self) -> dict[str, tuple[PlannedRun, Progress]]:
        under_way = {}
        for run in self._futures.values():
            progress = read_progress(self._folder, run.key)
            if progress is not None:
                under_way[run.key] = run, progress
        return under_way

    def close(self) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _new_pool(self) -> ProcessPool:
        from pebble import ProcessPool

        return ProcessPool(
            max_workers=self._count,
            initializer=_start_worker,
            context=multiprocessing.get_context("spawn"),
        )

    def _outcome(self, future: Future[FinishedRun], run: PlannedRun) -> FinishedRun | None:
        """What became of a run; None when it was given to a new pool, because the old one broke.

        A worker that dies while it has no run (as it starts, say) breaks the pool for all.
        """
        from pebble import ProcessExpired

        from paperbench.engine.execute import failure

        try:
            outcome = future.result()
        except RunTimeout:
            return failure(
                run,
                "timeout",
                f"over its time limit of {run.time_limit:.0f} s and did not stop by itself: killed",
                run.time_limit,
            )
        except ProcessExpired as expired:
            return failure(
                run,
                "killed",
                f"its process ended with code {expired.exitcode} (killed, or out of memory?)",
            )
        except BrokenProcessPool as broken:
            if run.key in self._lost:
                return failure(run, "killed", f"workers die before they can take it: {broken}")
            self._lost.add(run.key)
            if not self._pool.active:
                self._pool = self._new_pool()
            self.submit(run)
            return None
        finally:
            ProgressFile.forget(self._folder, run.key)
        return outcome


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Threads and processes started within never see Ctrl-C: it is the parent's to handle."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker() -> None:
    from paperbench.engine.isolation import prepare_process

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    prepare_process()


def _work(run: PlannedRun, folder: Path) -> FinishedRun:
    from paperbench.engine.execute import execute

    return execute(run, ProgressFile(folder, run.key))
