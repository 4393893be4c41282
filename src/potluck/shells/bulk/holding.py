"""Where fetched content is put together, as whoever fetches needs it: disk/receiving/part_files.py.

Strategy: two protocols, so that fetching knows no disk and the disk no links. Guarantees: none of
its own. Limits: what may fail, and how, is said by whoever holds the parts.
"""

from __future__ import annotations

from typing import Protocol

from potluck.core.content.pieces import Bitfield, PieceList


class HoldsPieces(Protocol):
    """One content being put together: disk/receiving/part_files.py."""

    def write(self, piece: int, data: memoryview, /) -> None:
        """Write the verified bytes of one piece."""

    def mark(self, pieces: tuple[int, ...], /) -> None:
        """Note that pieces are written."""

    def have(self) -> Bitfield:
        """Return the pieces that are here."""

    def close(self) -> None:
        """Let go of it."""


class HoldsParts(Protocol):
    """Where content is put together: disk/receiving/part_files.py."""

    def open(self, content: PieceList, /) -> HoldsPieces:
        """Take up or begin a content."""

    def write_whole(self, content: PieceList, data: memoryview, /) -> None:
        """Write the verified bytes of a content of one piece."""
