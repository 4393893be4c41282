"""The prompt of `up`: what is typed while the live view is on the screen, and what the words do.

Strategy: under a live view the terminal cannot echo, since every redraw would wipe what was typed.
So the terminal is put into cbreak mode, one character at a time is read, and the line being typed
is handed to the view, which draws it. Off a terminal, and on one that can show no picture, plain
lines are read; Ctrl-D means there what it means here. The words are those of the command line, read
by the same parser and run by the same code (cli/main.py); before that answer_keys.py takes the
answers out of what is typed.

Whoever types Ctrl-Z gets the terminal as it was, and after `fg` it is a prompt again: the terminal
is given back before the stop and taken once more after it. Before every read the prompt looks
whether it is in the foreground and the terminal still is in its mode, so it also survives a stop
that nobody announced.

Guarantees: Ctrl-C still is a signal, since ISIG stays on; the terminal is put back whatever
happens; a program in the background of its terminal neither reads nor changes it and so is never
stopped by it. Limits: editing is backspace, Ctrl-U, Ctrl-D; no history.
"""

from __future__ import annotations

import codecs
import math
import os
import select
import shlex
import signal
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from potluck.core.errors import PotluckError
from potluck.faces.answer_keys import AnswerKeys
from potluck.faces.cli.client import Client
from potluck.faces.cli.endings import unforeseen
from potluck.faces.cli.main import run_typed
from potluck.faces.cli.output import collected, error_lines
from potluck.faces.text import shown

KEYS_LOOK_S = 0.2  # between two looks whether the view has been told to stop
TAKING_S, TAKING_STEP_S = 1.0, 0.001  # a terminal is taken in microseconds, unless it is halted
LOCAL_MODES = 3  # where termios keeps them in its list
SHOW_CURSOR, HIDE_CURSOR = b"\x1b[?25h\r\n", b"\x1b[?25l"
CTRL_D = b"\x04"
LONGEST_LINE = 1000  # letters; paths are typed here, and no book is


class Editor:
    """The line being typed: characters in, finished lines out."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
        self._escape = False
        self.text = ""

    def __repr__(self) -> str:
        return f"Editor({len(self.text)} letters)"

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that what was typed finishes; Ctrl-D on an empty line means exit."""
        lines = []
        for letter in self._decoder.decode(data):
            # an arrow or function key, ESC [ … or ESC O …: swallowed up to its final letter
            if self._escape:
                self._escape = letter in "[O;" or letter.isdigit()
            elif letter == "\x1b":
                self._escape = True
            elif letter in "\r\n":
                lines.append(self.text)
                self.text = ""
            elif letter in "\x7f\b":
                self.text = self.text[:-1]
            elif letter == "\x15":
                self.text = ""
            elif letter == CTRL_D.decode():
                lines += [] if self.text else ["exit"]
            elif letter.isprintable() and len(self.text) < LONGEST_LINE:
                self.text += letter
        return lines


def run_line(
    line: str,
    client: Client,
    *,
    watching: bool = False,
    seen: Mapping[str, str] | None = None,
) -> list[str]:
    """Do what a typed line says and return what to show; leaving is not its business.

    `watching`: it is the prompt of a view, whose end is not that of potluck; `seen`: the requests
    that could be read there when the line was begun, their names by their ids.
    """
    try:
        parts = shlex.split(line)
    except ValueError:
        return ["The quotes in that line do not match.", "  next: write \\' or \"'\" for a quote"]
    if not parts:
        return []
    return run_typed(parts, client, watching=watching, seen=seen)


def run_answer(act: str, request: str, client: Client) -> tuple[bool, list[str]]:
    """Answer a request, named by its id; return whether that was taken, and what to show."""
    try:
        with collected():  # what is advised is typed here
            text = client.act(act, {"name": request})
    except PotluckError as error:
        with collected():
            return False, error_lines(error)
    except Exception as error:  # noqa: BLE001 # house: the prompt goes on
        return False, fault_lines(error)
    return True, [shown(line) for line in text.splitlines()]


def fault_lines(error: Exception) -> list[str]:
    """Return what is shown at the prompt of an error that nobody foresaw."""
    with collected():
        return error_lines(unforeseen(error))


# -- reading ---------------------------------------------------------------------------------------
_taken: dict[int, list[Any]] = {}
"""The modes each terminal had before `keys` took it; one at most, but for tests."""
_being_taken: set[int] = set()
"""Terminals whose modes are being looked at, and perhaps changed, at this moment."""


@contextmanager
def keys(descriptor: int) -> Iterator[None]:
    """Read keys, not lines, inside; put the terminal back after, if it is ours to touch then."""
    before = termios.tcgetattr(descriptor)
    _taken[descriptor] = before
    try:
        tty.setcbreak(descriptor)
        yield
    finally:
        _taken.pop(descriptor, None)  # it is not there while the program stands still
        _set_modes(descriptor, before)


@contextmanager
def job_control(*, draws: bool) -> Iterator[None]:
    """Give the terminal back before Ctrl-Z stops this program, and take it again after `fg`.

    `draws`: there is a live view, which hides the cursor. Does nothing outside the main thread,
    where nobody may take signals, nor where the signal is to be ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTSTP)
    if before != signal.SIG_DFL:
        yield
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        given_back = _give_back()
        if draws:
            _put(SHOW_CURSOR)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # stops here, until somebody types fg
        signal.signal(number, stop)
        _taken.update(given_back)
        for descriptor in given_back:
            _take_again(descriptor)
        if draws and not is_background(1):
            _put(HIDE_CURSOR)

    signal.signal(signal.SIGTSTP, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, before)


def usable(descriptor: int) -> bool:
    """Say whether this process may read keys: a terminal, and we are in its foreground."""
    try:
        return os.isatty(descriptor) and os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return False


def read(
    descriptor: int,
    stop: threading.Event,
    typed: Callable[[str], None],
    entered: Callable[[str], None],
    answers: AnswerKeys | None = None,
) -> None:
    """Read until `stop` or the end of the input.

    `typed` gets the unfinished line, `entered` each finished one, but for those that `answers`
    takes for an answer.
    """
    editor, looked_s = Editor(), time.monotonic()
    while not stop.is_set():
        # what comes now was typed after the last look; of a pipe nobody has to read anything first
        typed_s, begun_s = looked_s, time.monotonic()
        if not os.isatty(descriptor):
            typed_s = math.inf
        try:
            data = _some(descriptor, stop)
        except (OSError, ValueError):
            return  # the terminal is gone; the program goes on without a prompt
        if data == b"":
            if not os.isatty(descriptor):
                return  # a pipe has ended, or the terminal is gone
            data = CTRL_D  # of a terminal that gives lines: what it means there it means here
        looked_s = begun_s if data else min(time.monotonic(), begun_s + KEYS_LOOK_S)
        if answers is not None and answers.is_stale(editor.text):
            editor.text = ""
            typed("")
        if not data or (answers is not None and answers.pressed(data, editor.text, typed_s)):
            continue
        lines = editor.feed(data)
        typed(editor.text)
        for line in lines:
            if answers is None or not answers.entered(line):
                entered(line)


def _some(descriptor: int, stop: threading.Event) -> bytes | None:
    """Return what was typed, None if nothing was for a moment; raises OSError."""
    if os.isatty(descriptor) and is_background(descriptor):
        stop.wait(KEYS_LOOK_S)
        return None
    _take_again(descriptor)
    ready, _, _ = select.select([descriptor], [], [], KEYS_LOOK_S)
    # it may be in the background by now, where a read would stop the whole program
    if not ready or (os.isatty(descriptor) and is_background(descriptor)):
        return None
    return os.read(descriptor, 4096)


def is_background(descriptor: int) -> bool:
    """Say whether this is our terminal, and others are in its foreground, as after `bg`."""
    try:
        return os.tcgetpgrp(descriptor) != os.getpgrp()
    except OSError:
        return False  # some other terminal: reading it stops nobody


def _take_again(descriptor: int) -> None:
    """Read keys again where a shell, or a stop, has brought lines back."""
    _being_taken.add(descriptor)  # before the look at what is taken: see _give_back
    try:
        if descriptor in _taken and usable(descriptor) and _gives_lines(descriptor):
            tty.setcbreak(descriptor)
    except termios.error:
        pass  # it is gone: whoever reads from it will see
    finally:
        _being_taken.discard(descriptor)


def _give_back() -> dict[int, list[Any]]:
    """Give the terminals their modes back, and return what they were; nobody takes them again.

    Whoever reads does so every moment, and may be at it just now: that is waited for, for a moment.
    """
    given_back = dict(_taken)
    _taken.clear()
    give_up = time.monotonic() + TAKING_S
    while _being_taken and time.monotonic() < give_up:
        time.sleep(TAKING_STEP_S)
    for descriptor, modes in given_back.items():
        _set_modes(descriptor, modes)
    return given_back


def _gives_lines(descriptor: int) -> bool:
    """Say whether a shell, or a stop, has brought lines back."""
    return bool(termios.tcgetattr(descriptor)[LOCAL_MODES] & termios.ICANON)


def _set_modes(descriptor: int, modes: list[Any]) -> None:
    """Give a terminal these modes; from the background it would stop us, so not from there."""
    if not is_background(descriptor):
        with suppress(termios.error):  # it is gone
            termios.tcsetattr(descriptor, termios.TCSADRAIN, modes)


def _put(letters: bytes) -> None:
    """Write to the terminal of the live view, past everything that may hold a lock."""
    with suppress(OSError):
        os.write(1, letters)
