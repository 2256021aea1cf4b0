"""What a person sees while runs are under way."""

import io
import time

from claims_in_tests import write_claims
from rich.console import Console

from paperbench.cli.live import Bars, Lines, format_seconds, last_line, look_line
from paperbench.engine.pool import Engine
from paperbench.engine.progress import Progress
from paperbench.judge.decide import Judgement, Look
from paperbench.judge.record import Margin
from paperbench.ledger import FinishedRun
from paperbench.plan import Site, plan_claim
from paperbench.spec import load_claim_file


class Stub(Engine):
    """An engine with one run at step 431 of 700 after ten seconds."""

    def __init__(self, run):
        self.run = run

    def submit(self, run, seconds=None):
        raise NotImplementedError

    def collect(self, seconds):
        return []

    def progress(self):
        return {"k": (self.run, Progress(431, 700, {"loss": 2.0811}, time.time() - 10))}


def planned(tmp_path):
    file = load_claim_file(write_claims(tmp_path) / "draws.yaml")
    claim = file.claims["high-is-higher"]
    return file, claim, plan_claim(file, claim, Site("quick", "cpu"), seeds=1).arms["high"][0]


def console(width=110):
    return Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)


def test_a_bar_shows_step_speed_time_left_and_loss(tmp_path):
    file, claim, run = planned(tmp_path)
    out = console()
    bars = Bars(out)
    bars.waiting(Stub(run), queued=3)
    margin = Margin(mean=0.77, low=0.61, high=0.93, alpha=0.005, n=3, values=[0.7, 0.8, 0.81])
    bars.look(file, claim, Look(1, 3, 0.005, False), Judgement(None, "control", "", margin=margin))
    out.print(bars._render())
    screen = out.file.getvalue()
    assert "draws/draws high seed 0" in screen
    assert "431/700" in screen
    assert "43 it/s" in screen
    assert "6.2 s" in screen
    assert "loss 2.08" in screen
    assert "margin +0.77 [+0.61, +0.93]  looks decided, control next" in screen
    assert "0 runs done, 0 cached, 1 under way, 2 waiting" in screen


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
