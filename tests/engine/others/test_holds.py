"""Held paths: kept until shared again, and across restarts."""

from __future__ import annotations

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.wire.catalogue import Folder, encode
from potluck.engine.others.holds import Holds
from tests.engine.index.builders import ANNA, ANNAS, BERTS, index


def test_what_is_held_is_held_for_its_owner_only() -> None:
    held = Holds(index())
    assert held.hold(ANNAS, [b"a", b"b"]) == 2
    assert held.hold(ANNAS, [b"b", b"c"]) == 1
    assert held.has(Spot(ANNAS, b"a"))
    assert not held.has(Spot(BERTS, b"a"))


def test_a_restart_forgets_nothing_and_a_release_lasts() -> None:
    kept = index()
    Holds(kept).hold(ANNAS, [b"a", b"b"])
    Holds(kept).release(ANNAS, [b"a", b"other"])
    later = Holds(kept)
    assert (later.has(Spot(ANNAS, b"a")), later.has(Spot(ANNAS, b"b"))) == (False, True)


def test_nothing_is_written_where_nothing_changes() -> None:
    kept = index()
    held = Holds(kept)
    assert held.hold(ANNAS, []) == 0
    held.release(ANNAS, [b"a"])
    assert kept.meta.get(f"held {ANNA.hex()}") is None


def test_each_of_an_owners_manifests_has_its_own() -> None:
    kept, common = index(), ManifestName(ANNA, Folder.EVERYONE)
    Holds(kept).hold(ANNAS, [b"a"])
    Holds(kept).hold(common, [b"b"])
    later = Holds(kept)
    assert [later.has(Spot(common, path)) for path in (b"a", b"b")] == [False, True]
    assert [later.has(Spot(ANNAS, path)) for path in (b"a", b"b")] == [True, False]


def test_what_an_earlier_version_held_is_still_held() -> None:
    kept = index()
    kept.meta.set(f"held {ANNA.hex()}", encode([b"a"]))
    assert Holds(kept).has(Spot(ANNAS, b"a"))


def test_it_says_how_many_there_are() -> None:
    held = Holds(index())
    held.hold(ANNAS, [b"a", b"b"])
    assert repr(held) == "<Holds: 2 paths of 1 manifests>"
