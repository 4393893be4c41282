"""Pending records: what is said of a file, and of a folder."""

from __future__ import annotations

from potluck.core import limits
from potluck.core.content.facts import PlaceRow
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.own.pending_record import PendingRecord, is_emptied, record_about
from tests.engine.index.builders import root_of


def test_what_stands_is_said() -> None:
    row = PlaceRow(b"a", Kind.FILE, root_of("x"), 1, 2, 3, 4, executable=True)
    said = record_about(row, 2 * limits.PIECE_MIN_BYTES)
    assert said == FileRecord(
        b"a", Kind.FILE, 1, 2, True, 2 * limits.PIECE_MIN_BYTES, root_of("x"), seq=0
    )
    assert PendingRecord(row, said, None).before is None
    folder = PlaceRow(b"f", Kind.FOLDER, b"", 0, 0, 0, 0, executable=False)
    piece = limits.PIECE_MIN_BYTES
    assert record_about(folder, 2 * piece) == FileRecord(
        b"f", Kind.FOLDER, 0, 0, False, piece, EMPTY_ROOT, seq=0
    )


def test_a_file_is_emptied_that_had_something_in_it_and_has_nothing_now() -> None:
    full = PlaceRow(b"a", Kind.FILE, root_of("x"), 1, 2, 3, 4, executable=False)
    empty = PlaceRow(b"a", Kind.FILE, EMPTY_ROOT, 0, 2, 3, 4, executable=False)
    folder = PlaceRow(b"a", Kind.FOLDER, b"", 0, 0, 0, 0, executable=False)
    said = {one: record_about(one, limits.PIECE_MIN_BYTES) for one in (full, empty, folder)}

    def emptied(before: PlaceRow | None, after: PlaceRow) -> bool:
        return is_emptied(PendingRecord(after, said[after], said[before] if before else None))

    assert emptied(full, empty)
    for before, after in ((None, empty), (empty, empty), (folder, empty), (full, folder)):
        assert not emptied(before, after)
