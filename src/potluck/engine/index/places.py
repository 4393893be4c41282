"""What stands on this disk: one row for each path of each folder, own and others'.

Strategy: a row is written from what a stat said after hashing or placing, so an equal stat later
means an unchanged file. Two more ways lead to a row: by root (who has this content already?) and by
inode (was this file renamed?); neither indexes folders and empty files, which nobody looks for.
Every write brings the needs of its paths up to date.

Limits: rows are beliefs about the disk; whoever serves or replaces a file checks it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from potluck.core.content.facts import ManifestName, PlaceRow
from potluck.core.content.pieces import Root
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Folder
from potluck.engine.index.database import Database, Row
from potluck.engine.index.names import Names
from potluck.engine.index.needs import Needs
from potluck.engine.index.rows import PLACE, place_row_of, place_values, prefixed, stored_inode

StandingFile = tuple[ManifestName, PlaceRow]


class Shared(NamedTuple):
    """A file that stands here and that somebody shares."""

    manifest: ManifestName
    path: bytes
    size: int
    piece_size: int


_AFTER_ALL_PATHS = b"\xff"  # no UTF-8 holds this byte
# keeps the row number, so an index whose column did not change is not touched
_PUT = (
    "INSERT INTO place VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (manifest, path)"
    " DO UPDATE SET is_folder = excluded.is_folder, root = excluded.root, size = excluded.size,"
    " mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns, inode = excluded.inode,"
    " executable = excluded.executable"
)
_HOLDERS = 8  # more places of one content than anybody tries
_ROOTS_AT_ONCE = 256  # in one question
_LINKS = 64  # of one file in one folder: what more there are the next scan finds


class Places:
    """Every file and folder known to stand below Shared/."""

    def __init__(self, database: Database, names: Names, needs: Needs) -> None:
        """Keep them in this database."""
        self._database = database
        self._names = names
        self._needs = needs
        self._totals: dict[int, tuple[int, int]] = {}

    def __repr__(self) -> str:
        """Return how many totals are in memory."""
        return f"<Places: {len(self._totals)} totals>"

    def put(self, name: ManifestName, rows: Sequence[PlaceRow]) -> None:
        """Note what stands at these paths."""
        named = self._names.make(name)
        self._totals.pop(named.number, None)
        self._database.run_many(_PUT, [place_values(named.number, row) for row in rows])
        self._needs.refresh(named, [row.path for row in rows])

    def remove(self, name: ManifestName, paths: Iterable[bytes]) -> None:
        """Note that nothing stands at these paths."""
        named = self._names.make(name)
        self._totals.pop(named.number, None)
        keys = [(named.number, path) for path in paths]
        self._database.run_many("DELETE FROM place WHERE manifest = ? AND path = ?", keys)
        self._needs.refresh(named, [path for _, path in keys])

    def get(self, name: ManifestName, path: bytes) -> PlaceRow | None:
        """Return what stands at a path, or None."""
        named = self._names.find(name)
        if named is None:
            return None
        sql = f"SELECT {PLACE} FROM place WHERE manifest = ? AND path = ?"
        row = self._database.row(sql, (named.number, path))
        return place_row_of(row) if row else None

    def under(self, name: ManifestName, path: bytes, limit: int = -1) -> list[PlaceRow]:
        """Return what stands below a folder's path (without it; b"" is everything), by path.

        `limit`: at most so much; negative: all.
        """
        named = self._names.find(name)
        if named is None:
            return []
        prefix = path + b"/" if path else b""
        sql = (
            f"SELECT {PLACE} FROM place WHERE manifest = ? AND path >= ? AND path < ? ORDER BY path"
            " LIMIT ?"
        )
        rows = self._database.rows(sql, (named.number, prefix, prefix + _AFTER_ALL_PATHS, limit))
        return [place_row_of(row) for row in rows]

    def all_paths(self, name: ManifestName, below: bytes = b"") -> list[bytes]:
        """Return every path of a folder where something stands, ascending; with `below` only those
        inside that one (without it).
        """
        named = self._names.find(name)
        if named is None:
            return []
        prefix = below + b"/" if below else b""
        rows = self._database.rows(
            "SELECT path FROM place WHERE manifest = ? AND path >= ? AND path < ? ORDER BY path",
            (named.number, prefix, prefix + _AFTER_ALL_PATHS),
        )
        return [path for (path,) in rows]

    def files_after(self, name: ManifestName, path: bytes, most: int) -> list[PlaceRow]:
        """Return the next files of a folder by path, after that one; none of size 0."""
        named = self._names.find(name)
        if named is None:
            return []
        sql = (
            f"SELECT {PLACE} FROM place WHERE manifest = ? AND path > ? AND is_folder = 0"
            " AND size > 0 ORDER BY path LIMIT ?"
        )
        return [place_row_of(row) for row in self._database.rows(sql, (named.number, path, most))]

    def by_root(self, root: Root) -> list[StandingFile]:
        """Return up to eight places, in any folder, with this content; none for the empty one."""
        sql = (
            f"SELECT m.owner, m.folder, {prefixed(PLACE, 'p')} FROM place AS p JOIN manifest AS m"
            " ON m.id = p.manifest WHERE substr(p.root, 1, 8) = ? AND p.root = ? AND p.size > 0"
            " ORDER BY p.manifest, p.path LIMIT ?"
        )
        rows = self._database.rows(sql, (root[:8], root, _HOLDERS))
        return [(_name_of(row), place_row_of(row[2:])) for row in rows]

    def shared(self, roots: Sequence[Root]) -> dict[Root, Shared]:
        """Return of each content a file with it that its owner still shares; at most 256 roots."""
        marks = ", ".join("?" * len(roots))
        # one walk over the index by root; a hundred of them would cost a hundred times the overhead
        sql = (
            "SELECT m.owner, m.folder, p.root, p.path, p.size, r.piece_size FROM place AS p"
            " JOIN record AS r ON r.manifest = p.manifest AND r.path = p.path AND r.root = p.root"
            " JOIN manifest AS m ON m.id = p.manifest"
            f" WHERE substr(p.root, 1, 8) IN ({marks}) AND p.size > 0"
        )
        rows = self._database.rows(sql, [root[:8] for root in roots])
        wanted = set(roots)
        found = [
            (Root(row[2]), Shared(_name_of(row), *row[3:])) for row in rows if row[2] in wanted
        ]
        # of several the first in order is the one that stays
        return dict(sorted(found, reverse=True))

    def with_roots(
        self, name: ManifestName, roots: Sequence[bytes]
    ) -> Iterator[tuple[bytes, bytes, int]]:
        """Yield root, path and time of a folder's files with one of these; at most 256 roots."""
        named = self._names.find(name)
        marks = ", ".join("?" * len(roots))
        sql = (
            "SELECT root, path, mtime_ns FROM place WHERE size > 0 AND +manifest = ?"
            f" AND substr(root, 1, 8) IN ({marks})"
        )
        if named is not None:
            wanted = set(roots)
            rows = self._database.rows(sql, (named.number, *(root[:8] for root in roots)))
            yield from (row for row in rows if row[0] in wanted)

    def standing(self, roots: Iterable[bytes]) -> set[bytes]:
        """Return which of these contents stand in any folder."""
        every, found = sorted(set(roots)), set[bytes]()
        for at in range(0, len(every), _ROOTS_AT_ONCE):
            some = every[at : at + _ROOTS_AT_ONCE]
            marks = ", ".join("?" * len(some))
            sql = f"SELECT root FROM place WHERE size > 0 AND substr(root, 1, 8) IN ({marks})"
            found.update(root for (root,) in self._database.rows(sql, [root[:8] for root in some]))
        return found.intersection(every)

    def by_inode(self, name: ManifestName, inode: int, size: int, mtime_ns: int) -> PlaceRow | None:
        """Return the place with this file number, size and mtime, or None; none for size 0."""
        named = self._names.find(name)
        if named is None:
            return None
        # the plus signs keep SQLite from walking the whole manifest by path instead of one inode
        sql = (
            f"SELECT {PLACE} FROM place WHERE inode = ? AND size > 0 AND size = ? AND mtime_ns = ?"
            " AND +manifest = ? ORDER BY +path LIMIT 1"
        )
        row = self._database.row(sql, (stored_inode(inode), size, mtime_ns, named.number))
        return place_row_of(row) if row else None

    def links(self, name: ManifestName, inode: int) -> list[bytes]:
        """Return up to 64 paths where a file with this number stands; none of size 0."""
        named = self._names.find(name)
        if named is None:
            return []
        sql = (
            "SELECT path FROM place WHERE inode = ? AND size > 0 AND +manifest = ?"
            " ORDER BY +path LIMIT ?"
        )
        rows = self._database.rows(sql, (stored_inode(inode), named.number, _LINKS))
        return [path for (path,) in rows]

    def totals(self, name: ManifestName) -> tuple[int, int]:
        """Return how many files stand in a folder, and their bytes."""
        named = self._names.find(name)
        if named is None:
            return 0, 0
        known = self._totals.get(named.number)
        if known is None:
            sql = "SELECT count(*), total(size) FROM place WHERE manifest = ? AND is_folder = 0"
            row = self._database.row(sql, (named.number,))
            assert row is not None
            known = self._totals[named.number] = (row[0], int(row[1]))
        return known

    def is_empty(self, name: ManifestName) -> bool:
        """Say whether nothing stands in a folder, no folder either."""
        named = self._names.find(name)
        sql = "SELECT 1 FROM place WHERE manifest = ? LIMIT 1"
        return named is None or self._database.row(sql, (named.number,)) is None

    def forget_memory(self) -> None:
        """Count again: the transaction was rolled back."""
        self._totals.clear()


def _name_of(row: Row) -> ManifestName:
    """Return the name in the first two columns of a row: owner, folder."""
    return ManifestName(DeviceId(row[0]), Folder(row[1]))
