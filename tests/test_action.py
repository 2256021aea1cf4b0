"""The GitHub action: its file, its scripts carried out for real, and its one comment."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from claims_in_tests import write_claims
from records_in_tests import claim, paper, reading, undecided

from paperbench.cli import run as paperbench
from paperbench.report.junit import junit_xml

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "action.yml").read_text()
ACTION = yaml.safe_load(TEXT)
STEPS = ACTION["runs"]["steps"]
SCRIPTS = {step["name"]: step for step in STEPS if "run" in step}
ON_PATH = os.pathsep.join(sys.path)
WATERMARK = "<!-- paperbench: comment -->"


def step_with(name):
    (found,) = [step for step in STEPS if step.get("id") == name]
    return found


def test_every_input_is_used_and_described_and_no_other():
    used = set(re.findall(r"inputs\.([\w-]+)", TEXT))
    assert used == set(ACTION["inputs"])
    assert all(entry["description"] for entry in ACTION["inputs"].values())
    assert all("default" in entry for entry in ACTION["inputs"].values())


def test_verify_gets_what_the_caller_chose():
    env = step_with("verify")["env"]
    for name in ("selectors", "tier", "fail-on", "claims", "results"):
        assert env[name.upper().replace("-", "_")] == f"${{{{ inputs.{name} }}}}"


def test_every_step_that_is_named_in_an_expression_is_there():
    ids = {step["id"] for step in STEPS if "id" in step}
    assert set(re.findall(r"steps\.([\w-]+)\.", TEXT)) == ids
    written = set(re.findall(r'echo "([\w-]+)=', TEXT))
    assert set(re.findall(r"steps\.(?:install|verify)\.outputs\.([\w-]+)", TEXT)) == written


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_takes_its_inputs_from_the_environment_alone(name):
    step = SCRIPTS[name]
    assert step["shell"] == "bash"
    assert "${{" not in step["run"]
    subprocess.run(["bash", "-n"], input=step["run"], text=True, check=True)
    for variable in step["env"]:
        assert re.search(rf"\${variable}\b", step["run"]) or name == "Say it on the pull request"


def test_other_actions_are_pinned_to_a_version():
    for step in STEPS:
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w/-]+@v\d+", step["uses"])


def test_the_site_is_uploaded_and_runs_are_kept_after_a_failure_too():
    for step in STEPS[STEPS.index(step_with("verify")) + 1 :]:
        assert "always()" in step["if"] or "!cancelled()" in step["if"], step["name"]
    assert any("upload-artifact" in step.get("uses", "") for step in STEPS)


PAGE = (ROOT / "docs" / "ci.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_page_names_every_input_and_its_examples_use_them():
    rows = re.findall(r"^\| `([\w-]+)` \| (.*?) \|", PAGE.partition("| input |")[2], re.MULTILINE)
    assert dict(rows).keys() == ACTION["inputs"].keys()
    for name, told in rows:
        plain = re.fullmatch(r"`(.*)`", told)
        assert not plain or plain[1] == ACTION["inputs"][name]["default"]
    examples = [yaml.safe_load(block) for language, block in BLOCKS if language == "yaml"]
    (step,) = [step for step in examples[0]["jobs"]["verify"]["steps"] if "with" in step]
    assert set(step["with"]) < set(ACTION["inputs"])
    assert examples[1]["claims"]["artifacts"]["reports"] == {"junit": "junit.xml"}


def test_the_page_uses_only_options_that_there_are(capsys):
    lines = [line for _, block in BLOCKS for line in block.splitlines()]
    for command in ("verify", "report"):
        capsys.readouterr()
        paperbench([command, "--help"])
        known = set(re.findall(r"--[\w-]+", capsys.readouterr().out))
        calls = [line.partition("#")[0] for line in lines if f"paperbench {command} " in line]
        used = {option for call in calls for option in re.findall(r"--[\w-]+", call)}
        assert used
        assert used <= known


FAKE = """\
#!{python}
import json, os, sys
with open(os.environ["CALLS"], "a") as calls:
    print(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]), file=calls)
if "FAKE_EXIT" in os.environ:
    sys.exit(int(os.environ["FAKE_EXIT"]))
"""


@pytest.fixture
def runner(tmp_path):
    """Carries a script out as the runner does, with fakes of the given commands on the path."""
    fakes = tmp_path / "bin"
    fakes.mkdir()

    def run(name, *fake, **variables):
        for command in fake:
            (fakes / command).write_text(FAKE.format(python=sys.executable))
            (fakes / command).chmod(0o755)
        script = tmp_path / "script.sh"
        script.write_text(SCRIPTS[name]["run"])
        for file in ("calls", "output", "summary"):
            (tmp_path / file).write_text("")
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "PATH": f"{fakes}{os.pathsep}{os.environ['PATH']}",
            "CALLS": str(tmp_path / "calls"),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
            "GITHUB_ACTION_PATH": str(ROOT),
            "RUNNER_TEMP": str(tmp_path / "temp"),
            "CLAIMS": "claims",
            "FOLDER": str(tmp_path / "temp" / "paperbench"),
            **variables,
        }
        reply = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
        )
        calls = [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]
        return reply, calls

    run.folder = tmp_path
    return run


def outputs(folder):
    lines = (folder / "output").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_it_installs_torch_itself_and_what_was_asked_for(runner):
    reply, calls = runner(
        "Install paperbench", "python", TORCH_INDEX="https://index", PACKAGES="--editable .\nextra"
    )
    assert reply.returncode == 0, reply.stderr
    pip = ["python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pins = ["--constraint", f"{ROOT}/constraints.txt"]
    assert calls == [
        [*pip, *pins, "--index-url", "https://index", "torch"],
        [*pip, *pins, str(ROOT)],
        [*pip, "--editable", ".", "extra"],
    ]
    assert Path(outputs(runner.folder)["folder"]).is_dir()
    _, calls = runner("Install paperbench", "python", TORCH_INDEX="", PACKAGES="")
    assert [call[-1] for call in calls] == ["torch", str(ROOT)]


HOSTILE = "fox $(touch pwned) `touch pwned` ; touch pwned\n--help 'a/*' *"


def test_what_is_selected_is_words_and_nothing_else(runner):
    settings = {"TIER": "quick", "RESULTS": "my results", "FAIL_ON": "", "FAKE_EXIT": "1"}
    settings["CLAIMS"] = "my claims"
    reply, calls = runner("Verify", "paperbench", SELECTORS=HOSTILE, **settings)
    assert reply.returncode == 1
    assert outputs(runner.folder) == {"exit-code": "1", "new-runs": "no"}
    (call,) = calls
    junit = str(runner.folder / "temp" / "paperbench" / "junit.xml")
    assert call[: call.index("--")] == [
        *("paperbench", "verify", "--locked", "--tier", "quick"),
        *("--claims", "my claims", "--results", "my results"),
        *("--junit-xml", junit),
    ]
    assert call[call.index("--") + 1 :] == HOSTILE.split()
    assert not list(runner.folder.rglob("pwned"))


def test_fail_on_is_handed_on_where_it_is_asked_for(runner):
    settings = {"TIER": "quick", "RESULTS": "results", "SELECTORS": ""}
    _, (call,) = runner("Verify", "paperbench", FAIL_ON="inconclusive", **settings)
    assert call[-3:] == ["--fail-on", "inconclusive", "--"]
    assert outputs(runner.folder)["exit-code"] == "0"


def real_command(folder, name, *words):
    """A command on the path that calls this interpreter, as the installed ones do."""
    command = folder / "bin" / name
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {" ".join(words)} "$@"\n')
    command.chmod(0o755)


def test_the_real_verify_says_whether_there_is_anything_to_keep(runner, monkeypatch):
    work = runner.folder / "work"
    work.mkdir()
    write_claims(work)
    monkeypatch.chdir(work)
    assert paperbench(["lock"]) == 0
    real_command(runner.folder, "paperbench", "-m", "paperbench")
    settings = {"TIER": "quick", "RESULTS": "results", "FAIL_ON": "", "PYTHONPATH": ON_PATH}
    reply, _ = runner("Verify", SELECTORS="draws/*", **settings)
    assert reply.returncode == 0, reply.stderr
    assert outputs(runner.folder) == {"exit-code": "0"}
    reply, _ = runner("Verify", SELECTORS="", **settings)
    assert outputs(runner.folder) == {"exit-code": "0", "new-runs": "no"}
    assert (runner.folder / "temp" / "paperbench" / "junit.xml").is_file()
    claims = work / "claims" / "draws.yaml"
    claims.write_text(claims.read_text().replace("> 0.5", "> 0.4"))
    reply, _ = runner("Verify", SELECTORS="", **settings)
    assert (reply.returncode, outputs(runner.folder)["exit-code"]) == (6, "6")


def test_the_claims_that_come_with_paperbench_are_never_taken_for_the_callers(runner):
    real_command(runner.folder, "paperbench", "-m", "paperbench")
    settings = {"TIER": "quick", "RESULTS": "results", "FAIL_ON": "", "PYTHONPATH": ON_PATH}
    reply, _ = runner("Verify", SELECTORS="fox/no-such", **settings)
    assert (reply.returncode, outputs(runner.folder)["exit-code"]) == (2, "2")
    assert "there is no folder claims" in reply.stderr


def git(folder, *arguments):
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize("depth", [[], ["--depth=1"]])
def test_the_base_is_fetched_and_compared_with(runner, monkeypatch, depth):
    origin, work = runner.folder / "origin", runner.folder / "work"
    origin.mkdir()
    write_claims(origin)
    monkeypatch.chdir(origin)
    assert paperbench(["verify", "-j", "0"]) == 0
    git(origin, "init", "-b", "main")
    git(origin, "add", "results", "claims")
    git(origin, "commit", "-m", "verdicts")
    git(origin, "commit", "--allow-empty", "-m", "more")
    git(runner.folder, "clone", *depth, origin.as_uri(), str(work))
    shutil.rmtree(work / "results" / "quick-cpu")
    write_claims(work, name="other")
    monkeypatch.chdir(work)
    assert paperbench(["verify", "-j", "0", "other"]) == 0
    real_command(runner.folder, "paperbench", "-m", "paperbench")
    (runner.folder / "temp" / "paperbench").mkdir(parents=True)
    settings = {"RESULTS": "results", "PYTHONPATH": ON_PATH}
    reply, _ = runner("Compare with the base", BASE="main", **settings)
    assert reply.returncode == 0, reply.stderr
    page = (runner.folder / "temp" / "paperbench" / "comparison.md").read_text()
    assert page.startswith("**2 gone; 2 new**; 0 verdicts as before.\n")
    assert page in (runner.folder / "summary").read_text()
    assert git(work, "rev-list", "--count", "HEAD").strip() == ("1" if depth else "2")
    reply, _ = runner("Compare with the base", BASE="nowhere", **settings)
    assert (reply.returncode, "::warning title=paperbench::" in reply.stdout) == (0, True)
    assert not (runner.folder / "temp" / "paperbench" / "comparison.md").exists()
    assert runner("Compare with the base", "git", BASE="", **settings)[1] == []


GH = """\
#!{python}
import json, os, sys
call = {{"arguments": sys.argv[1:], "body": None}}
if "--input" in sys.argv:
    call["body"] = json.load(sys.stdin)["body"]
with open(os.environ["CALLS"], "a") as calls:
    print(json.dumps(call), file=calls)
if os.environ.get("REFUSES", "nothing") in sys.argv:
    sys.exit("gh: Resource not accessible by integration (HTTP 403)")
if "graphql" in sys.argv:
    print(json.dumps({{"data": {{"viewer": {{"login": "github-actions[bot]"}}}}}}))
elif "--paginate" in sys.argv:
    print(open(os.environ["COMMENTS"]).read())
else:
    print("{{}}")
"""


@pytest.fixture
def say(runner):
    """The step of the comment beside the given comments, each a page of its own."""
    (runner.folder / "bin" / "gh").write_text(GH.format(python=sys.executable))
    (runner.folder / "bin" / "gh").chmod(0o755)
    real_command(runner.folder, "python")
    (runner.folder / "temp" / "paperbench").mkdir(parents=True)

    def say(*comments, page="**Nothing changed**.\n", exit_code="0", junit=(PASS,), **variables):
        papers = [paper(*junit)] if junit else []
        (runner.folder / "temp" / "paperbench" / "junit.xml").write_text(junit_xml(papers))
        (runner.folder / "temp" / "paperbench" / "comparison.md").write_text(page)
        listed = [
            {"id": number, "user": login and {"login": login}, "body": body}
            for number, (login, body) in enumerate(comments, start=1)
        ]
        there = runner.folder / "comments"
        there.write_text("".join(json.dumps([each]) for each in listed) or "[]")
        reply, calls = runner(
            "Say it on the pull request",
            COMMENTS=str(there),
            PULL_REQUEST="7",
            EXIT_CODE=exit_code,
            GITHUB_REPOSITORY="someone/papers",
            GITHUB_SERVER_URL="https://github.com",
            GITHUB_RUN_ID="99",
            **variables,
        )
        assert reply.returncode == 0, reply.stderr
        return reply.stdout, [call for call in calls if call["body"] is not None]

    return say


BOT = "github-actions[bot]"
PASS = claim()
OPEN = undecided("open", expected="PASS", as_expected=False)


@pytest.mark.parametrize(
    ("judged", "words"),
    [
        ((PASS, OPEN, undecided()), "2 of 3 claims as expected, 1 undecided"),
        ((PASS, reading()), "1 of 1 claim as expected"),
        ((reading(),), "no claim was judged: these are read only"),
        ((), "no claim was judged: these are read only"),
    ],
)
def test_exit_code_0_does_not_make_a_claim_as_expected(say, judged, words):
    _, (call,) = say(junit=judged)
    assert f"## paperbench: {words}\n" in call["body"]


def test_another_job_has_a_comment_of_its_own(say):
    said, (call,) = say((BOT, f"{WATERMARK}\nof the other job"), ARTIFACT="fox --> <b>")
    assert said == "made a comment\n"
    first = call["body"].splitlines()[0]
    assert first == "<!-- paperbench: comment fox-b -->"
    said, _ = say((BOT, f"{first}\nolder"), ARTIFACT="fox --> <b>")
    assert said == "updated the comment\n"


def test_a_comment_whose_author_or_text_is_gone_is_nobodys(say):
    said, _ = say((None, f"{WATERMARK}\nforged"), (BOT, None), (BOT, f"{WATERMARK}\nolder"))
    assert said == "updated the comment\n"


def test_the_first_comment_is_made(say):
    said, (call,) = say(("someone", "Nice work"))
    assert said == "made a comment\n"
    assert call["arguments"][:4] == [
        *("api", "--method", "POST", "repos/someone/papers/issues/7/comments")
    ]
    assert call["body"].startswith(f"{WATERMARK}\n## paperbench: 1 of 1 claim as expected\n")
    assert "**Nothing changed**." in call["body"]
    assert "https://github.com/someone/papers/actions/runs/99" in call["body"]


def test_the_second_time_it_is_brought_up_to_date(say):
    mine = (BOT, f"{WATERMARK}\nolder")
    said, (call,) = say(("someone", "Nice work"), (BOT, "Another bot's"), mine, exit_code="1")
    assert said == "updated the comment\n"
    assert call["arguments"][:4] == [
        *("api", "--method", "PATCH", "repos/someone/papers/issues/comments/3")
    ]
    assert "## paperbench: a claim is not as expected" in call["body"]


@pytest.mark.parametrize(
    "other", [("someone", f"{WATERMARK}\nforged"), (BOT, f"I quote: {WATERMARK}")]
)
def test_what_another_wrote_is_left_alone(say, other):
    said, (call,) = say(other)
    assert said == "made a comment\n"
    assert "POST" in call["arguments"]


@pytest.mark.parametrize("refused", ["graphql", "--paginate", "POST"])
def test_without_the_permission_it_says_so_and_the_job_goes_on(say, refused):
    said, _ = say(REFUSES=refused)
    assert said.startswith("no comment was made, which needs `pull-requests: write`: gh: Resource")


def test_a_refused_claim_is_said_and_no_comparison_is_no_trouble(say):
    _, (call,) = say(page="", exit_code="6")
    assert "a claim is not the one that was locked, so nothing was judged" in call["body"]
    assert "There is no comparison with the base." in call["body"]
    _, (call,) = say(exit_code="")
    assert "`paperbench verify` ended with exit code ?" in call["body"]


def test_a_long_comparison_is_cut_between_rows_and_nobody_is_called(say):
    rows = "\n".join(f"| fox/claim-{number} | @someone |" for number in range(9000))
    page = f"<details><summary>New</summary>\n\n| claim | |\n|---|---|\n{rows}\n\n</details>\n"
    _, (call,) = say(page=page)
    assert len(call["body"]) <= 60_000
    assert call["body"].count("<details>") == call["body"].count("</details>") == 1
    assert "The rest is in the artifact." in call["body"]
    assert "@someone" not in call["body"]
    assert all(line.endswith("|") for line in call["body"].splitlines() if line.startswith("| fox"))


def test_every_exit_code_of_the_command_has_words(say):
    for code in range(7):
        _, (call,) = say(exit_code=str(code))
        assert "ended with exit code" not in call["body"]
