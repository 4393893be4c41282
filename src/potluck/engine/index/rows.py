"""How records and places are written as rows, and read back; shared by the tables that hold them.

Strategy: one list of columns per struct, one function each way. Only exact ints, bytes and strs are
bound: for an enum or a bool sqlite3 first searches for an adapter, which costs more than the
insert.

Limits: an inode is unsigned on disk and signed in SQLite; it is stored shifted by 2^63.
"""

from __future__ import annotations

from typing import Final

from potluck.core.content.facts import PlaceRow
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.index.database import Row

RECORD: Final = "path, is_folder, size, mtime_ns, executable, piece_size, root, seq"
PLACE: Final = "path, is_folder, root, size, mtime_ns, ctime_ns, inode, executable"
RECORD_WIDTH: Final = 8

_KINDS: Final = (Kind.FILE, Kind.FOLDER)
_INODE_SHIFT: Final = 1 << 63


def prefixed(names: str, table: str) -> str:
    """Return a list of columns with the table's name before each."""
    return ", ".join(f"{table}.{name}" for name in names.split(", "))


def record_values(manifest: int, record: FileRecord, digest: bytes) -> Row:
    """Return manifest number, record and its digest as a row."""
    return (
        manifest,
        record.path,
        int(record.kind is Kind.FOLDER),
        record.size,
        record.mtime_ns,
        int(record.executable),
        record.piece_size,
        record.root,
        record.seq,
        digest,
    )


def record_of(row: Row) -> FileRecord:
    """Return the record in the RECORD columns of a row."""
    path, is_folder, size, mtime_ns, executable, piece_size, root, seq = row
    return FileRecord(
        path, _KINDS[is_folder], size, mtime_ns, executable == 1, piece_size, root, seq
    )


def place_values(manifest: int, place: PlaceRow) -> Row:
    """Return manifest number and place as a row."""
    return (
        manifest,
        place.path,
        int(place.kind is Kind.FOLDER),
        place.root,
        place.size,
        place.mtime_ns,
        place.ctime_ns,
        stored_inode(place.inode),
        int(place.executable),
    )


def place_row_of(row: Row) -> PlaceRow:
    """Return the place in the PLACE columns of a row."""
    path, is_folder, root, size, mtime_ns, ctime_ns, inode, executable = row
    kind = _KINDS[is_folder]
    return PlaceRow(
        path, kind, root, size, mtime_ns, ctime_ns, inode + _INODE_SHIFT, executable == 1
    )


def stored_inode(inode: int) -> int:
    """Return an unsigned 64-bit file number as SQLite can hold it."""
    return inode - _INODE_SHIFT
