"""The read-only commands, each in a folder of its own with one claim file and its verdicts."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from claims_in_tests import DRAWS, write_claims
from records_in_tests import claim, paper

import paperbench
from paperbench.cli import run
from paperbench.cli.app import COMMANDS
from paperbench.cli.notes_text import keep_formulas
from paperbench.engine.determinism import Comparison
from paperbench.judge.record import dump_record
from paperbench.sources import code_sha256
from paperbench.spec import load_claim_file

SHIPPED = Path(paperbench.__file__).parents[1] / "claims"
HEAVY = ("torch", "numpy", "pandas", "scipy", "sklearn")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_claims(tmp_path)
    return tmp_path


@pytest.fixture
def call(capsys):
    def call(*arguments):
        code = run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def judged(folder, *, stale=False, tier="quick", device="cpu", **changes):
    """Store a verdict on `draws/high-is-higher`."""
    file = load_claim_file(folder / "claims" / "draws.yaml")
    sha256 = "0" * 64 if stale else file.claim_sha256(file.claims["high-is-higher"])
    record = paper(
        claim(
            "high-is-higher", spec_sha256=sha256, code_sha256=code_sha256("trial/draw"), **changes
        ),
        paper="draws",
        tier=tier,
        device=device,
    )
    path = folder / "results" / f"{tier}-{device}" / "draws.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump_record(record))
    return record


def test_list_shows_every_claim_with_its_verdicts(folder, call):
    judged(folder)
    judged(folder, tier="full", device="cuda", verdict="FAIL", as_expected=False)
    assert call("list") == (
        0,
        """\
draws · Drawing numbers (Gosset et al. 1908)
  claim           quick cpu  full cuda
  high-is-higher  PASS       FAIL !
  low-is-higher   −          −

! not as expected
""",
        "",
    )


def test_list_marks_a_verdict_on_an_earlier_wording_as_stale(folder, call):
    judged(folder, stale=True)
    code, out, _ = call("list")
    assert code == 0
    assert "  high-is-higher  PASS stale  −\n" in out
    assert "stale the claim, its code or the rules have changed since it was judged" in out
    listed = json.loads(call("list", "--json")[1])
    verdict = listed[0]["claims"][0]["verdicts"][0]
    assert (verdict["verdict"], verdict["stale"]) == ("PASS", True)


def test_exhibits_come_last_under_a_heading_of_their_own(folder, call):
    (folder / "claims" / "exhibits").mkdir()
    write_claims(folder, name="exhibits/an-exhibit")
    write_claims(folder, name="later-paper")
    code, out, _ = call("list")
    assert code == 0
    papers, exhibits = out.split(
        "\nexhibits: what the bench must refuse · `paperbench verify 'exhibits/*'` runs them\n"
    )
    assert papers.startswith("draws · Drawing numbers")
    assert "\nlater-paper · Drawing numbers" in papers
    assert exhibits.startswith("\nexhibits/an-exhibit · Drawing numbers")
    listed = {each["paper"]: each["exhibit"] for each in json.loads(call("list", "--json")[1])}
    assert listed == {"later-paper": False, "draws": False, "exhibits/an-exhibit": True}


def test_show_and_why_take_the_name_of_an_exhibit(folder, call):
    (folder / "claims" / "exhibits").mkdir()
    write_claims(folder, name="exhibits/an-exhibit")
    assert "claim exhibits/an-exhibit/high-is-higher" in call("show", "exhibits/an-exhibit")[1]
    assert run(["verify", "-j", "0", "exhibits/an-exhibit/high-is-higher"]) == 0
    call("list")
    screen = call("why", "exhibits/an-exhibit/high-is-higher")[1]
    assert screen.splitlines()[0].endswith("PASS (quick, cpu)")
    assert (folder / "results" / "quick-cpu" / "exhibits" / "an-exhibit.csv").is_file()
    assert "[exhibits/an-exhibit](quick-cpu/exhibits/an-exhibit.md)" in call("report")[1]


def test_an_edit_of_the_claim_makes_its_verdict_stale(folder, call):
    judged(folder)
    assert "stale" not in call("list")[1]
    write_claims(folder, DRAWS.replace("> 0.5", "> 0.6"))
    assert "PASS stale" in call("list")[1]


def test_show_lists_arms_tiers_parameters_and_claims(folder, call):
    code, out, _ = call("show", "draws")
    assert code == 0
    for line in (
        "Gosset, Fisher. 1908",
        "experiment draws: trial/draw",
        "    low       mean=0.0",
        "    smoke     the defaults",
        "    spread   float, default 1.0",
        "  check       high.value - low.value > 0.5",
        "  control     high: mean=0.01",
        "  expect      fail",
        "  reason      It is the other way round.",
    ):
        assert line in out.splitlines()


@pytest.mark.parametrize("command", ["show", "notes"])
def test_a_misspelt_paper_is_answered_with_the_nearest(folder, call, command):
    assert call(command, "darws") == (
        5,
        "",
        ("error: no paper is called `darws`\nhelp: did you mean `draws`? papers: draws\n"),
    )


def test_notes_beside_the_claim_file_are_printed_as_they_are(folder, call):
    assert call("notes", "draws")[0] == 5
    (folder / "claims" / "draws.md").write_text("# Draws\n\n$a_i$ and *more*\n")
    assert call("notes", "draws") == (0, "# Draws\n\n$a_i$ and *more*\n", "")


def test_formulas_stay_readable_as_text():
    notes = "cost $5 and $a_i * b_j$\n\n$$\nx_1 = \\sum_i y_i\n$$\n\n```\n$kept$\n```\n"
    assert keep_formulas(notes) == (
        "cost $5 and `a_i * b_j`\n\n```text\nx_1 = \\sum_i y_i\n```\n\n```\n$kept$\n```\n"
    )


def test_validate_counts_files_and_claims(folder, call):
    code, out, err = call("validate")
    assert (code, out) == (0, "1 file, 2 claims: valid, 1 warning\n")
    assert "warning: experiment `draws` has no tier `full`" in err


def test_validate_shows_every_problem_of_every_file_and_exits_2(folder, call):
    write_claims(folder, DRAWS.replace("spread:", "spraed:").replace("low.value >", "low.val >"))
    write_claims(folder, DRAWS.replace("trial/draw", "trial/darw"), name="other")
    code, out, err = call("validate")
    assert (code, out) == (2, "")
    for text in (
        "unknown parameter `spraed`",
        "did you mean `spread`",
        "low.val",
        "no experiment is registered as `trial/darw`",
    ):
        assert text in err
    assert err.splitlines()[-1].startswith(("3 errors", "4 errors", "5 errors"))


def test_one_invalid_file_can_be_left_out(folder, call):
    write_claims(folder, "schema_version: 7\n", name="broken")
    assert call("validate")[0] == 2
    assert call("validate", "claims/draws.yaml")[0] == 0
    code, _, err = call("validate", "claims/missing.yaml")
    assert (code, err) == (2, "error: there is no file or folder claims/missing.yaml\n")


def test_why_shows_the_screen_of_a_claim_by_its_short_name(folder, call):
    judged(folder)
    code, out, _ = call("why", "high-is-higher")
    assert code == 0
    assert out.splitlines()[0].endswith("PASS (quick, cpu)")
    assert out == call("why", "draws/high-is-higher")[1]
    assert max(map(len, out.splitlines())) <= 80
    record = json.loads(call("why", "high-is-higher", "--json")[1])
    assert record["claim"] == "high-is-higher"


def test_why_without_a_verdict_says_how_to_get_one(folder, call):
    assert call("why", "draws/high-is-higher") == (
        5,
        "",
        (
            "error: `draws/high-is-higher` has not been judged yet\n"
            "help: run `paperbench verify draws/high-is-higher`\n"
        ),
    )


def test_why_prefers_quick_and_names_the_other_tiers(folder, call):
    judged(folder)
    judged(folder, tier="full", device="cuda")
    out = call("why", "high-is-higher")[1]
    assert "PASS (quick, cpu)" in out
    assert "also judged: PASS (full, cuda): `--tier full --device cuda`" in out
    assert "PASS (full, cuda)" in call("why", "high-is-higher", "--tier", "full")[1]
    code, _, err = call("why", "high-is-higher", "--device", "mps")
    assert code == 5
    assert "it was judged at: full cuda, quick cpu" in err


def test_why_marks_a_stale_verdict(folder, call):
    judged(folder, stale=True)
    assert "PASS (quick, cpu, stale)" in call("why", "high-is-higher")[1]


def test_report_prints_the_summary_and_writes_it_once(folder, call):
    judged(folder)
    code, out, err = call("report", "--markdown")
    target = folder / "results" / "README.md"
    assert (code, err) == (0, "wrote results/README.md\n")
    assert target.read_text() == out
    row = (
        "| [draws](quick-cpu/draws.md) | high-is-higher | PASS | val\\_ppl ↓ | +0.80 ± 0.38 | 3/3 |"
    )
    assert row in out
    assert call("report", "--markdown") == (0, out, "")


def test_report_json_is_one_array_of_all_records(folder, call):
    assert call("report", "--json") == (0, "[]\n", "")
    record = judged(folder)
    code, out, _ = call("report", "--json")
    assert (code, json.loads(out)) == (0, [json.loads(record.model_dump_json())])
    assert not (folder / "results" / "README.md").exists()
    assert call("report", "--json", "--markdown")[0] == 2


def test_report_of_nothing_selects_nothing(folder, call):
    code, _, err = call("report")
    assert (code, err.splitlines()[0]) == (5, "error: there is no verdict in results")


def test_a_damaged_results_file_is_named(folder, call):
    judged(folder)
    (folder / "results" / "quick-cpu" / "draws.json").write_text("{")
    code, _, err = call("list")
    assert code == 2
    assert "this is not a results file" in err
    assert "results/quick-cpu/draws.json:1:1" in err


def test_the_other_folders_are_taken_from_the_options(folder, call, tmp_path_factory, monkeypatch):
    judged(folder)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    options = ("--claims", str(folder / "claims"), "--results", str(folder / "results"))
    assert "high-is-higher  PASS" in call("list", *options)[1]
    assert call("list", "--claims", "nowhere")[0] == 2


def test_schemas_are_json(call):
    assert json.loads(call("schema")[1])["title"] == "A paperbench claim file"
    results = json.loads(call("schema", "--results")[1])
    assert {"paper", "tier", "device", "claims"} <= set(results["properties"])


def test_data_check_exits_3_only_for_what_was_named(call, tmp_path, monkeypatch):
    monkeypatch.setenv("PAPERBENCH_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert re.search("^mnist +absent", call("data", "list")[1], re.MULTILINE)
    code, out, _ = call("data", "check")
    assert code == 0
    assert "mnist: absent" in out
    code, out, err = call("data", "check", "mnist")
    assert code == 3
    assert "mnist/train-images-idx3-ubyte: missing" in out
    assert "help: run `paperbench data fetch mnist`" in err
    (tmp_path / "wikitext-2").mkdir()
    (tmp_path / "wikitext-2" / "train.txt").write_text("not it")
    assert call("data", "check")[0] == 3, "what is here must be whole"
    assert call("data", "fetch", "digits")[1].startswith("digits: comes with")
    code, _, err = call("data", "check", "mnits")
    assert code == 3
    assert "did you mean `mnist`" in err


def test_doctor_says_what_is_missing_and_how_to_mend_it(folder, call, monkeypatch):
    monkeypatch.setenv("PAPERBENCH_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    findings = {finding["name"]: finding for finding in json.loads(call("doctor", "--json")[1])}
    assert findings["claims"]["ok"]
    assert findings["data mnist"] == {
        "name": "data mnist",
        "ok": False,
        "detail": "absent",
        "mend": "the full tier needs it: `paperbench data fetch mnist`",
    }
    assert "cpu" in findings["devices"]["detail"]
    assert findings["determinism"]["ok"]
    assert "bitwise the same here and in a worker (cpu" in findings["determinism"]["detail"]
    (folder / ".paperbench").mkdir()
    (folder / ".paperbench" / "ledger.sqlite").write_text("not a database, surely")
    monkeypatch.setattr(  # a second time it would only take its seconds again
        "paperbench.engine.determinism.compare_with_a_worker", lambda device: Comparison("a", "a")
    )
    code, out, _ = call("doctor")
    assert code == 0
    assert "warn  ledger" in out


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (lambda: Comparison("aa", "bb"), "a worker gets other numbers: bb, here aa (cpu)"),
        (lambda: Comparison(None, None), "the same seed gives other numbers each time here and in"),
        (lambda: 1 / 0, "could not be probed (cpu): division by zero"),
    ],
)
def test_doctor_warns_of_a_machine_that_does_not_repeat(folder, call, monkeypatch, found, line):
    monkeypatch.setattr(
        "paperbench.engine.determinism.compare_with_a_worker", lambda device: found()
    )
    code, out, _ = call("doctor")
    assert code == 0
    (told,) = (each for each in out.splitlines() if each.startswith("warn  determinism"))
    assert line in told


@pytest.mark.parametrize("arguments", [("verfy",), ("list", "--jsn"), ("why",), ("data", "x")])
def test_a_usage_error_exits_2(call, arguments):
    code, _, err = call(*arguments)
    assert code == 2
    assert "Traceback" not in err


def test_version_and_help_exit_0(call):
    assert call("--version") == (0, f"paperbench {paperbench.__version__}\n", "")
    assert call("--help")[0] == 0


def test_an_interrupt_exits_130_and_a_defect_keeps_its_traceback(folder, call, monkeypatch):
    import paperbench.cli.selection as selection

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(selection, "load_files", interrupted)
    assert call("list")[0] == 130

    def defect(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(selection, "load_files", defect)
    with pytest.raises(ZeroDivisionError):
        call("list")


def in_process(folder, *arguments, code="", **environment):
    program = f"import sys\nfrom paperbench.cli import run\ncode = run(sys.argv[1:])\n{code}"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        timeout=300,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    "command",
    ["--help", "list", "show draws", "validate", "why high-is-higher", "report --markdown"],
)
def test_a_reading_command_imports_nothing_heavy(folder, command):
    judged(folder)
    reply = in_process(
        folder,
        *command.split(),
        code=(f"print([m for m in {HEAVY!r} if m in sys.modules], code, file=sys.stderr)"),
    )
    assert reply.stderr.splitlines()[-1] == "[] 0"


@pytest.mark.parametrize(
    ("command", "absent"),
    [
        ("--version", ["rich", "yaml", "pydantic", "paperbench.cli.catalogue"]),
        ("--help", ["yaml", "pydantic"]),
        ("list", ["rich", "paperbench.cli.verify", "paperbench.cli.evidence"]),
        (f"validate {SHIPPED}", ["rich", "paperbench.cli.verify", "paperbench.judge.record"]),
        ("report --json", ["rich", "yaml", "paperbench.cli.catalogue", "paperbench.spec.load"]),
    ],
)
def test_a_command_imports_only_what_it_needs(folder, command, absent):
    judged(folder)
    reply = in_process(
        folder,
        *command.split(),
        code=f"print([m for m in {absent!r} if m in sys.modules], code, file=sys.stderr)",
    )
    assert reply.stderr.splitlines()[-1] == "[] 0"


def test_every_command_of_the_table_is_there(call):
    names = [line.split()[0] for line in call("--help")[1].split("Commands:\n")[1].splitlines()]
    assert names == list(COMMANDS)
    for name in names:
        code, out, _ = call(name, "--help")
        assert (code, out.splitlines()[0].split()[:3]) == (0, ["Usage:", "paperbench", name])


def test_a_misspelt_command_is_answered_with_the_nearest(call):
    code, _, err = call("lsit")
    assert code == 2
    assert "No such command 'lsit'. Did you mean 'list'?" in err


def test_only_the_program_itself_stops_the_garbage_collector(folder):
    code = "import gc; print(gc.isenabled(), file=sys.stderr)"
    assert in_process(folder, "--version", code=code).stderr == "True\n"
    program = "import atexit, gc; atexit.register(lambda: print(gc.isenabled()))\n"
    program += "from paperbench.cli import main; main()"
    for arguments, collects in ((["list"], False), (["verify", "--dry-run"], True)):
        reply = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert reply.stdout.splitlines()[-1] == str(collects)


def test_a_pipe_that_closes_early_makes_no_noise(folder):
    judged(folder)
    reader, writer = os.pipe()
    os.close(reader)
    reply = subprocess.run(
        [sys.executable, "-c", "from paperbench.cli import main; main()", "schema"],
        cwd=folder,
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)
    assert (reply.returncode, reply.stderr) == (141, b"")


def test_a_terminal_without_unicode_gets_stand_ins_and_no_traceback(folder):
    reply = in_process(folder, "list", PYTHONIOENCODING="ascii")
    assert reply.returncode == 0
    assert reply.stdout.startswith("draws - Drawing numbers")


@pytest.mark.parametrize("command", ["list", "show draws"])
def test_a_pipe_gets_without_rich_what_rich_would_write(folder, command):
    judged(folder, stale=True)
    code = "print('rich' in sys.modules, file=sys.stderr)"
    plain = in_process(folder, *command.split(), code=code, COLUMNS="80")
    rich = in_process(folder, *command.split(), code=code, COLUMNS="80", TTY_COMPATIBLE="0")
    assert (plain.stderr, rich.stderr) == ("False\n", "True\n")
    assert plain.stdout == rich.stdout != ""
    coloured = in_process(folder, *command.split(), FORCE_COLOR="1")
    assert ("\x1b[" in coloured.stdout) == (command == "list")
