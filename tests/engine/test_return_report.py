"""The return report: what is back, and what is in the way."""

from __future__ import annotations

from msgspec import structs

from potluck.engine.return_report import ReturnReport, is_here, total_of
from tests.engine.index.builders import folder, place, record

FILE, FOLDER = record("a"), folder("f")


def test_nothing_is_told_where_nothing_came_and_nothing_stands() -> None:
    report = ReturnReport()
    report.on_ended(FILE, None)
    assert report.text("d1") == ""
    assert repr(report) == "<ReturnReport: 0 came, 0 here again>"


def test_what_came_what_was_found_and_what_is_in_the_way_are_told_apart() -> None:
    report = ReturnReport()
    report.unclear = dict.fromkeys((b"a", b"b", b"f"), b"")
    report.on_ended(FILE, place(FILE))
    report.on_ended(FOLDER, place(FOLDER))
    assert report.text("d1") == "d1: 1 file and 1 folder (1 B) found here again, as wanted"
    report.on_ended(record("b"), None)
    report.on_ended(record("c"), place(record("c", text="other")))
    assert report.unclear == {}
    report.on_came([record("d")])
    came, found = "1 file (1 B) brought back from the other devices", "1 file and 1 folder (1 B)"
    left = "1 path left alone, since something else stands there"
    assert report.text("d1") == f"d1: {came}; {found} found here again, as wanted; {left}"
    report.begin()
    assert report.text("d1") == ""
    report.unclear = {b"a": b"a"}
    report.on_ended(FILE, place(record("a", text="other")))
    assert report.text("d1") == f"d1: 0 files brought back from the other devices; {left}"


def test_what_keeps_something_out_is_named_and_only_for_what_it_does() -> None:
    report = ReturnReport()
    report.unclear = {b"f/a": b"f", b"f/b": b"f", b"c": b"", b"e": b"e"}
    assert report.on_ended(record("f/a"), None) == b"f"
    assert report.on_ended(record("f/b"), None) == b"f"
    assert report.on_ended(record("c"), None) == b""
    assert report.on_ended(record("e"), place(record("e", text="an edit"))) == b""
    assert report.in_the_way == {b"f"}
    assert report.text("d1").endswith(
        "; 2 paths left alone, since d1/f stands there: to have that back, give it another name,"
        " then type: repair; 2 paths left alone, since something else stands there"
    )


def test_what_is_here_has_the_content_and_may_have_another_time() -> None:
    assert is_here(FILE, place(structs.replace(FILE, mtime_ns=99)))
    assert not is_here(FILE, place(record("a", text="other")))
    assert not is_here(FILE, None)
    assert not is_here(FILE, place(folder("a")))


def test_folders_are_counted_beside_files() -> None:
    assert total_of([FILE, FOLDER]) == (1, 1, FILE.size)
