"""Received pages of a manifest, kept apart until they add up to a signed head.

Strategy: pages go into a table of their own, the latest change of a path winning by its number.
When the last page is in, `root` says what the manifest would be; only if that equals the head are
the staged rows moved into the live tables, by SQL alone. The digests are computed once, when a page
is staged.

Guarantees: nothing staged is ever seen by a reader of the manifest; a page that does not add up
costs its own bytes only; whoever opens the index beside the program that runs on it, to read, takes
nothing of it away. Limits: every start of the program drops what the last one left (`drop_all`);
the pages are asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from potluck.core.content.manifest import record_digest
from potluck.core.wire.catalogue import DeletedPath, FileRecord
from potluck.engine.index.buckets import Buckets, Edits, Preview
from potluck.engine.index.database import Database, Row
from potluck.engine.index.names import Named, Names
from potluck.engine.index.rows import record_values

_THE_LATER_COUNTS: Final = (
    "ON CONFLICT DO UPDATE SET"
    " is_folder = excluded.is_folder, size = excluded.size, mtime_ns = excluded.mtime_ns,"
    " executable = excluded.executable, piece_size = excluded.piece_size, root = excluded.root,"
    " seq = excluded.seq, digest = excluded.digest WHERE excluded.seq >= staged.seq"
)
_STAGE: Final = f"INSERT INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) {_THE_LATER_COUNTS}"
_STAGE_DELETED: Final = (
    f"INSERT INTO staged VALUES (?, ?, 0, 0, 0, 0, 0, x'', ?, NULL) {_THE_LATER_COUNTS}"
)
_UNSTAGE: Final = "DELETE FROM staged WHERE manifest = ? AND path = ? AND seq <= ?"
_STAGE_REST: Final = (
    "INSERT INTO staged SELECT manifest, path, 0, 0, 0, 0, 0, x'', ?2, NULL FROM record AS r"
    " WHERE manifest = ?1 AND NOT EXISTS"
    " (SELECT 1 FROM staged AS s WHERE s.manifest = ?1 AND s.path = r.path)"
)
_AGAINST_LIVE: Final = (
    "SELECT s.path, s.digest, s.size, s.is_folder, r.digest, ifnull(r.size, 0),"
    " ifnull(r.is_folder, 0) FROM staged AS s"
    " LEFT JOIN record AS r ON r.manifest = s.manifest AND r.path = s.path WHERE s.manifest = ?"
)
_MOVE: Final = (
    "INSERT OR REPLACE INTO record SELECT * FROM staged WHERE manifest = ?1 AND digest IS NOT NULL",
    """DELETE FROM record WHERE manifest = ?1
        AND path IN (SELECT path FROM staged WHERE manifest = ?1 AND digest IS NULL)""",
    """DELETE FROM deleted WHERE manifest = ?1
        AND EXISTS (SELECT 1 FROM record AS r WHERE r.manifest = ?1 AND r.path = deleted.path)""",
    """INSERT OR REPLACE INTO deleted SELECT manifest, path, seq FROM staged
        WHERE manifest = ?1 AND digest IS NULL""",
)


@dataclass(frozen=True, slots=True)
class Sum:
    """What a manifest would be after its staged changes."""

    preview: Preview
    count: int
    folders: int
    total_bytes: int


class Staging:
    """Staged pages of all manifests."""

    def __init__(self, database: Database, names: Names, buckets: Buckets) -> None:
        """Keep them in this database."""
        self._database = database
        self._names = names
        self._buckets = buckets
        self._sums: dict[int, Sum] = {}

    def __repr__(self) -> str:
        """Return how many sums are in memory."""
        return f"<Staging: {len(self._sums)} sums>"

    def stage(
        self, named: Named, records: Iterable[FileRecord], deleted: Iterable[DeletedPath]
    ) -> None:
        """Add one page; of two changes of one path the one with the larger number counts."""
        self._sums.pop(named.number, None)
        number = named.number
        rows = [record_values(number, record, record_digest(record)) for record in records]
        self._database.run_many(_STAGE, rows)
        ended = [(number, path.path, path.seq) for path in deleted]
        self._database.run_many(_STAGE_DELETED, ended)

    def take_back(self, named: Named, deleted: Iterable[DeletedPath]) -> None:
        """Unstage what has ended since it was staged."""
        self._sums.pop(named.number, None)
        ended = [(named.number, path.path, path.seq) for path in deleted]
        self._database.run_many(_UNSTAGE, ended)

    def stage_rest_as_deleted(self, named: Named, seq: int) -> None:
        """Stage the end of every live path that is not staged: the pages were everything."""
        self._sums.pop(named.number, None)
        self._database.run(_STAGE_REST, (named.number, seq))

    def sum(self, named: Named) -> Sum:
        """Return what the manifest would be after its staged changes."""
        known = self._sums.get(named.number)
        if known is None:
            known = self._sums[named.number] = self._summed(named)
        return known

    def move(self, named: Named) -> None:
        """Make the staged changes live; the rows stay staged until `drop`, to be acted on."""
        summed = self.sum(named)
        for statement in _MOVE:
            self._database.run(statement, (named.number,))
        self._buckets.write(named.number, summed.preview)
        self._names.set_totals(named, summed.count, summed.folders, summed.total_bytes)
        self._names.mark_received(named)

    def paths(self, named: Named) -> list[bytes]:
        """Return the staged paths, ascending."""
        rows = self._database.rows(
            "SELECT path FROM staged WHERE manifest = ? ORDER BY path", (named.number,)
        )
        return [path for (path,) in rows]

    def drop(self, named: Named) -> None:
        """Forget what is staged of a manifest."""
        self._sums.pop(named.number, None)
        self._database.run("DELETE FROM staged WHERE manifest = ?", (named.number,))

    def drop_all(self) -> None:
        """Forget what is staged of every manifest."""
        self._sums.clear()
        self._database.run("DELETE FROM staged")

    def forget_memory(self) -> None:
        """Compute everything again: the transaction was rolled back."""
        self._sums.clear()

    def _summed(self, named: Named) -> Sum:
        edits, count = Edits(), named.count
        folders, size_bytes = named.folders, named.total_bytes
        for path, digest, size, folder, old_digest, old_size, old_folder in self._compared(named):
            edits.note(path, old_digest, digest)
            count += (digest is not None) - (old_digest is not None)
            folders += folder - old_folder
            size_bytes += size - old_size
        return Sum(self._buckets.preview(named.number, edits), count, folders, size_bytes)

    def _compared(self, named: Named) -> Iterable[Row]:
        if named.count:
            return self._database.each(_AGAINST_LIVE, (named.number,))
        # first pages: nothing to join
        sql = "SELECT path, digest, size, is_folder, NULL, 0, 0 FROM staged WHERE manifest = ?"
        return self._database.each(sql, (named.number,))
