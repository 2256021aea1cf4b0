"""What a person sees while runs are under way."""

import io
from dataclasses import replace

import pytest
from claims_in_tests import write_claims
from records_in_tests import claim as claim_record
from rich.console import Console

from paperbench.cli.bar_lines import bar_lines, format_seconds
from paperbench.cli.live import Bars, Lines, last_line, look_line
from paperbench.engine.pool import Engine
from paperbench.engine.progress import Progress
from paperbench.judge.decide import Judgement, Look
from paperbench.judge.record import Margin
from paperbench.ledger import FinishedRun
from paperbench.plan import Site, plan_claim
from paperbench.spec import load_claim_file

NOW = 1_800_000_000.0  # seconds of the epoch


@pytest.fixture(autouse=True)
def _standing_clock(monkeypatch):
    """Speeds and times left are those of ten seconds, however long a test takes."""
    monkeypatch.setattr("paperbench.engine.progress.time.time", lambda: NOW)


class Stub(Engine):
    """An engine with one run at step 431 of 700 after ten seconds."""

    def __init__(self, run):
        self.run = run

    def submit(self, run, seconds=None):
        raise NotImplementedError

    def collect(self, seconds):
        return []

    def progress(self):
        return {"k": (self.run, Progress(431, 700, {"loss": 2.0811}, NOW - 10))}


def planned(tmp_path):
    file = load_claim_file(write_claims(tmp_path) / "draws.yaml")
    claim = file.claims["high-is-higher"]
    return file, claim, plan_claim(file, claim, Site("quick", "cpu"), seeds=1).arms["high"][0]


def console(width=110):
    return Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)


def looked(file, claim, needs="control"):
    margin = Margin(mean=0.77, low=0.61, high=0.93, alpha=0.005, n=3, values=[0.7, 0.8, 0.81])
    return file, claim, Look(1, 3, 0.005, False), Judgement(None, needs, "", margin=margin)


def test_a_bar_shows_step_speed_time_left_and_loss(tmp_path):
    file, claim, run = planned(tmp_path)
    out = console()
    bars = Bars(out)
    bars.waiting(Stub(run), queued=3)
    bars.look(*looked(file, claim))
    bars.claim_ended(file, claim_record("another"))
    out.print(bars._render())
    screen = out.file.getvalue()
    assert screen.splitlines() == [
        "draws/draws high seed 0  ━━━━━━━━━━━━────────  431/700  43 it/s  6.2 s  loss 2.08",
        "  draws/high-is-higher  look 1  n=3  margin +0.77 [+0.61, +0.93]  looks decided, control "
        "next",
        "0 runs done, 0 cached, 1 under way, 2 waiting; judged: 1 PASS",
    ]


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (72, "draws/draws high seed 0  ━━━━━━━━━━━━────────  431/700  43 it/s  6.2 s"),
        (64, "draws/draws high seed 0  ━━━━━━━━━━━━────────  431/700  6.2 s"),
        (50, "draws/draws high seed 0  ━━━━────  431/700  6.2 s"),
        (
            40,
            "…aws/draws high seed 0  ━━━━────  431/700"[:0] or "draws/draws high seed 0  ━━━━────",
        ),
        (24, "…aws high seed 0  ━━━━────"[:0] or "…s high seed 0  ━━━━────"),
    ],
)
def test_in_a_narrow_terminal_a_bar_keeps_the_arm_the_seed_and_how_far_it_is(tmp_path, width, line):
    _, _, run = planned(tmp_path)
    assert bar_lines([(run, Progress(431, 700, {"loss": 2.0811}, NOW - 10))], width) == [line]


def test_seeds_of_an_arm_share_a_line_with_their_mean_and_the_slowest(tmp_path):
    _, _, run = planned(tmp_path)
    seeds = [
        (replace(run, seed=seed), Progress(step, 100, {"loss": loss}, NOW - 10))
        for seed, step, loss in ((0, 60, 1.0), (1, 40, 2.0), (2, 50, 3.0))
    ]
    (line,) = bar_lines(seeds, 100)
    assert (
        line == "draws/draws high seeds 0-2  ━━━━━━━━━━──────────  50/100  5 it/s  15.0 s  loss 2"
    )
    waiting = [(replace(run, seed=seed), Progress(0, 0, {}, NOW)) for seed in (4, 6)]
    assert bar_lines(waiting, 100) == [
        "draws/draws high seeds 4, 6  ────────────────────  starting"
    ]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
def test_no_line_of_the_live_view_is_longer_than_the_terminal_is_wide(tmp_path, width):
    file, claim, run = planned(tmp_path)
    run = replace(run, label="an-arm-with-a-name-that-is-longer-than-any-terminal-is-wide-" * 3)
    lines = bar_lines(Stub(run).progress().values(), width)
    lines += [look_line(*looked(file, claim, needs), width=width) for needs in ("control", "seeds")]
    assert max(map(len, lines)) <= width
    assert lines[0].rstrip().partition("  ")[0].endswith("seed 0")


def test_a_look_keeps_its_interval_and_what_comes_next_where_the_terminal_is_narrow(tmp_path):
    file, claim, _ = planned(tmp_path)
    assert look_line(*looked(file, claim), width=80) == (
        "  draws/high-is-higher  n=3  +0.77 [+0.61, +0.93]  looks decided, control next"
    )
    assert look_line(*looked(file, claim), width=60) == (
        "  …s/high-is-higher  n=3  +0.77 [+0.61, +0.93]  control next"
    )


def test_in_a_pipe_every_run_is_a_line_and_a_failure_says_why(tmp_path):
    _, _, run = planned(tmp_path)
    out = Console(file=io.StringIO(), width=200)
    lines = Lines(out)
    lines.run_ended(run, FinishedRun("k", "l", "done", seconds=161.2), cached=False)
    lines.run_ended(
        run,
        FinishedRun(
            "k", "l", "crashed", seconds=1.0, error="Traceback\n  ...\nValueError: [bad] value"
        ),
        cached=False,
    )
    lines.run_ended(run, FinishedRun("k", "l", "done"), cached=True)
    assert out.file.getvalue().splitlines() == [
        "  ran draws/draws high seed 0  2 m 41 s",
        "  ran draws/draws high seed 0  1.0 s  crashed: ValueError: [bad] value",
    ]
    assert (lines.carried_out, lines.cached) == (2, 1)


def test_times_are_written_as_people_say_them():
    assert format_seconds(7.42) == "7.4 s"
    assert format_seconds(161) == "2 m 41 s"
    assert format_seconds(3900) == "1 h 05 m"


def test_an_undecided_look_says_what_comes_next(tmp_path):
    file, claim, _ = planned(tmp_path)
    line = look_line(file, claim, Look(1, 3, 0.005, False), Judgement(None, "seeds", ""))
    assert line.endswith("no margin  undecided, more seeds next")
    assert last_line("") == ""
