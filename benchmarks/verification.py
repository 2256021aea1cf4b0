"""Time and memory of the whole quick tier, then of the same command again.

`python -m benchmarks.verification [SELECTOR...]`, in an empty folder of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

import psutil


def measure(arguments: list[str], folder: str) -> tuple[float, float, int]:
    """Run `paperbench` in `folder`: wall seconds, peak MB of all its processes, exit code.

    Memory is the sum of the proportional set sizes, so that shared pages count once.
    """
    started = time.perf_counter()
    process = psutil.Popen(
        [sys.executable, "-m", "paperbench", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, memory_of(process))
        time.sleep(0.1)
    return time.perf_counter() - started, peak / 2**20, process.wait()


def memory_of(process: psutil.Process) -> float:
    """Bytes in use by a process and its children."""
    total = 0.0
    try:
        for each in [process, *process.children(recursive=True)]:
            full = each.memory_full_info()
            total += getattr(full, "pss", full.rss)
    except psutil.Error:
        pass  # one of them ended while being asked
    return total


def main() -> None:
    """Print a row for the first and the second call."""
    selectors = sys.argv[1:] or ["fox", "dropout", "seq2seq"]
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'paperbench verify ' + ' '.join(selectors):44} {'wall s':>8} {'peak MB':>8}  exit")
        for label in ("first: everything trained", "second: nothing changed"):
            wall, peak, code = measure(["verify", *selectors], folder)
            print(f"{label:44} {wall:8.1f} {peak:8.0f}  {code}")


if __name__ == "__main__":
    main()
