"""Former files: what was shared, or stood here, at a path before something else, or nothing, did.

Strategy: of the own folder each record that a head ends is kept, so that a person can have back
what only the trash of the others holds. Of other folders it is each file that went to the trash
here, so that a content which its owner shares again is found there. One row for each path and
content; the last time counts. The row number is the order: no clock is asked.

Guarantees: a row is a memory and no promise: whoever uses one looks whether it is still true. Of
one folder so many rows are kept, those that came last. Limits: many changes of one file push out
what came before of others; empty files that got a content, and folders, are not remembered. To
find what of 100,000 files that lack lies in the trash takes 0.5 s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from potluck.core.content.facts import ManifestName
from potluck.core.content.known_versions import KnownVersion
from potluck.core.content.pieces import Root
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.index.database import Database
from potluck.engine.index.names import Names
from potluck.engine.index.rows import RECORD_WIDTH, record_of

FORMER_MAX: Final = 50_000  # rows of one folder: about 10 MB
SHRINK_EVERY: Final = 1_000  # paths between two looks at how many there are
_LAST_ROWS: Final = 1_000  # looked through for what went of others
_AFTER_ALL_PATHS: Final = b"\xff"  # no UTF-8 holds this byte
_ENDED: Final = (
    "INSERT OR REPLACE INTO former (manifest, path, size, mtime_ns, executable, piece_size, root,"
    " burst, gone, top) SELECT manifest, path, size, mtime_ns, executable, piece_size, root, ?4,"
    " ?3 = x'', '' FROM record WHERE manifest = ?1 AND path = ?2 AND is_folder = 0 AND root <> ?3"
    " AND (size > 0 OR ?3 = x'')"
)
_KEPT: Final = (
    "INSERT OR REPLACE INTO former (manifest, path, size, mtime_ns, executable, piece_size, root,"
    " burst, gone, top) SELECT manifest, path, size, mtime_ns, executable, 0, root, 0, ?3 = x'', ?4"
    " FROM place WHERE manifest = ?1 AND path = ?2 AND is_folder = 0 AND root <> ?3 AND size > 0"
)
_FORMER: Final = (
    "SELECT f.path, 0, f.size, f.mtime_ns, f.executable, f.piece_size, f.root, 0, f.burst, f.gone,"
    " r.root IS f.root FROM former AS f LEFT JOIN record AS r"
    " ON r.manifest = f.manifest AND r.path = f.path"
)
_WANTED: Final = (  # CROSS: what lacks is gone through, each looked up among what is remembered
    "SELECT f.top, f.path FROM need AS n"
    " CROSS JOIN record AS r ON r.manifest = n.manifest AND r.path = n.path"
    " CROSS JOIN former AS f ON f.manifest = r.manifest AND substr(f.root, 1, 8) ="
    " substr(r.root, 1, 8) AND f.size = r.size AND f.root = r.root"
    " WHERE n.skipped = 0 AND n.is_folder = 0 AND f.top <> ''"
)
_BURST_AT: Final = (  # +: or SQLite walks all of the folder by its bursts
    "SELECT max(+burst) FROM former WHERE manifest = ? AND path = ?"
)
_TOO_MANY: Final = (
    "DELETE FROM former WHERE manifest = ?1 AND id <= (SELECT id FROM former WHERE manifest = ?1"
    " ORDER BY id DESC LIMIT 1 OFFSET ?2)"
)

Ended = tuple[bytes, bytes]
"""A path, and the root of what comes there; b"": nothing, or a folder."""


class FormerFile(NamedTuple):
    """A file that was shared at a path."""

    record: FileRecord
    burst: int  # what went in one go has one number
    gone: bool  # nothing took its place
    back: bool  # the same is shared there now


class FormerFiles:
    """What was shared, or stood, at each path before."""

    def __init__(self, database: Database, names: Names) -> None:
        """Keep them in this database."""
        self._database, self._names = database, names
        self._since = dict[ManifestName, int]()  # paths noted since the last look at how many

    def __repr__(self) -> str:
        """Return of how many folders something was noted in this run."""
        return f"<FormerFiles of {len(self._since)} folders>"

    # -- what ends ---------------------------------------------------------------------------------
    def note_ended(self, name: ManifestName, ended: Sequence[Ended], burst: int) -> int:
        """Keep what is still shared at these paths, before the next head takes its place.

        Return how many files that are.
        """
        number = self._names.make(name).number
        values = [(number, path, root, burst) for path, root in ended]
        count = self._database.run_many(_ENDED, values)
        self._shrink(name, len(ended))
        return count

    def note_kept(self, name: ManifestName, ended: Sequence[Ended], top: str) -> None:
        """Keep what stood at these paths, and is in the trash of this device below `top` now."""
        number = self._names.make(name).number
        self._database.run_many(_KEPT, [(number, path, root, top) for path, root in ended])
        self._shrink(name, len(ended))

    def _shrink(self, name: ManifestName, more: int) -> None:
        self._since[name] = self._since.get(name, SHRINK_EVERY) + more
        if self._since[name] >= SHRINK_EVERY:
            self._since[name] = 0
            self._database.run(_TOO_MANY, (self._names.make(name).number, FORMER_MAX))

    # -- the own folder ----------------------------------------------------------------------------
    def below(self, name: ManifestName, path: bytes, limit: int) -> list[FormerFile]:
        """Return what was shared at a path or below it (b"": everything), the last first."""
        named = self._names.find(name)
        if named is None:
            return []
        within, values = _within(path)
        rows = self._database.rows(
            f"{_FORMER} WHERE f.manifest = ?{within} ORDER BY f.id DESC LIMIT ?",
            (named.number, *values, limit),
        )
        return [_former(row) for row in rows]

    def has(self, name: ManifestName, path: bytes, root: bytes) -> bool:
        """Say whether a content is known to have been shared, or to have stood, at a path."""
        named = self._names.find(name)
        if named is None:
            return False
        sql = "SELECT 1 FROM former WHERE manifest = ? AND path = ? AND root = ?"
        return self._database.row(sql, (named.number, path, root)) is not None

    def burst_at(self, name: ManifestName, path: bytes) -> int | None:
        """Return the number of the last go in which something went at a path."""
        named = self._names.find(name)
        if named is None:
            return None
        row = self._database.row(_BURST_AT, (named.number, path))
        return int(row[0]) if row is not None and row[0] is not None else None

    def last_burst(self, name: ManifestName, before: int | None = None) -> list[FormerFile]:
        """Return what went in the last go, or the last one below a number; by path."""
        named = self._names.find(name)
        if named is None:
            return []
        number = named.number
        below = before if before is not None else self.burst(name) + 1
        sql = "SELECT max(burst) FROM former WHERE manifest = ? AND burst < ?"
        last = self._database.row(sql, (number, below))
        if last is None or last[0] is None:
            return []
        sql = f"{_FORMER} WHERE f.manifest = ? AND f.burst = ? ORDER BY f.path, f.id"
        return [_former(row) for row in self._database.rows(sql, (number, last[0]))]

    def burst(self, name: ManifestName) -> int:
        """Return the number of the last go, 0 if there was none."""
        named = self._names.find(name)
        sql = "SELECT burst FROM former WHERE manifest = ? ORDER BY id DESC LIMIT 1"
        last = self._database.row(sql, (named.number,)) if named is not None else None
        return int(last[0]) if last is not None else 0

    def of_others(self, name: ManifestName, burst: int) -> Counter[DeviceId]:
        """Return how much went of the folders of others, each owner's, after what went of this one
        in that go; of the last so many rows.
        """
        named, counts = self._names.find(name), Counter[DeviceId]()
        sql = (
            "SELECT f.manifest, m.owner, f.burst FROM former AS f JOIN manifest AS m"
            " ON m.id = f.manifest ORDER BY f.id DESC LIMIT ?"
        )
        for number, owner, its in self._database.rows(sql, (_LAST_ROWS,)):
            if named is not None and number == named.number:
                if its <= burst:
                    break
            else:
                counts[DeviceId(owner)] += 1
        return counts

    # -- the trash here ----------------------------------------------------------------------------
    def contents(self, name: ManifestName, path: bytes, top: str) -> list[KnownVersion]:
        """Return what is known to have been shared, or to have stood, at a path or below it, while
        the folder was called `top`.
        """
        named = self._names.find(name)
        if named is None:
            return []
        within, values = _within(path)
        rows = self._database.rows(
            "SELECT f.path, f.size, f.mtime_ns, f.root, f.piece_size, f.top FROM former AS f"
            f" WHERE f.manifest = ? AND f.top IN ('', ?){within} ORDER BY f.id",
            (named.number, top, *values),
        )
        return [
            KnownVersion(f"{top}/{of.decode()}", size, mtime_ns, Root(root), piece_size, kept != "")
            for of, size, mtime_ns, root, piece_size, kept in rows
        ]

    def kept(self, name: ManifestName, root: Root, size: int) -> tuple[str, bytes] | None:
        """Return where below the trash a content of a folder came to lie last: top and path."""
        named = self._names.find(name)
        if named is None:
            return None
        sql = (
            "SELECT top, path FROM former WHERE manifest = ? AND substr(root, 1, 8) = ?"
            " AND size = ? AND root = ? AND top <> '' ORDER BY id DESC LIMIT 1"
        )
        row = self._database.row(sql, (named.number, root[:8], size, root))
        return (row[0], row[1]) if row is not None else None

    def wanted(self) -> list[tuple[str, bytes]]:
        """Return where below the trash lies what lacks here now, and is wanted: tops and paths."""
        return [(top, path) for top, path in self._database.rows(_WANTED)]

    def forget_kept(self, name: ManifestName, path: bytes, root: Root) -> None:
        """What stood at a path is not in the trash any more."""
        sql = "DELETE FROM former WHERE manifest = ? AND path = ? AND root = ?"
        self._database.run(sql, (self._names.make(name).number, path, root))


def _within(path: bytes) -> tuple[str, tuple[bytes, ...]]:
    """Return what selects a path and what is below it (b"": everything), and its values."""
    if not path:
        return "", ()
    values = (path, path + b"/", path + b"/" + _AFTER_ALL_PATHS)
    return " AND (f.path = ? OR (f.path >= ? AND f.path < ?))", values


def _former(row: Sequence[bytes | int]) -> FormerFile:
    burst, gone, back = row[RECORD_WIDTH:]
    record = record_of(tuple(row[:RECORD_WIDTH]))
    return FormerFile(record, int(burst), gone == 1, back == 1)
