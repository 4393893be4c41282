"""The view of a running potluck: the thread that owns the screen, and the two that feed it.

Strategy: threads share one queue and nothing else. "events" reads the stream of the local API,
"prompt" reads what is typed, "view" alone touches the screen and tells the story; it redraws at
most ten times a second. Guarantees: `stop` returns within two seconds and leaves the terminal as it
was; without a terminal plain lines are printed instead, and the same story is told. Limits: if the
stream breaks while potluck still runs, the view asks again; a view that only watches ends with it.
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
from potluck.faces.cli.client import Client
from potluck.faces.cli.layout import Words
from potluck.faces.cli.leaving import PromptLeaving
from potluck.faces.cli.output import Json
from potluck.faces.story import Story

REDRAW_S = 0.1  # ten pictures a second look smooth, and cost a small part of one processor
REOPEN_S = 0.5  # before a stream that broke is asked for again
VIEW_STOP_S = 2.0  # for a thread to end; the program does not wait longer for its picture


class Screen(Protocol):
    """Where the story is told."""

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

    def draw(self) -> None:
        """Show what has changed."""


class PlainScreen:
    """Lines on a stream: for logs, pipes and --headless."""

    def __init__(self, write: Callable[[str], object]) -> None:
        """Write whole lines with `write`."""
        self._write = write

    def open(self) -> None:
        """Nothing to begin."""

    def close(self) -> None:
        """Nothing to end."""

    def lines(self, lines: list[str]) -> None:
        """Write lines at once."""
        if lines:
            self._write("\n".join(lines) + "\n")

    def state(self, state: dict[str, Any]) -> None:
        """Plain lines show no state."""

    def typed(self, text: str) -> None:
        """The terminal or the pipe shows what is typed."""

    def draw(self) -> None:
        """Nothing to draw."""


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
                descriptor, self._stop, lambda text: self._queue.put(("typed", text)), self._entered
            )

    def _entered(self, line: str) -> None:
        self._queue.put(("lines", [f"> {line}"] if line and not self._plain else []))
        said = self._leaving.answer(line)
        if said is None:
            said = prompt.run_line(line, self._client, watching=self._over is not None)
        self._queue.put(("lines", said))

    def _view(self) -> None:
        watching = self._over is not None
        story = Story(self._words, time.monotonic(), prompt=self._reads, watching=watching)
        self._screen.open()
        try:
            while not self._stop.is_set():
                self._take(story)
                self._screen.draw()
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
        elif kind == "lines":
            self._screen.lines(data)
        elif kind == "notice":
            self._screen.lines(story.on_notice(data, time.monotonic()))
        elif kind == "state":
            self._screen.state(data)
            self._screen.lines(story.on_state(data, time.monotonic()))
            if self._plain:
                self._screen.lines(story.transfer_lines(data))
