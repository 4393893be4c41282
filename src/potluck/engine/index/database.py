"""One connection to SQLite, and the only place that knows its errors.

Strategy: explicit transactions, write-ahead log, `synchronous = NORMAL`: a commit writes and never
waits for the disk. Automatic checkpoints are off, since they would wait on the loop thread; the
store thread does both (docs/decisions/001-index-written-by-the-loop.md). Every error of SQLite that
has its reason in the file or its disk becomes a `DiskTrouble` with a fix in it; a file that has not
the tables of its version is damaged. What it says of a
statement or a value of ours (`FAULTS_OF_OURS`) stays what it is: no disk is to blame for it, and
nothing has to rest until it is better.

Guarantees: nothing outside `transaction begin … commit` is half done; after an error the caller
rolls back and the file is as before. No temporary file is ever made (temp_store MEMORY): the daemon
may write to its own folders only. Limits: one thread at a time.
"""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

from potluck.core.errors import DiskTrouble, IndexDamaged, NoRoom
from potluck.engine.index import schema

Value = str | bytes | int | float | None
Row = tuple[Any, ...]

# only a checkpoint that empties the log holds the lock; to wait is better than to fail an event
_BUSY_S = 10.0
# the writer's transactions last milliseconds; if not, the log is moved next time
_MOVE_WAIT_S = 0.1
# prepared statements kept: more than all subjects of the index have together
_STATEMENTS = 256
LEFT_MAX: Final = 10_000  # rows of a damaged table: more than a roster ever has
FAULTS_OF_OURS: Final = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.NotSupportedError,
)
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA wal_autocheckpoint = 0",
    # a log that begins anew is cut, so its size says what is in it
    "PRAGMA journal_size_limit = 0",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -8192",
    "PRAGMA trusted_schema = OFF",
)


class Database:
    """A SQLite file (or ":memory:") that holds the tables of this version."""

    def __init__(self, path: str) -> None:
        """Open or make it; raises IndexDamaged, or DiskTrouble if it is of a newer potluck."""
        self.path = path
        self.damaged = False  # SQLite said so of the file: no later call is to be trusted
        self._begins = False  # with the next statement
        try:
            # isolation_level None: transactions are ours; built on one thread, used on another.
            self._connection = sqlite3.connect(
                path,
                timeout=_BUSY_S,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_STATEMENTS,
            )
        except sqlite3.Error as error:
            raise disk_trouble(path, error) from error
        try:
            for pragma in _PRAGMAS:
                self.run(pragma)
            self._migrate()
        except DiskTrouble:
            self._connection.close()
            raise

    def __repr__(self) -> str:
        """Return where it is."""
        return f"<Database {self.path}>"

    def run(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Execute one statement and return how many rows it changed."""
        if self._begins:
            self._begin()
        try:
            return self._connection.execute(sql, values).rowcount
        except FAULTS_OF_OURS:
            raise
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> int:
        """Execute one statement for each row of values; returns how many rows it changed in all."""
        if self._begins:
            self._begin()
        try:
            return self._connection.executemany(sql, rows).rowcount
        except FAULTS_OF_OURS:
            raise
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Return every row of a query."""
        if self._begins:
            self._begin()
        try:
            return self._connection.execute(sql, values).fetchall()
        except FAULTS_OF_OURS:
            raise
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def row(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        """Return the first row of a query, or None."""
        if self._begins:
            self._begin()
        try:
            found: Row | None = self._connection.execute(sql, values).fetchone()
        except FAULTS_OF_OURS:
            raise
        except sqlite3.Error as error:
            raise self._trouble(error) from error
        return found

    def each(self, sql: str, values: Sequence[Value] = ()) -> Iterator[Row]:
        """Yield the rows of a query one by one, for very many; write nothing meanwhile."""
        if self._begins:
            self._begin()
        try:
            yield from self._connection.execute(sql, values)
        except FAULTS_OF_OURS:
            raise
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    @property
    def changes(self) -> int:
        """How many rows were changed so far, also by what was rolled back."""
        return self._connection.total_changes

    @property
    def in_transaction(self) -> bool:
        """Whether something was begun and not ended."""
        return self._begins or self._connection.in_transaction

    def begin(self) -> None:
        """Begin a transaction: SQLite hears of it with the first statement, if there is any."""
        self._begins = True

    def commit(self) -> None:
        """End it: all since `begin` stands together. Raises DiskTrouble: then roll back."""
        if self._begins:
            self._begins = False
        else:
            self.run("COMMIT")

    def rollback(self) -> None:
        """Undo all since `begin`, unless SQLite has done so."""
        if self._begins:
            self._begins = False
        elif self._connection.in_transaction:
            self.run("ROLLBACK")

    def _begin(self) -> None:
        self._begins = False
        self.run("BEGIN")

    def close(self) -> None:
        """Close the connection; what was not committed is gone."""
        self._connection.close()

    def damage(self, why: str) -> IndexDamaged:
        """Have the file count as damaged; return the error to raise."""
        self.damaged = True
        return IndexDamaged("the index is damaged", f"{self.path}: {why}", "start potluck again")

    def _trouble(self, error: sqlite3.Error) -> DiskTrouble:
        trouble = disk_trouble(self.path, error)
        self.damaged = self.damaged or isinstance(trouble, IndexDamaged)
        return trouble

    def _migrate(self) -> None:
        ((version,),) = self.rows("PRAGMA user_version")
        if version < 0:  # no potluck has one: a bit of it fell over
            raise self.damage(f"its version is {version}")
        if version > schema.VERSION:
            raise DiskTrouble(
                "the index was written by a newer potluck",
                f"its version is {version}, this program knows {schema.VERSION}",
                f"update potluck, or move {self.path} away to build a new index",
            )
        if version == schema.VERSION:
            return
        self.run("BEGIN IMMEDIATE")
        for step in range(version, schema.VERSION):
            for statement in schema.MIGRATIONS[step]:
                self.run(statement)
        self.run(f"PRAGMA user_version = {schema.VERSION}")
        self.run("COMMIT")


def disk_trouble(path: str, error: sqlite3.Error) -> DiskTrouble:
    """Return what a person can be told about an error of SQLite."""
    name = getattr(error, "sqlite_errorname", "")
    folder = shlex.quote(path.rpartition("/")[0] or ".")
    if name == "SQLITE_FULL":
        return NoRoom(
            "the index cannot be written", f"its disk is full ({path})", f"df -h {folder}"
        )
    if name == "SQLITE_IOERR_SHMSIZE":
        cause = f"its disk gives no room for {path}-shm"
        return NoRoom("the index cannot be opened", cause, f"df -h {folder}")
    if name == "SQLITE_CANTOPEN":
        cause = f"{path}: {error} (no inodes left on its disk, or its rights)"
        return DiskTrouble("the index cannot be opened", cause, f"df -i {folder}; ls -la {folder}")
    if name.startswith("SQLITE_CORRUPT") or name == "SQLITE_NOTADB" or _lacks_tables(error):
        return IndexDamaged("the index is damaged", f"{path}: {error}", "start potluck again")
    return DiskTrouble(
        "the index does not work",
        f"{path}: {error} {name}".strip(),
        "start potluck again",
    )


def _lacks_tables(error: sqlite3.Error) -> bool:
    """Say whether a file has not the tables of its version: all that are asked for are of ours."""
    return (
        re.match(
            r"no such (table|column)|duplicate column|table \S+ (has no column|already exists)",
            str(error),
        )
        is not None
    )


def rows_left(path: str, sql: str, order: str, *, with_log: bool) -> tuple[list[Row], bool]:
    """Return what a query finds in a file that may be damaged, and whether that is all.

    From both ends of an `order`, so that a damaged page hides only what is in it. Nothing is
    written, and at most `LEFT_MAX` rows are read.
    """
    mode = "mode=ro" if with_log else "immutable=1"
    found = dict[Row, None]()
    for direction in ("ASC", "DESC"):
        try:
            connection = sqlite3.connect(f"file:{quote(path)}?{mode}", uri=True)
            try:
                wanted = f"{sql} ORDER BY {order} {direction} LIMIT {LEFT_MAX}"
                for row in connection.execute(wanted):
                    found[row] = None
            finally:
                connection.close()
        except (sqlite3.Error, UnicodeDecodeError):
            continue
        return list(found), True
    return list(found), False


def move_log(path: str, *, wholly: bool) -> None:
    """Copy the log into its file, as far as nobody is disturbed or `wholly`; raises DiskTrouble."""
    try:
        connection = sqlite3.connect(path, timeout=_MOVE_WAIT_S, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            if wholly:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise disk_trouble(path, error) from error
