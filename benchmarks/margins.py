"""Margins as they may be: distributions with mean 0 and standard deviation 1, for simulations."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Sampler = Callable[[np.random.Generator, tuple[int, ...]], Array]

GUMBEL_MEAN, GUMBEL_SD = 0.5772156649015329, np.pi / np.sqrt(6)
SIGMA = 0.6  # of the log-normal
LOG_MEAN = np.exp(SIGMA**2 / 2)
LOG_SD = LOG_MEAN * np.sqrt(np.exp(SIGMA**2) - 1)
STEP = 0.5  # of discrete margins, in standard deviations


def _one_in_eight(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Seven seeds of eight a little above 0, one far below: a run that fails now and then."""
    margins = np.where(generator.random(shape) < 1 / 8, -7.0, 1.0)
    return (margins + 0.3 * generator.standard_normal(shape)) / np.sqrt(7 + 0.3**2)


def _two_groups(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    margins = generator.choice([-1.0, 1.0], shape)
    return (margins + 0.2 * generator.standard_normal(shape)) / np.sqrt(1 + 0.2**2)


MARGINS: dict[str, Sampler] = {
    "normal": lambda generator, shape: generator.standard_normal(shape),
    "light tails (uniform)": lambda generator, shape: generator.uniform(
        -np.sqrt(3.0), np.sqrt(3.0), shape
    ),
    "heavy tails (t, 3 df)": lambda generator, shape: generator.standard_t(3, shape) / np.sqrt(3.0),
    "discrete (steps of sd/2)": lambda generator, shape: (
        STEP * np.round(generator.standard_normal(shape) / STEP)
    ),
    "right skew (Exp - 1, +2)": lambda generator, shape: generator.standard_exponential(shape) - 1,
    "left skew (Gumbel, -1.14)": lambda generator, shape: (
        (GUMBEL_MEAN - generator.gumbel(size=shape)) / GUMBEL_SD
    ),
    "left skew (1 - Exp, -2)": lambda generator, shape: 1 - generator.standard_exponential(shape),
    "left skew (log-normal, -2.3)": lambda generator, shape: (
        (LOG_MEAN - generator.lognormal(0, SIGMA, shape)) / LOG_SD
    ),
    "one seed in eight fails": _one_in_eight,
    "two equal groups": _two_groups,
}


def generator_for(*names: object) -> np.random.Generator:
    """A generator of its own for every cell of a table, the same in any process and order."""
    return np.random.default_rng(zlib.crc32(repr(names).encode()))


def draw(name: str, shape: tuple[int, ...], *cell: object) -> Array:
    """Margins of the distribution called `name`; cell: what tells this sample from others."""
    return MARGINS[name](generator_for(name, shape, *cell), shape)
