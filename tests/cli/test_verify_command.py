"""`paperbench verify` as a person calls it: screens, exit codes, files, bad input."""

import json

import pytest
from claims_in_tests import DRAWS, write_claims

from paperbench.cli import run
from paperbench.cli.verify import exit_code
from paperbench.engine.determinism import probed
from paperbench.judge.record import read_record


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Verify in an empty folder with the given claim file, in this process."""
    monkeypatch.chdir(tmp_path)

    def verify(*arguments, text=DRAWS):
        write_claims(tmp_path, text)
        code = run(["verify", "-j", "0", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return verify


def test_it_ends_with_the_table_the_summary_and_the_files(call, tmp_path):
    code, out, err = call()
    assert code == 0
    assert "draws · Drawing numbers (Gosset et al. 1908)  quick · cpu · in this process" in err
    assert "PASS" in out
    assert "expected fail: It is the other way round." in out
    assert "2 as expected, 0 not" in out
    assert "results/quick-cpu/draws.md" in out
    record = read_record(tmp_path / "results" / "quick-cpu" / "draws.json")
    assert [claim.verdict for claim in record.claims] == ["PASS", "FAIL"]
    assert record.environment["torch"]
    assert len(record.claims[0].runs) == 9
    assert record.claims[0].code_sha256


def test_a_process_that_does_not_repeat_is_on_record_and_why_says_so(call, tmp_path, monkeypatch):
    probed.cache_clear()
    digests = (f"{number:016x}" for number in range(9))
    monkeypatch.setattr("paperbench.engine.determinism._train", lambda device: next(digests))
    try:
        assert call()[0] == 0
    finally:
        probed.cache_clear()
    stored = read_record(tmp_path / "results" / "quick-cpu" / "draws.json")
    for environment in (stored.environment, *(claim.environment for claim in stored.claims)):
        assert environment["determinism"]["bitwise"] is False
    assert [probe["digest"] for probe in stored.environment["determinism"]["probes"]] == [None]
    assert "does NOT repeat bit for bit" in (
        tmp_path / "results" / "quick-cpu" / "draws.md"
    ).read_text(encoding="utf-8")


def test_a_second_call_changes_no_file_and_imports_no_torch(call, tmp_path):
    call()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*.*")}
    code, out, _ = call()
    assert code == 0
    assert "  ran " not in out
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*.*")} == before


def test_an_exhibit_is_verified_only_by_its_name(call, tmp_path):
    (tmp_path / "claims" / "exhibits").mkdir(parents=True)
    write_claims(tmp_path, name="exhibits/shown")
    for selectors in ([], ["all"], ["*"]):
        assert call(*selectors)[0] == 0
    assert not (tmp_path / "results" / "quick-cpu" / "exhibits").exists()
    code, out, err = call("exhibits/*")
    assert (code, "exhibits/shown · Drawing numbers" in err) == (0, True)
    assert "results/quick-cpu/exhibits/shown.md" in out
    assert (tmp_path / "results" / "quick-cpu" / "exhibits" / "shown.json").is_file()


def test_a_claim_that_is_not_as_expected_exits_1(call):
    text = DRAWS.replace("    expect: fail\n    reason: It is the other way round.\n", "")
    assert call(text=text)[0] == 1
    assert call("draws/high-is-higher", text=text)[0] == 0


def test_an_unexpected_pass_exits_1(call):
    text = DRAWS.replace(
        "    because: Its mean",
        "    expect: fail\n    reason: We thought so.\n    because: Its mean",
    )
    code, out, _ = call("draws/high-is-higher", text=text)
    assert code == 1
    assert "1 not" in out


UNDECIDED = (
    DRAWS.replace("high: {mean: 1.0}", "high: {mean: 0.501}")
    .replace("control: {high: {mean: 0.01}}", "control: {high: {mean: -3.0}}")
    .replace("0.03", "0.3")
)


def test_an_undecided_claim_fails_only_on_request(call):
    code, out, _ = call("draws/high-is-higher", text=UNDECIDED)
    assert (code, "INCONCLUSIVE" in out) == (0, True)
    assert call("draws/high-is-higher", "--fail-on", "inconclusive", text=UNDECIDED)[0] == 4


TROUBLE = DRAWS.replace(
    "claims:\n",
    """\
  trouble:
    run: trial/trouble
    arms: {good: {how: none}, bad: {how: raise}}
    tiers: {smoke: {}, quick: {}}
claims:
  broken:
    statement: It raises.
    experiment: trouble
    check: good.loss < bad.loss
    control: {good: {how: slow}}
""",
    1,
)


def test_a_run_that_errors_exits_3_and_the_other_claims_are_judged(call):
    code, out, _ = call("draws/broken", "draws/high-is-higher", text=TROUBLE)
    assert code == 3
    assert "ERROR" in out
    assert "the trial went wrong on purpose" in out
    assert "PASS" in out


def test_the_smoke_tier_gives_no_verdict_and_writes_nothing(call, tmp_path):
    code, out, _ = call("--tier", "smoke", "draws/high-is-higher")
    assert code == 0
    assert "smoke: 3 of 3 runs ran; this tier proves that the code runs and gives no verdict" in out
    assert not (tmp_path / "results").exists()


def test_smoke_shows_the_traceback_of_what_does_not_run(call):
    text = TROUBLE.replace("{how: slow}", "{how: nan}")
    code, out, _ = call("--tier", "smoke", "draws/broken", text=text)
    assert code == 3
    assert "Traceback" in out
    assert "not finite: loss" in out


def test_an_exploratory_call_says_so_and_stores_no_verdict(call, tmp_path):
    code, out, _ = call("--seeds", "4")
    assert code == 0
    assert "exploratory" in out
    assert not (tmp_path / "results").exists()


def test_json_is_all_that_stands_on_stdout(call):
    code, out, _ = call("--json")
    papers = json.loads(out)
    assert code == 0
    assert papers[0]["paper"] == "draws"
    assert papers[0]["claims"][0]["margin"]["n"] == 3


def test_a_dry_run_trains_nothing_and_counts_shared_runs_once(call, tmp_path):
    code, out, _ = call("--dry-run")
    assert code == 0
    assert "12" in next(line for line in out.splitlines() if "all, shared runs once" in line)
    assert "unknown (12 runs whose like has never run here)" in out
    assert not (tmp_path / ".paperbench").exists()
    call()
    code, out, _ = call("--dry-run", "--json")
    total = json.loads(out)["total"]["first_look"]
    assert (total["cached"], total["new"]) == (9, 3)


@pytest.mark.parametrize(
    ("arguments", "code", "message", "help_line"),
    [
        (["nothing"], 5, "error: no claim matches `nothing`", "help: "),
        (["--device", "cuda"], 2, "error: device `cuda` is not there", "help: there are: cpu"),
        (["--device", "cuda:1"], 2, "error: device `cuda:1` is not there", "help: there are: cpu"),
        (
            ["--device", "tpu"],
            2,
            "error: `tpu` is not a device",
            "help: one of auto, cpu, cuda, cuda:N, mps",
        ),
        (["--claims", "no-such-folder"], 2, "error: ", "help: "),
        (
            ["--tier", "full"],
            5,
            "error: none of the selected claims has a `full` tier",
            "help: `paperbench show PAPER` lists the tiers",
        ),
    ],
)
def test_bad_usage_says_what_and_how_to_mend_it(
    call, monkeypatch, arguments, code, message, help_line
):
    monkeypatch.setattr("paperbench.engine.devices.available_devices", lambda: ["cpu"])
    got, _, err = call(*arguments)
    assert got == code
    assert message in err
    assert help_line in err


def test_an_invalid_claim_file_stops_everything_with_its_place(call):
    code, out, err = call(text=DRAWS.replace("spread: 0.01", "spraed: 0.03"))
    assert code == 2
    assert "error: unknown parameter `spraed` for experiment `trial/draw`" in err
    assert "draws.yaml:6:14" in err
    assert "did you mean `spread`?" in err
    assert out == ""


def test_missing_data_is_one_error_before_anything_is_trained(call, monkeypatch):
    monkeypatch.setenv("PAPERBENCH_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/nonexistent")
    monkeypatch.setattr(
        "paperbench.datasets.read_file",
        __import__("paperbench.datasets", fromlist=["x"]).read_file.__wrapped__,
    )
    text = DRAWS.replace(
        "claims:\n",
        """\
  fit:
    run: trial/fit
    params: {data: mnist}
    arms: {wide: {hidden: 64}, narrow: {hidden: 1}}
    tiers: {smoke: {}, quick: {}}
claims:
  wide-is-better:
    statement: A wide one fits better.
    experiment: fit
    check: wide.test_acc > narrow.test_acc
    control: {wide: {hidden: 2}}
""",
        1,
    )
    code, out, err = call("draws/wide-is-better", text=text)
    assert code == 3
    assert err.count("error:") == 1
    assert "dataset `mnist` lacks the file train-images-idx3-ubyte" in err
    assert "paperbench data fetch mnist" in err
    assert "  ran " not in out


def test_errors_weigh_more_than_failures_and_those_more_than_indecision():
    from records_in_tests import claim, undecided

    error = claim(verdict="ERROR", as_expected=False)
    wrong = claim(verdict="FAIL", as_expected=False)
    vacuous = claim(verdict="VACUOUS", as_expected=False)
    open_ = undecided(expected="PASS", as_expected=False)
    assert exit_code([claim(), wrong, error, open_], fail_on_inconclusive=True) == 3
    assert exit_code([claim(), wrong, open_], fail_on_inconclusive=True) == 1
    assert exit_code([vacuous], fail_on_inconclusive=False) == 1
    assert exit_code([claim(), open_], fail_on_inconclusive=True) == 4
    assert exit_code([claim(), open_, undecided()], fail_on_inconclusive=False) == 0


LEVEL = "import torch\ndef level(generator, mean, spread):\n    return "
SAME = "mean + spread * torch.randn((), generator=generator)\n"


def test_a_part_of_the_users_is_judged_marked_and_kept_apart(call, tmp_path):
    call()
    official = (tmp_path / "results/quick-cpu/draws.json").read_bytes()
    (tmp_path / "mine.py").write_text(LEVEL + SAME.replace("mean", "torch.tensor(-mean)"))
    code, out, err = call("draws/high-is-higher", "--with", "trial/level=mine.py:level")
    assert code == 1
    assert "mine.py:level as trial/level · 1 claim" in err
    assert "FAIL" in out
    apart = "results/with/trial-level=mine.py-level"
    assert f"paperbench why draws/high-is-higher --results {apart}" in out
    assert (tmp_path / "results/quick-cpu/draws.json").read_bytes() == official
    page = (tmp_path / apart / "quick-cpu/draws.md").read_text()
    assert "**With `mine.py:level` as trial/level in the place of the paper's own" in page
    assert read_record(tmp_path / apart / "quick-cpu/draws.json").parts == {
        "trial/level": "mine.py:level"
    }
    assert call()[0] == 0  # the official ones are as they were, and cached


def test_the_control_keeps_the_papers_own_part(call, tmp_path):
    (tmp_path / "mine.py").write_text(LEVEL + SAME)
    _, out, _ = call("draws/high-is-higher", "--with", "trial/level=mine.py:level")
    assert "ran draws/draws high with mine.py:level seed 0" in out
    assert "ran draws/draws high control seed 0" in out


def test_a_part_that_changes_no_number_is_asked_after(call, tmp_path):
    call()
    (tmp_path / "mine.py").write_text(LEVEL + SAME)
    _, out, _ = call("draws/high-is-higher", "--with", "trial/level=mine.py:level")
    assert (
        "note: draws/high-is-higher: every number is the one that the paper's own part gives; "
        "is trial/level used there?" in out
    )


def test_a_part_that_does_not_fit_is_refused_before_anything_runs(call, tmp_path):
    (tmp_path / "mine.py").write_text("def level(generator):\n    return 1\n")
    code, out, err = call("--with", "trial/level=mine.py:level")
    assert (code, out) == (2, "")
    assert (
        "`mine.py:level` does not fit component `trial/level`: it takes no argument `mean`" in err
    )
    assert "mine.py:1:1" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--with", "dropout/mask=one-mask-for-the-batch"), "is in no selected claim"),
        (("--with", "trial/level=louder", "--with", "trial/level=louder"), "is replaced twice"),
    ],
)
def test_parts_that_cannot_be_meant_are_refused(call, arguments, message):
    code, _, err = call(*arguments)
    assert code == 2
    assert message in err
