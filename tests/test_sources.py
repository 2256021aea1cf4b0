from pathlib import Path

import pytest

from paperbench import sources
from paperbench.sources import source_hashes


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A plugin package with an experiment module that imports two neighbours and the lab."""
    root = tmp_path / "minepkg"
    root.mkdir()
    (root / "__init__.py").write_text("")
    (root / "experiments.py").write_text(
        "import torch\nfrom minepkg.model import net\nfrom paperbench.lab import train\n"
    )
    (root / "model.py").write_text("from . import parts\n\ndef net():\n    return parts.WIDTH\n")
    (root / "parts.py").write_text("WIDTH = 3\n")
    (root / "unused.py").write_text("X = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield root
    clear()


def clear():
    sources.source_hashes.cache_clear()
    sources._module_path.cache_clear()


def hashes():
    clear()
    return source_hashes("minepkg.experiments")


def test_it_follows_its_own_package_and_the_lab_but_nothing_else(package):
    followed = hashes()
    assert {
        "minepkg.experiments",
        "minepkg.model",
        "minepkg.parts",
        "paperbench.lab",
        "paperbench.lab.training",
    } <= set(followed)
    assert not [name for name in followed if name.startswith(("torch", "paperbench.errors"))]
    assert "minepkg.unused" not in followed


@pytest.mark.parametrize(
    "edit", ["WIDTH = 3  # three\n", "# why\nWIDTH    =   3\n", '"""Parts."""\nWIDTH = 3\n']
)
def test_comments_docstrings_and_spacing_change_nothing(package, edit):
    before = hashes()
    (package / "parts.py").write_text(edit)
    assert hashes() == before


def test_a_change_two_imports_away_changes_that_module_only(package):
    before = hashes()
    (package / "parts.py").write_text("WIDTH = 4\n")
    after = hashes()
    assert {name for name in after if after[name] != before[name]} == {"minepkg.parts"}


def test_nothing_is_imported_to_find_out(package):
    (package / "parts.py").write_text("raise SystemExit\n")
    assert "minepkg.parts" in hashes()
    assert Path(package).name not in __import__("sys").modules
