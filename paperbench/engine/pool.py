"""Two ways to carry runs out: here, or in worker processes. Neither knows what a claim is."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures import TimeoutError as RunTimeout
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from paperbench.engine.progress import Progress, ProgressFile, Report, read_progress
from paperbench.engine.speeds import Speeds
from paperbench.engine.waiting import Group, Waiting
from paperbench.ledger import FinishedRun, Status
from paperbench.plan import PlannedRun

if TYPE_CHECKING:
    from pebble import ProcessPool

Outcomes = dict[str, FinishedRun | None]  # by key; None: to be carried out by itself
GRACE_SECONDS = 30.0  # beyond its limit, for start-up, before a worker is killed


class Engine(ABC):
    """Takes runs and gives outcomes back, each as soon as it is there."""

    @abstractmethod
    def submit(self, run: PlannedRun, seconds: float | None = None) -> None:
        """Queue a run, which is thought to take so many seconds."""

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
    """One arm after the other in this process: for debuggers, and for one GPU."""

    def __init__(self, speeds: Speeds | None = None) -> None:
        self._own_folder: tempfile.TemporaryDirectory[str] | None = None
        if speeds is None:
            self._own_folder = tempfile.TemporaryDirectory(prefix="paperbench-")
            speeds = Speeds(Path(self._own_folder.name) / "speeds.jsonl")
        self._speeds = speeds
        self._waiting = Waiting(speeds)
        self._current: dict[str, tuple[PlannedRun, Progress]] = {}
        self._prepared = False

    def submit(self, run: PlannedRun, seconds: float | None = None) -> None:
        self._waiting.add(run, seconds)

    def collect(self, seconds: float) -> list[FinishedRun]:
        from paperbench.engine.isolation import keep_freed_memory, prepare_process

        group = self._waiting.take()
        if group is None:
            return []
        if not self._prepared:
            keep_freed_memory()
            prepare_process()
            self._prepared = True
        outcomes = _carry_out(group, self._speeds, [self._watch(run) for run in group.every])
        self._current.clear()
        return _sorted_out(group, outcomes, self._waiting)

    def progress(self) -> dict[str, tuple[PlannedRun, Progress]]:
        return dict(self._current)

    def close(self) -> None:
        if self._own_folder is not None:
            self._own_folder.cleanup()

    def _watch(self, run: PlannedRun) -> Report:
        started = time.time()

        def report(step: int, steps: int, shown: dict[str, float]) -> None:
            self._current[run.key] = run, Progress(step, steps, shown, started)

        report(0, 0, {})
        return report


class Workers(Engine):
    """Worker processes, each with one arm at a time; one that dies takes its own runs along."""

    def __init__(self, count: int, speeds: Speeds | None = None):
        self._count = count
        self._folder = Path(tempfile.mkdtemp(prefix="paperbench-"))
        self._speeds = speeds or Speeds(self._folder / "speeds.jsonl")
        self._pool = self._new_pool()
        self._waiting = Waiting(self._speeds)
        self._futures: dict[Future[Outcomes], Group] = {}
        self._lost: set[str] = set()  # runs that have lost a pool once

    def submit(self, run: PlannedRun, seconds: float | None = None) -> None:
        self._waiting.add(run, seconds)

    def collect(self, seconds: float) -> list[FinishedRun]:
        self._hand_out()
        done, _ = wait(self._futures, timeout=seconds, return_when=FIRST_COMPLETED)
        ended = [(future, self._futures.pop(future)) for future in done]
        outcomes = [outcome for future, group in ended for outcome in self._outcomes(future, group)]
        self._hand_out()
        return outcomes

    def _hand_out(self) -> None:
        """Give every worker that has nothing to do what waits."""
        while len(self._futures) < self._count and (group := self._waiting.take()) is not None:
            limit = sum(run.time_limit for run in group.every) + GRACE_SECONDS
            arguments = group, self._speeds, self._folder
            with _interrupts_held_back():
                future = self._pool.schedule(_work, args=arguments, timeout=limit)
            self._futures[future] = group

    def progress(self) -> dict[str, tuple[PlannedRun, Progress]]:
        under_way = {}
        groups = list(self._futures.values())  # asked for by the thread that draws the live view
        for run in (run for group in groups for run in group.runs):
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
            initargs=(self._folder,),
            context=multiprocessing.get_context("spawn"),
        )

    def _outcomes(self, future: Future[Outcomes], group: Group) -> list[FinishedRun]:
        """What became of a group; a run that is to be carried out again has no outcome yet."""
        from pebble import ProcessExpired

        try:
            outcomes = future.result()
        except RunTimeout:
            limit = group.runs[0].time_limit
            error = f"over its time limit of {limit:.0f} s and did not stop by itself: killed"
            outcomes = self._lost_with(group, "timeout", error, limit)
        except ProcessExpired as expired:
            error = f"its process ended with code {expired.exitcode} (killed, or out of memory?)"
            outcomes = self._lost_with(group, "killed", error)
        except BrokenProcessPool as broken:
            # A worker that dies while it has no run (as it starts, say) breaks the pool for all.
            outcomes = dict.fromkeys(run.key for run in group.every)
            if self._lost.intersection(outcomes):
                error = f"workers die before they can take it: {broken}"
                outcomes = self._lost_with(group, "killed", error)
            self._lost.update(outcomes)
            if not self._pool.active:
                self._pool = self._new_pool()
        finally:
            for run in group.every:
                ProgressFile.forget(self._folder, run.key)
        return _sorted_out(group, outcomes, self._waiting)

    def _lost_with(
        self, group: Group, status: Status, error: str, seconds: float = 0.0
    ) -> Outcomes:
        """The run that its process died of; of several none is to blame yet: each goes again."""
        from paperbench.engine.execute import failure

        if not group.alone:
            return dict.fromkeys(run.key for run in group.every)
        return {run.key: failure(run, status, error, seconds) for run in group.runs}


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


def _start_worker(folder: Path) -> None:
    from paperbench.engine.isolation import keep_freed_memory, prepare_process
    from paperbench.lab.sharing import share_in

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    keep_freed_memory()
    prepare_process()
    share_in(folder)


def _work(group: Group, speeds: Speeds, folder: Path) -> Outcomes:
    return _carry_out(group, speeds, [ProgressFile(folder, run.key) for run in group.every])


def _carry_out(group: Group, speeds: Speeds, reports: Sequence[Report]) -> Outcomes:
    from paperbench.engine.execute import execute, execute_together

    if group.alone:
        outcomes: Sequence[FinishedRun | None] = [execute(group.runs[0], reports[0])]
    else:
        outcomes = execute_together(group.every, speeds, reports)
    return {run.key: outcome for run, outcome in zip(group.every, outcomes, strict=True)}


def _sorted_out(group: Group, outcomes: Outcomes, waiting: Waiting) -> list[FinishedRun]:
    """The outcomes that were asked for; what has none waits again, by itself."""
    for run in group.runs:
        if outcomes[run.key] is None:
            waiting.add(run, alone=True)
    return [each for run in group.runs if (each := outcomes[run.key]) is not None]
