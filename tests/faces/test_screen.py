"""The view: what a served potluck says reaches the screen, typed lines reach the potluck, stop ends
it all.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest  # noqa: TC002 - its fixtures are read at run time

from potluck.faces.cli.client import Client
from potluck.faces.cli.layout import Words
from potluck.faces.screen import PlainScreen, ViewThreads
from tests.faces.fakes import FakeSource, running, state, transfer, wait_for

WORDS = Words("potluck", "potluck", "potluck")


class RecordingScreen:
    """Keeps what it was given."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Any]] = []

    def open(self) -> None:
        self.log.append(("open", None))

    def close(self) -> None:
        self.log.append(("close", None))

    def lines(self, lines: list[str]) -> None:
        self.log += [("line", line) for line in lines]

    def state(self, state: dict[str, Any]) -> None:
        self.log.append(("state", state["files"]))

    def typed(self, text: str) -> None:
        self.log.append(("typed", text))

    def draw(self) -> None:
        pass


class NoLeaving:
    """Nobody leaves; `exit` is answered."""

    def answer(self, line: str) -> list[str] | None:
        return ["Not now."] if line == "exit" else None


class Pipe:
    """A standard input that a test types into."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reading, self.writing = os.pipe()
        self.file = os.fdopen(reading)
        monkeypatch.setattr(sys, "stdin", self.file)

    def close(self) -> None:
        os.close(self.writing)
        self.file.close()


def test_states_notices_and_typed_lines_meet_on_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, screen = Pipe(monkeypatch), RecordingScreen()
    with running(tmp_path, FakeSource()) as source:
        watching = ViewThreads(
            Client(str(tmp_path)), screen, WORDS, leaving=NoLeaving(), reads=True
        )
        watching.start()
        wait_for(lambda: ("state", 14) in screen.log)
        source.tell("laptop joined")
        source.current = state(files=15)
        os.write(pipe.writing, b"rescan\nexit\nab")
        wait_for(
            lambda: {("line", "laptop joined"), ("state", 15), ("typed", "ab")} <= set(screen.log)
        )
        wait_for(lambda: ("line", "Looking at my folder now.") in screen.log)
        assert ("line", "> rescan") in screen.log
        wait_for(lambda: ("line", "Not now.") in screen.log)
        assert source.asked == ["rescan"]
        watching.stop()
    assert screen.log[0] == ("open", None)
    assert screen.log[-1] == ("close", None)
    pipe.close()


def test_plain_lines_tell_the_same_story_and_large_transfers(tmp_path: Path) -> None:
    written: list[str] = []
    with running(tmp_path, FakeSource()) as source:
        source.current = state(transfers=[transfer()])
        watching = ViewThreads(
            Client(str(tmp_path)),
            PlainScreen(written.append),
            WORDS,
            leaving=NoLeaving(),
            reads=False,
        )
        watching.start()
        wait_for(lambda: "↓ kitchen-pc/holiday.mp4" in "".join(written))
        watching.stop()
    assert written[0].startswith("potluck 0.1.0 · kitchen-pc")
    assert all(line.endswith("\n") for line in written)


def test_a_daemon_that_comes_late_is_found_and_one_that_ends_is_no_error(tmp_path: Path) -> None:
    screen = RecordingScreen()
    watching = ViewThreads(Client(str(tmp_path)), screen, WORDS, leaving=NoLeaving(), reads=False)
    watching.start()
    with running(tmp_path, FakeSource()):
        wait_for(lambda: ("state", 14) in screen.log)
    watching.stop()
    assert screen.log[-1] == ("close", None)


def test_stopping_what_never_started_is_harmless(tmp_path: Path) -> None:
    ViewThreads(
        Client(str(tmp_path)), PlainScreen(len), WORDS, leaving=NoLeaving(), reads=False
    ).stop()


def test_a_view_that_only_watches_ends_with_potluck_and_tells_no_old_news(tmp_path: Path) -> None:
    screen, over = RecordingScreen(), threading.Event()
    with running(tmp_path, FakeSource()) as source:
        source.tell("long ago")
        watching = ViewThreads(
            Client(str(tmp_path)), screen, WORDS, leaving=NoLeaving(), reads=False
        )
        watching.watch(over, since_s=1000.0)
        watching.start()
        wait_for(lambda: ("state", 14) in screen.log)
        source.tell("just now")
        source.told[-1]["at_s"] = 1000.0
        wait_for(lambda: ("line", "just now") in screen.log)
        assert not over.is_set()
    wait_for(over.is_set)
    watching.stop()
    assert ("line", "long ago") not in screen.log
