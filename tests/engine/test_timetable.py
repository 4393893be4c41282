"""Tests of the timetable: each key once, not before its time, and nothing to do while nothing is
due.
"""

from __future__ import annotations

from potluck.engine.timetable import Timetable


def test_keys_are_due_once_and_in_time() -> None:
    table = Timetable[str]()
    table.put("late", 5.0)
    table.put("soon", 2.0)
    assert (table.deadline(), table.due(1.9)) == (2.0, [])
    assert table.due(2.0) == ["soon"]
    assert table.due(2.0) == []
    assert (table.deadline(), "late" in table, "soon" in table) == (5.0, True, False)


def test_what_is_discarded_is_never_due() -> None:
    table = Timetable[str]()
    for key in ("a", "b", "c"):
        table.put(key, 1.0)
    table.discard("a")
    table.discard("a")
    table.keep_only({"a", "b"})
    assert table.due(1.0) == ["b"]
    assert table.deadline() is None


def test_a_key_put_again_is_due_at_the_new_time() -> None:
    table = Timetable[str]()
    table.put("a", 1.0)
    table.put("a", 3.0)
    assert table.due(1.0) == []
    assert table.deadline() == 3.0
    assert table.due(3.0) == ["a"]


def test_it_shows_its_state_in_one_line() -> None:
    table = Timetable[str]()
    table.put("a", 3.0)
    assert repr(table) == "<Timetable 1 keys, first=3.0>"
