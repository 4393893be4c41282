"""Disk doubts: what is met first since a disk came or went, and what ends it."""

from __future__ import annotations

from potluck.engine.events import OrderId
from potluck.engine.own.disk_doubts import DiskDoubts

MOUNTED = OrderId(5)
BEFORE, AFTER = OrderId(4), OrderId(6)


def doubts(*paths: bytes) -> DiskDoubts:
    it = DiskDoubts()
    it.begin(b"d", paths or (b"d/a", b"d/b"), MOUNTED)
    return it


def test_what_is_met_first_as_something_else_is_doubted_once() -> None:
    it = doubts()
    assert (it.open, it.idle) == (False, False)
    it.on_there(b"d/a", AFTER, as_known=False)
    it.on_there(b"d/b", AFTER, as_known=True)
    it.on_there(b"e", AFTER, as_known=False)
    it.on_there(b"d/b", AFTER, as_known=False)  # written since
    assert (it.open, repr(it)) == (True, "<DiskDoubts: 1 in 1 windows>")
    it.end(b"d")
    assert not it.idle, "it was not read yet"
    assert [it.ends(path) for path in (b"d/a", b"d/a", b"d/b", b"e")] == [True, False, False, False]
    assert it.idle


def test_what_was_seen_by_a_look_of_before_is_met_again_by_the_next() -> None:
    it = doubts()
    it.on_there(b"d/a", BEFORE, as_known=True)
    it.on_there(b"d/a", AFTER, as_known=False)
    it.on_there(b"d/b", BEFORE, as_known=False)
    it.on_there(b"d/b", AFTER, as_known=True)
    assert [it.ends(path) for path in (b"d/a", b"d/b")] == [True, False]


def test_what_a_look_did_not_find_is_doubted_whenever_it_is_met() -> None:
    it = doubts()
    it.on_there(b"d/a", AFTER, as_known=True)
    it.look(b"d")
    it.look(b"of no disk")
    assert not it.idle
    it.on_there(b"d/a", AFTER, as_known=False)
    it.on_there(b"d/b", AFTER, as_known=False)
    assert [it.ends(path) for path in (b"d/a", b"d/b")] == [False, True]
    assert not it.open, "what disk it is will not be known: nothing is waited for"
    it.take(b"d/b")
    assert it.end(b"d", known_again=True) == [b"d/b"], "it is known after all"


def test_only_a_disk_that_is_known_again_gives_back_what_was_kept_in_its_window() -> None:
    for known in (True, False):
        it = doubts()
        for path in (b"d/a", b"d/b"):
            it.on_other(path)
        it.ends(b"d/a")
        it.take(b"d/a")
        assert (it.has_taken(b"d/a"), it.has_taken(b"d/b")) == (True, False)
        assert it.end(b"d", known_again=known) == ([b"d/a"] if known else [])
        assert (it.has_taken(b"d/a"), it.open) == (False, False)
        assert it.ends(b"d/b") != known, "it is read still, and is an edit if the disk is known"
        assert it.end(b"d", known_again=True) == []


def test_what_is_on_a_disk_inside_belongs_to_that_one() -> None:
    it = doubts(b"d/a", b"d/e/c")
    it.begin(b"d/e", [b"d/e/c"], MOUNTED)
    for path in (b"d/a", b"d/e/c"):
        it.on_there(path, AFTER, as_known=False)
        it.ends(path)
        it.take(path)
    assert it.end(b"d", known_again=True) == [b"d/a"]
    assert it.has_taken(b"d/e/c")


def test_another_mount_begins_anew() -> None:
    it = doubts()
    it.on_other(b"d/a")
    it.ends(b"d/a")
    it.take(b"d/a")
    it.begin(b"d", [b"d/a"], AFTER)
    assert not it.open
    assert it.end(b"d", known_again=True) == [], "that was kept before"
