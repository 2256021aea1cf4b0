"""What is inside the wheel: a person without the repository gets claims and notes too."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, built and unpacked where nothing else of the project is."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed, folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(installed), "PAPERBENCH_PLUGINS": ""}
    return subprocess.run(
        [sys.executable, "-m", "paperbench", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_the_wheel_holds_claims_notes_and_the_licence(installed):
    for paper in ("fox", "dropout", "seq2seq"):
        assert (installed / "paperbench" / "claims" / f"{paper}.yaml").is_file()
        assert (installed / "paperbench" / "papers" / paper / "NOTES.md").is_file()
    assert (installed / "paperbench" / "claims" / "exhibits" / "random-tokens.yaml").is_file()
    assert (installed / "paperbench" / "exhibits" / "random_tokens.py").is_file()
    assert list(installed.glob("*.dist-info/licenses/LICENSE"))
    assert not (installed / "tests").exists()


def test_it_lists_and_verifies_from_any_folder(installed, tmp_path):
    listed = run(installed, tmp_path, "list")
    assert listed.returncode == 0, listed.stderr
    assert "dropout" in listed.stdout
    ran = run(installed, tmp_path, "verify", "dropout", "--tier", "smoke", "-j", "0")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "smoke" in ran.stdout


def test_it_makes_a_site_of_results_from_any_folder(installed, tmp_path):
    (tmp_path / "results" / "quick-cpu").mkdir(parents=True)
    shutil.copy(ROOT / "results" / "quick-cpu" / "fox.json", tmp_path / "results" / "quick-cpu")
    made = run(installed, tmp_path, "report", "--html", "site")
    assert made.returncode == 0, made.stdout + made.stderr
    page = (tmp_path / "site" / "fox.html").read_text()
    assert "<math" in page and 'id="model.py-L1"' in page and 'id="ppl-below-baseline"' in page
    assert (tmp_path / "site" / "assets" / "site.css").is_file()


def test_a_claims_folder_where_you_stand_comes_first(installed, tmp_path):
    mine = (ROOT / "claims" / "dropout.yaml").read_text()
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "mine.yaml").write_text(mine)
    listed = run(installed, tmp_path, "list")
    assert listed.returncode == 0, listed.stderr
    assert "mine" in listed.stdout
    assert "fox" not in listed.stdout
