"""Output: the program's name as it was started, envelopes, three parts, and no colour off a
terminal.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import struct
import sys
import termios
from collections.abc import Callable, Iterator
from typing import TextIO

import pytest

from potluck.core.errors import PotluckError
from potluck.faces.cli import output
from potluck.faces.cli.layout import Words


def test_the_program_is_named_as_it_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/potluck", "status"])
    assert (output.program(), output.command("up")) == ("potluck", "potluck up")
    monkeypatch.setattr(sys, "argv", ["/x/potluck/__main__.py", "--home", "a b", "status"])
    assert output.program() == "python3 pot.py"
    assert output.command("up") == "python3 pot.py --home 'a b' up"
    monkeypatch.setattr(sys, "argv", ["potluck", "--home=h", "status"])
    assert output.command("down") == "potluck --home h down"


def test_envelopes_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    output.say_json({"ü": 1})
    assert json.loads(capsys.readouterr().out) == {"schema": 1, "ok": True, "data": {"ü": 1}}
    output.say_error(PotluckError("It failed.", "the cause", "the next"), as_json=False)
    assert capsys.readouterr().err == "potluck: It failed.\n  why:  the cause\n  next: the next\n"
    output.say_error(PotluckError("It failed."), as_json=False)
    assert capsys.readouterr().err == "potluck: It failed.\n"


def test_what_was_typed_does_nothing_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    typed = "a\x1b[31mb\u202ec"
    output.say_error(PotluckError(f"“{typed}” is none.", typed, f"status {typed}"), as_json=False)
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert len(said.splitlines()) == 3
    output.say_error(PotluckError(typed), as_json=True)
    assert json.loads(capsys.readouterr().out)["error"]["message"] == typed


def test_a_command_in_a_next_step_is_typed_as_this_run_was(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["/x/potluck/__main__.py", "--home", "a b", "up"])
    second = "or end it: potluck --home h down; start potluck again; /b/potluck up"
    fix = f"potluck up --port 7686\n{second}"
    error = PotluckError("In use.", "", fix)
    output.say_error(error, as_json=False)
    assert capsys.readouterr().err.splitlines()[1:] == [
        "  next: python3 pot.py --home 'a b' up --port 7686",
        "        or end it: python3 pot.py --home h down; start potluck again; /b/potluck up",
    ]
    output.say_error(error, as_json=True)
    said = json.loads(capsys.readouterr().out)["error"]["fix"]
    assert said.startswith("python3 pot.py --home 'a b' up --port 7686\n")
    with output.collected():
        assert output.error_lines(PotluckError("No.", "", "potluck status")) == [
            "No.",
            "  next: status",
        ]
        assert output.error_lines(PotluckError("No.", "", "potluck up FOLDER"))[-1] == (
            "  next: python3 pot.py --home 'a b' up FOLDER"
        ), "this prompt does not know up"
        assert output.command("wait") == "python3 pot.py --home 'a b' wait"


SAID = "here again, type: repair – if not, type: confirm nas – on the other one, type there: leave"


def test_a_command_in_a_sentence_is_typed_as_this_run_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["potluck", "--home", "/a b", "status"])
    assert output.sentence(SAID) == (
        "here again, type: potluck --home '/a b' repair"
        " – if not, type: potluck --home '/a b' confirm nas"
        " – on the other one, type there: potluck leave"
    )
    with output.collected():
        assert output.sentence(SAID) == SAID, "at the prompt"
    assert output.sentence(SAID, Words.of_view(prompt=True).of) == SAID
    assert output.sentence(SAID, Words("pl", "pl", "pl").of).startswith(
        "here again, type: pl repair"
    )
    lines = output.error_lines(PotluckError(SAID, SAID, ""))
    assert all("type: potluck --home" in line for line in lines)
    typed = output.sentence(SAID)
    assert output.error_lines(PotluckError(typed, typed, "")) == lines, "`wait` says so of others"
    for plain in ("prototype: repair", "type: 5", "of type repair", "nothing"):
        assert output.sentence(plain) == plain


def test_styles_only_where_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    assert output.styled("x", "red") == "x"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.styled("x", "red") == "\x1b[31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.styled("x", "red") == "x"


@pytest.fixture
def narrow() -> Iterator[tuple[TextIO, Callable[[], list[str]]]]:
    """A terminal of 30 columns, and what was written to it."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 30, 0, 0))
    with open(theirs, "w", encoding="utf-8") as stream:

        def written() -> list[str]:
            stream.write("\nend\n")
            stream.flush()
            text = b""
            while not text.endswith(b"\r\nend\r\n"):  # the terminal gives it in parts
                text += os.read(ours, 4096)
            return text.decode().splitlines()[:-2]

        yield stream, written
    os.close(ours)


def test_on_a_terminal_lines_are_laid_out(
    narrow: tuple[TextIO, Callable[[], list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, written = narrow
    monkeypatch.setattr(sys, "stdout", stream)
    assert output.width_of(stream) == 30
    several = "one line\n" + "and another that is wider than that"
    output.say("  a row  of four cells  and what is wide", several)
    assert written() == ["  a row  of four cells", "      and what is wide", *several.splitlines()]
    with output.collected() as lines:
        output.say("x " * 40)
    assert lines == ["x " * 40], "whoever shows it knows how wide it is there"


def test_next_steps_stay_whole(
    narrow: tuple[TextIO, Callable[[], list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, written = narrow
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(output, "program", lambda: "potluck")
    fix = "to see it: potluck --home /tmp/a status\nor wait until it has ended by itself"
    output.say_error(PotluckError("It runs.", "", fix), as_json=False)
    assert written() == [
        "potluck: It runs.",
        "  next: to see it:",
        "potluck --home /tmp/a status",
        "        or wait until it has",
        "            ended by itself",
    ]


def test_what_is_no_terminal_has_no_width() -> None:
    assert output.width_of(io.StringIO()) is None
    assert output.width_of(None) is None
