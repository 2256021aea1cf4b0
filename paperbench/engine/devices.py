"""Which device a run goes to. What is asked for and absent is an error, never a fallback."""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import version
from pathlib import Path

from paperbench.errors import UsageError

_FORM = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def resolve_device(asked: str) -> str:
    """Return `cpu`, `mps` or `cuda[:N]` for what was asked; raises UsageError when absent.

    Imports torch only where there could be an accelerator.
    """
    if not _FORM.fullmatch(asked):
        raise UsageError(f"`{asked}` is not a device", help="one of auto, cpu, cuda, cuda:N, mps")
    if asked == "cpu":
        return "cpu"
    there = available_devices()
    if asked == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if name in there)
    if asked not in there:
        raise UsageError(f"device `{asked}` is not there", help=f"there are: {', '.join(there)}")
    return asked


def available_devices() -> list[str]:
    """Every name that `--device` accepts on this machine."""
    if not _may_have_accelerator():
        return ["cpu"]
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = ["cuda", *(f"cuda:{index}" for index in range(count))] if count else []
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, "cpu"]


def available_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def device_name(device: str) -> str:
    """The processor's model: of the GPU for `cuda`, else of the CPU."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return _cpu_name()


def _may_have_accelerator() -> bool:
    if sys.platform == "darwin":
        return True
    built_without = version("torch").endswith("+cpu")
    drivers = ("/proc/driver/nvidia", "/dev/kfd", "/dev/dxg")
    return not built_without and (sys.platform == "win32" or any(Path(p).exists() for p in drivers))


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    # Several processors a line each: the first one's, by name.
    told = {
        name.strip(): value.strip()
        for name, _, value in (line.partition(":") for line in reversed(lines))
    }
    if name := told.get("model name"):
        # A virtual machine may hide which `AMD EPYC` it is; its numbers differ from another one's.
        numbers = [f"{part} {told[part]}" for part in ("cpu family", "model") if part in told]
        return ", ".join([name, *numbers])
    import platform

    return platform.processor() or platform.machine()
