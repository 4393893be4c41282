"""What is left out by rules: counted, no longer read, and told where it was shared before."""

from __future__ import annotations

from potluck.core.content.paths import parse_wire_path
from potluck.engine.effects import Tell
from potluck.engine.own.ignore_file import SAID, WHOLE
from potluck.engine.own.left_out import IgnoredPaths, RuledOut, left_out_words
from potluck.engine.own.reading import Reading
from tests.engine.builders import node
from tests.engine.index.builders import folder, record

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


def test_a_path_is_asked_about_as_a_walk_does() -> None:
    here = node(1)
    assert not RuledOut(here).has(record("d/a.tmp"))
    assert RuledOut(here).among([record("d/a.tmp")]) == []
    here.index.meta.set(WHOLE, b"old/\n")
    here.index.meta.set(SAID, b"*.tmp\n/vid/\n!keep.tmp\n")
    ruled = RuledOut(here)
    assert repr(ruled) == "<RuledOut by 2 texts>"
    paths = ["d/a.tmp", "d/keep.tmp", "vid/x/y", "d/vid/x", "old/1", "d", "b"]
    records = [record(path) for path in paths]
    out = ruled.among([*records, folder("vid"), folder("d/vid")])
    assert [one.path for one in out] == [b"d/a.tmp", b"vid/x/y", b"old/1", b"vid"]
    assert ruled.words(out) == "it is left out by .potluckignore, line 1: “*.tmp”"
    assert ruled.words(out[3:]).startswith("as a folder it is left out by .potluckignore, line 2")
    assert ruled.words(out[2:3]) == (
        "the folder old is left out by “old/”, as .potluckignore said before the fault"
    )
    assert left_out_words(ruled.texts, "vid/x/y").startswith("the folder vid is left out by")
    assert left_out_words(ruled.texts, "vid").startswith("as a folder it is left out by")
    assert left_out_words(ruled.texts, "d/keep.tmp") == ""
