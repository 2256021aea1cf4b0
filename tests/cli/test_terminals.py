"""What reaches a terminal and a pipe: in a real pseudo-terminal, at several widths."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pytest
from claims_in_tests import DRAWS, write_claims
from records_in_tests import claim, margin, paper, undecided

from paperbench.cli.stand_ins import stand_ins
from paperbench.judge.record import dump_record

COMMAND = (sys.executable, "-c", "from paperbench.cli import main; main()")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b[=>()]?")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SECONDS = 120
OURS = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "CI")


def environment(**changes):
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**kept, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **changes}


def in_terminal(folder, *arguments, columns=80, **changes):
    """What a command writes to a terminal, and its exit code."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        stdin=writer,
        stdout=writer,
        stderr=writer,
        env=environment(**changes),
    ) as process:
        os.close(writer)
        found, ends = b"", time.monotonic() + SECONDS
        while time.monotonic() < ends:
            if not select.select([reader], [], [], 0.1)[0]:
                continue
            try:
                piece = os.read(reader, 65536)
            except OSError:  # Linux: nobody writes any more
                break
            if not piece:
                break
            found += piece
        os.close(reader)
        code = process.wait(timeout=SECONDS)
    return found.decode(errors="replace").replace("\r\n", "\n"), code


def in_pipe(folder, *arguments, **changes):
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        capture_output=True,
        timeout=SECONDS,
        env=environment(**changes),
    )


def widths(text):
    """Of every line that a terminal shows, those that are written over later included."""
    return [len(line) for line in re.split(r"[\n\r]", ESCAPE.sub("", text))]


@pytest.fixture
def folder(tmp_path):
    """Verdicts on `draws` with everything that is long, hostile or not as expected."""
    second = DRAWS.replace("Drawing numbers", "A title that is a good deal longer than others " * 2)
    write_claims(tmp_path)
    write_claims(tmp_path, second, name="draws-again")
    long = "[red]a reason[/red] that goes on \x1b[31mand on\x1b[0m " * 5
    claims = (
        claim("high-is-higher", reported=long, statement=long),
        undecided("low-is-higher", reason=long, as_expected=False, margin=margin(0.1, 0.4)),
    )
    for tier, device in (("quick", "cpu"), ("full", "cuda")):
        path = tmp_path / "results" / f"{tier}-{device}" / "draws.json"
        path.parent.mkdir(parents=True)
        record = paper(*claims, paper="draws", tier=tier, device=device)
        path.write_text(dump_record(record))
    return tmp_path


READING = ("list", "show draws", "why high-is-higher", "why low-is-higher", "report", "validate")
DRAWN = ["draws/high-is-higher", "draws/low-is-higher"]


def arguments_of(command):
    words = command.split()
    return [*words[:-1], f"draws/{words[-1]}"] if words[0] == "why" else words


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("command", [each for each in READING if each != "validate"])
def test_no_line_is_longer_than_the_terminal_and_no_text_of_a_claim_steers_it(
    folder, command, columns
):
    text, _ = in_terminal(folder, *arguments_of(command), columns=columns)
    assert max(widths(text)) <= columns
    assert "[red]a reason" in ESCAPE.sub("", text) or not command.startswith("why")
    assert "[31mand on" in ESCAPE.sub("", text) or not command.startswith("why")


@pytest.mark.parametrize(
    "changes",
    [{"NO_COLOR": "1"}, {"NO_COLOR": "0", "FORCE_COLOR": "1"}, {"CLICOLOR": "0"}, {"TERM": "dumb"}],
)
def test_whoever_wants_no_colour_gets_none_and_loses_no_verdict(folder, changes):
    plain, _ = in_terminal(folder, "why", DRAWN[1], **changes)
    coloured, _ = in_terminal(folder, "why", DRAWN[1])
    assert COLOUR.findall(coloured)
    assert not COLOUR.findall(plain)
    assert plain == COLOUR.sub("", coloured)
    assert "INCONCLUSIVE" in plain


def test_an_empty_no_color_is_none(folder):
    assert COLOUR.findall(in_terminal(folder, "list", NO_COLOR="")[0])


@pytest.mark.parametrize("command", READING)
def test_a_pipe_gets_no_escape_codes_and_colours_where_they_are_forced(folder, command):
    plain = in_pipe(folder, *arguments_of(command))
    assert b"\x1b" not in plain.stdout + plain.stderr
    forced = in_pipe(folder, *arguments_of(command), FORCE_COLOR="1").stdout.decode()
    assert not COLOUR.sub("", forced).count("\x1b"), "no code that moves a cursor"


def test_no_color_wins_over_force_color_in_a_pipe(folder):
    assert b"\x1b" not in in_pipe(folder, "list", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_the_pages_of_a_pipe_are_80_columns_wide(folder):
    for command in ("why high-is-higher", "show draws"):
        assert max(widths(in_pipe(folder, *arguments_of(command)).stdout.decode())) <= 80


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_whatever_the_encoding_nothing_crashes_and_signs_have_stand_ins(folder, encoding):
    for command in ("list", "show draws", "report"):
        reply = in_pipe(folder, *arguments_of(command), PYTHONIOENCODING=encoding)
        assert b"Traceback" not in reply.stderr
        reply.stdout.decode(encoding)
    drawn = in_pipe(folder, "why", DRAWN[1], PYTHONIOENCODING=encoding).stdout.decode(encoding)
    margin_line = next(line for line in drawn.splitlines() if line.startswith("margin"))
    assert "?" not in margin_line
    assert re.search(r"\[\.+\+\.+\*\.+\]  ", margin_line)


def test_a_c_locale_without_utf_8_mode_is_no_trouble(folder):
    bare = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    for command in ("list", "why low-is-higher"):
        reply = in_pipe(folder, *arguments_of(command), **bare)
        assert (reply.returncode, reply.stderr) == (0, b"")
        assert reply.stdout.isascii()


def test_signs_keep_their_columns_and_letters_their_likeness():
    def shown(text):
        return stand_ins(UnicodeEncodeError("ascii", text, 0, len(text), ""))[0]

    assert shown("├──●──┤◀│▶┄") == "[--*--]<|>."
    assert shown("−0.5 ± 1 ✓ ✗ é 数") == "-0.5 +- 1 ok x e ?"
    with pytest.raises(UnicodeDecodeError):
        stand_ins(UnicodeDecodeError("ascii", b"\xff", 0, 1, ""))


def verify_arguments(*more):
    return ["verify", "-j", "0", *more]


@pytest.fixture
def fresh(tmp_path):
    """Two papers without verdicts, with names that are long for a narrow terminal."""
    write_claims(tmp_path)
    again = DRAWS.replace("low-is-higher", "low-is-higher-than-anybody-would-think-it-is")
    write_claims(tmp_path, again, name="draws-again")
    return tmp_path


def test_verify_in_a_narrow_terminal_breaks_no_line_and_names_each_paper(fresh):
    text, code = in_terminal(fresh, *verify_arguments(), columns=60, NO_COLOR="1")
    assert code == 0
    assert max(widths(text)) <= 60
    assert not COLOUR.findall(text)
    shown = ESCAPE.sub("", text)
    assert "\ndraws · Drawing numbers" in shown
    assert "\ndraws-again · Drawing numbers" in shown
    assert shown.count("PASS          high-is-higher") == 2
    assert "\x1b[2K" in text, "the live view is written anew"


def test_verify_in_a_pipe_says_every_event_once(fresh):
    reply = in_pipe(fresh, *verify_arguments(), FORCE_COLOR="1")
    text = COLOUR.sub("", reply.stdout.decode())
    assert "\x1b" not in text
    lines = [line for line in text.splitlines() if line.startswith("  ran ")]
    assert len(lines) == len({re.sub(r"  [\d.]+ s$", "", line) for line in lines}) > 0
    assert re.findall(r"^  ran \S+ low seed (\d)", text, flags=re.MULTILINE) == ["0", "1", "2"]
    again = in_pipe(fresh, *verify_arguments()).stdout
    assert b"\x1b" not in again
    assert b"  ran " not in again


def test_verify_on_a_dumb_terminal_writes_nothing_anew(fresh):
    text, code = in_terminal(fresh, *verify_arguments("draws"), TERM="dumb")
    assert code == 0
    assert "\x1b" not in text
    assert "PASS          high-is-higher" in text
