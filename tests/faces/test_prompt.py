"""The prompt: keys become lines, lines become acts, and the terminal is put back."""

from __future__ import annotations

import os
import pty
import signal
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from potluck.core.errors import NotFound, TimedOut
from potluck.engine.person_acts import ApproveAsked
from potluck.faces import prompt
from potluck.faces.answer_keys import TOO_EARLY, UNREAD_S, AnswerKeys, OnScreen
from potluck.faces.cli.client import Client
from tests.faces.fakes import FakeSource, entry, running, wait_for


@pytest.mark.parametrize(
    ("keys", "lines", "rest"),
    [
        (b"exit\n", ["exit"], ""),
        (b"a\rb\n\nc", ["a", "b", ""], "c"),
        (b"exx\x7fit\n", ["exit"], ""),
        (b"\x7f\x08x", [], "x"),
        (b"wrong\x15right\n", ["right"], ""),
        (b"\x04", ["exit"], ""),
        (b"ls\x04\n", ["ls"], ""),
        (b"l\x1b[A\x1b[3~\x1bOPs\n", ["ls"], ""),
        ("ls ü名\n".encode(), ["ls ü名"], ""),
        (b"\x00\x01\xff\n", [""], ""),
        (b"x" * 5000, [], "x" * prompt.LONGEST_LINE),
    ],
)
def test_keys_become_lines(keys: bytes, lines: list[str], rest: str) -> None:
    whole, single = prompt.Editor(), prompt.Editor()
    assert whole.feed(keys) == lines
    assert [line for key in keys for line in single.feed(bytes([key]))] == lines
    assert whole.text == single.text == rest


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FakeSource]:
    with running(tmp_path, FakeSource()) as served:
        served.listed = [entry("kitchen-pc/a.txt"), entry("kitchen-pc/b/c.txt", here=False)]
        yield served


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(str(tmp_path))


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("help", "leave the group"),
        ("help ls", "Usage: ls"),
        ("ls --help", "Usage: ls"),
        ("exit --help", "Leave the group"),
        ("version", "potluck "),
        ("--version", "potluck "),
        ("ls -r", "b/c.txt"),
        ("ls kitchen-pc -r", "b/c.txt"),
        ("ls nowhere", "Nothing is shared as “nowhere”."),
        ("ls --recursiv", "did you mean --recursive?"),
        ("ls nowhere", "  next: ls"),
        ("status --check", "in sync"),
        ("open 10", "a network you trust"),
        ("open -1.5", "open cannot be “-1.5”."),
        ("add --copy=1 x", "  next: add --help"),
        ("open ten", "open cannot be “ten”."),
        ("close", "closed already"),
        ("pending", "Nobody waits for an answer."),
        ("approve bert", "  next: peers"),
        ("aprove bert", "  next: help"),
        ("help approve", "only if the same three words stand"),
        ("opem", "There is no command “opem”."),
        ("add --mvoe x", "There is no option --mvoe."),
        ("add --mvoe x", "did you mean --move?"),
        ("up", "not for this prompt"),
        ("wait", "in another terminal"),
        ("backup-identity 'my key'", "in another terminal: potluck"),
        ("backup-identity 'my key'", " backup-identity 'my key'"),
        ("exit now", "takes no more words"),
        ("-r", "There is no “-r” here."),
        ("STATUS", "in sync"),
        ("ring", "0 kitchen-pc*"),
        ("peers", "192.168.1.23:7685"),
        ("ls", "kitchen-pc/"),
        ("ls kitchen-pc/", "b/"),
        ("rescan", "Looking"),
        ("status --watch", "“status --watch” is not for this prompt."),
        ("service logs -f", "“service” is not for this prompt."),
        ("exti", "did you mean exit?"),
        ("zzzzz", "  next: help"),
        ('ls "', "quotes"),
    ],
)
def test_lines_become_acts(source: FakeSource, client: Client, line: str, part: str) -> None:
    assert part in "\n".join(prompt.run_line(line, client))


def test_an_empty_line_does_nothing(source: FakeSource, client: Client) -> None:
    assert prompt.run_line("  ", client) == []


def test_adding_from_the_prompt(source: FakeSource, client: Client, tmp_path: Path) -> None:
    for name in ("a b", "1.jpg", "2.jpg"):
        (tmp_path / name).write_text("x")
    assert prompt.run_line(f'add "{tmp_path}/a b" --move', client) == [
        "1 file is in your folder now."
    ]
    assert source.asked == [("add", [f"{tmp_path}/a b"], "move")]
    assert prompt.run_line("add", client)[0] == "Missing argument 'PATH…'."
    prompt.run_line(f"add {tmp_path}/*.jpg", client)
    assert source.asked[1:] == [("add", [f"{tmp_path}/1.jpg", f"{tmp_path}/2.jpg"], "copy")]
    lines = prompt.run_line(f"add {tmp_path}/*.png", client)
    assert lines[0] == f"There is no {tmp_path}/*.png."


def test_a_mistyped_option_shares_nothing(
    source: FakeSource, client: Client, tmp_path: Path
) -> None:
    (tmp_path / "x").write_text("x")
    prompt.run_line(f"add --mvoe {tmp_path}/x", client)
    assert source.asked == []


@pytest.mark.parametrize("line", ["help exit", "help quit", "stop -h"])
def test_the_help_says_what_ends_a_view(source: FakeSource, client: Client, line: str) -> None:
    every = "\n".join(prompt.run_line("help", client, watching=True))
    assert "end this view; potluck goes on" in every
    assert "end potluck itself" in every
    [said] = prompt.run_line(line, client, watching=True)
    assert "ends this view, and potluck goes on" in said
    assert "Leave the group" in "\n".join(prompt.run_line("help down", client, watching=True))
    assert "end this view" not in "\n".join(prompt.run_line("help", client))


def test_the_door_from_the_prompt(source: FakeSource, client: Client) -> None:
    prompt.run_line("open", client)
    prompt.run_line("open always", client)
    assert prompt.run_line("close", client) == [], "the view tells it"
    assert source.asked == [("door", 3600.0), ("door", float("inf")), ("door", None)]


def test_an_error_is_shown_not_raised(client: Client) -> None:
    assert prompt.run_line("status", client)[0] == "No potluck is running here."


def test_the_terminal_is_put_back() -> None:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)

    def fail_inside() -> None:
        with prompt.keys(slave):
            assert not termios.tcgetattr(slave)[3] & termios.ICANON
            assert termios.tcgetattr(slave)[3] & termios.ISIG  # Ctrl-C stays a signal
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


def test_only_a_terminal_in_the_foreground_is_usable() -> None:
    reading, writing = os.pipe()
    assert not prompt.usable(reading)
    master, slave = pty.openpty()
    assert not prompt.usable(slave)  # a terminal, but not the one that controls us
    for descriptor in (reading, writing, master, slave):
        os.close(descriptor)


def test_reading_ends_with_the_input_or_when_told() -> None:
    reading, writing = os.pipe()
    typed: list[str] = []
    entered: list[str] = []
    os.write(writing, b"ring\nex")
    os.close(writing)
    prompt.read(reading, threading.Event(), typed.append, entered.append)
    assert (typed, entered) == (["ex"], ["ring"])
    os.close(reading)
    prompt.read(reading, threading.Event(), typed.append, entered.append)  # the terminal is gone
    stop = threading.Event()
    stop.set()
    prompt.read(0, stop, typed.append, entered.append)
    assert len(entered) == 1


def test_ctrl_d_on_a_terminal_that_gives_lines_means_exit_there_too() -> None:
    master, slave = pty.openpty()
    entered: list[str] = []
    stop = threading.Event()
    os.write(master, b"ring\n\x04")

    def take(line: str) -> None:
        entered.append(line)
        if line == "exit":
            os.write(master, b"status\n")  # the question before leaving, say
        if line == "status":
            stop.set()

    prompt.read(slave, stop, lambda _text: None, take)
    assert entered == ["ring", "exit", "status"], "what is typed after it is read"
    os.close(master)
    prompt.read(slave, threading.Event(), lambda _text: None, take)
    assert len(entered) == 3, "a terminal that is gone is not one that says Ctrl-D"
    os.close(slave)


class AnsweringTerminal:
    """A terminal whose keys may answer what is on its screen."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        self.screen, self.stop = OnScreen(), threading.Event()
        self.answered: list[tuple[str, str]] = []
        self.pressed: list[bytes] = []
        self.typed: list[str] = []
        self.entered: list[str] = []
        self.said: list[str] = []
        self.run = self.entered.append
        self.answers = AnswerKeys(self.screen, self._answer, self.said.extend)
        self._thread = threading.Thread(target=self._work)

    def _answer(self, request: str, act: str) -> bool:
        self.answered.append((request, act))
        return True

    def _work(self) -> None:
        pressed = self.answers.pressed

        def noted(data: bytes, before: str, typed_s: float) -> bool:
            taken = pressed(data, before, typed_s)
            self.pressed.append(data)
            return taken

        self.answers.pressed = noted  # type: ignore[method-assign]  # it only looks on
        with prompt.keys(self.slave):
            prompt.read(self.slave, self.stop, self.typed.append, self._entered, self.answers)

    def _entered(self, line: str) -> None:
        self.run(line)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_for(lambda: not prompt._gives_lines(self.slave))
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join()
        os.close(self.master)
        os.close(self.slave)

    def key(self, data: bytes) -> None:
        before = len(self.pressed)
        os.write(self.master, data)
        wait_for(lambda: len(self.pressed) > before)


def test_a_key_answers_what_stood_there_when_it_was_typed() -> None:
    """A lone y answers at once, without Enter; what is typed into a line is a letter."""
    with AnsweringTerminal() as terminal:
        terminal.screen.show("a", 0.0)
        terminal.key(b"y")
        assert terminal.answered == [("a", "approve")]
        for data in (b"s", b"n", b"\n"):
            terminal.key(data)
        wait_for(lambda: terminal.entered == ["sn"])
        terminal.screen.show("b", time.monotonic() + 60)
        terminal.key(b"y")
        assert terminal.answered == [("a", "approve")], "it had not been there for a moment"
        assert terminal.typed[-1] == ""


def test_an_answer_typed_too_early_goes_from_the_line_and_the_next_key_answers() -> None:
    with AnsweringTerminal() as terminal:
        for letter in (b"y", b"y"):
            terminal.key(letter)
        wait_for(lambda: terminal.typed[-1:] == ["yy"])
        terminal.screen.show("a", 0.0)
        wait_for(lambda: terminal.typed[-1:] == [""])
        assert terminal.said == list(TOO_EARLY)
        assert terminal.answered == []
        terminal.key(b"y")
        assert terminal.answered == [("a", "approve")]
        assert terminal.entered == []


def test_a_key_typed_while_a_command_ran_answers_nothing_that_came_meanwhile() -> None:
    with AnsweringTerminal() as terminal:

        def slow(line: str) -> None:
            os.write(terminal.master, b"y")  # while it runs; a request comes, long before it ends
            terminal.screen.show("a", time.monotonic() - UNREAD_S)
            terminal.entered.append(line)

        terminal.run = slow
        os.write(terminal.master, b"status\n")
        wait_for(lambda: terminal.pressed[-1:] == [b"y"])
        assert terminal.answered == []
        terminal.screen.show("b", 0.0)
        terminal.key(b"n")
        assert terminal.answered == [("b", "deny")]


def test_an_answer_is_told_with_what_became_of_it(source: FakeSource, client: Client) -> None:
    source.acted = "bert is a member now."
    assert prompt.run_answer("approve", "5eed0001", client) == (True, ["bert is a member now."])
    assert source.asked == [ApproveAsked(0, "5eed0001")]
    source.refusal = NotFound("That request is over.", "its time is over", "potluck pending")
    assert prompt.run_answer("deny", "5eed0001", client) == (
        False,
        ["That request is over.", "  why:  its time is over", "  next: pending"],
    )


def test_a_fault_while_a_key_is_answered_is_told(client: Client, monkeypatch) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("odd")

    monkeypatch.setattr(client, "act", broken)
    is_taken, lines = prompt.run_answer("approve", "5eed0001", client)
    assert not is_taken
    assert lines[1] == "  why:  a fault in potluck itself: RuntimeError('odd')"
    assert lines[2].startswith("  next: type the same in a shell")


# -- Ctrl-Z and fg ---------------------------------------------------------------------------------
CHILD = """
import os, sys, threading, time
from potluck.faces import prompt
stop = threading.Event()
def work():
    with prompt.keys(0):
        os.write(1, b"ready\\n")
        said = lambda line: os.write(1, f"line {line}\\n".encode())
        prompt.read(0, stop, lambda text: None, said)
with prompt.job_control(draws=True):
    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)
"""


def is_cbreak(descriptor: int) -> bool:
    return not termios.tcgetattr(descriptor)[3] & termios.ICANON


def test_a_stop_gives_the_terminal_back_and_fg_takes_it_again() -> None:
    """A session of its own, as a shell with job control has it."""
    process, master = pty.fork()
    if process == 0:  # the shell: it waits for the stop, sets its own modes, continues
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        os.execve(sys.executable, [sys.executable, "-c", SHELL, CHILD], environment)
    said = b""

    def until_said(words: bytes) -> None:
        nonlocal said
        deadline = time.monotonic() + 60
        while words not in said:
            assert time.monotonic() < deadline, said
            with suppress(BlockingIOError):
                said += os.read(master, 4096)

    os.set_blocking(master, False)
    until_said(b"ready")
    assert is_cbreak(master)
    os.write(master, b"one\n")
    until_said(b"line one")
    os.write(master, b"\x1a")
    until_said(b"stopped canonical=True")
    assert b"\x1b[?25h" in said, "the cursor is shown"
    os.write(master, b"fg\n")
    until_said(b"continued")
    deadline = time.monotonic() + 60
    while not is_cbreak(master):
        assert time.monotonic() < deadline, said
    os.write(master, b"two\n")
    until_said(b"line two")
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    os.close(master)


SHELL = """
import os, signal, sys, termios
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
while True:
    _, status = os.waitpid(child, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        break
    os.tcsetpgrp(0, os.getpgrp())
    canonical = bool(termios.tcgetattr(0)[3] & termios.ICANON)
    print(f"stopped canonical={canonical}", flush=True)
    input()
    os.tcsetpgrp(0, child)
    os.kill(child, signal.SIGCONT)
    print("continued", flush=True)
"""


def test_a_terminal_that_is_given_back_is_taken_by_nobody(monkeypatch) -> None:
    """Whoever reads keys looks again every moment, and may be at it when the stop comes."""
    master, slave = pty.openpty()
    at_it, goes_on = threading.Event(), threading.Event()

    def usable(descriptor: int) -> bool:
        at_it.set()
        return goes_on.wait(60)

    monkeypatch.setattr(prompt, "usable", usable)
    monkeypatch.setattr(prompt, "TAKING_S", 60)
    with prompt.keys(slave):
        termios.tcsetattr(slave, termios.TCSANOW, prompt._taken[slave])  # a shell was there
        reader = threading.Thread(target=prompt._take_again, args=(slave,))
        reader.start()
        at_it.wait(60)
        given_back = dict[int, list]()
        stop = threading.Thread(target=lambda: given_back.update(prompt._give_back()))
        stop.start()
        stop.join(0.1)  # long enough for one that does not wait
        goes_on.set()
        stop.join(60)
        reader.join(60)
        assert not is_cbreak(slave)
        prompt._take_again(slave)
        assert not is_cbreak(slave), "until the program goes on"
        prompt._taken.update(given_back)
        prompt._take_again(slave)
        assert is_cbreak(slave)
    assert not is_cbreak(slave)
    for descriptor in (master, slave):
        os.close(descriptor)


def test_signals_are_given_back_and_a_stop_that_is_ignored_stays_so() -> None:
    before = signal.getsignal(signal.SIGTSTP)
    with prompt.job_control(draws=False):
        assert callable(signal.getsignal(signal.SIGTSTP))
    assert signal.getsignal(signal.SIGTSTP) == before
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    try:
        with prompt.job_control(draws=False):
            assert signal.getsignal(signal.SIGTSTP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTSTP, before)


def test_off_the_main_thread_nobody_takes_signals() -> None:
    seen: list[object] = []

    def elsewhere() -> None:
        with prompt.job_control(draws=False):
            seen.append(signal.getsignal(signal.SIGTSTP))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTSTP)]


def test_the_door_is_said_to_be_open_before_there_is_a_warning_of_it(
    source: FakeSource, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = "Do this only on a network you trust."
    for words, long in (
        ("", "for 60 min"),
        (" 10", "for 10 min"),
        (" always", "until it is closed"),
    ):
        assert prompt.run_line(f"open{words}", client) == [f"The door is open {long}.", trust]
    unknown = TimedOut("It is not known whether the door is open or closed.")

    def silent(_open_s: float | None) -> None:
        raise unknown

    monkeypatch.setattr(source, "door", silent)
    assert prompt.run_line("open", client) == [unknown.what], "nothing was carried out yet"
