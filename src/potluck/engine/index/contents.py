"""Piece lists of contents that have more than one piece.

Strategy: one row per root. A content of one piece needs none: its only hash follows from its bytes,
so `put` leaves it out and the table holds big files only. Guarantee: what `get` returns was checked
against its root by whoever put it. Limits: nothing is forgotten by itself. `forget_unused` looks at
files that stand, or did and may come back (former_files.py), not at records, for which there is no
index: one call for 100,000 records would take a quarter of a second. So it is called in slices, and
only while no content is on its way (engine/index_upkeep.py).
"""

from __future__ import annotations

from typing import Final

from potluck.core.content.pieces import PieceList, Root
from potluck.engine.index.database import Database

_USED: Final = (
    "SELECT root, EXISTS (SELECT 1 FROM place AS p"
    " WHERE substr(p.root, 1, 8) = substr(c.root, 1, 8) AND p.root = c.root AND p.size > 0)"
    " OR EXISTS (SELECT 1 FROM former AS f"
    " WHERE substr(f.root, 1, 8) = substr(c.root, 1, 8) AND f.root = c.root)"
    " FROM content AS c WHERE root > ? ORDER BY root LIMIT ?"
)


class Contents:
    """Piece lists by root."""

    def __init__(self, database: Database) -> None:
        """Keep them in this database."""
        self._database = database

    def put(self, pieces: PieceList) -> None:
        """Keep a checked list, unless it has at most one piece."""
        if pieces.count > 1:
            values = (pieces.root, pieces.size_bytes, pieces.piece_size, pieces.hashes)
            self._database.run("INSERT OR REPLACE INTO content VALUES (?, ?, ?, ?)", values)

    def get(self, root: Root) -> PieceList | None:
        """Return the list of a root, or None."""
        row = self._database.row(
            "SELECT size, piece_size, hashes FROM content WHERE root = ?", (root,)
        )
        return PieceList(root, *row) if row else None

    def forget_unused(self, after: bytes, limit: int) -> bytes:
        """Drop those of the next `limit` lists, above root `after`, that no file has, or had.

        Return the last root that was looked at, b"" if no list is left above it.
        """
        rows = self._database.rows(_USED, (after, limit))
        unused = [(root,) for root, used in rows if not used]
        self._database.run_many("DELETE FROM content WHERE root = ?", unused)
        return rows[-1][0] if len(rows) == limit else b""
