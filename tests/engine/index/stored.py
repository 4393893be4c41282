"""Writes the stored index of the present version: a small one, as SQL text, kept for ever.

    python -m tests.engine.index.stored SCRATCH_FILE

Strategy: whoever changes the schema adds a version and a migration (engine/index/schema.py), then
runs this once more: a file for the new version joins the others, and none of the others changes.
Every stored file must open, with all that is in it, in every later potluck (test_schema.py).
Limits: rows are few and of no real group; they are there to be found again.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

from potluck.engine.index import schema
from potluck.engine.index.database import Database

FOLDER = Path(__file__).parent / "stored"


def stored_file(version: int) -> Path:
    """Where the index of a version is kept."""
    return FOLDER / f"version-{version}.sql"


def fill(database: Database) -> None:
    """Write one row or two into each table, by whatever columns it has."""
    tables = database.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    for (table,) in tables:
        columns = database.rows(f"PRAGMA table_info({table})")
        values = [_value(number, kind) for number, _, kind, *_ in columns]
        marks = ", ".join("?" * len(values))
        database.run(f"INSERT INTO {table} VALUES ({marks})", values)


def dump(path: str) -> str:
    """Return an index as SQL text, with its version."""
    connection = sqlite3.connect(path)
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    lines = [*connection.iterdump(), f"PRAGMA user_version = {version};"]
    connection.close()
    return "\n".join(lines) + "\n"


def load(text: str, path: str) -> None:
    """Make a database of SQL text."""
    connection = sqlite3.connect(path)
    connection.executescript(text)
    connection.close()


def _value(number: int, kind: str) -> bytes | int | str:
    match kind:
        case "BLOB":
            return b"%d" % number * 8
        case "TEXT":
            return str(number)
        case _:
            return number + 1


def main(scratch: str) -> None:
    """Write the file of the present version."""
    database = Database(scratch)
    fill(database)
    database.close()
    FOLDER.mkdir(exist_ok=True)
    stored_file(schema.VERSION).write_text(dump(scratch), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
