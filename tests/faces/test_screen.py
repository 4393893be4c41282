"""The view: what a served potluck says reaches the screen, typed lines reach the potluck, stop ends
it all.
"""

from __future__ import annotations

import math
import os
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest  # noqa: TC002 - its fixtures are read at run time

from potluck.core.errors import Refused
from potluck.engine.person_acts import ApproveAsked, DenyAsked
from potluck.faces import ended_requests
from potluck.faces.answer_keys import NOBODY_ASKS
from potluck.faces.cli.client import Client
from potluck.faces.cli.layout import Words
from potluck.faces.screen import PlainScreen, ViewThreads, at_terminal, first_id
from tests.faces.fakes import FakeSource, asked, request, running, state, transfer, wait_for

WORDS = Words("potluck", "potluck", "potluck")


class RecordingScreen:
    """Keeps what it was given."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Any]] = []
        self.asking, self.listed = "", dict[str, str]()
        self.steps = 0

    def open(self) -> None:
        self.log.append(("open", None))

    def close(self) -> None:
        self.log.append(("close", None))

    def lines(self, lines: list[str]) -> None:
        self.log += [("line", line) for line in lines]

    def state(self, state: dict[str, Any]) -> None:
        self.log.append(("state", state["files"]))
        self.asking = first_id(state)

    def typed(self, text: str) -> None:
        self.log.append(("typed", text))

    def step(self) -> None:
        self.steps += 1

    def draw(self) -> None:
        pass


class NoLeaving:
    """Nobody leaves; `exit` is answered."""

    def answer(self, line: str) -> list[str] | None:
        return ["Not now."] if line == "exit" else None

    def decided(self, *, yes: bool) -> list[str]:
        return []


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


def test_whatever_a_typed_line_raises_is_told_and_the_prompt_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(NoLeaving):
        def answer(self, line: str) -> list[str] | None:
            if line == "quit":
                raise KeyError(line)
            return super().answer(line)

        def decided(self, *, yes: bool) -> list[str]:
            return [] if yes else ["It goes on."]

    pipe, screen = Pipe(monkeypatch), RecordingScreen()
    gone = tmp_path / "gone"
    gone.mkdir()
    with running(tmp_path, FakeSource()):
        view = ViewThreads(Client(str(tmp_path)), screen, WORDS, leaving=Broken(), reads=True)
        view.start()
        monkeypatch.chdir(gone)
        gone.rmdir()
        for typed, told in (
            ("n", "It goes on."),
            ("y", NOBODY_ASKS[0]),
            ("add x", "The folder in which this runs is gone."),
            ("quit", "That did not work, and it should have."),
        ):
            os.write(pipe.writing, f"{typed}\n".encode())
            wait_for(partial(screen.log.__contains__, ("line", told)))
        monkeypatch.chdir(tmp_path)
        os.write(pipe.writing, b"version\n")
        wait_for(lambda: any(str(what).startswith("potluck ") for _, what in screen.log))
        view.stop()
    assert ("line", "  why:  a fault in potluck itself: KeyError('quit')") in screen.log
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


def test_a_typed_yes_goes_to_the_request_that_is_there_and_a_refusal_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, written = Pipe(monkeypatch), list[str]()
    with running(tmp_path, FakeSource()) as source:
        source.current, source.acted = asked(request()), "You said yes."
        watching = ViewThreads(
            Client(str(tmp_path)),
            PlainScreen(written.append),
            WORDS,
            leaving=NoLeaving(),
            reads=True,
        )
        watching.start()
        wait_for(lambda: "  yes: potluck approve bert\n" in "".join(written))
        os.write(pipe.writing, b"y\n")
        wait_for(lambda: "You said yes." in "".join(written))
        assert source.asked == [ApproveAsked(0, "5eed0001")]
        source.refusal = Refused("Too late.", "its time is over", "pending")
        source.current = asked(request("nas", id="5eed0002"))
        wait_for(lambda: "nas (10.88.0.2) asks to join “Home”" in "".join(written))
        os.write(pipe.writing, b"no\n")
        wait_for(lambda: "  next: pending" in "".join(written))
        assert source.asked[1:] == [DenyAsked(0, "5eed0002")]
        source.current = state()
        wait_for(lambda: not watching._on_screen.request)
        os.write(pipe.writing, b"n\n")
        wait_for(lambda: "Nobody asks for a yes or a no" in "".join(written))
        watching.stop()
    assert "Type y" not in "".join(written), "a pipe has nobody who reads it"
    assert "".join(written).count("nas (10.88.0.2) asks to join “Home”") == 1
    pipe.close()


def test_a_typed_name_goes_to_the_request_that_could_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, screen = Pipe(monkeypatch), RecordingScreen()
    with running(tmp_path, FakeSource()) as source:
        source.current = asked(request("pal"))
        watching = ViewThreads(
            Client(str(tmp_path)), screen, WORDS, leaving=NoLeaving(), reads=True
        )
        screen.listed = {"5eed0001": "pal"}
        watching.start()
        wait_for(lambda: bool(watching._on_screen.read(math.inf)))
        os.write(pipe.writing, b"approve p")
        wait_for(lambda: ("typed", "approve p") in screen.log)
        source.current = asked(request("pal", id="5eed0009"))
        screen.listed = {"5eed0009": "pal"}
        wait_for(lambda: "5eed0009" in watching._on_screen.read(math.inf))
        os.write(pipe.writing, b"al\n")
        over = "That request is over; another one asks: nothing was answered."
        wait_for(lambda: ("line", over) in screen.log)
        watching._step()
        wait_for(lambda: screen.steps == 1)
        watching.stop()
    assert source.asked == []
    pipe.close()


def test_the_end_of_what_stood_on_the_screen_is_told_in_a_flood_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended_requests, "SEEN_S", 0.0)
    screen, over = RecordingScreen(), "the request of {} is over: the connection broke"
    with running(tmp_path, FakeSource()) as source:
        source.current = asked(request())
        view = ViewThreads(Client(str(tmp_path)), screen, WORDS, leaving=NoLeaving(), reads=False)
        view.start()
        wait_for(lambda: view._on_screen.request == "5eed0001")
        for name in ("d1", "d2", "bert"):
            source.tell(over.format(name), code="request_over")
        wait_for(lambda: ("line", over.format("bert")) in screen.log)
        view.stop()
    assert ("line", over.format("d1")) in screen.log
    assert ("line", over.format("d2")) not in screen.log


def test_who_can_type_sits_at_a_terminal(tmp_path: Path) -> None:
    master, slave = os.openpty()
    terminal, closed = os.fdopen(slave), (tmp_path / "x").open("w")
    closed.close()
    assert [at_terminal(one) for one in (terminal, closed, None)] == [True, False, False]
    terminal.close()
    os.close(master)
