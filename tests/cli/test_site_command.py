"""`paperbench report --html`: from a results folder to a site, with claim files and without."""

import json
import re

import pytest
from claims_in_tests import write_claims
from records_in_tests import claim, paper

from paperbench.cli import run
from paperbench.judge.record import dump_record


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A results folder with one verdict on a paper that has no claim file."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "results" / "quick-cpu" / "mine.json"
    path.parent.mkdir(parents=True)
    path.write_text(dump_record(paper(claim(), paper="mine", title="My paper")))
    (tmp_path / "claims").mkdir()
    return tmp_path


def test_results_alone_are_a_site(folder, capsys):
    assert run(["report", "--html", "site"]) == 0
    assert capsys.readouterr().out.startswith("site/index.html: ")
    assert "My paper" in (folder / "site" / "mine.html").read_text()
    assert run(["report", "--html", "site"]) == 0
    assert capsys.readouterr().out == "site/index.html: as before\n"
    assert not (folder / "results" / "README.md").exists()  # it is another report


def test_claim_files_bring_the_citation_the_notes_and_the_source(folder):
    write_claims(folder)
    (folder / "claims" / "draws.md").write_text("# Draws\n\nBy `draw`, with $x$.\n")
    assert run(["report", "--html", "site"]) == 0
    page = (folder / "site" / "draws.html").read_text()
    assert "no verdict yet" in page and "<math" in page
    assert 'id="trial_experiments.py-L1"' in page
    assert 'class="name" href="#trial_experiments.py-L' in page
    # What is in no claim file any more does not count.
    assert 'class="chip pass stale"' in (folder / "site" / "mine.html").read_text()


@pytest.mark.filterwarnings("always::UserWarning")  # shown on the screen, as for a person
def test_figures_and_recordings_are_taken_along(folder, capsys):
    figures = folder / "results" / "quick-cpu" / "figures" / "mine"
    figures.mkdir(parents=True)
    (figures / "one.svg").write_text("<svg/>")
    (figures / "two.svg").write_text("<svg/>")
    index = [{"name": "two", "experiment": "text", "caption": "Two $x$."}, {"name": "gone"}]
    (figures / "figures.json").write_text(json.dumps(index))
    recordings = folder / "results" / "quick-cpu" / "recordings"
    recordings.mkdir()
    (recordings / "mine.json").write_text('{"schema_version": 1, "experiments": {"text": {}}}')
    assert run(["report", "--html", "site"]) == 0
    assert "gone.svg cannot be read" in capsys.readouterr().err
    page = (folder / "site" / "mine.html").read_text()
    assert page.index("mine/two.svg") < page.index("mine/one.svg")  # as they are told
    assert "gone" not in page and re.search(r"<figcaption>Two <span [^>]*><math", page)
    assert (folder / "site" / "figures" / "quick-cpu" / "mine" / "one.svg").exists()
    assert 'data-source="recordings-quick-cpu" data-experiment="text"' in page


@pytest.mark.filterwarnings("always::UserWarning")  # shown on the screen, as for a person
@pytest.mark.parametrize("index", ["3", "[3]", "{", '[{"caption": ""}]', "\x80"])
def test_a_damaged_index_of_figures_takes_no_figure_with_it(folder, index, capsys):
    figures = folder / "results" / "quick-cpu" / "figures" / "mine"
    figures.mkdir(parents=True)
    (figures / "one.svg").write_text("<svg/>")
    (figures / "figures.json").write_bytes(index.encode("latin-1"))
    assert run(["report", "--html", "site"]) == 0
    assert "figures.json is damaged" in capsys.readouterr().err
    assert "mine/one.svg" in (folder / "site" / "mine.html").read_text()


@pytest.mark.filterwarnings("always::UserWarning")  # shown on the screen, as for a person
def test_a_figure_that_is_no_text_or_leads_elsewhere_is_left_out_and_named(folder, capsys):
    figures = folder / "results" / "quick-cpu" / "figures" / "mine"
    figures.mkdir(parents=True)
    (folder / "secret").write_text("<svg>a key</svg>")
    (figures / "leak.svg").symlink_to(folder / "secret")
    (figures / "odd.svg").write_bytes(b"\xff\xfe")
    (figures / "one.svg").write_text("<svg/>")
    assert run(["report", "--html", "site"]) == 0
    told = re.findall(r"(\w+)\.svg (\w+) .* left out", capsys.readouterr().err)
    assert told == [("leak", "leads"), ("odd", "cannot")]
    assert [path.name for path in (folder / "site" / "figures").rglob("*.svg")] == ["one.svg"]
    assert "leak" not in (folder / "site" / "mine.html").read_text()


def test_a_folder_of_other_things_is_refused_on_one_screen(folder, capsys):
    assert run(["report", "--html", "results"]) == 2
    assert "results holds other things than a site" in capsys.readouterr().err


def test_a_site_is_one_report(folder, capsys):
    assert run(["report", "--html", "site", "--json"]) == 2
    assert "are five reports" in capsys.readouterr().err
