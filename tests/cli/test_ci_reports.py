"""`verify` and `report` as a CI server calls them: files, annotations, the job's page."""

import json
import shutil
import subprocess

import pytest
from claims_in_tests import DRAWS, write_claims
from junitparser import JUnitXml

from paperbench.cli import run

BROKEN = DRAWS.replace("    expect: fail\n    reason: It is the other way round.\n", "")

LINE = DRAWS.splitlines().index("  low-is-higher:") + 1


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Call in an empty folder with the given claim file, in this process."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, text=DRAWS):
        write_claims(tmp_path, text)
        code = run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def verify(call):
    return lambda *arguments, text=DRAWS: call("verify", "-j", "0", *arguments, text=text)


@pytest.fixture
def actions(tmp_path, monkeypatch):
    """Inside a step of GitHub Actions; the page of the step."""
    page = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    return page


def test_verify_writes_junit_xml_with_the_line_of_each_claim(verify, tmp_path):
    code, _, err = verify("--junit-xml", "out/junit.xml", text=BROKEN)
    assert code == 1
    assert "::error" not in err  # only Actions understands it
    (suite,) = JUnitXml.fromfile(str(tmp_path / "out" / "junit.xml"))
    assert [(case.classname, case.name) for case in suite] == [
        ("draws", "high-is-higher"),
        ("draws", "low-is-higher"),
    ]
    text = list(suite)[1].result[0].text
    assert text.startswith("FAIL (PASS expected): ")
    assert f"at       claims/draws.yaml:{LINE}:3" in text


def test_junit_xml_of_no_verdict_is_refused_before_anything_trains(verify, tmp_path):
    for more in (["--dry-run"], ["--tier", "smoke"]):
        code, _, err = verify("--junit-xml", "junit.xml", *more)
        assert (code, "no verdict to write as JUnit XML" in err) == (2, True)
    assert not (tmp_path / ".paperbench").exists()


def test_a_file_that_cannot_be_written_keeps_no_verdict_back(verify, tmp_path):
    (tmp_path / "file").write_text("")
    code, out, err = verify("--junit-xml", "file/junit.xml")
    assert (code, "error: file/junit.xml cannot be written" in err) == (2, True)
    assert "2 as expected" in out
    assert (tmp_path / "results" / "quick-cpu" / "draws.json").is_file()


def test_inside_actions_the_page_and_the_annotations_come_by_themselves(verify, actions):
    actions.write_text("Another step was here.\n")
    code, out, err = verify("--json", text=BROKEN)
    assert code == 1
    assert [paper["paper"] for paper in json.loads(out)] == ["draws"]
    (line,) = heard(err)
    where = f"file=claims/draws.yaml,line={LINE},col=3"
    assert line.startswith(f"::error {where},title=draws/low-is-higher%3A FAIL")
    page = actions.read_text()
    assert page.startswith("Another step was here.\n## paperbench: quick, cpu\n")
    assert "**1 as expected, 1 not as expected.**" in page
    assert "| draws | low-is-higher | **FAIL** (PASS expected) |" in page


def heard(log):
    """The commands that the runner carries out: all but those between a stop and its token."""
    found, token = [], None
    for line in map(str.lstrip, log.splitlines()):
        if line.startswith("::stop-commands::"):
            assert token is None
            token = line.removeprefix("::stop-commands::")
        elif token is not None:
            token = None if line == f"::{token}::" else token
        elif line.startswith("::") or "##[" in line:
            found.append(line)
    assert token is None
    return found


@pytest.mark.parametrize("code", [1, 2, 6])
def test_no_text_of_a_claim_is_a_command(verify, actions, code):
    words = "::stop-commands::x ::warning::pwned ##[error]pwned " * 12
    text = BROKEN.replace("  low-is-higher:\n", f'  low-is-higher:\n    reported: "{words}"\n')
    text = text.replace("claims:", f"? '{words}'\n: 1\nclaims:") if code == 2 else text
    found, out, err = verify(*(["--locked"] if code == 6 else []), text=text)
    assert found == code
    if code == 1:
        assert any(line.lstrip().startswith("::") for line in out.splitlines()), out
    first, *_, last = err.splitlines()
    assert first.startswith("::stop-commands::")
    assert last.startswith("::")
    assert not [line for line in heard(err) if "pwned" in line.partition("title=")[0]]


def test_annotations_are_placed_by_the_folder_of_the_repository(verify, actions, monkeypatch):
    monkeypatch.setenv("GITHUB_WORKSPACE", str(actions.parent.parent))
    _, _, err = verify(text=BROKEN)
    assert f"::error file={actions.parent.name}/claims/draws.yaml,line={LINE}" in err
    monkeypatch.setenv("GITHUB_WORKSPACE", str(actions.parent / "elsewhere"))
    _, _, err = verify(text=BROKEN)
    assert "::error title=draws/low-is-higher" in err  # a path outside would mark no line


def test_outside_actions_the_page_is_left_alone(verify, actions, monkeypatch):
    monkeypatch.delenv("GITHUB_ACTIONS")
    verify(text=BROKEN)
    assert not actions.exists()


def test_a_page_that_cannot_be_written_is_said_and_changes_no_exit_code(verify, actions):
    actions.mkdir()
    code, _, err = verify()
    assert code == 0
    assert "note: the job's summary cannot be written: Is a directory" in err


def test_a_page_that_is_full_stays_as_it_is(verify, actions):
    actions.write_bytes(b"x" * 1024 * 1024)
    code, _, err = verify()
    assert (code, "the job's summary is full" in err) == (0, True)
    assert actions.stat().st_size == 1024 * 1024


def test_report_writes_junit_xml_and_a_badge_of_what_is_stored(verify, call, tmp_path):
    verify()
    before = {path: path.read_bytes() for path in (tmp_path / "results").rglob("*.*")}
    code, out, err = call("report", "--junit-xml", "junit.xml", "--badge", "badge.json")
    assert (code, out, err) == (0, "", "wrote junit.xml\nwrote badge.json\n")
    assert json.loads((tmp_path / "badge.json").read_text()) == {
        "schemaVersion": 1,
        "label": "claims",
        "message": "2 of 2 as expected",
        "color": "brightgreen",
    }
    (suite,) = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert (suite.tests, suite.failures, suite.skipped) == (2, 0, 1)
    assert {path: path.read_bytes() for path in (tmp_path / "results").rglob("*.*")} == before
    assert call("report", "--badge", "{paper}/badge.json")[0] == 0
    assert (tmp_path / "draws" / "badge.json").is_file()


def test_what_is_stale_is_verified_neither_for_the_badge_nor_for_junit(verify, call, tmp_path):
    verify()
    changed = DRAWS.replace("> 0.5", "> 0.4")
    call("report", "--junit-xml", "junit.xml", "--badge", "badge.json", text=changed)
    assert json.loads((tmp_path / "badge.json").read_text())["message"] == "1 of 2 as expected"
    (suite,) = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert next(iter(suite)).result[0].type == "STALE"


def test_compare_tells_what_changed_since_another_folder(verify, call, tmp_path):
    verify()
    shutil.copytree(tmp_path / "results", tmp_path / "base")
    assert call("report", "--compare", "base")[:2] == (
        0,
        "**Nothing changed**: 2 verdicts as before.\n",
    )
    verify(text=BROKEN)
    code, out, err = call("report", "--compare", "base", text=BROKEN)
    assert (code, err) == (0, "")
    assert out.startswith("**1 no longer as expected**; 1 verdict as before.\n")
    assert "the claim was changed" in out
    fail = ("report", "--compare", "base", "--fail-on-regression")
    assert call(*fail, text=BROKEN)[0] == 1
    assert call("report", "--compare", "results", "--fail-on-regression", text=BROKEN)[0] == 0
    _, out, _ = call("report", "--compare", "base", "--json", text=BROKEN)
    assert json.loads(out)["regressions"] == 1


def test_what_was_stale_there_already_is_no_change(verify, call, tmp_path):
    verify()
    stale = DRAWS.replace("> 0.5", "> 0.4")
    shutil.copytree(tmp_path / "results", tmp_path / "base")
    assert "**1 stale now**" in call("report", "--compare", "base", text=stale)[1]
    call("report", text=stale)  # marks it in the tables
    shutil.rmtree(tmp_path / "base")
    shutil.copytree(tmp_path / "results", tmp_path / "base")
    assert "**Nothing changed**" in call("report", "--compare", "base", text=stale)[1]


def git(folder, *arguments):
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_compare_takes_a_revision_of_git(verify, call, tmp_path):
    git(tmp_path, "init", "-b", "main")
    git(tmp_path, "commit", "--allow-empty", "-m", "nothing yet")
    verify()
    git(tmp_path, "add", "results")
    git(tmp_path, "commit", "-m", "verdicts")
    verify(text=BROKEN)
    before = set(tmp_path.rglob("*"))
    code, out, _ = call("report", "--compare", "git:main", text=BROKEN)
    assert (code, out.partition("\n")[0]) == (
        0,
        "**1 no longer as expected**; 1 verdict as before.",
    )
    assert (
        "1 new and not as expected; 1 new"
        in (call("report", "--compare", "git:main~1", text=BROKEN)[1])
    )
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("revision", ["nope", "--output=x", "main:results", "", "main\nx"])
def test_a_revision_that_is_none_is_a_usage_error(verify, call, tmp_path, revision):
    git(tmp_path, "init", "-b", "main")
    git(tmp_path, "commit", "--allow-empty", "-m", "nothing yet")
    verify()
    code, _, err = call("report", "--compare", f"git:{revision}")
    assert (code, "error: git knows no revision" in err) == (2, True)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--compare", "nowhere"], "there is no folder nowhere to compare with"),
        (["--compare", "claims", "--check"], "five reports"),
        (["--compare", "claims", "--markdown"], "five reports"),
        (["--json", "--check"], "five reports"),
        (["--fail-on-regression"], "a regression shows only beside a base"),
        (["--compare", "damaged"], "there is no comparing with damaged: this is not a results"),
    ],
)
def test_what_cannot_be_compared_is_a_usage_error(verify, call, tmp_path, arguments, message):
    verify()
    (tmp_path / "damaged" / "quick-cpu").mkdir(parents=True)
    (tmp_path / "damaged" / "quick-cpu" / "draws.json").write_text("{}")
    code, _, err = call("report", *arguments)
    assert (code, message in err) == (2, True), err
