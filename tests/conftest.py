"""Fixtures for all tests: trial experiments are registered, and nothing touches the user's home."""

import os
import random
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS))
os.environ["PAPERBENCH_PLUGINS"] = "trial_experiments,trial_components"
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
)
# Where tests run is no part of them: `verify` would tell of trial claims in a job's summary, pages
# would take a terminal's width and colours, and git would commit to the repository of a hook.
for name in (
    *("GITHUB_ACTIONS", "TERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR"),
    *("TTY_COMPATIBLE", "TTY_INTERACTIVE", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"),
):
    os.environ.pop(name, None)
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Nothing is read from, or left in, the user's own cache.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="paperbench-tests-")
# Everybody tries the same examples, however long one takes; `--hypothesis-profile=default` others.
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def _as_if_it_were_the_only_test():
    """Numbers depend neither on the cores of a machine nor on what other tests have drawn."""
    random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
        sys.modules["torch"].manual_seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)


@pytest.fixture(scope="session", autouse=True)
def _together_whatever_is_measured():
    """Who trains together shows in the last bits, and a busy machine finds otherwise faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "paperbench.engine.speeds.ArmSpeed.decide",
            lambda arm, gain: arm.speeds.decide(arm.run, 2.0),
        )
        yield


@pytest.fixture
def shared_data():
    """The folder of real datasets; the test is skipped with a reason where it is absent."""
    for folder in filter(None, os.environ.get("PAPERBENCH_DATA", "").split(os.pathsep)):
        if (Path(folder) / "mnist").is_dir():
            return Path(folder)
    pytest.skip("PAPERBENCH_DATA names no folder with the full tier's datasets")
