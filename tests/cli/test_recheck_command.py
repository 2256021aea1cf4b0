"""`paperbench report --check`: an edited results file is found out."""

import json

import pytest
from claims_in_tests import write_claims

from paperbench.cli import run


@pytest.fixture
def judged(tmp_path, monkeypatch, capsys):
    """Verify the trial claims; then edit the results file and check it."""
    monkeypatch.chdir(tmp_path)
    write_claims(tmp_path)
    assert run(["verify", "-j", "0"]) == 0
    path = tmp_path / "results" / "quick-cpu" / "draws.json"

    def check(edit=lambda claims: None):
        content = json.loads(path.read_text())
        edit({claim["claim"]: claim for claim in content["claims"]})
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        capsys.readouterr()
        code = run(["report", "--check"])
        out, err = capsys.readouterr()
        return code, out, err

    return check


def test_what_verify_wrote_follows_from_its_numbers(judged, tmp_path):
    before = set(tmp_path.rglob("results/**/*.*"))
    assert judged()[:2] == (0, "2 verdicts follow from the numbers beside them\n")
    assert set(tmp_path.rglob("results/**/*.*")) == before


def test_a_failure_that_was_made_a_pass_is_found_out(judged):
    code, out, err = judged(lambda claims: claims["low-is-higher"].update(verdict="PASS"))
    assert (code, out) == (1, "")
    assert (
        "error: draws/low-is-higher (quick, cpu): verdict PASS, where its numbers say FAIL" in err
    )
    assert "error: results/quick-cpu/draws.md does not say what draws.json says" in err
    assert "help: `paperbench verify` judges them again" in err


@pytest.mark.parametrize("page", ["draws.md", "draws.csv"])
def test_a_page_that_was_edited_is_found_out(judged, tmp_path, page):
    path = tmp_path / "results" / "quick-cpu" / page
    path.write_text(path.read_text().replace("FAIL", "PASS"))
    code, _, err = judged()
    assert code == 1
    assert err.startswith(f"error: results/quick-cpu/{page} does not say what draws.json says\n")


def test_a_stale_verdict_is_not_looked_at_and_counted(judged):
    def older(claims):
        claims["low-is-higher"].update(verdict="PASS", rules=1)

    code, _, err = judged(older)
    assert code == 1  # the pages do not mark it yet
    assert "low-is-higher (quick" not in err
    assert run(["report"]) == 0
    said = "1 verdict follows from the numbers beside it; 1 stale, not looked at\n"
    assert judged()[:2] == (0, said)


def test_it_is_one_of_four_reports(judged, capsys):
    assert run(["report", "--check", "--json"]) == 2
    assert "are five reports" in capsys.readouterr().err
