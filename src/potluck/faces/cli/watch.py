"""The command `watch`: the live view and the prompt of a potluck that runs already, which goes on
when the view ends.

Strategy: the same view as that of `up`, a client of the same local API; only the word `exit` means
something else, and that is said first. What is worth a line is told from now on, with what the last
minute brought. Guarantees: nothing that ends the view ends potluck, but `down` typed here, which
asks as it does elsewhere; when potluck ends the view ends, too, and says so. A view whose output
cannot be written any more (`watch | head`) ends as any command does then. The terminal is put back
whether the view ends, is stopped by Ctrl-Z, or is ended by a signal. Limits: one terminal, one
view; as many as one likes side by side; no signal is taken outside the main thread.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

import click

from potluck.core.errors import NotRunning, PotluckError
from potluck.faces.cli.acts import VIEW_END_WORDS
from potluck.faces.cli.client import Client, client_of
from potluck.faces.cli.layout import Words
from potluck.faces.cli.leaving import UpLeaving
from potluck.faces.cli.output import command, is_terminal, say
from potluck.faces.cli.up import knows_pictures, readable, screen_of
from potluck.faces.prompt import job_control
from potluck.faces.screen import ViewThreads

RECENT_S = 60.0  # of what happened before the view began
VIEW_END_SIGNALS = (signal.SIGTERM, signal.SIGHUP)  # they end the view as Ctrl-C does


class WatchLeaving:
    """The prompt of `watch`: `exit`, `quit` and `stop` end the view, `down` leaves the group."""

    def __init__(self, client: Client, over: threading.Event, *, asks: bool) -> None:
        """End the view by setting `over`."""
        self._leaving = UpLeaving(client, asks=asks)
        self._over = over

    def __repr__(self) -> str:
        return f"WatchLeaving(over={self._over.is_set()})"

    def answer(self, line: str) -> list[str] | None:
        """Do what the line says if it is about leaving."""
        word, *others = line.split() or [""]
        if word.casefold() not in VIEW_END_WORDS:
            return self._leaving.answer(line)
        if others:
            return None  # the parser says what is wrong with it, or what it does
        self._over.set()
        return []

    def decided(self, *, yes: bool) -> list[str]:
        """Return what follows a yes or a no to the question about leaving, if it is open."""
        return self._leaving.decided(yes=yes)


@click.command()
@click.pass_obj
def watch(shared: dict[str, Any]) -> int:
    """Show what a running potluck does, with its prompt; it goes on when this view ends."""
    client = client_of(shared["home"])
    client.state(fresh=False)  # raises NotRunning, with the next command
    reads, live = readable(), is_terminal() and knows_pictures()
    words = Words.of_view(prompt=is_terminal() and reads)
    over = threading.Event()
    write = partial(_write_or_end, over)
    screen = screen_of(words, live=live, prompt=reads, write=write)
    leaving = WatchLeaving(client, over, asks=is_terminal())
    view = ViewThreads(client, screen, words, leaving=leaving, reads=reads)
    view.watch(over, since_s=time.time() - RECENT_S)
    way_out = "exit or Ctrl-C ends" if reads else "Ctrl-C ends"
    say(f"Watching: {way_out} this view only, `down` ends potluck.")
    with job_control(draws=live), _taken_endings():
        try:
            view.start()
            _wait(over)
        except KeyboardInterrupt:
            pass
        finally:
            view.stop()
    say(_last_words(client))
    return 0


@contextmanager
def _taken_endings() -> Iterator[None]:
    """Have the first signal that is to end this program raise KeyboardInterrupt here.

    More of them are ignored meanwhile: the terminal is being put back. Those that were to be
    ignored from the start, as under nohup, stay so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        for taken in before:
            signal.signal(taken, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {one: signal.getsignal(one) for one in VIEW_END_SIGNALS}
    before = {one: how for one, how in before.items() if how == signal.SIG_DFL}
    for one in before:
        signal.signal(one, end)
    try:
        yield
    finally:
        for one, how in before.items():
            signal.signal(one, how)


def _wait(over: threading.Event) -> None:
    over.wait()


def _write_or_end(over: threading.Event, text: str) -> None:
    """Write to the standard output; if that fails end the view, whose last words meet it, too."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError):
        over.set()


def _last_words(client: Client) -> str:
    try:
        client.state(fresh=False)
    except NotRunning:
        return "potluck has ended."
    except PotluckError as error:
        return str(error)
    return f"potluck goes on; to see it again: {command('watch')}"
