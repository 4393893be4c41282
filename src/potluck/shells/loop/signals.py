"""Signals: what the operating system, a terminal or a person with `kill` may ask of a program.

Strategy: handlers do one thing, they put an item into the inbox, which is safe at any moment. They
are taken before anything else is built, so a signal during the start is not lost: a wish to leave
is kept until there is a loop to ask. SIGUSR2 asks for the flight record; before there is a loop
there is nothing to write, and it is ignored rather than the end of the program.

Guarantees: SIGINT, SIGTERM and a closed terminal lead to the same graceful leave, but for a first
SIGINT about which a person is asked; another SIGINT once it leaves ends the program the hard way; a
SIGHUP that was to be ignored (nohup) stays so. Handlers are given back on leaving. Limits: only the
main thread can take signals; on another nothing happens.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final, Self

from potluck.shells.loop.inbox import RecordAsked
from potluck.shells.loop.loop import Loop, leave

LEAVE_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RECORD_SIGNAL: Final = signal.SIGUSR2


Interrupted = Callable[[Callable[[], None]], bool]
"""Is given what has the loop leave, to be called from any thread."""


class Signals:
    """While entered: signals reach the loop, also when there is no loop yet."""

    def __init__(self, interrupted: Interrupted | None = None) -> None:
        """Change nothing before it is entered.

        `interrupted`: told of a first SIGINT while the loop runs, and says whether a person is
        asked about it; if so nothing else follows from it.
        """
        self._interrupted, self._was_asked = interrupted, False
        self._loop: Loop | None = None
        self._leave_asked = False
        self._before: dict[signal.Signals, object] = {}

    def __repr__(self) -> str:
        """Show what was taken and asked."""
        taken = ", ".join(number.name for number in self._before)
        return f"<Signals: {taken or 'none'} taken, leave asked={self._leave_asked}>"

    def __enter__(self) -> Self:
        """Take the signals, if this is the main thread."""
        if threading.current_thread() is threading.main_thread():
            for number in LEAVE_SIGNALS:
                # as nohup wants it
                if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._on_leave)
            self._before[RECORD_SIGNAL] = signal.signal(RECORD_SIGNAL, self._on_record)
        return self

    def __exit__(self, *_exc: object) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # it came from signal.signal
        self._before.clear()

    def attach(self, loop: Loop) -> None:
        """Ask this loop from now on, at once if a signal came before."""
        self._loop = loop
        if self._leave_asked:
            leave(loop)

    def _on_leave(self, number: int, _frame: FrameType | None) -> None:
        is_first = number == signal.SIGINT and not (self._was_asked or self._leave_asked)
        if is_first and self._loop is not None and self._interrupted is not None:
            self._was_asked = self._interrupted(self._leave)
            if self._was_asked:
                return
        if number == signal.SIGINT or self._was_asked:  # the next one ends it the hard way
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        self._leave()

    def _leave(self) -> None:
        """Ask the loop to leave, now or when there is one; from any thread."""
        self._leave_asked = True
        if self._loop is not None:
            leave(self._loop)

    def _on_record(self, _number: int, _frame: FrameType | None) -> None:
        if self._loop is not None:
            self._loop.post(RecordAsked())
