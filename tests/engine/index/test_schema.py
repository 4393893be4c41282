"""The tables: each version leads to the next, and the look-ups that run per event use an index.

Strategy: SQLite is asked how it would run a query; a plan that scans a table fails the test.
"""

from __future__ import annotations

import pytest

from potluck.core.errors import DiskTrouble
from potluck.engine.index import schema
from potluck.engine.index.database import Database
from tests.engine.index.stored import FOLDER, dump, fill, load, stored_file


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


def test_the_trash_is_asked_for_one_folder_and_one_content_at_once() -> None:
    """Else all that anybody threw away of one content is looked through for each path."""
    database = Database(":memory:")
    query = (
        "SELECT top, path FROM former WHERE manifest = 1 AND substr(root, 1, 8) = x'00'"
        " AND size = 3 AND root = x'00' AND top <> '' ORDER BY id DESC LIMIT 1"
    )
    (plan,) = [row[3] for row in database.rows(f"EXPLAIN QUERY PLAN {query}")]
    assert plan.endswith("former_root (manifest=? AND <expr>=? AND size=?)")
    database.close()


def test_an_index_of_version_1_learns_to_tell_files_from_folders(tmp_path) -> None:
    path = str(tmp_path / "index")
    old = Database(path)
    for table in ("former", "unwanted"):
        old.run(f"DROP TABLE {table}")
    for table, column in (("manifest", "folders"), ("need", "is_folder"), ("need", "skipped")):
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


# -- what was written once opens for ever ----------------------------------------------------------
def shape(database: Database) -> list[tuple[str, ...]]:
    """The tables, their columns and the indexes, whatever way led to them."""
    columns = (
        "SELECT t.name, c.name, c.type, c.[notnull], c.pk FROM sqlite_schema AS t,"
        " pragma_table_info(t.name) AS c WHERE t.type = 'table' ORDER BY 1, 2"
    )
    indexes = "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index' ORDER BY 1"
    return database.rows(columns) + database.rows(indexes)


def rows_of(database: Database) -> dict[str, list[tuple[object, ...]]]:
    tables = database.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    return {table: database.rows(f"SELECT * FROM {table}") for (table,) in tables}


def test_an_index_of_this_version_is_stored() -> None:
    why = "the schema has a new version: python -m tests.engine.index.stored SCRATCH_FILE"
    assert stored_file(schema.VERSION).exists(), why


@pytest.mark.parametrize("file", sorted(FOLDER.glob("version-*.sql")), ids=lambda file: file.stem)
def test_a_stored_index_opens_with_all_that_is_in_it_and_has_the_tables_of_today(
    file, tmp_path
) -> None:
    """Fails if a table changes and no new version leads there: then give it one, with a step."""
    path = str(tmp_path / "index")
    text = file.read_text("utf-8")
    load(text, path)
    fresh, stored = Database(":memory:"), Database(path)
    assert stored.rows("PRAGMA user_version") == [(schema.VERSION,)]
    assert shape(stored) == shape(fresh)
    filled = {name: len(rows) for name, rows in rows_of(stored).items() if f" {name} (" in text}
    assert set(filled.values()) == {1}
    if file == stored_file(schema.VERSION):
        fill(fresh)
        assert rows_of(stored) == rows_of(fresh)
    fresh.close()
    stored.close()


def test_a_migration_that_is_cut_off_leaves_the_version_that_was(tmp_path, monkeypatch) -> None:
    path = str(tmp_path / "index")
    load(stored_file(schema.VERSION).read_text("utf-8"), path)
    before = dump(path)
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 2)
    steps = {
        schema.VERSION - 2: ("CREATE TABLE more (id INTEGER)",),
        schema.VERSION - 1: ("CREATE TABLE wrong (",),
    }
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS | steps)
    with pytest.raises(DiskTrouble):
        Database(path)
    assert dump(path) == before


def test_an_index_of_a_newer_version_is_refused_and_not_touched(tmp_path) -> None:
    path = str(tmp_path / "index")
    newer = stored_file(schema.VERSION).read_text("utf-8")
    load(f"{newer}PRAGMA user_version = {schema.VERSION + 1};\n", path)
    before = dump(path)
    with pytest.raises(DiskTrouble) as refused:
        Database(path)
    assert refused.value.what == "the index was written by a newer potluck"
    assert refused.value.cause
    assert refused.value.fix
    assert dump(path) == before
