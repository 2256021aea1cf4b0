import hashlib
import multiprocessing
import sqlite3

import pytest

from paperbench.errors import PaperbenchError
from paperbench.ledger import FinishedRun, Ledger


def a_run(key="k", lineage="l", **changes):
    return FinishedRun(
        key=key,
        lineage=lineage,
        status="done",
        metrics={"loss": 0.1 + 0.2},
        curves={"loss": [[0, 1.5], [1, 1.25]]},
        budget={"steps": 2.0},
        seconds=1.5,
        inputs={"torch": "2"},
        environment={"python": "3"},
        **changes,
    )


def test_what_is_put_comes_back_bit_for_bit(tmp_path):
    Ledger(tmp_path / "ledger.sqlite").put(a_run())
    assert Ledger(tmp_path / "ledger.sqlite").get("k") == a_run()


def test_what_a_run_keeps_lies_by_itself(tmp_path):
    kept = {"weights": {"shape": [1], "float32": "AACAPw=="}}
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.put(a_run(kept=kept))
    assert ledger.get("k") == a_run()
    assert ledger.kept("k") == kept
    assert ledger.kept("other") == {}
    ledger.put(a_run(kept={}))  # the same run again, which keeps nothing any more
    assert ledger.kept("k") == {}


def test_an_absent_ledger_holds_nothing_and_reading_it_makes_no_file(tmp_path):
    ledger = Ledger(tmp_path / "none" / "ledger.sqlite")
    assert ledger.get("k") is None
    assert ledger.lineage("l") == []
    assert not (tmp_path / "none").exists()


def test_a_lineage_lists_the_newest_first(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.put(a_run("old"))
    ledger.put(a_run("new"))
    ledger.put(a_run("other", lineage="m"))
    assert [run.key for run in ledger.lineage("l")] == ["new", "old"]


def test_a_tampered_row_counts_as_absent(tmp_path):
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path)
    ledger.put(a_run())
    ledger.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE runs SET payload = replace(payload, '1.25', '0.25')")
    connection.close()
    assert Ledger(path).get("k") is None


def test_a_file_that_is_no_database_is_an_error_that_says_how_to_mend_it(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_text("not a database, certainly not one" * 100)
    with pytest.raises(PaperbenchError) as caught:
        Ledger(path).get("k")
    assert "cannot be used: file is not a database" in str(caught.value)
    assert "Move it away: it is only a cache" in str(caught.value)


def put_many(path, start):
    ledger = Ledger(path)
    for i in range(start, start + 25):
        ledger.put(a_run(f"k{i}"))


def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path):
    path = tmp_path / "ledger.sqlite"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=put_many, args=(path, start)) for start in (0, 25)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(Ledger(path).get_many(f"k{i}" for i in range(50))) == 50


def test_a_row_of_another_version_counts_as_absent(tmp_path):
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path)
    ledger.put(a_run())
    ledger.close()
    with sqlite3.connect(path) as connection:
        (payload,) = connection.execute("SELECT payload FROM runs").fetchone()
        newer = payload.replace('{"budget"', '{"a_new_field": 1, "budget"')
        connection.execute(
            "UPDATE runs SET payload = ?, sha256 = ?",
            [newer, hashlib.sha256(newer.encode()).hexdigest()],
        )
    connection.close()
    assert Ledger(path).get("k") is None


def open_and_put(path, i):
    Ledger(path).put(a_run(f"k{i}"))


def test_many_processes_may_open_a_fresh_ledger_at_once(tmp_path):
    path = tmp_path / "ledger.sqlite"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=open_and_put, args=(path, i)) for i in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 6
    assert len(Ledger(path).get_many(f"k{i}" for i in range(6))) == 6
