"""Every command and snippet of the README works."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paperbench.cli.selection import current_hashes, load_files, todays_mutations
from paperbench.judge.mutation_record import read_mutations
from paperbench.registry import experiments
from paperbench.report.mutations import read_all_mutations
from paperbench.report.staleness import Today, why_mutations_stale
from paperbench.spec import load_claim_file, validate

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, flags=re.DOTALL)


def commands(wanted):
    """The lines of the shell blocks that `wanted` accepts, comments taken off."""
    return [
        line.partition("  #")[0].strip()
        for language, block in BLOCKS
        if language == "sh"
        for line in block.splitlines()
        if wanted(block) and line and not line.startswith("#")
    ]


TOUR = commands(lambda block: block.startswith("paperbench list"))
CALLS = commands(lambda block: block.startswith("# verify"))


def run(command, folder):
    words = shlex.split(command)
    assert words[0] == "paperbench"
    return subprocess.run(
        [sys.executable, "-m", "paperbench", *words[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """What the tour reads of a fresh clone: claims, their lock and results."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("claims", "results"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "claims.lock", folder)
    return folder


@pytest.mark.parametrize("command", TOUR)
def test_every_command_of_the_tour_runs(clone, command):
    reply = run(command, clone)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert reply.stdout.strip()


@pytest.mark.parametrize("command", CALLS)
def test_every_call_of_verify_is_understood(clone, command):
    """The calls that train are only forecast here."""
    reply = run(f"{command.replace('--device cuda', '--device cpu')} --dry-run", clone)
    assert reply.returncode == 0, reply.stdout + reply.stderr


def test_the_first_two_commands_are_targets_of_the_makefile():
    first = next(block for language, block in BLOCKS if language == "sh")
    targets = re.findall(r"^make (\w+)", first, flags=re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()
    assert targets == ["verify", "test"]
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_a_changed_claim_is_refused_by_both_targets():
    rules = re.split(r"\n(?=\w+:)", (ROOT / "Makefile").read_text())
    by_target = {rule.partition(":")[0]: rule for rule in rules}
    assert "paperbench lock --check" in by_target["check"]
    assert by_target["test"].startswith("test: check\n")
    assert " --locked" in by_target["verify"]
    assert run("paperbench lock --check", ROOT).stdout.endswith("claims as locked\n")


def test_the_claim_of_the_readme_is_valid(tmp_path):
    (text,) = [block for language, block in BLOCKS if language == "yaml"]
    path = tmp_path / "dropout.yaml"
    path.write_text(text)
    problems = validate(load_claim_file(path), experiments())
    assert [str(problem) for problem in problems if problem.severity == "error"] == []


def test_the_verdicts_in_the_readme_are_those_in_results(tmp_path):
    shutil.copytree(ROOT / "claims", tmp_path / "claims")
    shutil.copytree(ROOT / "results", tmp_path / "results")
    shutil.copy(ROOT / "README.md", tmp_path / "README.md")
    reply = run("paperbench report --markdown --into README.md", tmp_path)
    assert reply.returncode == 0, reply.stderr
    assert (tmp_path / "README.md").read_text() == README
    assert (tmp_path / "results" / "README.md").read_text() == (
        ROOT / "results" / "README.md"
    ).read_text()


def test_every_claim_has_a_verdict_of_this_very_code():
    papers = json.loads(run("paperbench list --json", ROOT).stdout)
    files = {file.slug: file for file in load_files(ROOT / "claims")}
    for paper in papers:
        for claim in paper["claims"]:
            if not files[paper["paper"]].claims[claim["claim"]].asked_at("quick"):
                continue
            (verdict,) = [
                v for v in claim["verdicts"] if (v["tier"], v["device"]) == ("quick", "cpu")
            ]
            assert not verdict["stale"], f"{paper['paper']}/{claim['claim']}"
            assert verdict["verdict"] != "ERROR"


def test_every_link_to_a_file_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


@pytest.mark.parametrize(
    "path", sorted((ROOT / "results/mutations").glob("*-*/*.json")), ids=lambda path: path.stem
)
def test_every_mutation_that_survives_is_explained_in_the_notes(path):
    record = read_mutations(path)
    notes = (
        ROOT / "paperbench" / "papers" / record.paper.replace("-", "_") / "NOTES.md"
    ).read_text()
    for name in record.names_of("survived"):
        assert f"`{name.partition(':')[2]}`" in notes, name


def test_the_stored_trials_are_of_this_very_code():
    today = Today(current_hashes(load_files(ROOT / "claims")), todays_mutations())
    for record in read_all_mutations(ROOT / "results"):
        assert why_mutations_stale(record, today) is None, record.paper
