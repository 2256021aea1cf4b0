"""Components and mutations are read from their source, and named on the command line."""

import importlib
import sys

import pytest

from paperbench import components as room
from paperbench import sources
from paperbench.components import components, find_component, part_name, read_components, read_part
from paperbench.errors import UsageError
from paperbench.sources import part_sha256

EVERY = [each for info in components().values() for each in (info, *info.mutations)]
MINE = "class Mine:\n    pass\n"


def test_what_is_parsed_is_there():
    for info in components().values():
        module = importlib.import_module(info.module)
        assert callable(getattr(module, info.function)), info.name
        for target in (info.original, *(each.target for each in info.mutations)):
            place, _, name = target.rpartition(":")
            assert callable(getattr(importlib.import_module(place), name)), target


@pytest.mark.parametrize("each", EVERY, ids=lambda each: getattr(each, "full_name", each.name))
def test_each_says_what_it_is(each):
    assert each.summary.endswith(".")
    assert "  " not in each.summary


def test_an_unknown_component_gets_the_nearest_name():
    with pytest.raises(UsageError) as caught:
        find_component("trial/leve")
    assert "no component is registered as `trial/leve`" in str(caught.value)
    assert "did you mean `trial/level`?" in str(caught.value)


def test_the_only_component_of_a_paper_may_be_named_by_the_paper():
    assert find_component("trial").name == "trial/level"


def test_a_mutation_is_named_as_a_part():
    assert read_part("trial/level=louder") == ("trial/level", "trial_components:louder")
    assert part_name("trial_components:louder") == "louder"


def test_a_file_is_named_as_a_part(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    assert read_part(f"trial/level={path}:Mine") == ("trial/level", f"{path}:Mine")
    assert part_name(f"{path}:Mine") == "mine.py:Mine"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trial/level", "`trial/level` names no part"),
        ("trial/level=", "names no part"),
        ("trial/level=loude", "did you mean `louder`?"),
        ("trial/level=no/where.py:Mine", "no/where.py cannot be read"),
        ("trial/level=no_such_package.parts:Mine", "there is no module `no_such_package.parts`"),
    ],
)
def test_what_names_no_part_is_refused(text, message):
    with pytest.raises(UsageError) as caught:
        read_part(text)
    assert message in str(caught.value)


def test_a_file_that_lacks_the_name_shows_what_it_has(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    with pytest.raises(UsageError, match="defines no `Mime`") as caught:
        read_part(f"trial/level={path}:Mime")
    assert "did you mean `Mine`?" in str(caught.value)


def test_a_file_is_found_at_home_and_meant_where_its_module_is_not(tmp_path, monkeypatch):
    (tmp_path / "mine_alone.py").write_text(MINE)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_part("trial/level=~/mine_alone.py:Mine")[1] == f"{tmp_path}/mine_alone.py:Mine"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [path for path in sys.path if path not in ("", str(tmp_path))])
    with pytest.raises(UsageError) as caught:
        read_part("trial/level=mine_alone:Mine")
    assert "did you mean the file, `mine_alone.py:Mine`?" in str(caught.value)


def test_a_file_that_is_no_python_shows_the_line(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("class Mine:\n    def broken(\n")
    with pytest.raises(UsageError) as caught:
        read_part(f"trial/level={path}:Mine")
    assert f"{path}:2:" in str(caught.value)


REGISTERED = """
from paperbench.components import component, mutation
from elsewhere import Original

@component("p/part", original=Original)
def try_part(part):
    '''A part.'''

@mutation("p/part", "first")
class First(Original):
    '''Broken.'''

SHARED = 1

@mutation("p/part", "second")
class Second(First):
    '''Broken too.'''
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a module of components and have it registered instead of the papers'."""
    path = tmp_path / "p_components.py"
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(text):
        path.write_text(text)
        monkeypatch.setattr(room, "_modules", lambda: iter([("p_components", path)]))
        room.components.cache_clear()
        return path

    yield write
    monkeypatch.undo()
    room.components.cache_clear()


def test_the_original_is_found_by_the_imports(written):
    path = written(REGISTERED)
    component, first, second = read_components("p_components", path)
    assert component.original == "elsewhere:Original"
    assert [first.full_name, second.full_name] == ["p/part:first", "p/part:second"]
    assert components()["p/part"].mutations == (first, second)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("original=Original", "original=Unheard", "imports or defines"),
        ('"p/part", "first"', '"p/prat", "first"', "which is no component"),
        ('"p/part", "first"', '"p/part", "second"', "registered twice"),
        ('"p/part", "first"', '"p/part"', "takes 2 literal names"),
        ('component("p/part"', 'component("p/" + "part"', "takes 1 literal name"),
    ],
)
def test_what_is_registered_wrongly_names_its_line(written, old, new, message):
    path = written(REGISTERED.replace(old, new))
    with pytest.raises(UsageError, match=message) as caught:
        components()
    assert f"{path}:" in str(caught.value)


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """The hash of a part of a module with that text."""
    path = tmp_path / "p_hashed.py"
    monkeypatch.setattr(sources, "_module_path", lambda name: path if name == "p_hashed" else None)

    def of(name, text):
        for cached in (sources._hash_part, sources.source_hashes, sources._read):
            cached.cache_clear()
        path.write_text(text)
        return part_sha256(f"p_hashed:{name}")

    return of


def test_another_mutation_ages_none(digest):
    third = '\n@mutation("p/part", "third")\nclass Third:\n    """Broken."""\n'
    assert digest("First", REGISTERED) == digest("First", REGISTERED + third)
    assert digest("First", REGISTERED) == digest("First", REGISTERED.replace("Broken too", "Hm"))


@pytest.mark.parametrize("name", ["First", "Second"])
def test_what_a_mutation_builds_on_ages_it(digest, name):
    before = digest(name, REGISTERED)
    assert digest(name, REGISTERED.replace("SHARED = 1", "SHARED = 2")) != before
    changed = REGISTERED.replace("class First(Original):", "class First(Original, list):")
    assert digest(name, changed) != before


def test_a_file_beside_it_ages_a_part_and_a_comment_does_not(tmp_path):
    mine, beside = tmp_path / "mine.py", tmp_path / "beside.py"
    mine.write_text("from beside import width\n\n\nclass Mine:\n    pass\n")
    beside.write_text("width = 1\n")
    before = part_sha256(f"{mine}:Mine")
    mine.write_text(mine.read_text() + "# a comment\n")
    assert part_sha256(f"{mine}:Mine") == before
    beside.write_text("width = 2\n")
    assert part_sha256(f"{mine}:Mine") != before
