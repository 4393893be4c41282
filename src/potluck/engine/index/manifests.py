"""The manifests of every owner: live records, delete log, signed heads, and pages of all three.

Strategy: a manifest goes by its name (core/content/facts.py). The latest live record of a path is a
row; what ended is in the delete log under the number of the change that ended it, so one walk by
change number over both tables yields everything since a number. Root, count and total size are kept
up with every change, never computed from the whole.

Guarantees: a path is live or in the delete log, never both. Reads see every write of the same
transaction. Change numbers of one manifest are unique if its owner keeps to the protocol; if not,
only that manifest stops adding up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.msgpack import Decoder

from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.manifest import EMPTY_TREE_ROOT, record_digest
from potluck.core.wire.catalogue import DeletedPath, FileRecord, Head, encode
from potluck.engine.index.buckets import Buckets
from potluck.engine.index.database import Database
from potluck.engine.index.ledger import Ledger
from potluck.engine.index.names import Names
from potluck.engine.index.needs import Needs
from potluck.engine.index.rows import RECORD, record_of, record_values
from potluck.engine.index.staging import Staging

PageRows = tuple[list[FileRecord], list[DeletedPath], int, bool]
"""Records, deleted paths, the last change number among them, and whether nothing follows."""

_HEAD = Decoder(Head)
_AFTER_ALL_PATHS = b"\xff"  # no UTF-8 holds this byte


class PathLengths(NamedTuple):
    """How long the paths of one manifest are together."""

    live_bytes: int  # of live records
    ended: int  # how many the delete log holds
    ended_bytes: int  # and of those


class Manifests:
    """Every manifest this device holds."""

    def __init__(
        self, database: Database, names: Names, buckets: Buckets, staging: Staging, needs: Needs
    ) -> None:
        """Keep them in this database."""
        self._database = database
        self._names = names
        self._buckets = buckets
        self._staging = staging
        self._needs = needs
        self._ledger = Ledger(database, names, buckets)

    # -- heads -------------------------------------------------------------------------------------
    def head(self, name: ManifestName) -> Head | None:
        """Return the last head of a manifest, or None."""
        sql = "SELECT head FROM manifest WHERE owner = ? AND folder = ? AND head IS NOT NULL"
        rows = self._database.rows(sql, (name.owner, name.folder.value))
        return next((_HEAD.decode(encoded) for (encoded,) in rows), None)

    def heads(self) -> list[Head]:
        """Return the last head of every manifest that has one."""
        rows = self._database.rows(
            "SELECT head FROM manifest WHERE head IS NOT NULL ORDER BY owner, folder"
        )
        return [_HEAD.decode(head) for (head,) in rows]

    def set_head(self, head: Head) -> None:
        """Keep a head as the last one of its manifest."""
        named = self._names.make(ManifestName.of(head))
        self._database.run(
            "UPDATE manifest SET head = ? WHERE id = ?", (encode(head), named.number)
        )

    def floor(self, name: ManifestName) -> int:
        """Return the number from which on the delete log is complete; before it all is needed."""
        sql = "SELECT floor FROM manifest WHERE owner = ? AND folder = ?"
        rows = self._database.rows(sql, (name.owner, name.folder.value))
        return next((floor for (floor,) in rows), 0)

    def raise_floor(self, name: ManifestName, floor: int) -> None:
        """Forget the delete log up to a number, or note that it was never known; never lowered."""
        named = self._names.make(name)
        self._database.run(
            "DELETE FROM deleted WHERE manifest = ? AND seq <= ?", (named.number, floor)
        )
        sql = "UPDATE manifest SET floor = max(floor, ?) WHERE id = ?"
        self._database.run(sql, (floor, named.number))

    def path_lengths(self, name: ManifestName) -> PathLengths:
        """Return how long the paths of a manifest are; looks at each of them."""
        number = self._names.make(name).number
        sql = "SELECT count(*), ifnull(sum(length(path)), 0) FROM {} WHERE manifest = ?"
        ((_, live_bytes),) = self._database.rows(sql.format("record"), (number,))
        ((ended, ended_bytes),) = self._database.rows(sql.format("deleted"), (number,))
        return PathLengths(live_bytes, ended, ended_bytes)

    # -- changes -----------------------------------------------------------------------------------
    def put(self, name: ManifestName, records: Sequence[FileRecord]) -> None:
        """Make records the live ones of their paths; of two for one path the last counts."""
        named = self._names.make(name)
        latest = {record.path: record for record in records}
        before = self._ledger.lines(named, list(latest))
        rows = [
            record_values(named.number, record, record_digest(record)) for record in latest.values()
        ]
        sql = "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._database.run_many(sql, rows)
        again = [(named.number, path) for path in latest if path not in before]
        self._database.run_many("DELETE FROM deleted WHERE manifest = ? AND path = ?", again)
        self._ledger.account(named, before, {row[1]: (row[-1], row[3], row[2]) for row in rows})

    def delete(self, name: ManifestName, paths: Iterable[bytes], seq: int) -> int:
        """End live paths, each with a change number of its own from `seq` on, and return the last
        number used.

        Paths that are not live are left out; if all are, nothing is used and `seq - 1` returned.
        """
        named = self._names.make(name)
        before = self._ledger.lines(named, list(dict.fromkeys(paths)))
        log = [(named.number, path, seq + at) for at, path in enumerate(before)]
        self._database.run_many(
            "DELETE FROM record WHERE manifest = ? AND path = ?", [row[:2] for row in log]
        )
        self._database.run_many("INSERT OR REPLACE INTO deleted VALUES (?, ?, ?)", log)
        self._ledger.account(named, before, {})
        return seq + len(log) - 1

    # -- reading -----------------------------------------------------------------------------------
    def get(self, name: ManifestName, path: bytes) -> FileRecord | None:
        """Return the live record of a path, or None."""
        named = self._names.find(name)
        if named is None:
            return None
        row = self._database.row(
            f"SELECT {RECORD} FROM record WHERE manifest = ? AND path = ?", (named.number, path)
        )
        return record_of(row) if row else None

    def page(self, name: ManifestName, since: int, limit: int) -> PageRows:
        """Return at most `limit` changes after number `since`."""
        named = self._names.find(name)
        if named is None:
            return [], [], since, True
        values = (named.number, since, limit + 1)
        sql = (
            f"SELECT {RECORD} FROM record WHERE manifest = ? AND seq > ? ORDER BY seq, path LIMIT ?"
        )
        live = self._database.rows(sql, values)
        sql = (
            "SELECT path, seq FROM deleted WHERE manifest = ? AND seq > ? ORDER BY seq, path"
            " LIMIT ?"
        )
        gone = self._database.rows(sql, values)
        numbers = sorted(row[-1] for row in live + gone)
        complete = len(numbers) <= limit
        upto = numbers[min(limit, len(numbers)) - 1] if numbers else since
        records = [record_of(row) for row in live if row[-1] <= upto]
        deleted = [DeletedPath(path, seq) for path, seq in gone if seq <= upto]
        return records, deleted, upto, complete

    def root(self, name: ManifestName) -> bytes:
        """Return the root of a manifest as it stands."""
        named = self._names.find(name)
        return self._buckets.root(named.number) if named else EMPTY_TREE_ROOT

    def count(self, name: ManifestName) -> int:
        """Return how many live records a manifest has."""
        named = self._names.find(name)
        return named.count if named else 0

    def amount(self, name: ManifestName) -> Amount:
        """Return how many files and folders a manifest has, and their sizes together."""
        named = self._names.find(name)
        if named is None:
            return NOTHING
        return Amount(named.count - named.folders, named.folders, named.total_bytes)

    def listing(self, name: ManifestName, prefix: bytes, limit: int) -> list[FileRecord]:
        """Return the first `limit` live records whose path starts with `prefix`, by path."""
        named = self._names.find(name)
        if named is None:
            return []
        sql = (
            f"SELECT {RECORD} FROM record WHERE manifest = ? AND path >= ? AND path < ?"
            " ORDER BY path LIMIT ?"
        )
        rows = self._database.rows(sql, (named.number, prefix, prefix + _AFTER_ALL_PATHS, limit))
        return [record_of(row) for row in rows]

    # -- receiving ---------------------------------------------------------------------------------
    def stage(
        self,
        name: ManifestName,
        records: Iterable[FileRecord],
        deleted: Iterable[DeletedPath],
        *,
        whole: bool = False,
    ) -> None:
        """Keep a received page apart; of two changes of one path the larger number counts.

        `whole`: the pages are everything, so what ended takes a path back and is not kept.
        """
        named = self._names.make(name)
        if whole:
            self._staging.stage(named, records, ())
            self._staging.take_back(named, deleted)
        else:
            self._staging.stage(named, records, deleted)

    def stage_rest_as_deleted(self, name: ManifestName, seq: int) -> None:
        """Say that the staged pages are everything: every other live path ended, at `seq`."""
        self._staging.stage_rest_as_deleted(self._names.make(name), seq)

    def staged_root(self, name: ManifestName) -> tuple[bytes, int]:
        """Return root and count of the manifest as it would be after the staged changes."""
        summed = self._staging.sum(self._names.make(name))
        return summed.preview.tree.root(), summed.count

    def apply_staged(self, head: Head) -> list[bytes]:
        """Make staged changes live under their head, and return the paths they name."""
        named = self._names.make(ManifestName.of(head))
        self._staging.move(named)
        self._needs.refresh_staged(named)
        self.set_head(head)
        changed = self._staging.paths(named)
        self._staging.drop(named)
        return changed

    def drop_staged(self, name: ManifestName) -> None:
        """Forget what is staged of a manifest."""
        self._staging.drop(self._names.make(name))
