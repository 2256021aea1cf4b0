import ast
import json
from pathlib import Path

import pytest

from paperbench import sources
from paperbench.sources import part_sha256, source_hashes


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
    sources._read.cache_clear()
    sources._hash_part.cache_clear()
    sources._statements.cache_clear()


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


def test_what_a_newer_python_adds_to_every_tree_changes_no_hash():
    def text():
        reader = sources._Reader()
        reader.read(tree)
        return "".join(reader.tokens)

    tree = ast.parse("def f(x):\n    return x\n")
    before = text()
    tree.body[0]._fields = (*tree.body[0]._fields, "type_params_of_the_future")
    tree.body[0].type_params_of_the_future = []
    assert text() == before


def test_what_was_read_is_remembered_between_processes_and_a_spoilt_memory_does_no_harm(
    package, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    memory = sources._Memory()
    monkeypatch.setattr(sources, "_MEMORY", memory)
    before = hashes()
    memory._write()
    file = tmp_path / "cache" / "paperbench" / "sources.json"
    monkeypatch.setattr(sources, "_MEMORY", sources._Memory())
    monkeypatch.setattr(sources.ast, "parse", None)  # whatever is read anew would fail
    assert hashes() == before
    monkeypatch.undo()
    monkeypatch.syspath_prepend(str(tmp_path))
    file.write_text('["spoilt"')
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "_MEMORY", sources._Memory())
    assert hashes() == before


def test_parts_are_remembered_each_by_itself_and_only_the_newest(package, tmp_path, monkeypatch):
    (package / "parts.py").write_text(
        "@mark\nclass One:\n    size = 1\n\n@mark\nclass Two(One):\n    size = 2\n"
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "_MEMORY", sources._Memory())
    clear()
    targets = ["minepkg.parts:One", "minepkg.parts:Two"]
    before = [part_sha256(target) for target in targets]
    assert len(set(before)) == 2
    sources._MEMORY._write()
    monkeypatch.setattr(sources, "_MEMORY", sources._Memory())
    with monkeypatch.context() as blind:
        blind.setattr(sources.ast, "parse", None)  # whatever is read anew would fail
        clear()
        assert [part_sha256(target) for target in targets] == before
    (package / "parts.py").write_text((package / "parts.py").read_text().replace("= 2", "= 3"))
    clear()
    after = [part_sha256(target) for target in targets]
    assert after[0] == before[0]
    assert after[1] != before[1]
    monkeypatch.setattr(sources, "_MOST", 1)
    sources._MEMORY._write()
    kept = json.loads((tmp_path / "cache" / "paperbench" / "sources.json").read_text())
    assert list(kept) == list(sources._MEMORY._entries)[-1:]


def test_a_plugin_that_is_one_module_is_followed_to_the_modules_beside_it(tmp_path, monkeypatch):
    (tmp_path / "lone_plugin.py").write_text("from lone_helper import SHIFT\nimport json\n")
    (tmp_path / "lone_helper.py").write_text("SHIFT = 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    clear()
    before = source_hashes("lone_plugin")
    assert set(before) == {"lone_plugin", "lone_helper"}
    (tmp_path / "lone_helper.py").write_text("SHIFT = 100\n")
    clear()
    assert source_hashes("lone_plugin")["lone_helper"] != before["lone_helper"]


def test_a_plugin_that_is_one_module_is_followed_into_the_packages_beside_it(tmp_path, monkeypatch):
    (tmp_path / "lonely_plugin.py").write_text("from lonely_package.deep import SHIFT\n")
    (tmp_path / "lonely_package").mkdir()
    (tmp_path / "lonely_package" / "__init__.py").write_text("")
    (tmp_path / "lonely_package" / "deep.py").write_text("SHIFT = 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    clear()
    assert "lonely_package.deep" in source_hashes("lonely_plugin")


def test_a_part_is_followed_into_the_packages_beside_it(tmp_path):
    (tmp_path / "mine.py").write_text("from own.deep.er import SHIFT\nimport torch\n")
    (tmp_path / "own" / "deep").mkdir(parents=True)
    files = [tmp_path / "own" / name for name in ("__init__.py", "deep/__init__.py", "deep/er.py")]
    seen = set()
    for number, file in enumerate([*files, *files]):
        file.write_text(f"SHIFT = {number}\n")
        seen.add(sources.part_sha256(f"{tmp_path / 'mine.py'}:SHIFT"))
    assert len(seen) == 6


def test_what_is_installed_is_not_followed(tmp_path):
    folder = tmp_path / "site-packages"
    (folder / "torch").mkdir(parents=True)
    (folder / "torch" / "__init__.py").write_text("")
    (folder / "lone.py").write_text("")
    assert sources._beside(folder) == {"lone"}


def test_a_plugin_in_a_subpackage_is_followed_through_its_whole_package(package):
    (package / "deep").mkdir()
    (package / "deep" / "__init__.py").write_text("")
    (package / "deep" / "experiments.py").write_text("from minepkg.parts import WIDTH\n")
    clear()
    assert "minepkg.parts" in source_hashes("minepkg.deep.experiments")


def test_an_exhibit_is_followed_into_the_papers_whose_models_it_trains_and_no_other():
    followed = source_hashes("paperbench.exhibits.random_tokens")
    assert {
        "paperbench.exhibits.random_tokens",
        "paperbench.papers.fox.model",
        "paperbench.papers.fox.text",
        "paperbench.lab.training",
    } <= set(followed)
    assert not [name for name in followed if "dropout" in name or "experiments" in name]
    own = source_hashes("paperbench.papers.fox.experiments")
    assert not [name for name in own if "exhibits" in name or "dropout" in name]
