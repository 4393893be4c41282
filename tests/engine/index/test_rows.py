"""Rows: what is written comes back equal, at the edges of every number too."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.facts import PlaceRow
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.index.database import Database
from potluck.engine.index.rows import (
    PLACE,
    RECORD,
    place_row_of,
    place_values,
    prefixed,
    record_of,
    record_values,
)


@pytest.fixture
def database():
    made = Database(":memory:")
    yield made
    made.close()


@pytest.mark.parametrize(
    "record",
    [
        FileRecord(
            b"a",
            Kind.FILE,
            limits.FILE_MAX_BYTES,
            2**63 - 1,
            True,
            1 << 24,
            bytes(32),
            limits.SEQ_MAX,
        ),
        FileRecord(b"\xc3\xa9/b", Kind.FOLDER, 0, -(2**63), False, 1 << 18, b"\xff" * 32, 0),
    ],
)
def test_records_come_back(database, record) -> None:
    database.run(
        f"INSERT INTO record VALUES ({', '.join('?' * 10)})", record_values(3, record, b"digest")
    )
    (row,) = database.rows(f"SELECT {RECORD} FROM record")
    assert record_of(row) == record
    assert type(record_of(row).executable) is bool


@pytest.mark.parametrize(
    "place",
    [
        PlaceRow(b"a", Kind.FILE, bytes(32), 2**60, 2**62, 2**62, 2**64 - 1, True),
        PlaceRow(b"a", Kind.FOLDER, b"", 0, -1, -1, 0, False),
    ],
)
def test_places_come_back(database, place) -> None:
    database.run(f"INSERT INTO place VALUES ({', '.join('?' * 9)})", place_values(3, place))
    (row,) = database.rows(f"SELECT {prefixed(PLACE, 'p')} FROM place AS p")
    assert place_row_of(row) == place


def test_columns_name_their_table() -> None:
    assert prefixed("a, b", "t") == "t.a, t.b"
