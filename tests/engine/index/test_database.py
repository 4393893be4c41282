"""The connection: settings that durability rests on, and every error told as a person can read it.

Strategy: real files in a temporary folder; errors are provoked, not faked, except a full disk,
which SQLite itself plays when the number of its pages is bounded.
"""

from __future__ import annotations

import sqlite3

import pytest

from potluck.core.errors import DiskTrouble, IndexDamaged, NoRoom
from potluck.engine.index import schema
from potluck.engine.index.database import Database, disk_trouble, move_log, rows_left
from tests.engine.index.builders import PAGE_BYTES, damage_pages


@pytest.fixture
def database(tmp_path):
    made = Database(str(tmp_path / "potluck.sqlite"))
    yield made
    made.close()


def test_settings_are_those_durability_rests_on(database) -> None:
    assert database.rows("PRAGMA journal_mode") == [("wal",)]
    assert database.rows("PRAGMA synchronous") == [(1,)]
    assert database.rows("PRAGMA wal_autocheckpoint") == [(0,)]
    assert database.rows("PRAGMA temp_store") == [(2,)]
    assert database.row("PRAGMA user_version") == (schema.VERSION,)


def test_rows_come_back_and_rollback_undoes(database) -> None:
    database.run("BEGIN")
    assert database.in_transaction
    assert database.run_many("INSERT INTO meta VALUES (?, ?)", [("a", b"1"), ("b", b"2")]) == 2
    assert list(database.each("SELECT key FROM meta ORDER BY key")) == [("a",), ("b",)]
    database.run("ROLLBACK")
    assert database.row("SELECT * FROM meta") is None


@pytest.mark.parametrize(
    "said",
    [
        lambda database: database.run("SELECT 1"),
        lambda database: database.run_many("INSERT INTO meta VALUES (?, ?)", [("b", b"2")]),
        lambda database: database.rows("SELECT 1"),
        lambda database: database.row("SELECT 1"),
        lambda database: list(database.each("SELECT 1")),
    ],
    ids=["run", "run many", "rows", "row", "each"],
)
def test_a_transaction_begins_with_whatever_is_said_first_and_is_undone_whole(
    database, said
) -> None:
    database.begin()
    assert database.in_transaction
    assert not database._connection.in_transaction
    said(database)
    assert database._connection.in_transaction
    database.run("INSERT INTO meta VALUES ('a', x'01')")
    database.rollback()
    assert not database.in_transaction
    assert database.rows("SELECT * FROM meta") == []


def test_what_is_committed_stands_and_nothing_is_left_to_undo(database) -> None:
    database.begin()
    database.run("INSERT INTO meta VALUES ('a', x'01')")
    database.commit()
    assert not database.in_transaction
    database.rollback()
    assert database.row("SELECT key FROM meta") == ("a",)


@pytest.mark.parametrize("end", [Database.commit, Database.rollback])
def test_a_transaction_in_which_nothing_is_said_is_none(database, end) -> None:
    database.begin()
    end(database)
    assert not database.in_transaction
    database.run("INSERT INTO meta VALUES ('a', x'01')")
    assert not database.in_transaction
    assert database.row("SELECT key FROM meta") == ("a",)


def test_what_is_wrong_with_a_value_of_ours_is_no_trouble_of_the_disk(database) -> None:
    before = database.changes
    database.run("INSERT INTO meta VALUES ('a', x'01')")
    assert database.changes == before + 1
    for fails in (
        lambda: database.run("INSERT INTO meta VALUES ('a', x'02')"),
        lambda: database.run_many("INSERT INTO meta VALUES (?, ?)", [("a", b"")]),
    ):
        with pytest.raises(sqlite3.IntegrityError):
            fails()
    for fails in (
        lambda: database.rows("SELECT ?"),
        lambda: database.row("SELECT ?"),
        lambda: list(database.each("SELECT ?")),
    ):
        with pytest.raises(sqlite3.ProgrammingError):
            fails()


def test_reopening_keeps_tables_and_rows(database) -> None:
    database.run("INSERT INTO meta VALUES ('a', x'01')")
    again = Database(database.path)
    assert again.rows("SELECT value FROM meta") == [(b"\x01",)]
    again.close()


def test_every_way_in_tells_errors_as_disk_trouble(database) -> None:
    for fails in (
        lambda: database.run("SELECT * FROM lost"),
        lambda: database.run_many("INSERT INTO lost VALUES (?)", [(1,)]),
        lambda: database.rows("SELECT * FROM lost"),
        lambda: database.row("SELECT * FROM lost"),
        lambda: list(database.each("SELECT * FROM lost")),
    ):
        with pytest.raises(IndexDamaged, match="the index is damaged") as caught:
            fails()
        assert "no such table" in caught.value.cause
        assert caught.value.fix


def test_a_full_disk_is_said_to_be_full(database) -> None:
    # SQLite takes the present size instead, so nothing can grow
    database.run("PRAGMA max_page_count = 1")
    with pytest.raises(DiskTrouble) as caught:
        database.run("INSERT INTO meta VALUES ('a', ?)", (bytes(1 << 20),))
    assert caught.value.cause == f"its disk is full ({database.path})"
    assert caught.value.fix.startswith("df -h ")


@pytest.mark.parametrize(
    ("name", "cause", "fix"),
    [
        ("SQLITE_IOERR_SHMSIZE", "its disk gives no room for /my disk/x-shm", "df -h '/my disk'"),
        (
            "SQLITE_CANTOPEN",
            "/my disk/x: disk I/O error (no inodes",
            "df -i '/my disk'; ls -la '/my disk'",
        ),
    ],
)
def test_an_index_that_finds_no_room_to_open_is_not_said_to_be_broken(
    name: str, cause: str, fix: str
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = name
    trouble = disk_trouble("/my disk/x", error)
    assert trouble.what == "the index cannot be opened"
    assert isinstance(trouble, NoRoom) is (name != "SQLITE_CANTOPEN")
    assert trouble.cause.startswith(cause)
    assert trouble.fix == fix


def test_a_file_that_is_no_index_is_refused(tmp_path) -> None:
    path = tmp_path / "potluck.sqlite"
    path.write_bytes(b"this is not a database, it only stands where one should" * 100)
    with pytest.raises(IndexDamaged, match="damaged") as caught:
        Database(str(path))
    assert caught.value.fix == "start potluck again"


def test_a_page_that_is_damaged_is_noticed_when_it_is_read_and_remembered(
    database, tmp_path
) -> None:
    path = tmp_path / "potluck.sqlite"
    database.run_many("INSERT INTO meta VALUES (?, ?)", ((f"{n}", bytes(900)) for n in range(99)))
    move_log(str(path), wholly=True)
    database.close()
    pages = path.stat().st_size // PAGE_BYTES
    damage_pages(path, [pages - 5])
    again = Database(str(path))
    try:
        assert not again.damaged
        with pytest.raises(IndexDamaged, match="damaged"):
            again.rows("SELECT * FROM meta")
        assert again.damaged
    finally:
        again.close()
    read, whole = rows_left(str(path), "SELECT key FROM meta", "key", with_log=True)
    assert 0 < len(read) < 99
    assert not whole


def test_what_it_does_not_know_itself_can_be_said_to_be_damage(database) -> None:
    assert not database.damaged
    assert "no record" in database.damage("no record").cause
    assert database.damaged


def test_all_is_left_of_a_file_that_is_whole_with_its_log_or_without(tmp_path, database) -> None:
    path = str(tmp_path / "potluck.sqlite")
    database.run("INSERT INTO meta VALUES ('a', ?)", (b"1",))
    move_log(path, wholly=True)
    database.run("INSERT INTO meta VALUES ('b', ?)", (b"2",))
    wanted = path, "SELECT key, value FROM meta", "key"
    assert rows_left(*wanted, with_log=True) == ([("a", b"1"), ("b", b"2")], True)
    assert rows_left(*wanted, with_log=False) == ([("a", b"1")], True)
    assert rows_left(f"{path}.none", *wanted[1:], with_log=True) == ([], False)


def test_a_place_that_cannot_be_opened_is_told(tmp_path) -> None:
    with pytest.raises(DiskTrouble, match="cannot be opened"):
        Database(str(tmp_path / "missing" / "potluck.sqlite"))


def test_an_index_of_a_newer_program_is_refused_and_left_alone(tmp_path) -> None:
    path = str(tmp_path / "potluck.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    with pytest.raises(DiskTrouble, match="newer potluck"):
        Database(path)


@pytest.mark.parametrize("version", [-1, -(2**31), *range(schema.VERSION - 1)])
def test_a_version_that_does_not_fit_its_tables_is_damage(tmp_path, version: int) -> None:
    path = str(tmp_path / "potluck.sqlite")
    Database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(IndexDamaged):
        Database(path)


def test_rows_move_from_the_log_into_the_file(tmp_path) -> None:
    path = tmp_path / "potluck.sqlite"
    database = Database(str(path))
    database.run("INSERT INTO meta VALUES ('a', ?)", (b"needle" * 100,))
    assert b"needle" not in path.read_bytes()
    move_log(str(path), wholly=False)
    assert b"needle" in path.read_bytes()
    assert (tmp_path / "potluck.sqlite-wal").stat().st_size > 0
    move_log(str(path), wholly=True)
    assert (tmp_path / "potluck.sqlite-wal").stat().st_size == 0
    database.close()


def test_a_log_that_begins_anew_is_cut(tmp_path) -> None:
    path = tmp_path / "potluck.sqlite"
    database = Database(str(path))
    database.run("INSERT INTO meta VALUES ('a', ?)", (bytes(1 << 20),))
    move_log(str(path), wholly=False)
    database.run("INSERT INTO meta VALUES ('b', x'00')")
    assert (tmp_path / "potluck.sqlite-wal").stat().st_size < 1 << 16
    database.close()


def test_what_is_no_index_is_told(tmp_path) -> None:
    (tmp_path / "potluck.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(DiskTrouble, match="damaged"):
        move_log(str(tmp_path / "potluck.sqlite"), wholly=False)


def test_what_could_not_be_opened_or_moved_is_closed_again(tmp_path, monkeypatch) -> None:
    path = str(tmp_path / "potluck.sqlite")
    Database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    connect, opened = sqlite3.connect, []

    def remembered(*arguments, **settings):
        opened.append(connect(*arguments, **settings))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", remembered)
    with pytest.raises(DiskTrouble):
        Database(path)
    move_log(path, wholly=True)
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
    assert len(opened) == 2


def test_it_says_where_it_is(database) -> None:
    assert repr(database) == f"<Database {database.path}>"


def test_what_is_neither_the_file_nor_its_room_is_no_damage() -> None:
    error = sqlite3.OperationalError("database is locked")
    trouble = disk_trouble("/x/potluck.sqlite", error)
    assert not isinstance(trouble, IndexDamaged)
    assert (trouble.what, trouble.fix) == ("the index does not work", "start potluck again")
