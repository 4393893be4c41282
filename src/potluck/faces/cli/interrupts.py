"""Ctrl-C at the prompt of `up`: a person is asked once, if that is worth a question.

Strategy: the handler of the signal only puts a word into a queue; a thread that waits for it asks
what `exit` would ask. If there is no question, or nobody answers in time, it has potluck leave by
what the handler was given: a signal that comes while one is handled may lie there until the next
one. Guarantees: a second Ctrl-C is never taken here, so it
always leaves; nothing here waits in a signal handler. Limits: before the view begins nobody is
asked.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress

from potluck.core.errors import PotluckError


class Interrupts:
    """Takes the first Ctrl-C."""

    def __init__(
        self, question: Callable[[], list[str]], say: Callable[[list[str]], object]
    ) -> None:
        """`question` returns what is asked, nothing if there is no need; `say` shows it."""
        self._question, self._say = question, say
        # safe in a signal handler
        self._queue: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._answer, name="interrupts", daemon=True)
        self._is_taken = False

    def __repr__(self) -> str:
        return f"Interrupts(taken={self._is_taken})"

    def start(self) -> None:
        """From now on somebody can be asked."""
        self._thread.start()

    def take(self, leave: Callable[[], None]) -> bool:
        """Say whether a person is asked first; called by a signal handler.

        `leave` is called, by another thread, if there is nothing to ask.
        """
        if self._is_taken or not self._thread.is_alive():
            return False
        self._is_taken = True
        self._queue.put(leave)
        return True

    def _answer(self) -> None:
        leave = self._queue.get()
        lines = list[str]()
        with suppress(PotluckError):  # then it leaves without a question, as it would have
            lines = self._question()
        if lines:
            self._say(lines)
        else:
            leave()
