"""`watch`: what a running potluck says is shown, `exit` ends the view only, `down` ends potluck."""

from __future__ import annotations

import io
import os
import pty
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from potluck.faces.cli.client import Client
from potluck.faces.cli.main import run_command
from potluck.faces.cli.watch import WatchLeaving
from tests.faces.fakes import FakeSource, delivery, running, state
from tests.fair_time import FairTime


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FakeSource]:
    with running(tmp_path, FakeSource()) as served:
        yield served


@pytest.mark.parametrize("word", [" Exit ", "quit", "stop"])
def test_exit_ends_the_view_and_not_potluck(source: FakeSource, tmp_path: Path, word: str) -> None:
    over = threading.Event()
    leaving = WatchLeaving(Client(str(tmp_path)), over, asks=True)
    assert leaving.answer("status") is None
    assert leaving.decided(yes=False) == []
    assert leaving.answer("leave") is None, "that is for good, and a command"
    assert leaving.answer("exit --help") is None, "it asks what that does"
    assert repr(leaving) == "WatchLeaving(over=False)"
    assert leaving.answer(word) == []
    assert over.is_set()
    assert source.asked == []


def test_down_ends_potluck_after_the_question(source: FakeSource, tmp_path: Path) -> None:
    over = threading.Event()
    source.current = state(deliveries=[delivery()])
    leaving = WatchLeaving(Client(str(tmp_path)), over, asks=True)
    first = leaving.answer("down")
    assert first is not None
    assert first[-1] == "Leave anyway? Type down once more to leave."
    assert source.asked == []
    assert leaving.decided(yes=True) == ["Type down once more to leave."]
    again = leaving.answer("down")
    assert again is not None
    assert again[-1] == "Leaving…"
    assert source.asked == ["leave"]
    assert not over.is_set(), "the view ends when potluck has ended"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], object]]:
    """A standard input that a test types into."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as file:
        monkeypatch.setattr(sys, "stdin", file)
        yield lambda data: os.write(writing, data)
        os.close(writing)


def test_a_view_from_start_to_exit(
    source: FakeSource,
    tmp_path: Path,
    typed: Callable[[bytes], object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed(b"exit\n")
    assert run_command(["--home", str(tmp_path), "watch"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Watching: exit or Ctrl-C ends this view only, `down` ends potluck."
    assert lines[-1].startswith("potluck goes on; to see it again: ")
    assert lines[-1].endswith(" watch")
    assert source.asked == []


def test_a_view_ends_when_potluck_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    shown = threading.Event()
    with running(tmp_path, FakeSource()) as source:
        ask = source.state
        codes: list[int] = []

        def state_and_end(*, fresh: bool = False) -> dict[str, object]:
            shown.set()
            return ask(fresh=fresh)

        source.state = state_and_end  # type: ignore[method-assign]
        viewing = threading.Thread(
            target=lambda: codes.append(run_command(["--home", str(tmp_path), "watch"]))
        )
        viewing.start()
        assert shown.wait(30)
    viewing.join(30)
    assert codes in ([0], [3]), "ended before the first look, nothing is running"
    out = capsys.readouterr().out
    assert codes == [3] or out.splitlines()[-1] == "potluck has ended."


def test_nothing_to_watch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--home", str(tmp_path), "watch"]) == 3
    assert "No potluck is running here." in capsys.readouterr().err


def test_ctrl_c_ends_the_view(
    source: FakeSource,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def interrupted(_over: threading.Event) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("potluck.faces.cli.watch._wait", interrupted)
    assert run_command(["--home", str(tmp_path), "watch"]) == 0
    out = capsys.readouterr().out
    assert "Watching: Ctrl-C ends this view only" in out
    assert "potluck goes on" in out


# -- the terminal is put back ----------------------------------------------------------------------
VIEW = """
import sys
from potluck.faces.cli.main import run_command
sys.exit(run_command(["--home", {home!r}, "watch"]))
"""
SHELL = """
import os, signal, sys, termios
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
print(f"child={child}", flush=True)
while True:
    _, status = os.waitpid(child, os.WUNTRACED)
    os.tcsetpgrp(0, os.getpgrp())
    canonical = bool(termios.tcgetattr(0)[3] & termios.ICANON)
    if not os.WIFSTOPPED(status):
        print(f"ended {os.waitstatus_to_exitcode(status)} canonical={canonical}.", flush=True)
        break
    print(f"stopped canonical={canonical}.", flush=True)
    input()
    os.tcsetpgrp(0, child)
    os.kill(child, signal.SIGCONT)
input()
"""
"""A shell with job control that, as dash, leaves a terminal as it is."""


class Terminal:
    """A terminal with that shell in it, which runs `watch`."""

    def __init__(self, home: Path, term: str = "xterm") -> None:
        self.said = b""
        self.shell, self.master = pty.fork()
        if self.shell == 0:
            paths = os.pathsep.join(filter(None, sys.path))
            environment = os.environ | {"PYTHONPATH": paths, "TERM": term}
            view = VIEW.format(home=str(home))
            os.execve(sys.executable, [sys.executable, "-c", SHELL, view], environment)
        os.set_blocking(self.master, False)

    def until(self, reached: Callable[[], bool]) -> None:
        with FairTime() as clock:
            while not reached():
                assert clock.spent() < 60.0, self.said
                with suppress(BlockingIOError):
                    self.said += os.read(self.master, 4096)
                time.sleep(0.01)

    def until_said(self, words: bytes) -> None:
        self.until(lambda: words in self.said)

    def reads_keys(self) -> bool:
        return not termios.tcgetattr(self.master)[3] & termios.ICANON

    def shows_cursor(self) -> bool:
        return self.said.rfind(b"\x1b[?25h") > self.said.rfind(b"\x1b[?25l")

    def end(self) -> None:
        os.kill(self.shell, signal.SIGKILL)
        os.waitpid(self.shell, 0)
        os.close(self.master)

    def view(self) -> int:
        return int(self.said.split(b"child=")[1].split()[0])


@pytest.fixture
def terminal(source: FakeSource, tmp_path: Path) -> Iterator[Terminal]:
    del source
    made = Terminal(tmp_path)
    made.until(lambda: made.reads_keys() and b"\x1b[?25l" in made.said)
    assert not made.shows_cursor()
    yield made
    made.end()


@pytest.mark.parametrize("term", ["", "dumb", "unknown"])
def test_a_terminal_without_pictures_gets_plain_lines_and_ctrl_d_ends_the_view(
    source: FakeSource, tmp_path: Path, term: str
) -> None:
    del source
    made = Terminal(tmp_path, term)
    try:
        made.until_said(b"Put files in")
        assert b"\x1b[?25l" not in made.said
        assert not made.reads_keys()
        os.write(made.master, b"\x04")
        made.until_said(b"ended 0 canonical=True.")
        assert b"potluck goes on; to see it again: " in made.said
    finally:
        made.end()


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(terminal: Terminal) -> None:
    os.write(terminal.master, b"\x1a")
    terminal.until_said(b"stopped canonical=")
    terminal.until_said(b".")
    assert b"stopped canonical=True." in terminal.said
    assert terminal.shows_cursor()
    os.write(terminal.master, b"fg\n")
    terminal.until(terminal.reads_keys)
    os.write(terminal.master, b"exit\n")
    terminal.until_said(b"ended 0 canonical=True.")
    assert terminal.shows_cursor()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_view_gives_the_terminal_back(
    terminal: Terminal, source: FakeSource, number: int
) -> None:
    os.kill(terminal.view(), number)
    terminal.until_said(b"ended 0 canonical=True.")
    assert terminal.shows_cursor()
    assert b"potluck goes on; to see it again: " in terminal.said
    assert source.asked == []


def test_signals_are_given_back_and_one_that_is_ignored_stays_so(
    source: FakeSource,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del source
    seen: list[object] = []
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def look(_over: threading.Event) -> None:
        seen.extend(signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP))

    monkeypatch.setattr("potluck.faces.cli.watch._wait", look)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run_command(["--home", str(tmp_path), "watch"]) == 0
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert callable(seen[0])
    assert seen[1] == signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
