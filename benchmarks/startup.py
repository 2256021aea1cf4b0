"""Time of the commands that train nothing: `python -m benchmarks.startup [COMMAND]...`.

Beside each command stands what bounds it: an interpreter that does nothing, and one that imports
the installed packages that this very command imports, and no line of paperbench. All of them run
with bytecode, as an installed package does, and in turn, so that the machine is the same for all.

`verify` is timed in a folder of its own, on claims that are verified there first.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 9
ROOT = Path(__file__).parents[1]
READING = (
    "--help",
    "list",
    "validate",
    "show fox",
    "report",
    "report --markdown",
    "report --json",
    "why fox/ppl-below-baseline",
)
VERIFY = "verify fox/gate-overhead fox/recurrent-equals-parallel seq2seq/padding-changes-nothing"
TOLD = ("typer", "pydantic", "yaml", "rich", "numpy", "scipy", "pandas", "pebble", "torch")
TRACER = """\
import sys
from pathlib import Path
from paperbench.cli import run
run(sys.argv[1:])
for name, module in list(sys.modules.items()):
    path = Path(getattr(module, "__file__", None) or "")
    if "site-packages" in path.parts and name == module.__name__:
        print(name, file=sys.stderr)
"""
# As `paperbench.cli.main` has it: nothing is collected on the way, and nothing at the end.
LIBRARIES = """\
import gc
gc.disable()
import contextlib, importlib, sys, warnings
warnings.simplefilter("ignore")
for name in sys.argv[1:]:
    with contextlib.suppress(Exception):
        importlib.import_module(name)
if "pydantic" in sys.argv:
    import pydantic
    class Model(pydantic.BaseModel):
        x: int
gc.freeze()
"""


def environment() -> dict[str, str]:
    """That of this process, in which bytecode is written and used and this checkout is found."""
    known = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**known, "PYTHONPATH": os.pathsep.join([str(ROOT), known.get("PYTHONPATH", "")])}


def seconds(arguments: list[str], folder: Path) -> float:
    """Wall time of one Python process, its output thrown away."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], capture_output=True, cwd=folder, env=environment(), check=True
    )
    return time.perf_counter() - started


def imported_by(arguments: list[str], folder: Path) -> list[str]:
    """The modules of installed packages that a command imports, in their order."""
    reply = subprocess.run(
        [sys.executable, "-c", TRACER, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(),
        check=True,
    )
    names = [line for line in reply.stderr.splitlines() if " " not in line]
    return [name for name in names if not name.startswith("paperbench")]


def row(command: str, folder: Path) -> str:
    """One command's times beside its bounds."""
    arguments = command.split()
    modules = imported_by(arguments, folder)
    ours, nothing, libraries = [], [], []
    for _ in range(REPEATS):
        ours.append(seconds(["-m", "paperbench", *arguments], folder))
        nothing.append(seconds(["-c", "pass"], folder))
        libraries.append(seconds(["-c", LIBRARIES, *modules], folder))
    ratio = statistics.median(ours) / statistics.median(libraries)
    packages = {name.partition(".")[0] for name in modules}
    return (
        f"{command[:30]:30} {statistics.median(ours):9.3f} {min(ours):7.3f} "
        f"{statistics.median(nothing):7.3f} {statistics.median(libraries):12.3f} {ratio:6.2f}  "
        f"{', '.join(name for name in TOLD if name in packages)}"
    )


def main() -> None:
    """Print a row for each command: seconds, those of its bounds, and what it imports."""
    commands = sys.argv[1:] or [*READING, VERIFY]
    print(
        f"{'command':30} {'median s':>9} {'best s':>7} {'pass s':>7} {'libraries s':>12} "
        f"{'ratio':>6}  libraries imported"
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in ("claims", "results"):  # `report` writes, and must not write here
            shutil.copytree(ROOT / name, folder / name)
        shutil.copy(ROOT / "claims.lock", folder)
        for command in commands:
            seconds(["-m", "paperbench", *command.split()], folder)  # trains, and writes pages
            print(row(command, folder), flush=True)


if __name__ == "__main__":
    main()
