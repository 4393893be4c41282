"""The store thread: it makes durable what the loop thread has written to the index.

Strategy: the loop writes SQLite itself and never waits for the disk; on `Sync` this thread calls
fsync on the write-ahead log and posts `Synced`. All barriers that wait share one fsync. It also
moves the log into the database file (a checkpoint) on a connection of its own, when the log has
grown, so the loop never does that either.

Guarantees: `Synced(n)` is posted only after an fsync that began after everything `Sync(n)` covers
was written. After a failed fsync nothing is posted any more: the kernel may have thrown the pages
away and a second fsync would lie. Opening the log beside SQLite is safe: its POSIX locks are on the
database and the -shm file, never on the log. Limits: when a checkpoint had to empty a log that grew
past LOG_HARD_BYTES, the loop may wait for its last few pages.
"""

from __future__ import annotations

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

LOG_SOFT_BYTES: Final = 8 * MIB  # above this the log is moved into the file; larger slows reads
LOG_HARD_BYTES: Final = (
    64 * MIB
)  # a writer that never pauses is stopped for a moment to empty the log
LOOK_S: Final = 5.0  # how often the size of the log is looked at when no Sync comes
CLOSE_S: Final = 10.0  # longest wait for the last fsync; a disk that needs more is broken

Post = Callable[[MadeDurable], None]
Report = Callable[[DiskTrouble], None]
FlushFile = Callable[[int], None]


class Store:
    """A thread between `Sync` and `Synced` for one index."""

    def __init__(
        self, database_path: str, post: Post, report: Report, flush: FlushFile | None = None
    ) -> None:
        """Start the thread for the index at this path, which the engine has opened already.

        `post` takes each Synced and `report` what went wrong, both on this thread; `flush` is fsync
        by descriptor.
        """
        self._database_path = database_path
        self._log_path = f"{database_path}-wal"
        self._post = post
        self._report = report
        self._flush = flush or os.fsync
        self._orders: queue.SimpleQueue[MakeDurable | None] = queue.SimpleQueue()
        self._broken = False
        self._folder_flushed = False
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def submit(self, sync: MakeDurable) -> None:
        """Ask for a Synced once all that the index holds now is on the disk; never waits. After
        `close` it is lost.
        """
        self._orders.put(sync)

    def close(self) -> None:
        """Carry out what was submitted, then end the thread; raises DiskTrouble if the disk does
        not answer.
        """
        self._orders.put(None)
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            raise DiskTrouble(
                "the index is not on the disk yet", "the disk does not answer", "look at the disk"
            )

    # -- the thread --------------------------------------------------------------------------------
    def _run(self) -> None:
        going = True
        while going:
            orders = self._next_orders()
            going = None not in orders
            self._make_durable([order for order in orders if order is not None])
            self._checkpoint()

    def _next_orders(self) -> list[MakeDurable | None]:
        """Wait for an order and return it with all that came behind it; none after LOOK_S."""
        try:
            orders = [self._orders.get(timeout=LOOK_S)]
        except queue.Empty:
            return []
        while not self._orders.empty():  # nobody else takes from this queue
            orders.append(self._orders.get())
        return orders

    def _make_durable(self, syncs: list[MakeDurable]) -> None:
        if not syncs or self._broken:
            return
        try:
            if not self._folder_flushed:
                self._flush_path(os.path.dirname(os.path.abspath(self._database_path)))
                self._folder_flushed = True
            self._flush_path(self._log_path)
        except OSError as error:
            self._broken = True
            cause = f"{self._log_path}: {error.strerror or error}"
            fix = "nothing new is shared until potluck is restarted on a healthy disk"
            self._report(DiskTrouble("the index cannot be made safe on the disk", cause, fix))
            return
        for sync in syncs:
            self._post(MadeDurable(sync.barrier))

    def _flush_path(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._flush(descriptor)
        finally:
            os.close(descriptor)

    def _checkpoint(self) -> None:
        """Move the log into the file if it has grown; the next writer then begins the log anew and
        cuts it.
        """
        size_bytes = self._log_bytes()
        if size_bytes < LOG_SOFT_BYTES or self._broken:
            return
        try:
            move_log(self._database_path, wholly=size_bytes >= LOG_HARD_BYTES)
        except (
            DiskTrouble
        ) as trouble:  # nothing is lost: the log stays as it is, and is tried again
            self._report(trouble)

    def _log_bytes(self) -> int:
        try:
            return os.stat(self._log_path).st_size
        except FileNotFoundError:
            return 0  # the engine has closed the index; SQLite moved the log itself
