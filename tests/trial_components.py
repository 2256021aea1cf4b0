"""A component of the trial experiments, and mutations that end in every way there is."""

import math

import torch
from trial_experiments import level

from paperbench.components import component, mutation


@component("trial/level", original=level)
def try_level(part):
    """A function `level(generator, mean, spread)` that returns a scalar tensor."""
    for mean in (0.0, 1.0):
        value = part.tensor(part.call(torch.Generator().manual_seed(0), mean, 0.0), ())
        if abs(value - mean) > 2:
            raise part.misfit(f"returns {value:.3g} for a mean of {mean} without any spread")


@mutation("trial/level", "upside-down")
def upside_down(generator, mean, spread):
    """The mean's sign is flipped."""
    return level(generator, -mean, spread)


@mutation("trial/level", "louder")
def louder(generator, mean, spread):
    """A thousand times as much noise."""
    return level(generator, mean, 1000 * spread)


@mutation("trial/level", "other-way-round")
def other_way_round(generator, mean, spread):
    """The noise's sign is flipped."""
    return level(generator, mean, -spread)


@mutation("trial/level", "no-change")
def no_change(generator, mean, spread):
    """Nothing is broken."""
    return level(generator, mean, spread)


@mutation("trial/level", "not-a-number")
def not_a_number(generator, mean, spread):
    """Nothing comes out."""
    return level(generator, mean, spread) * math.nan


@mutation("trial/level", "broken")
def broken(generator, mean, spread):
    """It cannot run."""
    raise ValueError("no level today")
