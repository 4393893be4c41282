"""What is in the way is found, named, and moved by one line."""

from __future__ import annotations

import time

from potluck.engine.own.held_paths import HeldPaths
from potluck.engine.own.in_the_way import (
    files_in_the_way,
    in_the_way_words,
    kept_out_by,
    rename_command,
)
from potluck.engine.own.pending_record import PendingRecord, record_about
from tests.engine.builders import node
from tests.engine.index.builders import folder, place, record

FILES = [folder("d"), record("d/a"), record("da"), folder("e"), record("e/f/x")]


def held() -> HeldPaths:
    here = node(1)
    here.index.manifests.put(here.own_manifest, FILES)
    found = HeldPaths(here)
    found.hold([one.path for one in FILES])
    return found


def test_only_a_file_where_a_folder_was_with_something_that_is_held_is_in_the_way() -> None:
    rows = [place(record("d")), place(record("da")), place(folder("e")), place(record("new"))]
    found = [(row.path, PendingRecord(row, record_about(row, 1), None)) for row in rows]
    assert files_in_the_way(held(), found) == {b"d"}
    nothing = held()
    nothing.release([b"d/a"])
    assert files_in_the_way(nothing, found) == set()


def test_it_keeps_out_what_is_there_and_below_and_nothing_with_a_longer_name() -> None:
    assert kept_out_by(FILES, {b"d"}) == {b"d": b"d", b"d/a": b"d"}
    assert kept_out_by(FILES, {b"d", b"e/f"}) == {b"d": b"d", b"d/a": b"d", b"e/f/x": b"e/f"}
    assert kept_out_by(FILES, set()) == {}


def test_very_many_are_looked_at_once_each() -> None:
    """As where a tool made a link of each of very many files."""
    files = [record(f"f/{number}") for number in range(50_000)]
    began_s = time.process_time()
    assert len(kept_out_by(files, {one.path for one in files})) == len(files)
    assert time.process_time() - began_s < 5.0


def test_it_is_named_and_one_line_moves_the_first() -> None:
    assert in_the_way_words("d1", {b"a b"}) == (
        "“d1/a b” stands there: to have that back, give it another name, then type: repair"
    )
    assert in_the_way_words("d1", {b"d", b"c"}).startswith(
        "d1/c and d1/d stand there: to have that back, give them another name"
    )
    many = in_the_way_words("d1", {b"%d" % number for number in range(5)})
    assert many.startswith("d1/0, d1/1, d1/2 and 2 more stand there: ")
    line = rename_command(node(1), {b"z", b"it's a"})
    assert line == """mv -nT '/Shared/d1/it'"'"'s a' '/Shared/d1/it'"'"'s a.other'"""
