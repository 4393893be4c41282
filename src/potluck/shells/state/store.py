"""The store thread: it makes durable what the loop thread has written to the index.

Strategy: the loop writes SQLite itself and never waits for the disk; on `MakeDurable` this thread
calls fsync on the write-ahead log and posts `MadeDurable`. All barriers that wait share one fsync.
It also moves the log into the database file (a checkpoint) on a connection of its own, when the log
has grown, so the loop never does that either.

Guarantees: `MadeDurable(n)` is posted only after an fsync that began after everything
`MakeDurable(n)` covers was written. After a failed fsync nothing is posted any more: the kernel may
have thrown the pages away and a second fsync would lie. Where the log could not be opened for want
of descriptors nothing was thrown away: that is tried again until it goes. Opening the log beside
SQLite is safe: its POSIX locks are on the database and the -shm file, never on the log. Limits:
when a checkpoint had to empty a log that grew past LOG_HARD_BYTES, the loop may wait for its last
few pages.
"""

from __future__ import annotations

import errno
import os
import queue
import threading
from collections.abc import Callable
from typing import Final

from potluck.core.errors import DiskTrouble
from potluck.core.limits import MIB
from potluck.engine.effects import MakeDurable
from potluck.engine.events import MadeDurable
from potluck.engine.index.database import move_log
from potluck.shells.loop.inbox import Inbox
from potluck.shells.loop.people import People, first_line, warning

LOG_SOFT_BYTES: Final = 8 * MIB  # above this the log is moved into the file; larger slows reads
# a writer that never pauses is stopped for a moment to empty the log
LOG_HARD_BYTES: Final = 64 * MIB
LOG_LOOK_S: Final = 5.0  # how often the size of the log is looked at when nothing is to be flushed
OPEN_AGAIN_S: Final = 1.0  # between two tries to open the log where there are no descriptors
_NO_DESCRIPTORS: Final = {errno.EMFILE, errno.ENFILE}
CLOSE_S: Final = 10.0  # longest wait for the last fsync; a disk that needs more is broken

FlushFile = Callable[[int], None]


class Store:
    """A thread between `MakeDurable` and `MadeDurable` for one index."""

    def __init__(
        self, database_path: str, inbox: Inbox, people: People, flush: FlushFile = os.fsync
    ) -> None:
        """Start the thread for the index at this path, which the engine has opened already.

        `inbox` takes each MadeDurable, `people` hear what went wrong; `flush` is fsync by
        descriptor.
        """
        self._database_path: Final = database_path
        self._log_path: Final = f"{database_path}-wal"
        self._inbox: Final = inbox
        self._people: Final = people
        self._flush: Final = flush
        self._orders: Final[queue.SimpleQueue[MakeDurable | None]] = queue.SimpleQueue()
        self._broken = False
        self._waits = False  # for descriptors
        self._folder_flushed = False
        self._thread: Final = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        """Show what waits, and whether the disk has failed."""
        return f"<Store: {self._orders.qsize()} waiting, broken={self._broken}>"

    def submit(self, effect: MakeDurable) -> None:
        """Ask for MadeDurable once all that the index holds now is on the disk; never waits.

        After `close` it is lost.
        """
        self._orders.put(effect)

    def close(self) -> None:
        """Carry out what was submitted, then end the thread.

        Raises DiskTrouble if the disk does not answer.
        """
        self._orders.put(None)
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            raise DiskTrouble(
                "the index is not on the disk yet", "the disk does not answer", "look at the disk"
            )

    # -- the thread --------------------------------------------------------------------------------
    def _run(self) -> None:
        going, wanted = True, list[MakeDurable]()
        while going:
            orders = self._next_orders(OPEN_AGAIN_S if wanted else LOG_LOOK_S)
            going = None not in orders
            wanted += [order for order in orders if order is not None]
            wanted = self._make_durable(wanted)
            self._checkpoint()

    def _next_orders(self, patience_s: float) -> list[MakeDurable | None]:
        """Wait for an order and return it with all that came behind it; none after a while."""
        try:
            orders = [self._orders.get(timeout=patience_s)]
        except queue.Empty:
            return []
        while not self._orders.empty():  # nobody else takes from this queue
            orders.append(self._orders.get())
        return orders

    def _make_durable(self, wanted: list[MakeDurable]) -> list[MakeDurable]:
        """Flush what these wait for; return those to be tried again."""
        if not wanted or self._broken:
            return []
        try:
            if not self._folder_flushed:
                self._flush_path(os.path.dirname(os.path.abspath(self._database_path)))
                self._folder_flushed = True
            self._flush_path(self._log_path)
        except OSError as error:
            return self._not_flushed(wanted, error)
        self._waits = False
        for effect in wanted:
            self._inbox.post(MadeDurable(effect.barrier))
        return []

    def _not_flushed(self, wanted: list[MakeDurable], error: OSError) -> list[MakeDurable]:
        """Say why nothing is durable now; return what is to be tried again."""
        cause = f"{self._log_path}: {error.strerror or error}"
        if error.errno in _NO_DESCRIPTORS:
            if not self._waits:
                fix = "it is tried again until there are"
                self._report(DiskTrouble("the index is not safe on the disk yet", cause, fix))
            self._waits = True
            return wanted
        self._broken = True
        fix = "nothing new is shared until potluck is restarted on a healthy disk"
        self._report(DiskTrouble("the index cannot be made safe on the disk", cause, fix))
        return []

    def _report(self, trouble: DiskTrouble) -> None:
        self._people.told(warning("index_trouble", first_line(trouble)))

    def _flush_path(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._flush(descriptor)
        finally:
            os.close(descriptor)

    def _checkpoint(self) -> None:
        """Move the log into the file if it has grown; the next writer then begins it anew."""
        size_bytes = self._log_bytes()
        if size_bytes < LOG_SOFT_BYTES or self._broken:
            return
        try:
            move_log(self._database_path, wholly=size_bytes >= LOG_HARD_BYTES)
        # nothing is lost: the log stays as it is, and is tried again
        except DiskTrouble as trouble:
            self._report(trouble)

    def _log_bytes(self) -> int:
        try:
            return os.stat(self._log_path).st_size
        except FileNotFoundError:
            return 0  # the engine has closed the index; SQLite moved the log itself
