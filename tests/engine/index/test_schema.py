"""The tables: each version leads to the next, and the look-ups that run per event use an index.

Strategy: SQLite is asked how it would run a query; a plan that scans a table fails the test.
"""

from __future__ import annotations

import pytest

from potluck.engine.index import schema
from potluck.engine.index.database import Database


def test_every_older_version_has_a_step_to_the_next() -> None:
    assert sorted(schema.MIGRATIONS) == list(range(schema.VERSION))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM record WHERE manifest = 1 AND path = x'00'",
        (
            "SELECT * FROM record WHERE manifest = 1 AND path >= x'00' AND path < x'ff'"
            " ORDER BY path LIMIT 9"
        ),
        "SELECT * FROM record WHERE manifest = 1 AND seq > 5 ORDER BY seq, path LIMIT 9",
        "SELECT * FROM deleted WHERE manifest = 1 AND seq > 5 ORDER BY seq, path LIMIT 9",
        "SELECT * FROM place WHERE manifest = 1 AND path = x'00'",
        "SELECT * FROM place WHERE substr(root, 1, 8) = x'00' AND root = x'00' AND size > 0",
        (
            "SELECT * FROM place WHERE inode = 3 AND size > 0 AND size = 4 AND mtime_ns = 5"
            " AND manifest = 1"
        ),
        "SELECT * FROM need WHERE manifest = 1 AND path > x'00' ORDER BY path LIMIT 9",
        "SELECT * FROM content WHERE root = x'00'",
    ],
)
def test_queries_of_every_event_neither_scan_nor_sort(query) -> None:
    database = Database(":memory:")
    plan = [row[3] for row in database.rows(f"EXPLAIN QUERY PLAN {query}")]
    assert plan
    assert all(step.startswith("SEARCH") for step in plan), plan
    database.close()


def test_an_index_of_version_1_learns_to_tell_files_from_folders(tmp_path) -> None:
    path = str(tmp_path / "index")
    old = Database(path)
    for table, column in (("manifest", "folders"), ("need", "is_folder")):
        old.run(f"ALTER TABLE {table} DROP COLUMN {column}")
    old.run("PRAGMA user_version = 1")
    old.run("INSERT INTO manifest (owner, folder, count, bytes) VALUES (x'01', 'own', 2, '5')")
    for name, is_folder in ((b"a", 0), (b"b", 1)):
        old.run("INSERT INTO record VALUES (1, ?, ?, 0, 0, 0, 0, x'', 1, x'00')", (name, is_folder))
        old.run("INSERT INTO need (manifest, path, size) VALUES (1, ?, 0)", (name,))
    old.close()
    new = Database(path)
    assert new.row("SELECT count, folders FROM manifest") == (2, 1)
    assert new.rows("SELECT path, is_folder FROM need") == [(b"a", 0), (b"b", 1)]
    new.close()
