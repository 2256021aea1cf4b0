"""Where numbers come from: commit, versions, machine."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import paperbench
from paperbench.datasets import DATASETS
from paperbench.engine.devices import device_name


@cache
def run_environment(device: str) -> dict[str, Any]:
    """Where a run is carried out: the versions, the machine, and the commit of the bench."""
    return {
        "paperbench": paperbench.__version__,
        "torch": version("torch"),
        "numpy": version("numpy"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": device_name(device),
        **_commit(),
    }


def environment(device: str, datasets: Iterable[str]) -> dict[str, Any]:
    """The environment of this process for a results file: `run_environment`, data checksums."""
    return {
        **run_environment(device),
        "data": {name: DATASETS[name].sha256() for name in sorted(set(datasets))},
    }


def _commit() -> dict[str, Any]:
    """The commit of the source tree that paperbench runs from; empty for an installed wheel."""
    root = Path(paperbench.__file__).parent.parent
    if not (root / ".git").exists():
        return {}
    try:
        head = _git(root, "rev-parse", "HEAD")
        # Results are what a verify writes: they do not make the code that computed them dirty.
        changes = _git(root, "status", "--porcelain", "--", ".", ":!results")
    except (OSError, subprocess.SubprocessError):  # or it takes too long to answer
        return {}
    return {"commit": head, "dirty": bool(changes)}


def _git(root: Path, *arguments: str) -> str:
    reply = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=True, timeout=20
    )
    return reply.stdout.strip()
