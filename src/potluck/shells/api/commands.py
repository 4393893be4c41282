"""Commands: what a person asked the engine for, and the threads that wait for its answer.

Strategy: each command has a number and a box of one; the engine's Reply goes into the box of its
number. Guarantees: every command ends: with the reply, with None when nobody answered in time, or
with the reply that the program is leaving; a reply nobody waits for any more is dropped. Limits:
one reply a command.
"""

from __future__ import annotations

import itertools
import queue
from collections.abc import Callable
from typing import Final

from potluck.engine.effects import Reply
from potluck.engine.events import Event
from potluck.engine.own.imports import LEAVING, START_AGAIN, WAS_ENDED
from potluck.shells.loop.loop import Loop


class Commands:
    """Who waits for which reply; any thread may ask, the loop thread replies."""

    def __init__(self) -> None:
        """Begin with none."""
        self._numbers: Final = itertools.count(1)
        self._boxes: Final[dict[int, queue.SimpleQueue[Reply]]] = {}
        self._adds: Final[set[int]] = set()  # those that bring files
        self._closed = False

    def __repr__(self) -> str:
        """Show how many wait."""
        return f"<Commands: {len(self._boxes)} waiting, closed={self._closed}>"

    @property
    def adding(self) -> bool:
        """Whether files are being brought that the engine has not in hand yet."""
        return bool(self._adds)

    def ask(
        self, loop: Loop, fact: Callable[[int], Event], patience_s: float, *, adds: bool = False
    ) -> Reply | None:
        """Tell the engine a fact with a number of its own, and return its reply; None: too late.

        With `adds` the command goes on when nobody waits for it any more.
        """
        command, box = next(self._numbers), queue.SimpleQueue[Reply]()
        self._boxes[command] = box
        if adds:
            self._adds.add(command)
        loop.post(fact(command))
        if self._closed:  # perhaps it was asked after the loop had ended
            self.replied(left_undone(command))
        try:
            return box.get(timeout=patience_s)
        except queue.Empty:
            if not adds:
                self._boxes.pop(command, None)
            return None

    def replied(self, reply: Reply) -> None:
        """Hand the result of a command to the thread that waits for it, if it still does."""
        box = self._boxes.pop(reply.command, None)
        self._adds.discard(reply.command)
        if box is not None:
            box.put(reply)

    def close(self) -> None:
        """The loop has ended: whoever waits, or comes now, is told so."""
        self._closed = True
        for command in list(self._boxes):
            self.replied(left_undone(command))


def left_undone(command: int) -> Reply:
    """Return the reply to what is asked of a program that is leaving."""
    return Reply(command, ok=False, text=LEAVING, cause=WAS_ENDED, fix=START_AGAIN)
