"""Held paths: over restarts, until something is shared there again, or a person confirms."""

from __future__ import annotations

from potluck.core.content.facts import NOTHING, Amount
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.node import Node
from potluck.engine.own.held_paths import HeldPaths, hold_all
from tests.engine.builders import node
from tests.engine.index.builders import folder, place, record


def shared(*records: FileRecord) -> Node:
    """A device whose manifest has these records; nothing of it stands."""
    mine = node(1)
    mine.index.manifests.put(mine.own_manifest, records)
    return mine


def held(mine: Node) -> HeldPaths:
    """What the next run holds."""
    part = HeldPaths(mine)
    part.start()
    return part


THREE = (folder("f", 1), record("f/a", 2), record("f/g/b", 3), record("c", 4))


def test_what_is_held_is_held_by_the_next_run_too() -> None:
    mine = shared(*THREE)
    part = held(mine)
    assert (len(part), part.amount) == (0, NOTHING)
    part.hold([b"f", b"f/a", b"f/g/b", b"unknown"])
    part.write()
    for each in (part, held(mine)):
        size = sum(one.size for one in THREE[1:3])
        assert (len(each), each.amount) == (3, Amount(2, 1, size))
        assert (b"f/a" in each, b"c" in each, b"unknown" in each) == (True, False, False)
        assert (each.has_below(b"f"), each.has_below(b"f/g"), each.has_below(b"c")) == (
            True,
            True,
            False,
        )
        assert {one.path for one in each.records()} == {b"f", b"f/a", b"f/g/b"}
        assert [[one.path for one in each.at(path)] for path in (b"f/a", b"c")] == [[b"f/a"], []]
    assert repr(part) == "<HeldPaths: 3 held, 0 confirmed>"


def test_what_is_told_again_is_held_no_more() -> None:
    mine = shared(*THREE)
    part = held(mine)
    part.hold([b"f", b"f/a", b"f/g/b", b"c"])
    part.hold([b"c"])
    part.write()
    part.release([b"f/a", b"unknown"])
    assert (len(part), part.has_below(b"f")) == (3, True)
    assert b"f/a" in held(mine), "a few are not written"
    mine.index.places.put(mine.own_manifest, [place(record("f/a", 2))])
    assert b"f/a" not in held(mine), "but they stand"
    part.release([b"f/g/b", b"f"])
    assert (len(held(mine)), part.has_below(b"f")) == (1, False)
    part.release([b"c"])
    assert (len(held(mine)), part.amount) == (0, NOTHING)


def test_what_is_shared_no_more_is_not_held_after_a_restart() -> None:
    mine = shared(*THREE)
    part = held(mine)
    part.hold([b"f/a", b"c"])
    part.write()
    mine.index.manifests.delete(mine.own_manifest, [b"c"], 9)
    assert [one.path for one in held(mine).records()] == [b"f/a"]


def test_what_is_at_a_path_is_let_go_alone() -> None:
    mine = shared(*THREE)
    part = held(mine)
    part.hold([b"f", b"f/a", b"c"])
    assert part.confirm(b"f/") == []
    assert part.confirm(b"f") == [b"f", b"f/a"]
    assert [one.path for one in part.records()] == [b"c"]
    assert part.confirm(b"c") == [b"c"]


def test_what_was_confirmed_stays_so_until_a_head_says_it() -> None:
    mine = shared(*THREE)
    part = held(mine)
    part.hold([b"f/a", b"c"])
    part.write()
    assert part.confirm() == [b"c", b"f/a"]
    assert (len(part), part.amount, part.confirm()) == (0, NOTHING, [])
    later = held(mine)
    assert (len(later), later.confirmed) == (0, {b"c", b"f/a"})
    later.on_said()
    later.on_said()
    assert held(mine).confirmed == set()


def test_all_that_is_shared_is_held_by_the_next_run_but_what_was_let_go() -> None:
    mine = shared(*THREE)
    part = held(mine)
    part.hold([b"c"])
    part.confirm()
    assert hold_all(mine.index, mine.own_manifest) == [b"f", b"f/a", b"f/g/b"]
    assert {one.path for one in held(mine).records()} == {b"f", b"f/a", b"f/g/b"}
    assert held(mine).confirmed == {b"c"}
    fresh = shared(*THREE)
    assert len(hold_all(fresh.index, fresh.own_manifest)) == 4
