"""The inbox: how other threads reach the loop thread.

Strategy: a queue that never blocks, and one byte on a socket pair that wakes the selector the loop
waits on. Facts of workers, opened links, questions and signals all come this way, in the order in
which they were put in. Looks alone overtake: whoever has a look wants to see how things are, not
how they are once everything that waits is done, which takes seconds while 150,000 files are taken
in. Every part that has something to tell is given the inbox itself; all that may come is named
here, in one union.

Guarantees: `post` is safe from any thread and from a signal handler, and never waits; nothing
posted is lost while the loop runs. Once the loop has ended (`turn_away`) whatever still comes is
let go at once: who asked gets CancelledError, and the socket of a link is closed. Limits: the queue
is unbounded; those who post are bounded themselves (pools, and one question a thread).
"""

from __future__ import annotations

import queue
import selectors
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, LinkKind
from potluck.engine.engine import Engine
from potluck.engine.events import Event, OrderId

WAKE_BYTES: Final = 4 * limits.KIB  # read at once; a byte that stays wakes once more, harmlessly
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Question(Generic[Result]):
    """What another thread wants to know of the engine."""

    ask: Callable[[Engine, float], Result]  # called on the loop thread with the loop's clock
    answer: Future[Result]

    def settle(self, engine: Engine) -> None:
        """Answer, unless nobody waits any more."""
        if self.answer.set_running_or_notify_cancel():
            try:
                self.answer.set_result(self.ask(engine, time.monotonic()))
            except Exception as error:  # noqa: BLE001 # house: handed to the thread that asked
                self.answer.set_exception(error)


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """A control or pairing connection that the loop thread is to own from now on."""

    sock: ssl.SSLSocket  # after HELLO_OK
    kind: LinkKind  # CONTROL or PAIRING
    peer: DeviceId | None  # who, proved by TLS; None on a pairing link
    address: Address  # the other end; port 0 if the other side dialled
    instance: bytes  # the other side's run, b"" on a pairing link
    dial: OrderId | None  # our Dial, None if the other side dialled


@dataclass(frozen=True, slots=True)
class RecordAsked:
    """Somebody wants the flight record written down (SIGUSR2)."""


Posted = Event | OpenedLink | Question[Any] | RecordAsked


class Inbox:
    """A queue, and a byte that wakes the selector."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        """Watch the wake-up with this selector."""
        self._selector: Final = selector
        self._items: Final[queue.SimpleQueue[Posted]] = queue.SimpleQueue()
        self._looks: Final[queue.SimpleQueue[Question[Any]]] = queue.SimpleQueue()
        self._deserted = False
        self._hear, self._wake = socket.socketpair()
        self._hear.settimeout(0)
        self._wake.settimeout(0)
        selector.register(self._hear, selectors.EVENT_READ, self._on_wake)

    def __repr__(self) -> str:
        """Show how much waits."""
        waiting = f"{self._items.qsize()} waiting, {self._looks.qsize()} looks"
        return f"<Inbox: {waiting}, deserted={self._deserted}>"

    def post(self, item: Posted) -> None:
        """Hand something to the loop; from any thread, never blocks."""
        self._items.put(item)
        self._wake_up()

    def look(self, question: Callable[[Engine, float], Result]) -> Future[Result]:
        """Have a question answered before anything that waits; from any thread, never blocks.

        The answer says how things are as far as it is known by then; it is cancelled once the loop
        has ended.
        """
        answer: Future[Result] = Future()
        self._looks.put(Question(question, answer))
        self._wake_up()
        return answer

    def _wake_up(self) -> None:
        """Wake the loop, or, if it has ended, let go of what nobody will take."""
        # a full pipe wakes as well as one byte more; a closed one has nobody to wake
        with suppress(OSError):
            self._wake.send(b"!")
        if self._deserted:  # perhaps it was put in after the loop looked for the last time
            self.turn_away()

    def take(self, count: int) -> list[Posted]:
        """Return up to `count` items; wakes again if there may be more."""
        items: list[Posted] = []
        with suppress(queue.Empty):
            while len(items) < count:
                items.append(self._items.get_nowait())
            with suppress(OSError):
                self._wake.send(b"!")
        return items

    def answer_looks(self, engine: Engine) -> None:
        """Answer whoever only wants to have a look: on the loop thread, between two calls."""
        for _ in range(self._looks.qsize()):
            self._looks.get_nowait().settle(engine)

    def turn_away(self) -> None:
        """Nobody takes any more: let go of what is here, and of all that will come."""
        self._deserted = True
        with suppress(queue.Empty):
            while True:
                self._looks.get_nowait().answer.cancel()
        with suppress(queue.Empty):
            while True:
                match self._items.get_nowait():
                    case Question(answer=answer):
                        answer.cancel()
                    case OpenedLink(sock=sock):
                        sock.close()
                    case _:  # a fact nobody needs: the engine looks again at the next start
                        pass

    def close(self) -> None:
        """Stop listening; what is still here, and what will come, is let go."""
        self.turn_away()
        self._selector.unregister(self._hear)
        self._hear.close()
        self._wake.close()

    def _on_wake(self, _mask: int) -> list[Event]:
        with suppress(BlockingIOError):
            self._hear.recv(WAKE_BYTES)
        return []
