"""Time of the commands that train nothing: `python -m benchmarks.startup`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

REPEATS = 9
COMMANDS = (("--help",), ("list",), ("validate",), ("show", "fox"), ("report", "--json"))
# What any command line with these libraries pays before its own first line.
LIBRARIES = [
    sys.executable,
    "-c",
    "import typer, pydantic, yaml, rich.table\nclass A(pydantic.BaseModel):\n    x: int",
]
TRACER = (
    "import sys\nfrom paperbench.cli import main\nsys.argv[0] = 'paperbench'\n"
    "try:\n    main()\nexcept SystemExit:\n    pass\n"
    "print('torch' in sys.modules, file=sys.stderr)"
)


def seconds(command: list[str]) -> float:
    """Wall time of one call, its output thrown away."""
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - started


def main() -> None:
    """Print a row for each command: seconds, ratio to its libraries alone, whether torch is in."""
    print(
        f"{'command':24} {'median s':>9} {'best s':>8} {'libraries s':>12} {'ratio':>6}  "
        "torch imported"
    )
    for arguments in COMMANDS:
        ours, libraries = [], []
        for _ in range(REPEATS):  # interleaved: the machine is the same for both
            ours.append(seconds([sys.executable, "-m", "paperbench", *arguments]))
            libraries.append(seconds(LIBRARIES))
        traced = subprocess.run(
            [sys.executable, "-c", TRACER, *arguments], capture_output=True, text=True, check=True
        )
        print(
            f"paperbench {' '.join(arguments):13} {statistics.median(ours):9.3f} "
            f"{min(ours):8.3f} {statistics.median(libraries):12.3f} "
            f"{statistics.median(ours) / statistics.median(libraries):6.2f}  "
            f"{traced.stderr.strip().splitlines()[-1]}"
        )


if __name__ == "__main__":
    main()
