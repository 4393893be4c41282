"""Piece lists of contents that have more than one piece.

Strategy: one row per root. A content of one piece needs none: its only hash follows from its bytes,
so `put` leaves it out and the table holds big files only. Guarantee: what `get` returns was checked
against its root by whoever put it. Limits: nothing is forgotten by itself; `forget_unused` is
called in idle time.
"""

from __future__ import annotations

from potluck.core.content.pieces import PieceList, Root
from potluck.engine.index.database import Database


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

    def has(self, root: Root) -> bool:
        """Say whether the list of a root is here."""
        return self._database.row("SELECT 1 FROM content WHERE root = ?", (root,)) is not None

    def forget_unused(self) -> int:
        """Drop the lists that no manifest and no place names any more and return how many those
        were.
        """
        return self._database.run(
            "DELETE FROM content WHERE root NOT IN (SELECT root FROM record WHERE size > piece_size"
            " UNION SELECT root FROM place WHERE size > 0)"
        )
