"""The view of a running potluck: the thread that owns the screen, and the two that feed it.

Strategy: threads share one queue, and which request is on the screen; nothing else. "events" reads
the stream of the local API, "prompt" reads what is typed, "view" alone touches the screen and tells
the story; it redraws at most ten times a second. Guarantees: `stop` returns within two seconds and
leaves the terminal as it was; without a terminal plain lines are printed instead, and the same
story is told. Limits: if the stream breaks while potluck still runs, the view asks again; a view
that only watches ends with it.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Protocol

from potluck.core.errors import NotRunning, PotluckError
from potluck.faces import prompt
from potluck.faces.answer_keys import AnswerKeys, OnScreen
from potluck.faces.cli.client import Client
from potluck.faces.cli.comparing import unanswered
from potluck.faces.cli.layout import Words
from potluck.faces.cli.leaving import PromptLeaving
from potluck.faces.cli.output import Json
from potluck.faces.cli.streams import AnyStream
from potluck.faces.story import Story

REDRAW_S = 0.1  # ten pictures a second look smooth, and cost a small part of one processor
REOPEN_S = 0.5  # before a stream that broke is asked for again
VIEW_STOP_S = 2.0  # for a thread to end; the program does not wait longer for its picture


def at_terminal(stream: AnyStream) -> bool:
    """Say whether somebody can type there: a pipe may have nobody, and may have ended."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False  # it is closed


class Screen(Protocol):
    """Where the story is told."""

    asking: str
    """The request that a person can read there now and has to answer, by its id; "" for none."""
    listed: dict[str, str]
    """The requests that can be read there, words and all: their names, by their ids."""

    def open(self) -> None:
        """Begin."""

    def close(self) -> None:
        """End."""

    def lines(self, lines: list[str]) -> None:
        """Show lines that stay."""

    def state(self, state: dict[str, Any]) -> None:
        """Take a new snapshot."""

    def typed(self, text: str) -> None:
        """Take what stands on the prompt."""

    def step(self) -> None:
        """Ask about the next request."""

    def draw(self) -> None:
        """Show what has changed."""


class PlainScreen:
    """Lines on a stream: for logs, pipes and --headless."""

    def __init__(self, write: Callable[[str], object]) -> None:
        """Write whole lines with `write`."""
        self._write = write
        self.asking, self.listed = "", dict[str, str]()

    def open(self) -> None:
        """Nothing to begin."""

    def close(self) -> None:
        """Nothing to end."""

    def lines(self, lines: list[str]) -> None:
        """Write lines at once."""
        if lines:
            self._write("\n".join(lines) + "\n")

    def state(self, state: dict[str, Any]) -> None:
        """Plain lines show no state; a request is told in lines, which come with it."""
        self.asking = first_id(state)

    def typed(self, text: str) -> None:
        """The terminal or the pipe shows what is typed."""

    def step(self) -> None:
        """Every request is told in full."""

    def draw(self) -> None:
        """Nothing to draw."""


def first_id(state: dict[str, Any]) -> str:
    """Return the id of the request that is asked about first, "" if none is."""
    return next((str(one["id"]) for one in unanswered(state)), "")


class ViewThreads:
    """The view of one running potluck, from `start` to `stop`."""

    def __init__(
        self, client: Client, screen: Screen, words: Words, *, leaving: PromptLeaving, reads: bool
    ) -> None:
        """Show what `client` says on `screen`; with `reads` the standard input is a prompt.

        `leaving` answers the words typed there that are about leaving.
        """
        self._client = client
        self._screen = screen
        self._words = words
        self._leaving = leaving
        self._reads = reads
        self._over: threading.Event | None = None
        self._since_s = 0.0
        self._plain = isinstance(screen, PlainScreen)
        self._on_screen = OnScreen()
        asked = (self._answered, self.say, self._step, self._otherwise)
        self._answers = AnswerKeys(self._on_screen, *asked)
        self._keys = reads and at_terminal(sys.stdin)
        self._queue: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def __repr__(self) -> str:
        alive = sum(thread.is_alive() for thread in self._threads)
        return f"ViewThreads({alive} alive, {self._queue.qsize()} waiting)"

    def watch(self, over: threading.Event, *, since_s: float) -> None:
        """Before the start: set `over` when potluck is gone; tell nothing older than `since_s`."""
        self._over, self._since_s = over, since_s

    def start(self) -> None:
        """Begin to watch; the local API must answer."""
        targets = [("view", self._view), ("events", self._events)] + (
            [("prompt", self._prompt)] if self._reads else []
        )
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True) for name, target in targets
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the view and give the terminal back; harmless when it never started."""
        self._stop.set()
        for thread in self._threads:
            if thread.name != "events":  # it ends with the stream, and holds nothing
                thread.join(VIEW_STOP_S)

    def _events(self) -> None:
        number = 0
        while not self._stop.is_set():
            try:
                for kind, data in self._client.events(number):
                    number = max(number, data["number"]) if kind == "notice" else number
                    if kind != "notice" or data["at_s"] >= self._since_s:
                        self._queue.put((kind, data))
            except NotRunning:
                if self._over is not None:
                    self._over.set()
                    return
            except PotluckError:
                pass  # it is very busy: asked again until told to stop
            self._stop.wait(REOPEN_S)

    def _prompt(self) -> None:
        descriptor = sys.stdin.fileno()
        with ExitStack() as stack:
            if prompt.usable(descriptor) and not self._plain:
                stack.enter_context(prompt.keys(descriptor))
            prompt.read(
                descriptor,
                self._stop,
                lambda text: self._queue.put(("typed", text)),
                self._entered,
                self._answers,
            )

    def _entered(self, line: str) -> None:
        self._queue.put(("lines", [f"> {line}"] if line and not self._plain else []))
        try:
            said = self._leaving.answer(line)
        except Exception as error:  # noqa: BLE001 # house: the prompt goes on
            said = prompt.fault_lines(error)
        if said is None:
            seen = self._answers.seen
            said = prompt.run_line(line, self._client, watching=self._over is not None, seen=seen)
        self._queue.put(("lines", said))

    def _answered(self, request: str, act: str) -> bool:
        """Tell potluck what a person answered; return whether it was taken."""
        is_taken, said = prompt.run_answer(act, request, self._client)
        self.say(said)
        return is_taken

    def _otherwise(self, act: str) -> bool:
        """Tell who asked about leaving, if that is open; return whether it is."""
        said = self._leaving.decided(yes=act == "approve")
        self.say(said)
        return bool(said)

    def _step(self) -> None:
        self._queue.put(("step", None))

    def say(self, lines: list[str]) -> None:
        """Show lines that stay."""
        self._queue.put(("lines", lines))

    def _view(self) -> None:
        watching = self._over is not None
        story = Story(self._words, time.monotonic(), prompt=self._reads, watching=watching)
        self._screen.open()
        try:
            while not self._stop.is_set():
                self._take(story)
                self._screen.draw()
                self._on_screen.show(self._screen.asking, listed=self._screen.listed)
                story.ended.on_top(self._screen.asking, time.monotonic())
            self._take(story)
        finally:
            self._screen.close()

    def _take(self, story: Story) -> None:
        """Take everything that came during one redraw interval."""
        until = time.monotonic() + REDRAW_S
        while (left := until - time.monotonic()) > 0:
            try:
                kind, data = self._queue.get(timeout=left)
            except queue.Empty:
                break
            self._show(story, kind, data)
        self._screen.lines(story.on_tick(time.monotonic()))

    def _show(self, story: Story, kind: str, data: Json) -> None:
        if kind == "typed":
            self._screen.typed(data)
        elif kind == "step":
            self._screen.step()
        elif kind == "lines":
            self._screen.lines(data)
        elif kind == "notice":
            self._screen.lines(story.on_notice(data, time.monotonic()))
        elif kind == "state":
            self._screen.state(data)
            self._screen.lines(story.on_state(data, time.monotonic()))
            if self._plain:  # whoever reads the lines of a request may answer at once
                lines = story.request_lines(data, time.monotonic(), keys=self._keys)
                self._screen.listed = listed = story.readable(data)
                self._screen.asking = self._screen.asking if self._screen.asking in listed else ""
                self._on_screen.show(self._screen.asking, listed=listed)
                self._screen.lines(lines)
                self._screen.lines(story.transfer_lines(data))
