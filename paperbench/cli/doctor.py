"""`paperbench doctor`: what is installed, what is found where, and how to mend what is not."""

from __future__ import annotations

import json as json_text
import os
import platform
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.text import Text

import paperbench
from paperbench.cli.consoles import stdout
from paperbench.cli.options import ClaimsOption, JsonOption
from paperbench.errors import PaperbenchError

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "pydantic", "rich", "typer")
LOW_MEMORY = 4  # GiB


@dataclass(frozen=True)
class Finding:
    """One line. mend: what to do about a warning."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


def doctor(claims: ClaimsOption = None, json: JsonOption = False) -> None:
    """Check the installation and say how to mend it."""
    findings = [
        *_versions(),
        *_machine(),
        *_determinism(),
        *_data(),
        _ledger(),
        _claims(claims),
        *_plugins(),
    ]
    if json:
        print(
            json_text.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False)
        )
        return
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        line = Text()
        line.append("ok  " if finding.ok else "warn", style="green" if finding.ok else "yellow")
        line.append(f"  {finding.name:<{width}}  {finding.detail}")
        stdout.print(line, soft_wrap=True)
        if finding.mend:
            stdout.print(Text(f"{'':<{width + 8}}{finding.mend}"), soft_wrap=True)


def _versions() -> Iterator[Finding]:
    yield Finding("paperbench", True, paperbench.__version__)
    yield Finding("Python", True, f"{platform.python_version()} ({sys.executable})")
    for name in PACKAGES:
        try:
            yield Finding(name, True, version(name))
        except PackageNotFoundError:
            yield Finding(name, False, "not installed", f"pip install {name}")


def _machine() -> Iterator[Finding]:
    import psutil

    from paperbench.engine.devices import available_cores

    yield Finding("processors", True, f"{available_cores()} usable of {os.cpu_count()}")
    memory = psutil.virtual_memory()
    free, total = memory.available / 2**30, memory.total / 2**30
    yield Finding(
        "memory",
        free >= LOW_MEMORY,
        f"{free:.1f} GiB free of {total:.1f} GiB",
        "" if free >= LOW_MEMORY else "train with fewer workers: `verify --workers 1`",
    )
    try:
        from paperbench.engine.devices import available_devices, device_name

        found = available_devices()
        names = [f"{device} ({device_name(device)})" for device in found if device != "cuda"]
        yield Finding("devices", True, ", ".join(names))
    except Exception as broken:  # a driver can fail in any way; the other lines must still come
        yield Finding(
            "devices",
            False,
            f"torch cannot tell: {broken}",
            "reinstall torch for this machine; `--device cpu` may still work",
        )


def _determinism() -> Iterator[Finding]:
    """Whether the same seed gives the same bits, for each device that there is."""
    try:
        from paperbench.engine.determinism import compare_with_a_worker
        from paperbench.engine.devices import available_devices

        devices = [device for device in available_devices() if device != "cuda"]  # it is cuda:0
    except Exception:  # the line on devices, or on packages, says it
        return
    for device in devices:
        try:
            found = compare_with_a_worker(device)
        except Exception as broken:  # a driver can fail in any way; the other lines must still come
            yield Finding(
                "determinism",
                False,
                f"could not be probed ({device}): {broken}",
                f"is `paperbench verify --tier smoke --device {device}` better off?",
            )
            continue
        yield Finding("determinism", found.bitwise, found.text(device), found.mend())


def _data() -> Iterator[Finding]:
    from paperbench.cli.data import dataset_state
    from paperbench.datasets import DATASETS, folders

    listed = [f"{folder}{'' if folder.is_dir() else ' (absent)'}" for folder in folders()]
    yield Finding("data folders", True, ", ".join(listed))
    for dataset in DATASETS.values():
        try:
            state = dataset_state(dataset)
        except PaperbenchError as problem:
            yield Finding(f"data {dataset.name}", False, problem.message, problem.help or "")
            continue
        ok = state in ("there", "embedded")
        yield Finding(
            f"data {dataset.name}",
            ok,
            state,
            "" if ok else f"the full tier needs it: `paperbench data fetch {dataset.name}`",
        )


def _ledger() -> Finding:
    from paperbench.cli.engines import LEDGER

    if not LEDGER.exists():
        writable = os.access(LEDGER.absolute().parent.parent, os.W_OK)
        return Finding(
            "ledger",
            writable,
            f"{LEDGER}: none yet, `verify` makes it",
            "" if writable else "run paperbench in a folder that you can write",
        )
    try:
        with LEDGER.open("rb") as stream:
            sound = stream.read(16) in (b"SQLite format 3\0", b"")
    except OSError as broken:
        return Finding("ledger", False, f"{LEDGER}: {broken.strerror}", "mend its permissions")
    size = LEDGER.stat().st_size / 2**20
    return Finding(
        "ledger",
        sound,
        f"{LEDGER}: {size:.1f} MiB" if sound else f"{LEDGER} is not a SQLite file",
        "" if sound else "move it away",
    )


def _claims(claims: Path | None) -> Finding:
    from paperbench.spec.load import claims_folder, discover

    try:
        folder = claims_folder(claims)
        count = len(discover([folder]))
    except PaperbenchError as problem:
        return Finding("claims", False, problem.message, problem.help or "")
    return Finding(
        "claims",
        count > 0,
        f"{folder}: {count} file{'' if count == 1 else 's'}",
        "" if count else "write one: `paperbench schema` prints what it may hold",
    )


def _plugins() -> Iterator[Finding]:
    from paperbench.registry import experiments

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            experiments.cache_clear()
            count = len(experiments())
            yield Finding("experiments", True, f"{count} registered")
        except PaperbenchError as problem:
            yield Finding("experiments", False, problem.message, problem.help or "")
    for warning in caught:
        yield Finding("plugin", False, str(warning.message), "mend or uninstall that package")
