"""Moving the log: everything is in the file afterwards, a disturbed writer is waited for, errors are told."""

from __future__ import annotations

import pytest

from potluck.core.errors import DiskTrouble
from potluck.engine.index.database import Database
from potluck.engine.index.log import move_log


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
