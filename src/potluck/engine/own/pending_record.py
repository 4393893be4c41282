"""Pending records: what stands at a path of the own folder, and what is going to be said of it.

Strategy: one value for each path that changed since the last head, made when the change is found.
Limits: values only; their numbers come with the head that says them.
"""

from __future__ import annotations

from typing import NamedTuple

from potluck.core import limits
from potluck.core.content.facts import PlaceRow
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.core.wire.catalogue import FileRecord, Kind


class PendingRecord(NamedTuple):
    """What stands at a path now, and what is going to be said of it."""

    row: PlaceRow
    record: FileRecord
    before: FileRecord | None  # what the last head says of the path


def record_about(row: PlaceRow, piece_size: int) -> FileRecord:
    """Return what is said of what stands at a path; its number comes with the head."""
    size, mtime_ns, executable = row.size, row.mtime_ns, row.executable  # of a folder: none
    root = row.root
    if row.kind is Kind.FOLDER:
        piece_size, root = limits.PIECE_MIN_BYTES, EMPTY_ROOT
    return FileRecord(row.path, row.kind, size, mtime_ns, executable, piece_size, root, seq=0)


def is_emptied(change: PendingRecord) -> bool:
    """Say whether a file is cut off to nothing."""
    before, after = change.before, change.record
    if before is None or before.kind is not Kind.FILE or not before.size:
        return False
    return after.kind is Kind.FILE and not after.size
