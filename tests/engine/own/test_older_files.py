"""Older files: noted, wanted, and how it ends; also across restarts."""

from __future__ import annotations

from potluck.core.content.facts import NOTHING, Amount, Spot
from potluck.core.wire.catalogue import encode
from potluck.engine.events import Mount, MountsSeen
from potluck.engine.node import Node
from potluck.engine.own.older_files import OlderFiles
from tests.engine.builders import group, key, node
from tests.engine.index.builders import place, record
from tests.engine.listeners import Heard

NAMES = ("a", "d/b", "d/c", "e", "f")


class Home:
    """A device that shares five files, of which earlier versions stand there."""

    def __init__(self, before: Home | None = None) -> None:
        self.node: Node = node(1, index=before.node.index if before else None)
        self.node.roster = group(1, 2)
        if before is None:
            index, name = self.node.index, self.node.own_manifest
            index.manifests.put(name, [record(each, 1, text="later") for each in NAMES])
            index.places.put(name, [place(record(each, text="earlier")) for each in NAMES])
        self.heard = Heard()
        self.files = OlderFiles(self.node, self.heard)
        self.files.start()

    def changed(self) -> list[bytes]:
        found = [spot.path for spot in self.heard.of("on_damaged_changed")]
        self.heard.notes.clear()
        return found

    def spot(self, path: bytes) -> Spot:
        return Spot(self.node.own_manifest, path)


EARLIER = place(record("a", text="earlier")).root


def test_what_is_noted_is_not_here_and_wanted_only_when_a_person_says_so() -> None:
    home = Home()
    assert (home.files.amount, len(home.files), bool(home.files.root_of(b"a"))) == (
        Amount(0, 0, 0),
        0,
        False,
    )
    assert home.files.note(b"a", EARLIER)
    (kept,) = home.node.index.meta.beginning_with("older file ")
    home.node.index.meta.remove(f"older file {kept}")
    assert not home.files.note(b"a", EARLIER)
    assert home.node.index.meta.beginning_with("older file "), "the index had failed"
    assert home.files.note(b"d/b", EARLIER)
    assert home.changed() == [b"a", b"d/b"]
    assert home.files.amount == Amount(2, 0, 2 * len("later"))
    assert (b"a" in home.files, b"e" in home.files, len(home.files)) == (True, False, 2)
    asked = [b"", b"a", b"d", b"d/b", b"d/c"]
    assert [home.files.has_below(one) for one in asked] == [True, True, True, True, False]
    home.files.note(b"d/c", EARLIER)
    home.files.end([b"d/c"])
    assert home.files.has_below(b"d")
    home.changed()
    assert [home.files.at_or_below(one) for one in (b"", b"d", b"e")] == [
        [b"a", b"d/b"],
        [b"d/b"],
        [],
    ]
    assert repr(home.files) == "<OlderFiles: 2>"
    of_others = Spot(home.node.own_manifest._replace(owner=key(2).device), b"a")
    spots = [home.spot(b"a"), home.spot(b"e"), of_others]
    assert [home.files.heals(spot) for spot in spots] == [False, False, False]
    assert not home.files.returning
    assert home.files.want() == 2
    assert home.changed() == [b"a", b"d/b"]
    assert [home.files.heals(spot) for spot in spots] == [True, False, False]
    assert home.files.returning
    assert home.files.note(b"a", b"x" * 32), "another earlier version, and wanted still"
    assert home.files.heals(home.spot(b"a"))


def test_it_is_known_to_the_next_run_as_far_as_it_stands() -> None:
    home = Home()
    for path in (b"a", b"d/b", b"e", b"f"):
        home.files.note(path, EARLIER)
    home.files.want()
    index, name = home.node.index, home.node.own_manifest
    index.places.remove(name, [b"e"])
    index.places.put(name, [place(record("f", text="something else"))])
    after = Home(home)
    assert [one in after.files for one in (b"a", b"d/b", b"e", b"f")] == [True, True, False, False]
    assert after.changed() == [b"a", b"d/b"], "what was wanted is"
    assert after.files.end([b"a", b"nothing"]) == [b"a"]
    assert after.files.end([b"a"]) == []
    assert after.changed() == [b"a"]
    assert after.files.end([b"d/b"]) == [b"d/b"]
    assert after.files.end([b"d/b"]) == []
    assert len(Home(after).files) == 0


def test_where_a_file_of_another_disk_went_what_comes_next_is_of_that_disk() -> None:
    home = Home()
    for path, by_disk in ((b"a", True), (b"d/b", True), (b"e", False)):
        home.files.note(path, EARLIER, by_disk=by_disk)
    index, name = home.node.index, home.node.own_manifest
    index.places.remove(name, [b"a", b"d/b", b"e"])
    assert home.files.on_gone([b"a", b"d/b", b"e", b"none"])
    assert not home.files.on_gone([b"a"])
    assert (len(home.files), home.files.amount) == (0, NOTHING)
    for files in (home.files, Home(home).files):
        assert [files.is_of_disk(one) for one in (b"a", b"d/b", b"e")] == [True, True, False]
        assert (b"a" in files, files.root_of(b"a")) == (False, b"")
    home.files.note(b"d/b", EARLIER, by_disk=True)
    assert home.files.end([b"a", b"d/b"]) == [b"d/b"]
    assert not any(home.files.is_of_disk(one) for one in (b"a", b"d/b"))
    assert home.node.index.meta.beginning_with("older file ") == {}


def test_what_came_with_a_disk_is_known_as_such_and_not_exchanged_while_it_is_mounted() -> None:
    home = Home()
    home.files.note(b"a", EARLIER)
    home.files.note(b"d/b", EARLIER, by_disk=True)
    assert home.files.of(by_disk=True, wanted=False) == [b"d/b"]
    point = home.node.layout.path_of(home.spot(b"d"))
    home.node.mounts.on_seen(MountsSeen((Mount(point, 1),)))
    assert home.files.on_disk([b"a", b"d/b"]) == [b"d/b"]
    home.changed()
    assert (home.files.want(), home.changed()) == (1, [b"a"])
    after = Home(home)
    assert after.files.of(by_disk=True, wanted=False) == [b"d/b"]
    assert after.files.of(by_disk=False, wanted=True) == [b"a"]
    assert after.files.want() == 2
    after.files.note(b"d/b", b"x" * 32, by_disk=True)
    assert after.files.of(by_disk=True, wanted=False) == [b"d/b"], "another disk, another decision"
    assert [after.files.is_of_disk(path) for path in (b"d/b", b"a", b"none")] == [
        True,
        False,
        False,
    ]
    kept = after.node.index.meta.beginning_with("older file ")
    after.node.index.meta.set("older file " + b"a".hex(), encode([EARLIER, True]))
    assert len(kept) == 2
    assert Home(after).files.of(by_disk=False, wanted=True) == [b"a"], "as it was written before"
