"""When something happens in training."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def first_step(
    points: Sequence[Sequence[float]], holds: Callable[[float], bool], *, budget: float
) -> float:
    """The step of a curve's first point whose value satisfies `holds`; `budget` where none does.

    That is right-censoring: it happens at `budget` or later. A claim whose losing arm is censored
    sees less of a difference than there is; one whose winning arm is censored cannot hold, since
    nothing takes longer. points: (step, value), as `run.curves` holds them.
    """
    return next((float(step) for step, value in points if holds(value)), float(budget))
