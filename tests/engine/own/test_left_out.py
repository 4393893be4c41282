"""What is left out by rules: counted, no longer read, and told where it was shared before."""

from __future__ import annotations

from potluck.core.content.paths import parse_wire_path
from potluck.engine.effects import Tell
from potluck.engine.own.left_out import IgnoredPaths
from potluck.engine.own.reading import Reading
from tests.engine.builders import node

A, IN_B, C = (parse_wire_path(path) for path in (b"d1/a", b"d1/b/x", b"d1/c"))


def test_what_is_being_read_when_it_is_left_out_does_not_count() -> None:
    here = node(1)
    reading = Reading(here)
    left_out = IgnoredPaths(here, reading)
    left_out.note([A])  # nothing is read
    reading.begin([(A, 0), (IN_B, 0), (C, 0)])

    left_out.note([A, parse_wire_path(b"d1/b")])

    assert set(reading.paths) == {C}
    assert repr(left_out) == "<IgnoredPaths: 0>"


def test_what_was_shared_before_is_told_by_how_much_it_is_and_once() -> None:
    here = node(1)
    left_out = IgnoredPaths(here, Reading(here))

    left_out.on_scanned({b"a", b"b"}, [b"a", b"b/x", b"gone"], [])
    left_out.on_scanned({b"a", b"b"}, [b"a", b"b/x", b"gone"], [b"a", b"b/x"])

    (told,) = here.take()
    assert isinstance(told, Tell)
    assert told.code == "left_out"
    assert told.text == (
        "not shared any more because of d1/.potluckignore: 2 paths; for the others that is a "
        "delete like any other"
    )
