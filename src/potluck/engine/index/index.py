"""The index as the engine holds it: one object per subject over one database, and the transaction
around them.

Strategy: the engine calls `begin`, handles one event, calls `commit`, or `rollback` if it failed.
What the subjects keep in memory is written through, so only a rollback has to drop it.

Guarantees: after `commit` a killed process keeps everything (the operating system has it); a power
cut keeps what was written before the last `Synced`. Limits: opened once per process, used by one
thread at a time.
"""

from __future__ import annotations

from potluck.core.content.facts import ManifestName
from potluck.core.errors import IndexDamaged
from potluck.engine.index.buckets import Buckets
from potluck.engine.index.contents import Contents
from potluck.engine.index.database import Database
from potluck.engine.index.former_files import FormerFiles
from potluck.engine.index.group import Addresses, Meta, RosterTable
from potluck.engine.index.intents import Intents
from potluck.engine.index.listings import Listings
from potluck.engine.index.losses import Losses
from potluck.engine.index.lost_records import LostRecords
from potluck.engine.index.manifests import Manifests
from potluck.engine.index.names import Names
from potluck.engine.index.needs import Needs
from potluck.engine.index.places import Places
from potluck.engine.index.skip_list import SkipList
from potluck.engine.index.staging import Staging
from potluck.engine.index.unwanted_paths import UnwantedPaths


class Index:
    """What this device knows."""

    def __init__(self, database: Database) -> None:
        """Put the subjects over an open database."""
        self._database = database
        self._changes = 0  # of the database, when the transaction began
        self._names = Names(database)
        self._buckets = Buckets(database)
        self.meta = Meta(database)
        self.roster = RosterTable(database)
        self.addresses = Addresses(database)
        self.skip_list = SkipList(self.meta)
        self.unwanted = UnwantedPaths(database, self._names)
        self.needs = Needs(database, self._names, self.skip_list, self.unwanted)
        self._staging = Staging(database, self._names, self._buckets)
        self.manifests = Manifests(database, self._names, self._buckets, self._staging, self.needs)
        self.places = Places(database, self._names, self.needs)
        self.listings = Listings(database, self._names)
        self.losses = Losses(database, self._names)
        self.lost_records = LostRecords(database, self._names)
        self.former = FormerFiles(database, self._names)
        self.contents = Contents(database)
        self.intents = Intents(database)

    def __repr__(self) -> str:
        """Return where it is, and whether a transaction is open."""
        state = "in a transaction" if self._database.in_transaction else "at rest"
        return f"<Index {self._database.path} {state}>"

    @classmethod
    def open(cls, path: str) -> Index:
        """Open or make the index at a path (":memory:" for none); raises DiskTrouble."""
        return cls(Database(path))

    def begin(self) -> None:
        """Begin a transaction."""
        self._changes = self._database.changes
        self._database.begin()

    def commit(self) -> None:
        """End it: all since `begin` stands together. Raises DiskTrouble: then roll back."""
        self._database.commit()

    def rollback(self) -> bool:
        """Undo all since `begin`, unless SQLite has done so; return whether it was anything."""
        self._database.rollback()
        subjects = self._names, self._buckets, self._staging, self.needs, self.places, self.meta
        for subject in (*subjects, self.unwanted):
            subject.forget_memory()
        return self._database.changes != self._changes

    @property
    def damaged(self) -> bool:
        """Whether SQLite said of the file that it is not what was written."""
        return self._database.damaged

    def damage(self, why: str) -> IndexDamaged:
        """Have it count as damaged, for a reason that SQLite does not know; return the error."""
        return self._database.damage(why)

    def close(self) -> None:
        """Close the database; a transaction that was begun is undone."""
        self._database.close()

    def drop_all_staged(self) -> None:
        """Forget what an earlier run of the program staged, of every manifest."""
        self._staging.drop_all()

    def forget(self, name: ManifestName) -> list[bytes]:
        """Hold nothing of a manifest any more; return the paths that were live."""
        manifests, named = self.manifests, self._names.make(name)
        manifests.drop_staged(name)
        paths = [record.path for record in manifests.listing(name, b"", manifests.count(name))]
        manifests.delete(name, paths, 1)
        for table in ("deleted", "former", "unwanted"):
            self._database.run(f"DELETE FROM {table} WHERE manifest = ?", (named.number,))
        sql = "UPDATE manifest SET head = NULL, floor = 0 WHERE id = ?"
        self._database.run(sql, (named.number,))
        self.needs.refresh(named, paths)
        return paths

    def holds_all(self, part: ManifestName, whole: ManifestName, under: bytes = b"") -> bool:
        """Say whether every live record of one manifest is in another: path, content and kind.

        `under`: what stands before the paths there, as `b"folder/"`.
        """
        sql = (
            "SELECT 1 FROM record AS p WHERE p.manifest = ? AND NOT EXISTS (SELECT 1 FROM record"
            " AS w WHERE w.manifest = ? AND w.path = CAST(? || p.path AS BLOB) AND w.root = p.root"
            " AND w.is_folder = p.is_folder) LIMIT 1"
        )
        values = self._names.make(part).number, self._names.make(whole).number, under
        return self._database.row(sql, values) is None
