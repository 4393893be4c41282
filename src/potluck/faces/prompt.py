"""The prompt of `up`: what is typed while the live view is on the screen, and what the words do.

Strategy: under a live view the terminal cannot echo, since every redraw would wipe what was typed.
So the terminal is put into cbreak mode, one character at a time is read, and the line being typed
is handed to the view, which draws it. Off a terminal plain lines are read. The words do what the
commands of the same name do, through the same local API. Guarantees: Ctrl-C still is a signal,
since ISIG stays on; the terminal is put back whatever happens; a program in the background of its
terminal never reads it and so is never stopped by it. Limits: editing is backspace, Ctrl-U, Ctrl-D;
no history.
"""

from __future__ import annotations

import codecs
import os
import select
import shlex
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from potluck.core.errors import PotluckError
from potluck.faces.cli.client import Client
from potluck.faces.cli.layout import Words, peer_lines, status_lines
from potluck.faces.cli.tree import listing_lines
from potluck.faces.text import ring_lines, shown

KEYS_LOOK_S = 0.2  # between two looks whether the view has been told to stop
LONGEST_LINE = 1000  # letters; paths are typed here, and no book is
HELP = [
    "exit           leave the group gracefully and end (so does Ctrl-C)",
    "status         this device, its group, and who has what",
    "ring · peers   the circle of nodes · where the devices are",
    "ls [PATH]      what is shared",
    "add PATH…      put files into my folder (--copy, --move, --reflink)",
    "rescan         look at my folder now",
]
_WORDS = ("exit", "help", "status", "ring", "peers", "ls", "add", "rescan")
_LEAVE = ("exit", "quit", "down", "leave")


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
            elif letter == "\x04":
                lines += [] if self.text else ["exit"]
            elif letter.isprintable() and len(self.text) < LONGEST_LINE:
                self.text += letter
        return lines


def run_line(line: str, client: Client, words: Words) -> list[str]:
    """Do what a typed line says and return what to show."""
    try:
        parts = shlex.split(line)
    except ValueError:
        return ["The quotes in that line do not match."]
    if not parts:
        return []
    try:
        return _run(parts[0].casefold(), parts[1:], client, words)
    except PotluckError as error:
        return str(error).splitlines()


def _run(word: str, rest: list[str], client: Client, words: Words) -> list[str]:
    if word in _LEAVE:
        client.post("/api/v1/leave")
        return ["Leaving…"]
    answers: dict[str, Callable[[], list[str]]] = {
        "help": lambda: HELP,
        "status": lambda: status_lines(client.state()),
        "peers": lambda: peer_lines(client.state(), words),
        "ring": lambda: _ring(client.state()),
        "ls": lambda: _list(rest, client),
        "add": lambda: _add(rest, client),
        "rescan": lambda: _rescan(client),
    }
    if word in answers:
        return answers[word]()
    close = get_close_matches(word, _WORDS, 1, 0.5)
    return [
        f"There is no “{shown(word)}” here. "
        + (f"Did you mean {close[0]}?" if close else "Type help.")
    ]


def _ring(state: dict[str, Any]) -> list[str]:
    return ring_lines(state["ring"], state["device"]["id"])


def _list(rest: list[str], client: Client) -> list[str]:
    prefix = rest[0].strip("/") if rest else ""
    return listing_lines(client.files(prefix), prefix, recursive=False)


def _rescan(client: Client) -> list[str]:
    client.post("/api/v1/rescan")
    return ["Looking at my folder now."]


def _add(rest: list[str], client: Client) -> list[str]:
    modes = [one.removeprefix("--") for one in rest if one in {"--copy", "--move", "--reflink"}]
    paths = [str(Path(one).expanduser().absolute()) for one in rest if not one.startswith("--")]
    result = client.post("/api/v1/add", {"paths": paths, "mode": modes[-1] if modes else "copy"})
    return [shown(line) for line in result["text"].splitlines()] or ["Done."]


# -- reading ---------------------------------------------------------------------------------------
@contextmanager
def keys(descriptor: int) -> Iterator[None]:
    """Read keys, not lines, inside; put the terminal back after."""
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


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
) -> None:
    """Read until `stop` or the end of the input.

    `typed` gets the unfinished line, `entered` each finished one.
    """
    editor = Editor()
    while not stop.is_set():
        try:
            ready, _, _ = select.select([descriptor], [], [], KEYS_LOOK_S)
            data = os.read(descriptor, 4096) if ready else None
        except OSError:
            return  # the terminal is gone; the program goes on without a prompt
        if data == b"":
            return
        if data:
            lines = editor.feed(data)
            typed(editor.text)
            for line in lines:
                entered(line)
