"""Bringing back: what a person wants of what is held, and when that is over."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

import pytest
from msgspec import structs

from potluck.core.content.facts import Source, Spot, Stat
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.core.errors import NotFound, Refused
from potluck.core.wire.catalogue import FileRecord, Head, Holding
from potluck.engine.bringing_back import BringingBack, note_wanted
from potluck.engine.effects import PlaceItem, Tell
from potluck.engine.events import LinkId, Mount, MountsSeen, Placed, Placement
from potluck.engine.index import Index
from potluck.engine.others.group_commit import Placeable, SpotOutcome
from potluck.engine.own.ignore_file import SAID
from potluck.engine.own.pending_record import PendingRecord, record_about
from potluck.engine.own.publishing import Publishing
from potluck.engine.troubles import TroubleKind
from tests.engine.builders import group, key, node, taken
from tests.engine.index.builders import folder, place, record
from tests.engine.listeners import Heard

THREE = (folder("f"), record("f/a"), record("b"))
ALL = {b"f", b"f/a", b"b"}


class Home:
    """A device whose manifest has these records, of which nothing stands, and which holds them."""

    def __init__(self, *records: FileRecord, index: Index | None = None) -> None:
        self.node = node(1, index=index)
        self.node.roster = group(1, 2)
        self.node.peer(key(2).device).link = LinkId(5)
        self.node.index.manifests.put(self.node.own_manifest, records)
        self.publishing = Publishing(self.node, Heard())
        self.held = self.publishing.held
        self.publishing.start()
        self.held.hold([each.path for each in records])
        self.held.write()
        self.wanted: list[bytes] = []
        self.looked: list[str] = []
        self.looking = set[bytes]()
        self.part = BringingBack(self.node, self.publishing, self)

    def on_wanted(self, spot: Spot) -> None:
        assert spot.manifest == self.node.own_manifest
        self.wanted.append(spot.path)

    def on_came(self, paths: Iterable[SafePath]) -> None:
        self.looked += map(str, paths)

    def is_looking_at(self, paths: Collection[bytes]) -> bool:
        return not self.looking.isdisjoint(paths)

    def spot(self, path: bytes) -> Spot:
        return Spot(self.node.own_manifest, path)

    def alone(self) -> set[bytes]:
        """What of it is left alone."""
        return {path for path in ALL if self.part.leaves_alone(self.spot(path))}

    def done(self, path: bytes, placement: Placement, top: bytes = b"d1") -> SpotOutcome:
        """A group commit is over, with this outcome."""
        where = parse_wire_path(top + b"/" + path)
        item = PlaceItem(where, Source.EMPTY, None, None, 0, False, None, None)
        stat = Stat(1, 1, 1, 1, executable=False) if placement is Placement.PLACED else None
        placed = Placed(where, EMPTY_ROOT, placement, stat, "", "")
        return SpotOutcome(Placeable(self.spot(path), item), placed)

    def come(self, *paths: bytes) -> None:
        self.part.on_committed([self.done(path, Placement.PLACED) for path in paths])

    def told(self) -> list[str]:
        return [tell.text for tell in taken(self.node, Tell) if tell.code == "brought_back"]

    def reasons(self) -> list[str]:
        return [each.reason for each in self.node.troubles.of(TroubleKind.HELD)]


def in_the_way(outcome: SpotOutcome, what: bytes) -> SpotOutcome:
    """The disk named what kept that out."""
    placed = replace(outcome.placed, in_the_way=parse_wire_path(what))
    return SpotOutcome(outcome.ready, placed)


def again(home: Home) -> Home:
    """The next run."""
    after = Home(index=home.node.index)
    after.part.start()
    return after


def test_what_is_held_is_left_alone_until_a_person_wants_it_back() -> None:
    home = Home(*THREE)
    home.part.start()
    assert (home.alone(), home.wanted) == (ALL, [])
    assert not home.part.leaves_alone(
        Spot(home.node.own_manifest._replace(owner=key(2).device), b"b")
    )
    size = THREE[1].size + THREE[2].size
    what = f"2 files and 1 folder ({size} B) wanted back into d1, as far as others have it"
    text = f"{what}: no other device is known to have any of it (d2 has not said yet)."
    assert home.part.repair() == text
    assert (home.alone(), home.wanted) == (set(), [b"b", b"f", b"f/a"]), "folders first"
    assert repr(home.part) == "<BringingBack 3 paths>"
    (reason,) = home.reasons()
    assert reason.endswith("that has them is linked; to give some of them up, type: confirm PATH")


def test_what_is_damaged_is_not_left_alone_and_no_part_of_it() -> None:
    home = Home(*THREE)
    home.held.release([b"b"])
    home.node.index.places.put(home.node.own_manifest, [place(THREE[2])])
    home.publishing.damaged.note(b"b", b"r" * 32, Stat(1, 1, 1, 1, executable=False))
    assert home.alone() == {b"f", b"f/a"}
    home.part.repair()
    done = home.done(b"b", Placement.BLOCKED)
    item = replace(done.ready.item, expected=Stat(1, 1, 1, 1, executable=False))
    home.part.on_committed([replace(done, ready=replace(done.ready, item=item))])
    home.come(b"f", b"f/a")
    assert home.looked[0] == "d1/b"
    (told,) = home.told()
    assert "left alone" not in told


def test_what_stands_on_a_disk_that_is_mounted_there_is_not_promised() -> None:
    home = Home(*THREE)
    home.held.release([b"b", b"f", b"f/a"])
    home.publishing.older.files.note(b"b", b"r" * 32, by_disk=True)
    point = home.node.layout.path_of(home.spot(b"b"))
    home.node.mounts.on_seen(MountsSeen((Mount(point, 1),)))
    with pytest.raises(NotFound, match="can be brought back") as error:
        home.part.repair()
    assert "cannot be exchanged: unmount it first" in str(error.value.cause)


def test_earlier_versions_of_an_older_copy_are_exchanged() -> None:
    home = Home(*THREE)
    home.held.release([b"b", b"f", b"f/a"])
    home.node.index.places.put(home.node.own_manifest, [place(THREE[2])])
    home.publishing.older.note(b"b", b"r" * 32)
    assert home.part.leaves_alone(home.spot(b"b"))
    text = "1 file to be exchanged for what was shared last; what stands here goes to"
    assert home.part.repair() == f"{text} “Put aside”."
    assert not home.part.leaves_alone(home.spot(b"b"))
    home.held.hold([b"f/a"])
    said = home.part.repair()
    assert said.startswith("1 file (3 B) wanted back into d1, as far as others have it: no other")
    assert "(d2 has not said yet). 1 file to be exchanged" in said


def test_it_is_over_when_the_last_came_and_that_is_told() -> None:
    home = Home(*THREE)
    home.part.repair()
    home.come(b"f", b"f/a")
    assert home.looked == ["d1/f", "d1/f/a"]
    assert home.told() == []
    assert (home.alone(), len(home.held)) == ({b"f", b"f/a"}, 1)
    home.come(b"b")
    size = THREE[1].size + THREE[2].size
    assert home.told() == [
        f"d1: 2 files and 1 folder ({size} B) brought back from the other devices"
    ]
    assert not home.held
    home.come(b"b")
    assert home.told() == [], "once"
    assert again(home).wanted == []


def test_what_a_person_put_there_is_left_alone_and_looked_at() -> None:
    home = Home(*THREE)
    home.part.repair()
    home.looking = {b"b"}
    home.part.on_committed([home.done(b"b", Placement.BLOCKED)])
    assert (home.alone(), home.looked, b"b" in home.held) == ({b"b"}, ["d1/b"], True)
    home.part.on_tick()
    assert repr(home.part) == "<BringingBack 3 paths>", "it is not known yet what stands there"
    home.looking = {b"f"}  # somebody writes it all the time
    assert home.part.deadline() == home.node.now
    home.part.on_tick()
    assert (home.part.deadline(), repr(home.part)) == (None, "<BringingBack 2 paths>")
    home.part.on_committed([home.done(b"f/a", Placement.FAILED)])
    assert home.alone() == {b"b"}, "a full disk is another matter"
    home.come(b"f", b"f/a")
    (text,) = home.told()
    assert text.endswith("; 1 path left alone, since something else stands there")
    (reason,) = home.reasons()
    assert "type: repair" in reason
    assert "confirm" in reason


def test_what_is_in_the_way_and_never_shared_is_named_and_how_it_goes_out_of_it() -> None:
    """As a link in the place of a folder: no look finds a file there."""
    home = Home(*THREE)
    home.part.repair()
    home.come(b"b")
    done = [home.done(each, Placement.BLOCKED) for each in (b"f", b"f/a")]
    home.part.on_committed([in_the_way(one, b"d1/f") for one in done])
    home.part.on_tick()
    (text,) = home.told()
    stands = "d1/f stands there: to have that back, give it another name, then type: repair"
    assert text.endswith(f"; 2 paths left alone, since {stands}")
    (trouble,) = home.node.troubles.of(TroubleKind.HELD)
    assert stands in trouble.reason
    assert trouble.command == "mv -nT /Shared/d1/f /Shared/d1/f.other"
    assert "confirm" in trouble.reason
    home.publishing.breaker.in_the_way.discard(b"f")  # it went
    home.part.on_held_changed()
    assert home.publishing.breaker.in_the_way == set(), "what was found before is not found again"
    home.part.repair()
    (trouble,) = home.node.troubles.of(TroubleKind.HELD)
    assert "stands there" not in trouble.reason, "it may be away by now, so it is tried"


def test_a_file_where_a_folder_was_keeps_out_that_and_nothing_else() -> None:
    home = Home(*THREE)
    row = place(record("f"))
    home.publishing.kept[b"f"] = PendingRecord(row, record_about(row, 1), THREE[0])
    stands = "d1/f stands there: to have that back, give it another name, then type: repair"
    assert home.part.repair().endswith(f" Not brought back: 2 paths – {stands}.")
    assert home.wanted == [b"b"]
    (trouble,) = home.node.troubles.of(TroubleKind.HELD)
    assert stands in trouble.reason
    home.come(b"b")
    with pytest.raises(Refused) as refused:
        home.part.repair()
    assert (refused.value.cause, refused.value.fix) == (
        stands,
        "mv -nT /Shared/d1/f /Shared/d1/f.other",
    )


def test_what_stands_there_with_the_wanted_content_is_back_and_not_in_the_way() -> None:
    """As where a disk was unmounted that had hidden it: a file is placed before a look finds it."""
    home = Home(*THREE)
    home.part.repair()
    home.come(b"f")
    home.looking = {b"b"}
    home.part.on_committed([home.done(each, Placement.BLOCKED) for each in (b"b", b"f/a")])
    home.publishing.put(place(THREE[1]), THREE[1].piece_size)
    assert b"f/a" not in home.held
    home.part.on_held_changed()
    assert home.told() == [], "the other one was not looked at yet"
    home.node.index.places.put(home.node.own_manifest, [place(record("b", text="other"))])
    home.looking = set()
    home.part.on_tick()
    found = "1 file (3 B) found here again, as wanted"
    taken_too = "1 path left alone, since something else stands there"
    assert home.told() == [
        f"d1: 1 folder brought back from the other devices; {found}; {taken_too}"
    ]


def test_what_was_found_before_it_came_is_told_too() -> None:
    home = Home(record("b"))
    home.part.repair()
    home.publishing.put(place(record("b")), record("b").piece_size)
    home.part.on_held_changed()
    assert home.told() == ["d1: 1 file (1 B) found here again, as wanted"]


def test_what_is_of_others_is_nothing_to_it() -> None:
    home = Home(*THREE)
    home.part.repair()
    other = home.done(b"b", Placement.PLACED)
    spot = Spot(home.node.own_manifest._replace(owner=key(2).device), b"b")
    home.part.on_committed(
        [SpotOutcome(Placeable(spot, other.ready.item), other.placed)],
    )
    assert (home.looked, len(home.held)) == ([], 3)


def test_what_was_placed_under_another_name_of_the_folder_is_not_here() -> None:
    home = Home(*THREE)
    home.part.repair()
    home.node.index.places.put(home.node.own_manifest, [place(THREE[2])])
    home.part.on_committed([home.done(b"b", Placement.PLACED, b"former")])
    assert home.node.index.places.get(home.node.own_manifest, b"b") is None
    assert (b"b" in home.held, home.alone()) == (True, set())


def test_it_goes_on_after_a_restart_with_what_is_held_still() -> None:
    home = Home(*THREE)
    home.part.repair()
    home.come(b"f")
    home.node.index.places.put(home.node.own_manifest, [place(THREE[0])])
    after = again(home)
    assert (after.wanted, after.alone()) == ([b"b", b"f/a"], {b"f"})
    after.come(b"b", b"f/a")
    assert after.told()


def test_what_is_held_no_more_need_not_come() -> None:
    home = Home(*THREE)
    home.part.repair()
    home.wanted.clear()
    home.held.release([b"b"])
    assert b"b" in home.alone(), "at once"
    home.part.on_held_changed()
    assert home.wanted == [b"b"], "nobody waits for it any more"
    home.publishing.confirm()
    home.part.on_held_changed()
    assert home.told() == [], "what was given up has not come"


def test_it_waits_for_the_others_and_says_so() -> None:
    home = Home(*THREE)
    home.node.peer(key(2).device).link = None
    assert home.part.repair().endswith(
        "No other device is linked now: it waits until one is that has them."
    )


def test_what_stands_there_already_is_not_asked_for() -> None:
    home = Home(*THREE)
    home.publishing.put(place(record("b", text="other")), 1 << 20)
    assert home.part.repair().endswith("1 path left alone: something else stands there.")
    assert home.wanted == [b"f", b"f/a"]
    touched = structs.replace(record("b"), mtime_ns=99)
    home.publishing.put(place(touched), 1 << 20)
    assert home.part.repair().endswith(" 1 path here again already.")
    home.publishing.confirm(b"f")
    assert home.part.repair() == "1 path here again already.", "nothing is waited for"


def test_nothing_can_come_where_nothing_is_held_or_the_folder_is_away() -> None:
    with pytest.raises(NotFound):
        Home().part.repair()
    home = Home(*THREE)
    for away in (Home(), home):
        away.node.share_present = False
        with pytest.raises(Refused, match="Nothing can be brought back"):
            away.part.repair()
    home.node.share_present, home.node.cloned = True, True
    with pytest.raises(Refused) as refused:
        home.part.repair()
    assert "another machine" in refused.value.cause
    assert home.wanted == []


def test_what_was_noted_before_the_start_is_brought_back() -> None:
    home = Home(*THREE)
    note_wanted(home.node.index.meta, [b"f/a", b"not shared"])
    after = again(home)
    assert after.wanted == [b"f/a"]


def test_what_is_shared_again_is_brought_beside_what_is_to_come_already() -> None:
    home = Home(*THREE)
    assert home.part.unwanted
    home.part.bring([b"b"])
    assert home.wanted == [b"b"]
    assert home.part.unwanted, "the others are held still"
    home.part.bring([b"f", b"f/a"])
    assert not home.part.unwanted
    assert again(home).alone() == set(), "it goes on after a restart"
    home.come(b"b")
    home.part.bring([b"f"])  # nothing new
    home.come(b"f", b"f/a")
    assert home.told() == ["d1: 2 files and 1 folder (4 B) brought back from the other devices"]


def test_repair_promises_nothing_that_nobody_is_known_to_have() -> None:
    home = Home(*THREE)
    name = home.node.own_manifest
    home.node.index.manifests.set_head(Head(*name, 1, 1, 3, b"r" * 32, b"instance"))
    home.node.peer(key(2).device).kept[name] = Holding(*name, 1, 1, 2, 9, 1)
    said = home.part.repair()
    assert said.endswith("have it: no other device is known to have any of it, and all are linked.")
    home.node.peer(key(2).device).kept[name] = Holding(*name, 1, 1, 0, 0)
    assert home.part.repair().endswith("as far as others have it: d2 has all of it.")


def emptied(home: Home, path: bytes) -> None:
    """A file was cut off to nothing, which is not told."""
    home.publishing.put(place(structs.replace(record("b"), path=path, size=0, root=EMPTY_ROOT)), 1)
    home.node.now += 11
    home.publishing.on_tick(0)
    assert path in home.held


def test_an_empty_file_that_one_was_cut_off_to_is_exchanged() -> None:
    home = Home(*THREE)
    emptied(home, b"b")
    said = home.part.repair()
    assert "left alone" not in said
    exchanged = "1 file to be exchanged for what was shared last; what stands here goes to"
    assert said.endswith(f" {exchanged} “Put aside”.")
    assert home.part.exchanges(home.spot(b"b"))
    assert (b"b" in home.held, home.wanted) == (False, [b"f", b"f/a"])


def test_an_empty_file_that_is_met_only_when_the_other_one_comes_is_exchanged_too() -> None:
    home = Home(*THREE)
    home.part.repair()
    home.come(b"f", b"f/a")
    home.looking = {b"b"}
    home.part.on_committed([home.done(b"b", Placement.BLOCKED)])
    emptied(home, b"b")
    home.looking = set()
    home.part.on_tick()
    assert home.part.exchanges(home.spot(b"b"))
    (told,) = home.told()
    assert "left alone" not in told


def test_what_the_rules_leave_out_is_not_brought_back() -> None:
    home = Home(*THREE)
    home.part.repair()
    home.node.index.meta.set(SAID, b"# mine\nf/\n")
    assert again(home).wanted == [b"b"], "a rule is newer than the wish"
    home.wanted.clear()
    said = home.part.repair()
    why = "the folder f is left out by .potluckignore, line 2: “f/”"
    left = f"1 file and 1 folder (3 B) (f/a) – {why}; take that line out to have them shared again"
    assert said.endswith(f"(d2 has not said yet). Not brought back: {left}.")
    assert home.wanted == [b"b"]
    home.held.release([b"b"])
    with pytest.raises(Refused, match="Nothing of d1 can be brought back") as refused:
        home.part.repair()
    assert (refused.value.cause, refused.value.fix) == (left, "cat -n /Shared/d1/.potluckignore")


def test_where_what_was_wanted_came_nothing_of_another_disk_is_remembered() -> None:
    home = Home(record("b"))
    older, index = home.publishing.older.files, home.node.index
    index.places.put(home.node.own_manifest, [place(record("b", text="of another disk"))])
    older.note(b"b", b"r" * 32, by_disk=True)
    index.places.remove(home.node.own_manifest, [b"b"])
    older.on_gone([b"b"])
    assert older.is_of_disk(b"b")
    home.come(b"b")
    assert not older.is_of_disk(b"b"), "the next edit is shared"
