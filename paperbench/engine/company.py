"""Runs of one arm side by side in one process, which meet where each of them trains.

Each has a thread of its own, so that experiments stay plain functions; but only one of them works
at a time, and what the process is set to is exchanged whenever another one's turn comes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from paperbench.engine.isolation import (
    State,
    is_as_a_run_begins,
    isolated,
    prepare_process,
    process_state,
    restore,
)
from paperbench.engine.speeds import ArmSpeed
from paperbench.errors import RunError
from paperbench.lab.run import Run, derive_seed
from paperbench.lab.stacking import Unstackable, is_alike
from paperbench.lab.together import Trained, Unrepeatable, train_together
from paperbench.lab.training import Fit, Replicate, Training
from paperbench.lab.trial import (
    leaving_no_trace,
    measure_gain,
    quiet,
    try_together,
    untouched_generators,
)

Result = TypeVar("Result")
MIN_STEPS = 20  # a shorter training is over before anything is measured


class Released(BaseException):
    """The run is to be carried out anew, by itself; no `except Exception` may catch it."""


class Member(Generic[Result]):
    """One run's thread, and what it waits for.

    As `lab.run.Company` it is what `train` asks.
    """

    def __init__(self, body: Callable[[Member[Result]], Result]) -> None:
        self.asked: Training[Any] | None = None
        self.own_seconds = 0.0  # its share of what was spent on it while it waited
        self.state: State = []  # of the process, when it asked
        self._left = self._away = 0.0
        self.answer: Trained | None = None
        self.released = False
        self.result: Result | None = None
        self._broke: BaseException | None = None
        self._turn, self._handed_back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._work, args=(body,), daemon=True)

    @property
    def training(self) -> Training[Any]:
        """What it wants to train."""
        assert self.asked is not None
        return self.asked

    def proceed(self) -> None:
        """Let it work until it trains or has ended. Raises what the bench itself did wrong."""
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._turn.release()
        self._handed_back.acquire()
        if self._broke is not None:
            raise self._broke

    def train(self, training: Training[Any]) -> Fit[Any] | None:
        """Called by `lab.train` in the run's thread: wait for the others."""
        if self.released:  # the experiment has caught what told it to stop
            raise Released
        self.asked, self.answer, self.own_seconds = training, None, 0.0
        self.state, self._left, self._away = process_state(), time.perf_counter(), training.run.away
        self._handed_back.release()
        self._turn.acquire()
        training.run.away = self._away + time.perf_counter() - self._left - self.own_seconds
        restore(self.state)
        if self.released:
            raise Released
        if self.answer is None:
            return None
        _set_draws(training.run, self.answer.draws)
        if isinstance(self.answer.result, RunError):
            raise self.answer.result
        return self.answer.result

    def note_the_wait(self) -> None:
        """What it has waited so far was for others: no part of its own time."""
        self.training.run.away = self._away + time.perf_counter() - self._left

    def _work(self, body: Callable[[Member[Result]], Result]) -> None:
        try:
            self.result = body(self)
        except Released:
            self.released = True
        except BaseException as broke:
            self._broke = broke
        self._handed_back.release()


def _set_draws(run: Run, draws: Tensor) -> None:
    """Leave the process's generators as training alone leaves them: seeded, and drawn from."""
    torch.manual_seed(derive_seed(run.seed, "train"))
    if run.device.type == "cuda":
        torch.cuda.set_rng_state(draws, run.device)
    else:
        torch.set_rng_state(draws)


def carry_out(
    bodies: Sequence[Callable[[Member[Result]], Result]], how: ArmSpeed
) -> list[Result | None]:
    """Carry all of them out; None for a run that was released, to be carried out by itself."""
    members = [Member(body) for body in bodies]
    outside = process_state()
    prepare_process()
    beginning = process_state()
    trained = False
    try:
        for member in members:
            restore(beginning)
            member.proceed()
        while waiting := [member for member in members if member.asked is not None]:
            trained = True
            restore(beginning)
            with isolated(seed=0), quiet():
                _answer(waiting, how, beginning)
            for member in waiting:
                member.asked = None
                member.proceed()
    finally:
        restore(outside)
    if not trained:
        how.refuse("nothing is trained")
    return [None if member.released else member.result for member in members]


def _answer(waiting: Sequence[Member[Any]], how: ArmSpeed, beginning: State) -> None:
    """Train those that wait, as one or in sets that are alike, or release them."""
    longest = max(member.training.steps for member in waiting)
    if longest < MIN_STEPS and how.mode != "together":
        return
    for member in waiting:
        member.released = True  # until it has its answer
    try:
        if not all(is_as_a_run_begins(member.state, beginning) for member in waiting):
            raise Unstackable("a run changes the settings of its process before it trains")
        for alike in _sets(waiting):
            _answer_alike(alike, how)
    except (Unstackable, Unrepeatable, RuntimeError, TypeError, ValueError) as reason:
        how.refuse(f"{type(reason).__name__}: {reason}")
    except Exception:  # not for good: memory that is short now, or the experiment's own fault
        return


def _answer_alike(alike: Sequence[Member[Any]], how: ArmSpeed) -> None:
    if how.mode is None and len(alike) == 1:
        return  # nobody to compare with
    trainings = [member.training for member in alike]
    with leaving_no_trace(trainings):
        trial = try_together(trainings)
        mode = how.mode or how.decide(measure_gain(trainings))
    if mode == "alone":
        return
    for member in alike:
        member.note_the_wait()
    started = time.perf_counter()
    with untouched_generators():
        trained = train_together(trainings, trial)
    share = (time.perf_counter() - started) / len(alike)
    for member, answer in zip(alike, trained, strict=True):
        member.answer, member.own_seconds, member.released = answer, share, False


def _sets(waiting: Sequence[Member[Any]]) -> list[list[Member[Any]]]:
    """Those whose trainings can be stacked with each other, each set by itself."""
    sets: list[tuple[Replicate[Any], list[Member[Any]]]] = []
    for member in waiting:
        replicate = Replicate(member.training)
        for first, alike in sets:
            if is_alike(first, replicate):
                alike.append(member)
                break
        else:
            sets.append((replicate, [member]))
    return [alike for _, alike in sets]
