"""Which room may import which, and other rules that hold the architecture."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import paperbench

PACKAGE = Path(paperbench.__file__).parent

# A room may import the rooms on its line and itself. Rooms are named by their path below
# `paperbench`; what stands later in the flow from claims to results is never imported earlier.
LADDER = {
    "errors": set(),
    "metric_kinds": set(),
    "registry": {"errors", "metric_kinds"},
    "dataset_table": {"errors"},
    "datasets": {"dataset_table", "errors"},
    "spec": {"errors", "registry"},
    "lock": {"errors", "spec"},
    "ledger": {"errors"},
    "sources": {"registry"},
    "components": {"errors", "registry"},
    "plan": {"components", "datasets", "ledger", "registry", "sources", "spec"},
    "layers": set(),
    "lab": {"datasets", "errors", "metric_kinds", "registry"},
    "figures": {"errors", "ledger", "registry"},
    "papers": {"components", "figures", "lab", "layers"},
    "exhibits": {"lab", "layers", "papers"},
    "engine": {"components", "datasets", "errors", "lab", "ledger", "plan", "registry", "sources"},
    "pursuit": {"engine", "ledger", "plan"},
    "judge": {"errors", "ledger", "metric_kinds", "registry", "spec"},
    "verify": {"engine", "judge", "ledger", "plan", "pursuit", "registry", "spec", "sources"},
    "falsify": {
        "components",
        "engine",
        "errors",
        "judge",
        "ledger",
        "plan",
        "pursuit",
        "registry",
        "sources",
        "spec",
        "verify",
    },
    "prml": {"datasets", "errors", "judge", "registry", "sources", "spec"},
    "report": {"errors", "judge", "metric_kinds", "registry", "spec"},
    "panels": {"figures"},
    "recordings": {"figures", "judge", "ledger", "plan", "report", "spec"},
    "drawing": {"figures", "ledger", "panels", "plan", "recordings", "report", "spec"},
    "cli": {
        "components",
        "datasets",
        "engine",
        "errors",
        "drawing",
        "falsify",
        "figures",
        "judge",
        "ledger",
        "lock",
        "plan",
        "prml",
        "recordings",
        "registry",
        "report",
        "spec",
        "verify",
        "metric_kinds",
        "sources",
    },
}
HEAVY = ("torch", "numpy", "pandas", "scipy", "sklearn")


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path):
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imported_names(path):
    """What a module imports; a paper's `components.py` may name the type that it is handed."""
    tree = ast.parse(path.read_text())
    if path.name == "components.py" and path.parent.parent.name == "papers":
        tree.body = [node for node in tree.body if not isinstance(node, ast.If)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_what_stands_before_it(path):
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    allowed = LADDER[room] | {room}
    for name in imported_names(path):
        parts = name.split(".")
        if parts[0] == "paperbench" and len(parts) > 1 and parts[1] != "__version__":
            assert parts[1] in allowed, f"{room} imports {name}"


def test_the_ladder_has_no_circle():
    done, waiting = set(), dict(LADDER)
    while waiting:
        free = {room for room, needs in waiting.items() if needs <= done}
        assert free, f"a circle among {sorted(waiting)}"
        done |= free
        for room in free:
            del waiting[room]


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "papers").glob("*/*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_no_paper_imports_another(path):
    own = path.parent.name
    for name in imported_names(path):
        parts = name.split(".")
        assert parts[:2] != ["paperbench", "papers"] or parts[2] == own, name


def test_there_is_no_homeless_module():
    homeless = {"utils", "helpers", "common", "misc"}
    assert not [path for path in modules() if path.stem in homeless]


def test_files_stay_readable():
    long = {str(path): n for path in modules() if (n := len(path.read_text().splitlines())) > 330}
    assert not long


@pytest.mark.parametrize(
    "module",
    [
        "cli",
        "cli.app",
        "cli.verify",
        "spec.validate",
        "registry",
        "report.markdown",
        "report.store",
        "report.terminal",
        "report.site.build",
        "cli.site",
        "judge.record",
        "judge.looks",
        "judge.outcome",
        "judge.origin",
        "report.origin",
        "report.badge",
        "report.compare_pages",
        "report.github",
        "report.junit",
        "datasets",
        "plan",
        "ledger",
        "lock",
        "prml",
        "engine.devices",
        "engine.provenance",
    ],
)
def test_a_light_room_imports_nothing_heavy(module):
    code = f"import sys, paperbench.{module}\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    reply = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert reply.stdout.strip() == "[]"
