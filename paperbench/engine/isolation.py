"""The state of a process that numbers depend on: the same for every run, put back after it.

A run may depend neither on what ran before it in its process nor on the process's own settings.
What cannot be undone is a library that was patched, or a hook that was left in one.
"""

from __future__ import annotations

import ctypes
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch

from paperbench.lab.run import derive_seed

THREADS_PER_RUN = 1  # the same everywhere: another count sums in another order
# M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD (32 MiB is the most it takes), in bytes.
_MALLOC = {-1: 1 << 30, -2: 1 << 26, -3: 1 << 25}
_WARN = 1  # deterministic algorithms, and a warning where there is none


class _Setting(NamedTuple):
    """One switch of the process. value: what every run finds."""

    get: Callable[[], Any]
    put: Callable[[Any], Any]
    value: Any


def _attribute(owner: Any, name: str, value: bool) -> _Setting:
    return _Setting(lambda: getattr(owner, name), lambda on: setattr(owner, name, on), value)


def _autocast(device_type: str) -> _Setting:
    return _Setting(
        lambda: torch.is_autocast_enabled(device_type),
        lambda on: torch.set_autocast_enabled(device_type, on),
        False,
    )


def _put_default_device(device: torch.device) -> None:
    # None, not `cpu`: with a device that is set every call of torch looks it up.
    torch.set_default_device(None if device.type == "cpu" else device)


def _denormals_are_flushed() -> bool:
    # Torch has no way to ask. It is a mode of the processor, and multiplying shows it.
    denormal = torch.tensor(1e-40, dtype=torch.float32, device="cpu")
    return (denormal * 1.0).item() == 0.0


def _put_environment(variables: dict[str, str]) -> None:
    if dict(os.environ) != variables:
        os.environ.clear()
        os.environ.update(variables)


_cuda = torch.backends.cuda
_SETTINGS = (
    _Setting(torch.get_num_threads, torch.set_num_threads, THREADS_PER_RUN),
    _Setting(torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode, _WARN),
    _Setting(torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    _Setting(torch.get_default_device, _put_default_device, torch.device("cpu")),
    _Setting(torch.is_grad_enabled, torch.set_grad_enabled, True),
    _Setting(torch.is_anomaly_enabled, torch.set_anomaly_enabled, False),
    _Setting(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
    _Setting(_denormals_are_flushed, torch.set_flush_denormal, False),
    _autocast("cpu"),
    _autocast("cuda"),
    _attribute(torch.backends.mkldnn, "enabled", True),
    _attribute(torch.backends.cudnn, "enabled", True),
    # On, it takes the kernel that was fastest, which is another one another time.
    _attribute(torch.backends.cudnn, "benchmark", False),
    # Which kernels attention may choose from: named after CUDA, heeded on a CPU too.
    _Setting(_cuda.flash_sdp_enabled, _cuda.enable_flash_sdp, True),
    _Setting(_cuda.mem_efficient_sdp_enabled, _cuda.enable_mem_efficient_sdp, True),
    _Setting(_cuda.math_sdp_enabled, _cuda.enable_math_sdp, True),
    _Setting(
        np.geterr,
        lambda kinds: np.seterr(**kinds),
        {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"},
    ),
)
# What a run finds as it was, or seeded, and may not leave changed.
_KEPT: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (torch.get_rng_state, torch.set_rng_state),
    (random.getstate, random.setstate),
    (np.random.get_state, np.random.set_state),
    (os.getcwd, os.chdir),
    (lambda: dict(os.environ), _put_environment),
)
_N_PLACES = 2  # the last of them: folder and environment
State = list[tuple[Callable[[Any], Any], Any]]  # how to put it back, and what


def prepare_process() -> None:
    """Make this process compute the same numbers as any other on the same class of device."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    for setting in _SETTINGS:
        setting.put(setting.value)


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory for what comes next; elsewhere nothing happens.

    By default it gives large blocks back to the system, which hands them out again page by page:
    about a twentieth of the time of a small Transformer's step.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    for parameter, value in _MALLOC.items():
        mallopt(parameter, value)


def process_state() -> State:
    """All that a run may depend on, as it is now; `restore` puts it back."""
    state = [(setting.put, setting.get()) for setting in _SETTINGS]
    return state + [(put, get()) for get, put in _KEPT]


def is_as_a_run_begins(state: State, beginning: State) -> bool:
    """Whether settings, folder and environment of a state are those that a run begins with.

    beginning: the state of the process before the run. Generators may have been drawn from.
    """
    own = [value for _, value in state]
    if any(value != setting.value for value, setting in zip(own, _SETTINGS, strict=False)):
        return False
    return own[-_N_PLACES:] == [value for _, value in beginning][-_N_PLACES:]


def restore(state: State) -> None:
    """Make the process what it was."""
    for put, value in state:
        put(value)


@contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Within, the process is as every other's is for this seed; after, it is as it was before.

    The global generators of torch, NumPy and Python are seeded: an experiment that draws from one
    without seeding it repeats all the same.
    """
    before = process_state()
    try:
        prepare_process()
        own = derive_seed(seed, "process")
        torch.manual_seed(own)
        np.random.seed(own % 2**32)
        random.seed(own)
        yield
    finally:
        restore(before)
