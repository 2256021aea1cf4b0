"""Fixtures for all tests: trial experiments are registered, and nothing touches the user's home."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS))
os.environ["PAPERBENCH_PLUGINS"] = "trial_experiments,trial_components"
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
)
os.environ.pop("GITHUB_ACTIONS", None)  # `verify` would tell of trial claims in the job's summary
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Nothing is read from, or left in, the user's own cache.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="paperbench-tests-")


@pytest.fixture(autouse=True)
def _single_thread():
    """Two test processes on two cores must not fight, and numbers must not depend on cores."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture
def shared_data():
    """The folder of real datasets; the test is skipped with a reason where it is absent."""
    for folder in filter(None, os.environ.get("PAPERBENCH_DATA", "").split(os.pathsep)):
        if (Path(folder) / "mnist").is_dir():
            return Path(folder)
    pytest.skip("PAPERBENCH_DATA names no folder with the full tier's datasets")
