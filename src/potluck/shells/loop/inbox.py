"""The inbox: how other threads reach the loop thread.

Strategy: a queue that never blocks, and one byte on a socket pair that wakes the selector the loop
waits on. Facts of workers, opened links and questions all come this way, in the order in which they
were put in.

Guarantees: `post` is safe from any thread and from a signal handler, and never waits; nothing
posted is lost while the loop runs. Limits: the queue is unbounded; those who post are bounded
themselves (pools, and one question a thread).
"""

from __future__ import annotations

import queue
import selectors
import socket
from contextlib import suppress
from typing import Final

WAKE_BYTES: Final = 4096  # read at once; a byte that stays wakes once more and does no harm


class Inbox:
    """A queue, and a byte that wakes the selector."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        """Watch the wake-up with this selector."""
        self._selector: Final = selector
        self._items: Final[queue.SimpleQueue[object]] = queue.SimpleQueue()
        self._hear, self._wake = socket.socketpair()
        self._hear.settimeout(0)
        self._wake.settimeout(0)
        selector.register(self._hear, selectors.EVENT_READ, self._on_wake)

    def post(self, item: object) -> None:
        """Hand something to the loop; from any thread, never blocks; after `close` nobody takes it."""
        self._items.put(item)
        # a full pipe wakes as well as one byte more; a closed one has nobody to wake
        with suppress(OSError):
            self._wake.send(b"!")

    def take(self, count: int) -> list[object]:
        """Return up to `count` items; wakes again if there may be more."""
        items: list[object] = []
        with suppress(queue.Empty):
            while len(items) < count:
                items.append(self._items.get_nowait())
            with suppress(OSError):
                self._wake.send(b"!")
        return items

    def close(self) -> None:
        """Stop listening; what is posted from now on waits for nobody."""
        self._selector.unregister(self._hear)
        self._hear.close()
        self._wake.close()

    def _on_wake(self, _mask: int) -> list[object]:
        with suppress(BlockingIOError):
            self._hear.recv(WAKE_BYTES)
        return []
