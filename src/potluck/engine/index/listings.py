"""The live records of a manifest, walked in order and added up, a bounded number at a time.

Strategy: whoever lists 150,000 files must not hold the loop thread for as long as that takes, so
every question here says after which path it goes on and how many rows it may look at. A path
lacks exactly if `needs` has a row of it. A folder is added up inside SQLite, which counts ten
times as many rows in the same time as Python can look at.

Guarantees: a walk sees every record that stands while it lasts, once, in the order of the paths'
bytes; what changes meanwhile is seen or not. Limits: sums of sizes are floats inside SQLite, exact
up to 2^53 bytes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from potluck.core import limits
from potluck.core.content.facts import ManifestName
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.index.database import Database, Row
from potluck.engine.index.names import Names
from potluck.engine.index.rows import RECORD, RECORD_WIDTH, prefixed, record_of

_AFTER_ALL: Final = b"\xff"  # no UTF-8 holds this byte, and none of a path holds b"\0"


class Span(NamedTuple):
    """The paths from `start` on that are below `end`, by their bytes."""

    start: bytes
    end: bytes

    @classmethod
    def of(cls, path: bytes) -> Span:
        """Return the span of one path alone."""
        return cls(path, path + b"\0")

    @classmethod
    def below(cls, prefix: bytes, after: bytes = b"") -> Span:
        """Return the span of all that begins with `prefix` and comes after the path `after`."""
        start = after + b"\0" if after else b""
        return cls(max(prefix, start), prefix + _AFTER_ALL)


class Listed(NamedTuple):
    """A live record, and whether it still lacks here."""

    record: FileRecord
    lacking: bool


class ListLine(NamedTuple):
    """What one line of a listing needs of a record."""

    path: bytes
    is_folder: bool
    size: int
    here: bool


class Amounts(NamedTuple):
    """Some records together."""

    files: int
    folders: int
    size_bytes: int  # of the files
    here_files: int
    upto: bytes  # the last path among them, b"" if there is none
    rows: int


_HERE: Final = "LEFT JOIN need AS n ON n.manifest = r.manifest AND n.path = r.path"
_SPAN: Final = "WHERE r.manifest = ? AND r.path >= ? AND r.path < ? ORDER BY r.path LIMIT ?"
_PAGE: Final = (
    f"SELECT {prefixed(RECORD, 'r')}, n.path IS NOT NULL FROM record AS r {_HERE} {_SPAN}"
)
_LINES: Final = (
    f"SELECT r.path, r.is_folder, r.size, n.path IS NULL FROM record AS r {_HERE} {_SPAN}"
)
_AMOUNTS: Final = (
    "SELECT count(*), total(is_folder), total(size), total(here AND NOT is_folder), max(path)"
    " FROM (SELECT r.path AS path, r.is_folder AS is_folder, r.size AS size, n.path IS NULL AS here"
    f" FROM record AS r {_HERE} {_SPAN})"
)


_SMALL: Final = (
    "SELECT total(NOT is_folder AND size <= ? AND instr(substr(path, ?), x'2f') = 0), max(path),"
    " count(*) FROM (SELECT r.path AS path, r.is_folder AS is_folder, r.size AS size"
    f" FROM record AS r {_SPAN})"
)


class SmallFiles(NamedTuple):
    """How many of some records are files of one piece, directly in the folder asked about."""

    files: int
    upto: bytes  # the last path among the records
    rows: int


class Listings:
    """Walks over the records of every manifest."""

    def __init__(self, database: Database, names: Names) -> None:
        """Read them from this database."""
        self._database, self._names = database, names

    def page(self, name: ManifestName, span: Span, limit: int) -> list[Listed]:
        """Return the first `limit` records of a span, by path."""
        rows = self._rows(_PAGE, name, span, limit)
        return [Listed(record_of(row[:RECORD_WIDTH]), row[RECORD_WIDTH] == 1) for row in rows]

    def lines(self, name: ManifestName, span: Span, limit: int) -> list[ListLine]:
        """Return lines of the first `limit` records of a span, by path."""
        rows = self._rows(_LINES, name, span, limit)
        return [ListLine(path, folder == 1, size, here == 1) for path, folder, size, here in rows]

    def amounts(self, name: ManifestName, span: Span, limit: int) -> Amounts:
        """Return the first `limit` records of a span, added up."""
        for rows, folders, size, here, upto in self._rows(_AMOUNTS, name, span, limit):
            if rows:
                return Amounts(rows - int(folders), int(folders), int(size), int(here), upto, rows)
        return Amounts(0, 0, 0, 0, b"", 0)

    def small_files(
        self, name: ManifestName, span: Span, prefix_bytes: int, limit: int
    ) -> SmallFiles:
        """Return how many of the first `limit` records of a span are small files.

        Only those count that have no slash after a prefix of that length.
        """
        named = self._names.find(name)
        number = named.number if named is not None else -1
        asked = (limits.PIECE_MIN_BYTES, prefix_bytes + 1, number, *span, limit)
        found = SmallFiles(0, b"", 0)
        for files, upto, rows in self._database.rows(_SMALL, asked):
            found = SmallFiles(int(files), upto or b"", rows)
        return found

    def _rows(self, sql: str, name: ManifestName, span: Span, limit: int) -> list[Row]:
        named = self._names.find(name)
        if named is None:
            return []
        return self._database.rows(sql, (named.number, span.start, span.end, limit))
