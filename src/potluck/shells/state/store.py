"""The store thread: it makes durable what the loop thread has written to the index.

Strategy: the loop writes SQLite itself and never waits for the disk; on `MakeDurable` this thread
calls fsync on the write-ahead log and posts `MadeDurable`. All barriers that wait share one fsync.
It also moves the log into the database file (a checkpoint) on a connection of its own, when the log
has grown, so the loop never does that either. What fails is posted, too: `NotDurable`, `LogStuck`.

Guarantees: `MadeDurable(n)` is posted only after an fsync that began after everything
`MakeDurable(n)` covers was written. After a failed fsync nothing is made durable any more: the
kernel may have thrown the pages away and a second fsync would lie. Where a file could not be opened
nothing was thrown away: that is tried again until it goes, and each try that fails is told. What
nobody expected is told as well, makes nothing durable any more, and never ends the thread. Opening
the log beside SQLite is safe: its POSIX locks are on the database and the -shm file, never on the
log. Limits: when a checkpoint had to empty a log that grew past LOG_HARD_BYTES, the loop may wait
for its last few pages.
"""

from __future__ import annotations

import errno
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Final

from potluck.core.content.facts import Hindrance
from potluck.core.errors import DiskTrouble
from potluck.core.limits import MIB
from potluck.engine.effects import MakeDurable
from potluck.engine.events import LogMoved, LogStuck, MadeDurable, NotDurable
from potluck.engine.index import database
from potluck.shells.loop.inbox import Inbox

LOG_SOFT_BYTES: Final = 8 * MIB  # above this the log is moved into the file; larger slows reads
# a writer that never pauses is stopped for a moment to empty the log
LOG_HARD_BYTES: Final = 64 * MIB
LOG_LOOK_S: Final = 5.0  # how often the size of the log is looked at when nothing is to be flushed
OPEN_AGAIN_S: Final = 1.0  # between two tries to open what could not be opened
_HINDRANCES: Final = {
    errno.EMFILE: Hindrance.DESCRIPTORS,
    errno.ENFILE: Hindrance.DESCRIPTORS,
    errno.ENOSPC: Hindrance.SPACE,
    errno.EDQUOT: Hindrance.QUOTA,
    errno.EROFS: Hindrance.READ_ONLY,
    errno.EACCES: Hindrance.DENIED,
    errno.EIO: Hindrance.IO,
}
"""What opening and flushing a file of our own can say, where people can act on it."""
CLOSE_S: Final = 10.0  # longest wait for the last fsync; a disk that needs more is broken

FlushFile = Callable[[int], None]


class Store:
    """A thread between `MakeDurable` and `MadeDurable` for one index."""

    def __init__(self, database_path: str, inbox: Inbox, flush: FlushFile = os.fsync) -> None:
        """Start the thread for the index at this path, which the engine has opened already.

        `inbox` takes each MadeDurable, and what went wrong; `flush` is fsync by descriptor.
        """
        self._database_path: Final = database_path
        self._log_path: Final = f"{database_path}-wal"
        self._inbox: Final = inbox
        self._flush: Final = flush
        self._orders: Final[queue.SimpleQueue[MakeDurable | None]] = queue.SimpleQueue()
        self._broken = False
        self._folder_flushed = False
        self._move_s: float | None = None  # when moving the log is tried again after it failed
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
            try:
                wanted = self._make_durable(wanted)
                self._checkpoint()
            except Exception as error:  # noqa: BLE001 # house: a dead thread would say nothing
                wanted = self._give_up(self._database_path, _why(error))

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
        folder = os.path.dirname(os.path.abspath(self._database_path))
        for path in [self._log_path] if self._folder_flushed else [folder, self._log_path]:
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                self._inbox.post(NotDurable(_why(error), path, OPEN_AGAIN_S))
                return wanted
            try:
                self._flush(descriptor)
            except OSError as error:
                return self._give_up(path, _why(error))
            finally:
                os.close(descriptor)
            self._folder_flushed = True
        for effect in wanted:
            self._inbox.post(MadeDurable(effect.barrier))
        return []

    def _give_up(self, path: str, why: str) -> list[MakeDurable]:
        """Make nothing durable any more, and say so; return what is to be tried again: nothing."""
        if not self._broken:
            self._broken = True
            self._inbox.post(NotDurable(why, path, None))
        return []

    def _checkpoint(self) -> None:
        """Move the log into the file if it has grown; the next writer then begins it anew."""
        size_bytes, failed_s = self._log_bytes(), self._move_s
        if self._broken or (failed_s is not None and time.monotonic() < failed_s):
            return
        try:
            if size_bytes >= LOG_SOFT_BYTES:
                database.move_log(self._database_path, wholly=size_bytes >= LOG_HARD_BYTES)
        # nothing is lost: the log stays as it is, and is tried again
        except DiskTrouble as trouble:
            self._move_s = time.monotonic() + LOG_LOOK_S
            why = trouble.cause or trouble.what
            self._inbox.post(LogStuck(why, trouble.fix, LOG_LOOK_S))
            return
        if failed_s is not None:
            self._move_s = None
            self._inbox.post(LogMoved())

    def _log_bytes(self) -> int:
        try:
            return os.stat(self._log_path).st_size
        except OSError:
            return 0  # closed, and SQLite moved it itself; or out of reach, which a flush tells


def _why(error: Exception) -> str:
    if not isinstance(error, OSError):
        return f"{type(error).__name__}: {error}"
    hindrance = _HINDRANCES.get(error.errno or 0)
    return str(hindrance) if hindrance is not None else error.strerror or str(error)
