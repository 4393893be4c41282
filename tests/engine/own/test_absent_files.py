"""Absent files: what a mount hides and what is held, together."""

from __future__ import annotations

from potluck.core.content.facts import Amount
from potluck.engine.events import OrderId
from potluck.engine.own.covered import Questioned
from tests.engine.index.builders import record
from tests.engine.owntree import Own


def test_what_is_held_is_not_here() -> None:
    own = Own()
    absent = own.own_folder.absent
    own.node.index.manifests.put(own.node.own_manifest, [record("a", 1)])
    own.publishing.held.hold([b"a"])
    assert (b"a" in absent, b"b" in absent, absent.amount.files) == (True, False, 1)
    assert repr(absent) == f"<AbsentFiles {tuple(absent.amount)}>"
    assert isinstance(absent.amount, Amount)


def test_what_nobody_looked_at_or_what_is_in_doubt_is_not_known_to_be_here() -> None:
    own = Own()
    absent, rounds = own.own_folder.absent, own.own_folder.rounds
    rounds.clear()
    assert (absent.unseen, absent.doubted) == (True, False)
    rounds.begin_scan(())
    rounds.end_scan([b"a"])
    assert (absent.unseen, absent.doubted) == (False, True)


def test_what_is_damaged_is_not_here() -> None:
    own = Own()
    own.write("d/a", "alpha")
    own.folders = {"d"}
    own.touch("d", "d/a")
    own.settle()
    absent = own.own_folder.absent
    assert (b"d/a" in absent, absent.lacks_below(b"")) == (False, False)
    own.publishing.damaged.note(b"d/a", b"r" * 32, own.files["d/a"].stat)
    assert (b"d/a" in absent, absent.amount) == (True, Amount(1, 0, 5))
    asked = [b"", b"d", b"d/a", b"d/b"]
    assert [absent.lacks_below(path) for path in asked] == [True, True, True, False]
    assert not absent.holds_below(b"")


def test_what_is_an_earlier_version_is_not_here() -> None:
    own = Own()
    absent = own.own_folder.absent
    own.node.index.manifests.put(own.node.own_manifest, [record("a", 1)])
    own.publishing.older.note(b"a", b"r" * 32)
    assert (b"a" in absent, absent.lacks_below(b"a"), absent.amount.files) == (True, True, 1)
    assert not absent.holds_below(b"a")


def test_a_folder_in_which_something_is_held_is_not_all_here() -> None:
    own = Own()
    absent = own.own_folder.absent
    assert not absent.lacks_below(b"")
    own.node.index.manifests.put(own.node.own_manifest, [record("d/e/a", 1)])
    own.publishing.held.hold([b"d/e/a"])
    asked = [b"", b"d", b"d/e", b"d/e/a", b"d/f", b"e"]
    assert [absent.lacks_below(path) for path in asked] == [True, True, True, True, False, False]
    assert [absent.holds_below(path) for path in asked] == [True, True, True, True, False, False]
    own.publishing.held.confirm()
    own.own_folder.covered._points[b""] = Questioned({b"x/y"}, OrderId(1), {})
    assert (absent.lacks_below(b"x"), absent.holds_below(b"x")) == (True, False)
