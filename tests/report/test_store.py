import json
import os
import shutil
from pathlib import Path

import pytest
from records_in_tests import claim, paper, undecided

from paperbench.errors import PaperbenchError, UsageError
from paperbench.judge.record import dump_record, read_record, read_records
from paperbench.report.csv_table import paper_csv
from paperbench.report.explain import explain
from paperbench.report.markdown import paper_table
from paperbench.report.overview import overview
from paperbench.report.staleness import Hashes
from paperbench.report.store import mark_stale, result_path, write_atomically, write_results

NAMES = ["ppl-below-baseline", "data-dependent-on-text"]


def snapshot(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stamps(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_json_markdown_and_csv_lie_side_by_side(tmp_path):
    record = paper(claim())
    write_results(tmp_path, record, current_claims=NAMES)
    assert sorted(snapshot(tmp_path)) == ["fox.csv", "fox.json", "fox.md"]
    assert read_record(tmp_path / "quick-cpu" / "fox.json") == record


def test_a_paper_in_a_subfolder_is_stored_and_found_again(tmp_path):
    record = paper(claim(), paper="exhibits/random-tokens")
    write_results(tmp_path, record, current_claims=NAMES)
    assert (tmp_path / "quick-cpu" / "exhibits" / "random-tokens.json").is_file()
    assert read_records(tmp_path) == [record]


def test_a_claim_that_was_not_judged_keeps_its_record_in_the_order_of_the_file(tmp_path):
    write_results(tmp_path, paper(undecided()), current_claims=NAMES)
    write_results(tmp_path, paper(claim()), current_claims=NAMES)
    stored = read_record(tmp_path / "quick-cpu" / "fox.json")
    assert stored.claims == [claim(), undecided()]


def test_a_claim_that_is_no_longer_there_loses_its_record(tmp_path):
    write_results(tmp_path, paper(undecided(), claim()), current_claims=NAMES)
    write_results(tmp_path, paper(claim()), current_claims=NAMES[:1])
    assert read_record(tmp_path / "quick-cpu" / "fox.json").claims == [claim()]


def test_a_newer_verdict_replaces_the_older(tmp_path):
    write_results(tmp_path, paper(claim()), current_claims=NAMES)
    lost = claim(verdict="FAIL", as_expected=False)
    write_results(tmp_path, paper(lost), current_claims=NAMES)
    assert read_record(tmp_path / "quick-cpu" / "fox.json").claims == [lost]
    assert "**FAIL**" in (tmp_path / "quick-cpu" / "fox.md").read_text()


def test_the_same_verdicts_again_touch_no_file(tmp_path):
    write_results(tmp_path, paper(claim()), current_claims=NAMES)
    before = stamps(tmp_path)
    later = paper(claim(seconds={"fox": 99.0}), generated="2027-01-01T00:00:00+00:00")
    later.environment.update(commit="f" * 40, dirty=True)
    write_results(tmp_path, later, current_claims=NAMES)
    assert stamps(tmp_path) == before


@pytest.mark.parametrize("change", [{"torch": "99.0"}, {"processor": "Another CPU"}])
def test_another_environment_is_written_down(tmp_path, change):
    write_results(tmp_path, paper(claim()), current_claims=NAMES)
    record = paper(claim())
    record.environment.update(change)
    write_results(tmp_path, record, current_claims=NAMES)
    assert read_record(tmp_path / "quick-cpu" / "fox.json").environment.items() >= change.items()


def made_at(commit, **changes):
    probes = [{"processor": "A CPU", "torch": "2.4.0", "digest": "d1"}]
    determinism = {"bitwise": True, "probes": probes}
    return {"torch": "2.4.0", "commit": commit * 40, "determinism": determinism, **changes}


def test_each_claim_keeps_the_commit_that_computed_it(tmp_path):
    first = undecided(environment=made_at("a"))
    write_results(
        tmp_path,
        paper(first, environment={**made_at("a"), "data": {"d": "1"}}),
        current_claims=NAMES,
    )
    again = first.model_copy(update={"environment": made_at("b"), "seconds": {"fox": 99.0}})
    second, third = (claim(environment=made_at("b"), summary=summary) for summary in "12")
    for judged in ([second], [third, again]):
        later = paper(*judged, environment={**made_at("b"), "data": {"d": "1"}})
        write_results(tmp_path, later, current_claims=NAMES)
        stored = read_record(tmp_path / "quick-cpu" / "fox.json")
        assert stored.claims == [judged[0], first]
        assert stored.environment["commit"] == ["a" * 40, "b" * 40]
        assert stored.environment["data"] == {"d": "1"}
        assert stored.environment["determinism"]["bitwise"] is True


def test_a_kept_claim_that_is_not_known_to_repeat_is_not_forgotten(tmp_path):
    older = {"torch": "2.4.0", "commit": "a" * 40, "data": {}}
    write_results(tmp_path, paper(undecided(), environment=older), current_claims=NAMES)
    record = paper(claim(environment=made_at("b")), environment={**made_at("b"), "data": {}})
    write_results(tmp_path, record, current_claims=NAMES)
    environment = read_record(tmp_path / "quick-cpu" / "fox.json").environment
    assert environment["determinism"]["bitwise"] is None
    assert environment["commit"] == ["a" * 40, "b" * 40]


def test_a_projection_that_was_edited_or_lost_is_made_again(tmp_path):
    write_results(tmp_path, paper(claim()), current_claims=NAMES)
    before = snapshot(tmp_path)
    (tmp_path / "quick-cpu" / "fox.md").write_text("PASS, all of it")
    (tmp_path / "quick-cpu" / "fox.csv").unlink()
    write_results(tmp_path, paper(claim()), current_claims=NAMES)
    assert snapshot(tmp_path) == before


def test_smoke_and_exploratory_records_are_never_written(tmp_path):
    write_results(tmp_path, paper(claim(), tier="smoke"), current_claims=NAMES)
    write_results(tmp_path, paper(claim(exploratory=True)), current_claims=NAMES)
    assert snapshot(tmp_path) == {}
    write_results(tmp_path, paper(claim(), undecided(exploratory=True)), current_claims=NAMES)
    assert [c["claim"] for c in json.loads(snapshot(tmp_path)["fox.json"])["claims"]] == NAMES[:1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"claims": 3}, "claims: Input should be a valid array"),
        ({"tier": None}, "tier: Input should be"),
    ],
)
def test_a_damaged_record_says_what_is_wrong_and_where(tmp_path, change, told):
    path = tmp_path / "fox.json"
    path.write_text(json.dumps({**json.loads(dump_record(paper(claim()))), **change}))
    with pytest.raises(PaperbenchError, match=f"of schema version [0-9]+: {told}"):
        read_record(path)


def test_an_unreadable_file_is_moved_aside_and_not_lost(tmp_path):
    path = tmp_path / "quick-cpu" / "fox.json"
    path.parent.mkdir()
    path.write_text('{"half": ')
    write_results(tmp_path, paper(claim()), current_claims=NAMES)
    assert path.with_name("fox.json.unreadable").read_text() == '{"half": '
    assert read_records(tmp_path) == [paper(claim())]


@pytest.mark.parametrize("slug", ["../fox", "/etc/fox", "a//b", ".hidden", "a\nb", "a/../b", ""])
def test_a_slug_cannot_leave_the_results_folder(tmp_path, slug):
    with pytest.raises(UsageError, match="cannot name a results file"):
        result_path(tmp_path, paper(claim(), paper=slug))


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_half_way_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch, step):
    path = tmp_path / "file.md"
    write_atomically(path, "old\n")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(PaperbenchError, match="file.md cannot be written: No space left") as caught:
        write_atomically(path, "new\n")
    assert "without training" in caught.value.help
    assert snapshot(tmp_path) == {"file.md": b"old\n"}


CURRENT = {f"fox/{name}": Hashes("0" * 64, "") for name in NAMES}
CHANGED = {**CURRENT, "fox/data-dependent-on-text": Hashes("1" * 64, "")}


def test_what_is_kept_from_an_earlier_call_is_marked_when_it_is_stale(tmp_path):
    write_results(tmp_path, paper(undecided()), current_claims=NAMES, current=CURRENT)
    page = tmp_path / "quick-cpu" / "fox.md"
    assert "stale" not in page.read_text()
    write_results(tmp_path, paper(claim()), current_claims=NAMES, current=CHANGED)
    assert "| data-dependent-on-text | INCONCLUSIVE (expected) stale |" in page.read_text()
    assert "| ppl-below-baseline | PASS |" in page.read_text()
    assert ",INCONCLUSIVE,INCONCLUSIVE,True,True," in page.with_suffix(".csv").read_text()


def test_pages_can_be_marked_later_and_the_evidence_stays_as_it_is(tmp_path):
    write_results(tmp_path, paper(claim(), undecided()), current_claims=NAMES, current=CURRENT)
    before = snapshot(tmp_path)
    record = read_records(tmp_path)[0]
    assert mark_stale(tmp_path, record, CURRENT) == []
    folder = tmp_path / "quick-cpu"
    assert mark_stale(tmp_path, record, CHANGED) == [folder / "fox.md", folder / "fox.csv"]
    marked = snapshot(tmp_path)
    assert marked["fox.json"] == before["fox.json"]
    assert b"(expected) stale" in marked["fox.md"]
    assert mark_stale(tmp_path, record, CHANGED) == []
    mark_stale(tmp_path, record, CURRENT)
    assert snapshot(tmp_path) == before


def test_a_page_that_says_something_else_is_made_again_by_report_too(tmp_path):
    write_results(tmp_path, paper(claim()), current_claims=NAMES, current=CURRENT)
    before = snapshot(tmp_path)
    path = tmp_path / "quick-cpu" / "fox.md"
    path.write_text(path.read_text().replace("PASS", "FAIL"))
    assert mark_stale(tmp_path, read_records(tmp_path)[0], CURRENT) == [path]
    assert snapshot(tmp_path) == before


def test_a_page_that_says_it_already_is_read_without_a_lock(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record = paper(claim())
    write_results(tmp_path / "results", record, current_claims=NAMES)
    shutil.rmtree(".paperbench")  # where the lock lies
    assert mark_stale(tmp_path / "results", record, CURRENT) == []
    assert not Path(".paperbench").exists()
    assert mark_stale(tmp_path / "results", record, {}) != []
    assert Path(".paperbench").exists()


def tried(*claims, part="mine.py:Mine", sha256="1"):
    parts = {"parts": {"fox/gate": part}, "parts_sha256": {"fox/gate": sha256}}
    return paper(*claims, **parts)


def test_what_was_judged_with_a_part_before_it_was_edited_is_not_kept(tmp_path):
    names = ["one", "two"]
    place = tmp_path / "with" / "fox-gate=mine.py-Mine"
    write_results(tmp_path, tried(claim("one"), claim("two")), current_claims=names)
    write_results(tmp_path, tried(claim("one")), current_claims=names)
    assert [each.claim for each in read_records(place)[0].claims] == names
    write_results(tmp_path, tried(claim("one"), sha256="2"), current_claims=names)
    (kept,) = read_records(place)
    assert [each.claim for each in kept.claims] == ["one"]


def test_verdicts_with_another_ones_part_are_none_of_the_papers_own(tmp_path):
    write_results(tmp_path, tried(claim("one"), claim("two")), current_claims=["one", "two"])
    (made,) = tmp_path.rglob("fox.json")
    moved = tmp_path / "quick-cpu" / "fox.json"
    moved.parent.mkdir()
    moved.write_bytes(made.read_bytes())
    with pytest.raises(PaperbenchError, match="lie among the paper's own") as caught:
        read_records(tmp_path)
    assert "quick-cpu/fox.json:1:1" in str(caught.value)
    # Nor does the next verify take over what it did not judge.
    write_results(tmp_path, paper(claim("one")), current_claims=["one", "two"])
    assert [each.claim for each in read_records(tmp_path)[0].claims] == ["one"]


@pytest.mark.parametrize("place", ["full-cpu/fox.json", "quick-cuda/fox.json", "quick-cpu/fo.json"])
def test_verdicts_that_lie_in_anothers_place_are_refused(tmp_path, place):
    write_results(tmp_path, paper(claim()), current_claims=["ppl-below-baseline"])
    own = tmp_path / "quick-cpu" / "fox.json"
    (tmp_path / place).parent.mkdir(exist_ok=True)
    own.rename(tmp_path / place)
    with pytest.raises(PaperbenchError, match="lie in another's place") as caught:
        read_records(tmp_path)
    assert "quick-cpu/fox.json, or remove it" in str(caught.value)


def test_every_projection_says_whose_part_it_is_about(tmp_path):
    record = tried(claim(), part="m`i|ne.py:Mine")
    said = "With ``m`i|ne.py:Mine`` as fox/gate in the place of the paper's own: no verdict"
    assert said in paper_table(record)
    assert said in overview([record], None)
    assert "fox/gate=m`i|ne.py:Mine" in paper_csv(record)
    assert "With m`i|ne.py:Mine in the place of fox/gate: no verdict on" in explain(record, claim())


def test_a_page_that_is_not_there_is_not_made(tmp_path):
    write_results(tmp_path, paper(claim()), current_claims=NAMES)
    (tmp_path / "quick-cpu" / "fox.md").unlink()
    assert mark_stale(tmp_path, paper(claim()), CHANGED) == []
    assert sorted(snapshot(tmp_path)) == ["fox.csv", "fox.json"]
