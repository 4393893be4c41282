"""Moving SQLite's write-ahead log into the database file: the one act on the index that is not the engine's.

Strategy: a connection of its own for each time, so it may run on another thread than the engine's. PASSIVE copies
what it can and disturbs nobody; only `wholly` waits for the writer, and holds it up, to leave an empty log.

Guarantee: both syncs of a checkpoint (log before, file after) are made here, `synchronous = FULL`, and never by the
loop.
"""

from __future__ import annotations

import sqlite3

from potluck.engine.index.database import disk_trouble

_BUSY_S = 0.1  # the writer's transactions last milliseconds; if not, the log is moved next time


def move_log(path: str, *, wholly: bool) -> None:
    """Copy the index's log into its file: as far as nobody is disturbed, or `wholly`; raises DiskTrouble."""
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            if wholly:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise disk_trouble(path, error) from error
