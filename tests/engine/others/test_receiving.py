"""Receiving as transcripts: an owner's manifest changes, and the disk of a receiver follows.

Strategy: the real receiving, downloads, commits and index, with the model of disk and wire in
tests/engine/receiver.py. Each test tells what the owner does and asks what stands, what was fetched
for it and what people were told.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from potluck.core import limits
from potluck.core.content.facts import ManifestName, Source, Spot
from potluck.core.content.name_limits import CaseFolding, NameLimits
from potluck.core.content.paths import parse_wire_path
from potluck.core.group.statements import Forget, Remove, sign_act, sign_removal
from potluck.core.wire.catalogue import Folder, Holding
from potluck.engine.events import Mount, MountsSeen, Outcome, PartFound, PartsFound, Placement
from potluck.engine.others import receiving
from potluck.engine.others.group_commit import SpotOutcome
from potluck.engine.others.hindrances import RESTLESS
from potluck.engine.others.setbacks import LONGEST_S
from potluck.engine.troubles import TroubleKind
from tests.engine import builders
from tests.engine.index.builders import folder, piece_list, place, record, records, root_of
from tests.engine.receiver import ANNA, ANNAS, BERT, Disk, Receiver


@pytest.fixture
def r() -> Receiver:
    receiver = Receiver()
    receiver.start()
    receiver.link()
    return receiver


def at_rest(r: Receiver) -> bool:
    return not r.receiving.busy and not r.disk.parts and not r.lacking() and not r.downloads.orders


# -- receiving -------------------------------------------------------------------------------------
def test_files_folders_and_empty_files_arrive(r: Receiver) -> None:
    r.share([folder("f"), record("f/a"), record("empty", text=""), record("run", executable=True)])
    assert r.stands() == {"f", "f/a", "empty", "run"}
    assert r.disk.files["d2/run"][1].executable
    assert at_rest(r)
    assert r.told == []


def test_faces_see_what_is_on_its_way(r: Receiver) -> None:
    told = []
    r.heard.tell["on_places_changed"] = lambda: told.append(1)
    r.hold_fetch = True
    r.share([record("a")])
    assert (r.receiving.busy, r.downloads.paused, r.downloads.received_bytes) == (True, "", 0)
    root = root_of("a")
    assert str(r.downloads.path_of(root)) == "d2/a"
    assert root in r.downloads.swarm.downloads
    r.call(r.answer)
    r.run()
    assert (r.receiving.busy, r.downloads.received_bytes, r.downloads.path_of(root)) == (
        False,
        10,
        None,
    )
    assert told


def test_what_is_to_stand_on_a_mounted_disk_waits_and_that_disk_is_not_asked(r: Receiver) -> None:
    r.share([folder("f")])
    r.node.mounts.on_seen(MountsSeen((Mount(parse_wire_path(b"d2/f"), 1),)))
    r.share([folder("f"), folder("f/g"), folder("f/h"), record("f/a"), record("b")])
    r.run(5.0)
    assert r.stands() == {"f", "b"}
    asked = {str(item.path) for batch in r.batches for item in batch.items}
    assert asked == {"d2/f", "d2/b"}
    where = "another disk is mounted there: files are placed on one disk only"
    told = [tell.text for tell in r.told if tell.code == "place_failed"]
    assert told == [f"d2/f/g, d2/f/h: {where}", f"d2/f/a: {where}"]
    r.node.mounts.on_seen(MountsSeen(()))
    r.run(LONGEST_S)
    assert r.stands() == {"f", "f/g", "f/h", "f/a", "b"}


def test_a_content_of_several_pieces_is_listed_and_fetched(r: Receiver) -> None:
    content = piece_list(3)
    r.lists[content.root] = content
    wanted = replace(record("big"), root=content.root, size=content.size_bytes)
    r.share([wanted])
    assert r.stands() == {"big"}
    assert r.batches[0].items[0].content == content
    r.share([wanted, replace(wanted, path=b"copy")])
    assert r.batches[1].items[0].content == content  # the list is known, so the copy can be checked
    assert len(r.asked) == 2
    assert at_rest(r)


def test_a_content_at_many_spots_is_fetched_once_and_no_part_stays(r: Receiver) -> None:
    wanted = [record(f"{number:04}", number + 1, "same") for number in range(600)]
    r.share(wanted)
    assert len(r.asked) == 1
    assert len(r.stands()) == 600
    assert sum(sources.count(Source.PART) for sources in r.sources()) == limits.COMMIT_FILES
    assert sum(sources.count(Source.LOCAL) for sources in r.sources()) == 600 - limits.COMMIT_FILES
    assert at_rest(r)


def test_of_very_many_spots_one_is_placed_even_if_all_before_it_fail(r: Receiver) -> None:
    wanted = [record(f"{number:04}", text="same") for number in range(limits.COMMIT_FILES + 1)]
    first = [each.path.decode() for each in wanted[:-1]]
    r.disk.trouble = {f"d2/{name}": (Placement.FAILED, "no") for name in first}
    r.share(wanted)
    assert r.stands() == {"0256"}


def test_a_second_spot_that_comes_while_the_part_is_being_placed_copies_it(r: Receiver) -> None:
    r.hold_place = True
    r.share([record("a", text="x")])
    r.share([record("a", text="x"), record("b", text="x")])
    assert len(r.places) == 1
    r.hold_place = False
    r.call(r.place)
    r.run()
    assert r.stands() == {"a", "b"}
    assert len(r.asked) == 1
    assert at_rest(r)


def test_many_changes_are_looked_at_in_slices(r: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "SLICE", 10)
    calls = r.calls
    r.share(records(25))
    assert r.calls - calls > 3
    assert len(r.stands()) == 26  # and their folder, which no record names
    assert at_rest(r)


def test_what_is_still_to_be_looked_at_keeps_it_busy(r: Receiver) -> None:
    r.share([record("a")])
    r.receiving.look_again(Spot(ANNAS, b"a"))
    assert r.receiving.busy
    r.call()
    assert not r.receiving.busy


# -- renames, swaps, kinds -------------------------------------------------------------------------
def test_a_rename_is_a_move_and_fetches_nothing(r: Receiver) -> None:
    r.share([record("a", text="x")])
    r.share([record("b", text="x")])
    assert r.stands() == {"b"}
    assert (len(r.asked), r.sources()[1:], r.disk.trash) == (1, [[Source.MOVED]], [])


def test_a_rename_told_in_two_steps_is_a_move_too(r: Receiver) -> None:
    r.share([record("a", text="x")])
    r.share([], run=False)
    r.share([record("b", text="x")])
    assert r.stands() == {"b"}
    assert (len(r.asked), r.sources()[1:]) == (1, [[Source.MOVED]])


def test_a_folder_of_a_thousand_files_is_renamed_without_fetching(r: Receiver) -> None:
    r.share([folder("d"), *records(1000)])
    asked = len(r.asked)
    r.share([folder("e"), *(replace(each, path=b"e" + each.path[1:]) for each in records(1000))])
    assert len(r.asked) == asked == 1000
    assert r.stands() == {"e"} | {f"e/{number:06}" for number in range(1, 1001)}
    assert (r.disk.trash, r.disk.aside, r.told) == ([], [], [])


def test_two_new_names_for_one_file_that_goes(r: Receiver) -> None:
    r.share([record("a", text="x")])
    r.share([record("b", text="x"), record("c", text="x")])
    assert r.stands() == {"b", "c"}
    assert len(r.asked) == 1


def test_swapped_names_need_no_fetch(r: Receiver) -> None:
    r.share([record("a", text="1"), record("b", text="2")])
    r.share([record("a", text="2"), record("b", text="1")])
    assert r.disk.files["d2/a"][0] == root_of("2")
    assert r.disk.files["d2/b"][0] == root_of("1")
    assert len(r.asked) == 2
    assert at_rest(r)


def test_a_file_becomes_a_folder(r: Receiver) -> None:
    r.share([record("x")])
    r.share([folder("x"), record("x/in")])
    assert r.stands() == {"x", "x/in"}
    assert (r.disk.trash, r.disk.aside) == (["d2/x"], [])


def test_a_folder_becomes_a_file_once_it_is_empty(r: Receiver) -> None:
    r.share([folder("y"), record("y/in"), record("y/other")])
    r.share([record("y")])
    assert r.stands() == {"y"}
    assert sorted(r.disk.trash) == ["d2/y/in", "d2/y/other"]
    assert r.told == []


def test_a_folder_becomes_the_file_that_was_in_it(r: Receiver) -> None:
    r.share([folder("y"), record("y/in", text="x")])
    r.share([record("y", text="x")])
    assert r.stands() == {"y"}
    assert r.told == []


def test_case_twins_are_two_paths(r: Receiver) -> None:
    r.share([record("A"), record("a")])
    assert r.stands() == {"A", "a"}


def test_time_and_mode_are_touched_where_the_file_stands(r: Receiver) -> None:
    r.share([record("a")])
    r.share([record("a", mtime_ns=9, executable=True)])
    (item,) = r.batches[1].items
    assert (item.source, item.local) == (Source.LOCAL, item.path)
    assert r.disk.files["d2/a"][1].mtime_ns == 9
    assert (len(r.asked), at_rest(r)) == (1, True)


def test_a_content_of_another_owner_is_copied_and_own_files_too(r: Receiver) -> None:
    r.share([record("a", text="x")])
    r.share([record("b", text="x")], BERT)
    r.node.index.places.put(r.node.own_manifest, [place(record("mine"))])
    r.disk.edit("d1/mine", root_of("mine"), 4)
    r.share([record("b", text="x"), record("c", text="mine")], BERT)
    assert r.stands(BERT) == {"b", "c"}
    assert len(r.asked) == 1


def test_what_stands_in_another_kind_of_folder_is_no_source(r: Receiver) -> None:
    r.node.index.places.put(ManifestName(BERT, Folder.EVERYONE), [place(record("e", text="x"))])
    r.share([record("a", text="x")])
    assert r.stands() == {"a"}
    assert len(r.asked) == 1


# -- changes meanwhile -----------------------------------------------------------------------------
def test_a_file_that_changes_while_it_is_fetched(r: Receiver) -> None:
    r.hold_fetch = True
    r.share([record("a", text="old")])
    r.share([record("a", text="new")])
    assert r.dropped == [root_of("old")]
    assert len(r.cancelled) == 1
    r.call(r.answer)
    assert r.dropped == [root_of("old")] * 2  # it came all the same
    r.call(r.answer)
    r.run()
    assert r.disk.files["d2/a"][0] == root_of("new")
    assert at_rest(r)


def test_a_file_that_goes_while_it_is_fetched(r: Receiver) -> None:
    r.hold_fetch = True
    r.share([record("a"), record("b")])
    r.share([record("b")])
    r.call(r.answer)
    r.run()
    assert r.stands() == {"b"}
    assert at_rest(r)


def test_a_file_that_goes_once_it_is_complete_leaves_no_part(r: Receiver) -> None:
    r.node.share_present = False
    r.share([record("a")])
    r.node.share_present = True
    r.call()
    r.node.share_present = False
    r.run()
    assert r.disk.parts == {root_of("a")}
    r.share([])
    assert r.dropped == [root_of("a")]
    assert at_rest(r)


def test_a_file_that_changes_while_it_is_placed_is_decided_anew(r: Receiver) -> None:
    r.hold_place = True
    r.share([record("a", text="old")])
    r.share([record("a", text="new")])
    r.share([record("a", text="newest")])
    assert len(r.asked) == 1
    r.call(r.place)
    r.hold_place = False
    r.run()
    assert r.disk.files["d2/a"][0] == root_of("newest")
    assert at_rest(r)


def test_what_was_decided_anew_after_one_batch_is_not_looked_at_after_every_other(
    r: Receiver,
) -> None:
    r.hold_place = True
    r.share([record("a", text="old")])
    r.share([record("a", text="new")])
    r.hold_place = False
    r.call(r.place)
    r.run()
    r.hold_place = True
    r.share([record("a", text="new"), record("b")])
    r.place()
    assert repr(r.receiving).startswith("<Receiving pending=0 ")


def test_a_change_that_waits_for_its_turn_is_not_lost_when_a_batch_ends(
    r: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "SLICE", 1)
    r.hold_place = True
    r.share([record("z", text="old")])
    r.share([*records(5), record("z", text="new")], run=False)
    r.call(r.place)
    r.hold_place = False
    r.run()
    assert r.disk.files["d2/z"][0] == root_of("new")
    assert at_rest(r)


def test_a_file_that_a_program_takes_away_at_once_is_placed_again_but_not_for_ever(
    r: Receiver,
) -> None:
    r.disk.trouble = {"d2/a": (Placement.PLACED, "and gone")}
    r.share([record("a")])
    r.run(60.0)
    assert [tell.text for tell in r.told] == [f"d2/a: {RESTLESS}"]
    assert [trouble.reason for trouble in r.node.troubles.all()] == [RESTLESS]
    assert len(r.batches) < 10
    r.disk.trouble = {}
    r.run(60.0)
    assert r.stands() == {"a"}
    assert at_rest(r)


def test_what_is_changed_here_again_and_again_is_left_alone_for_a_while(r: Receiver) -> None:
    r.share([record("a")])
    for _ in range(3):
        del r.disk.files["d2/a"]
        r.node.index.places.remove(ANNAS, [b"a"])
        batches = len(r.batches)
        r.call(lambda: r.receiving.on_disturbed(ANNAS, [b"a"]))
        r.run(1.0)
        if len(r.batches) == batches:
            break
    assert len(r.batches) == 3
    assert [trouble.reason for trouble in r.node.troubles.all()] == [RESTLESS]
    r.run(5.0)
    assert (r.stands(), r.node.troubles.all()) == ({"a"}, [])
    r.call(lambda: r.receiving.on_disturbed(ManifestName(ANNA, Folder.EVERYONE), [b"a"]))
    assert len(r.batches) == 4


def test_what_waits_for_a_folder_to_be_empty_is_tried_when_something_has_gone(r: Receiver) -> None:
    r.share([record("d/a")])
    r.disk.edit("d2/d/mine", b"mine", 1)
    r.share([record("d")])
    r.run(70.0)
    del r.disk.files["d2/d/mine"]
    r.call(lambda: r.receiving.on_cleared(Spot(ANNAS, b"d/mine")))
    r.run(1.0)
    assert r.stands() == {"d"}


def test_a_file_that_goes_while_it_is_placed_goes(r: Receiver) -> None:
    r.hold_place = True
    r.share([record("a")])
    r.share([])
    r.call(r.place)
    r.hold_place = False
    r.run()
    assert r.stands() == set()
    assert at_rest(r)


def test_a_file_that_comes_back_before_it_was_removed_stays(r: Receiver) -> None:
    r.share([record("a")])
    r.share([], run=False)
    assert r.receiving.busy
    r.share([record("a")])
    assert r.stands() == {"a"}
    assert r.disk.trash == []
    assert len(r.batches) == 1


def test_a_file_that_comes_back_is_copied_and_not_moved_away(r: Receiver) -> None:
    r.share([record("a", text="x")])
    r.node.share_present = False
    r.share([record("b", text="x")])
    r.share([record("a", text="x"), record("b", text="x")])
    r.node.share_present = True
    r.run()
    assert r.sources()[1:] == [[Source.LOCAL]]
    assert r.stands() == {"a", "b"}


# -- removing --------------------------------------------------------------------------------------
def test_a_folder_goes_after_what_is_in_it(r: Receiver) -> None:
    r.share([folder("d"), *records(600)])
    r.share([])
    assert r.stands() == set()
    assert len(r.disk.trash) == 600
    assert r.told == []


def test_folders_that_no_record_names_go_with_the_last_file_in_them(r: Receiver) -> None:
    r.share([record("f/g/a", text="x"), record("f/g/b"), record("f/c")])
    r.share([record("f/g/b"), record("f/c"), record("moved", text="x")])
    assert r.stands() == {"f", "f/g", "f/g/b", "f/c", "moved"}
    r.share([record("f/c"), record("moved", text="x")])
    assert r.stands() == {"f", "f/c", "moved"}
    r.share([])
    assert r.stands() == set()
    assert r.told == []


def test_a_folder_that_no_record_names_goes_when_its_last_file_moves_out(r: Receiver) -> None:
    r.share([record("d/a", text="x")])
    r.share([record("b", text="x")])
    assert r.stands() == {"b"}
    assert len(r.asked) == 1


def test_a_folder_with_something_else_in_it_is_told_once_and_tried_ever_less(r: Receiver) -> None:
    r.share([folder("d"), record("d/a")])
    r.disk.edit("d2/d/mine", b"?", 1)
    r.share([])
    r.run(600.0)
    assert r.codes() == ["place_failed"]
    assert "so it stays" in r.told[0].text
    assert len(r.batches) < 20
    assert not r.receiving.busy
    del r.disk.files["d2/d/mine"]
    r.run(61.0)
    assert r.stands() == set()


def test_a_folder_is_tried_at_once_when_what_was_in_the_way_has_gone(r: Receiver) -> None:
    r.share([folder("d"), record("d/a"), record("d/b", text="y")])
    r.disk.trouble = {"d2/d/a": (Placement.FAILED, "no"), "d2/d/b": (Placement.FAILED, "no")}
    r.share([])
    assert r.codes() == ["place_failed", "place_failed"]  # one for both files, one for the folder
    r.disk.trouble = {}
    r.run(2.5)
    assert r.stands() == set()


def test_a_folder_that_long_could_not_go_goes_with_the_last_file_in_it(r: Receiver) -> None:
    r.share([folder("d"), record("d/a")])
    r.share([record("d/a")])
    r.run(8.0)
    r.share([])
    assert r.stands() == set()


def test_a_folder_in_which_nothing_is_held_any_more_is_looked_at_again(
    r: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    r.share([record("a")])
    freed = [[Spot(ANNAS, b"d")], []]
    monkeypatch.setattr(r.receiving.held, "settle", lambda: freed.pop(0) if freed else [])
    looked = list[Spot]()
    monkeypatch.setattr(r.receiving, "look_again", looked.append)
    r.call(r.receiving.on_tick)
    assert looked == [Spot(ANNAS, b"d")]


def test_what_is_hidden_is_left_alone_until_it_can_be_seen(r: Receiver) -> None:
    r.share([record("a"), record("b"), record("c")])
    hidden = {Spot(ANNAS, b"a"), Spot(ANNAS, b"b")}
    r.share([record("c"), record("b", text="other")], run=False)
    r.heard.tell["is_hidden"] = hidden.__contains__  # while they wait for their turn
    r.call(r.receiving.on_hidden_changed)
    r.run()
    assert r.stands() == {"a", "b", "c"}
    assert r.lacking()
    assert not r.receiving.busy
    assert not r.disk.parts
    hidden.clear()
    r.call(r.receiving.on_hidden_changed)
    r.run()
    row = r.node.index.places.get(ANNAS, b"b")
    assert row is not None
    assert (r.stands(), row.root) == ({"b", "c"}, root_of("other"))


def test_a_folder_that_could_not_be_made_is_lacking_whatever_goes_in_it(r: Receiver) -> None:
    r.disk.trouble = {"d2/d": (Placement.FAILED, "no")}
    r.share([folder("d"), record("d/a")])
    r.share([folder("d")])
    assert r.lacking() == 1


def test_a_move_out_of_a_folder_that_was_in_the_way_frees_it(r: Receiver) -> None:
    r.share([folder("d"), record("d/a", text="x")])
    r.disk.trouble = {"d2/b": (Placement.FAILED, "no"), "d2/d/a": (Placement.FAILED, "no")}
    r.share([record("b", text="x")])
    r.disk.trouble = {"d2/d/a": (Placement.FAILED, "no")}
    r.run(2.5)
    assert r.stands() == {"b"}


# -- failures --------------------------------------------------------------------------------------
def test_a_full_disk_is_told_once_and_tried_again(r: Receiver) -> None:
    r.disk.trouble = {f"d2/{name}": (Placement.FAILED, "no space left") for name in "abc"}
    r.share([record(name) for name in "abc"])
    assert [tell.text for tell in r.told] == ["d2/a, d2/b, d2/c: no space left"]
    r.run(10.0)
    assert len(r.told) == 1
    assert r.node.troubles.count(TroubleKind.BLOCKED) == 3
    r.disk.trouble = {}
    r.run(60.0)
    assert r.node.troubles.all() == []
    assert r.stands() == set("abc")
    assert len(r.asked) == 3
    assert at_rest(r)


def test_a_part_that_is_gone_is_fetched_anew(r: Receiver) -> None:
    r.hold_place = True
    r.share([record("a")])
    r.disk.parts.clear()
    r.hold_place = False
    r.call(r.place)
    r.run()
    assert r.stands() == {"a"}
    assert r.asked == [root_of("a")] * 2
    assert (r.told, at_rest(r)) == ([], True)


def test_a_part_that_is_always_gone_does_not_keep_everybody_busy(r: Receiver) -> None:
    r.disk.trouble = {"d2/a": (Placement.SOURCE_GONE, "gone")}
    r.share([record("a")])
    r.run(600.0)
    assert 3 < len(r.asked) < 20


def test_a_local_file_that_is_not_what_was_thought_is_not_used_again(r: Receiver) -> None:
    r.share([record("a", text="x")])
    r.disk.edit("d2/a", b"edited", 1)
    r.share([record("a", text="x"), record("b", text="x")])
    assert r.disk.files["d2/b"][0] == root_of("x")
    assert r.asked == [root_of("x")] * 2
    assert at_rest(r)


def test_a_touch_finds_another_content_and_heals_it(r: Receiver) -> None:
    r.share([record("a")])
    r.disk.edit("d2/a", b"edited", 1)
    r.share([record("a", mtime_ns=9)])
    assert r.disk.files["d2/a"][0] == root_of("a")
    assert r.disk.aside == ["d2/a"]
    assert r.node.troubles.all() == []
    assert at_rest(r)


def test_a_change_ends_the_rest_after_a_failure(r: Receiver) -> None:
    r.disk.trouble = {"d2/a": (Placement.FAILED, "no")}
    r.share([record("a", text="1")])
    r.disk.trouble = {}
    r.share([record("a", text="2")], run=False)
    r.run(0.5)
    assert r.disk.files["d2/a"][0] == root_of("2")
    assert at_rest(r)


def test_what_failed_where_something_was_mounted_is_tried_when_that_is_gone(r: Receiver) -> None:
    r.disk.trouble = {"d2/f/a": (Placement.FAILED, "another disk")}
    r.share([record("f/a")])
    r.run(60.0)
    r.disk.trouble = {}
    r.call(lambda: r.receiving.setbacks.hurry_below([]))
    r.run(0.0)
    assert "f/a" not in r.stands()
    r.call(lambda: r.receiving.setbacks.hurry_below([parse_wire_path(b"d2/f")]))
    r.run(0.5)
    assert "f/a" in r.stands()


def test_a_failure_that_comes_back_after_all_was_well_is_told_again(r: Receiver) -> None:
    r.disk.trouble = {"d2/a": (Placement.FAILED, "no")}
    r.share([record("a")])
    r.disk.trouble = {}
    r.run(3.0)
    assert r.stands() == {"a"}
    r.node.index.places.remove(ANNAS, [b"a"])
    r.disk.trouble = {"d2/a": (Placement.FAILED, "no")}
    r.call(lambda: r.receiving.look_again(Spot(ANNAS, b"a")))
    r.run(1.0)
    assert r.codes() == ["place_failed", "place_failed"]


def test_a_failure_that_somebody_else_made_good_is_forgotten(r: Receiver) -> None:
    r.disk.trouble = {"d2/a": (Placement.FAILED, "no")}
    r.share([record("a")])
    r.node.index.places.put(ANNAS, [place(record("a"))])
    r.run(3.0)
    r.node.index.places.remove(ANNAS, [b"a"])
    r.call(lambda: r.receiving.look_again(Spot(ANNAS, b"a")))
    r.run(1.0)
    assert r.codes() == ["place_failed", "place_failed"]


def test_a_spot_that_rests_is_left_alone(r: Receiver) -> None:
    r.disk.trouble = {"d2/a": (Placement.FAILED, "no")}
    r.share([record("a")])
    batches = len(r.batches)
    r.call(lambda: r.receiving.look_again(Spot(ANNAS, b"a")))
    assert len(r.batches) == batches


def test_an_empty_file_with_a_wrong_root_is_placed_once(r: Receiver) -> None:
    r.share([replace(record("a", text=""), root=b"z" * 32)])
    assert len(r.batches) == 1
    assert at_rest(r)


def test_a_lie_about_the_size_of_a_content_does_not_prevent_it(r: Receiver) -> None:
    r.hold_fetch = True
    true = record("true", text="x")
    r.share([replace(true, path=b"lie", size=2)], BERT)
    r.share([true])
    r.call(lambda: r.answer(Outcome.WRONG))
    r.run(3.0)
    r.call(r.answer)
    r.run()
    assert r.stands() == {"true"}
    assert r.stands(BERT) == {"lie"}  # with the true content, as its root says


def test_nothing_is_copied_from_a_file_of_another_size(r: Receiver) -> None:
    r.share([record("a", text="x")])
    r.link(BERT)
    r.hold_fetch = True
    r.share([replace(record("lie", text="x"), size=2)], BERT)
    assert len(r.fetches) == 1


# -- offline, held, restarts -----------------------------------------------------------------------
def test_while_the_share_is_offline_nothing_is_placed_or_removed(r: Receiver) -> None:
    r.share([record("a")])
    r.node.share_present = False
    r.share([record("b")])
    r.run(100.0)
    assert len(r.batches) == 1
    assert r.receiving.deadline() is None
    r.node.share_present = True
    r.run()
    assert r.stands() == {"b"}


def test_what_an_owner_lost_is_held_also_across_restarts(r: Receiver) -> None:
    r.share([record("a"), record("b")])
    r.share([record("b")], held=True)
    assert r.stands() == {"a", "b"}
    (told,) = r.told
    assert told.text.startswith("d2 came back without 1 of its files: it is kept here")
    r.share([record("b")], held=True)
    assert len(r.told) == 1
    later = Receiver(r.node.index, r.disk, run=2)
    later.start()
    assert later.stands() == {"a", "b"}
    assert later.batches == []


def test_a_held_file_is_copied_and_not_moved(r: Receiver) -> None:
    r.share([record("a", text="x")])
    r.share([record("b", text="x")], held=True)
    assert r.stands() == {"a", "b"}
    assert r.sources()[1:] == [[Source.LOCAL]]


def test_a_file_that_is_being_placed_when_its_owner_lost_it_is_held_too(r: Receiver) -> None:
    r.hold_place = True
    r.share([record("a")])
    r.share([], held=True)
    r.call(r.place)
    r.hold_place = False
    r.run()
    assert r.stands() == {"a"}


def test_a_file_that_never_came_is_not_held(r: Receiver) -> None:
    r.hold_fetch = True
    r.share([record("a")])
    r.share([], held=True)
    assert r.told == []


def test_a_held_file_that_is_shared_again_can_be_removed(r: Receiver) -> None:
    r.share([record("a")])
    r.share([], held=True)
    r.share([record("a")])
    r.share([])
    assert r.stands() == set()


def test_what_is_held_and_let_go_goes_also_after_a_restart(r: Receiver) -> None:
    r.share([record("f/a"), folder("f"), record("b")])
    r.share([], held=True)
    later = Receiver(r.node.index, r.disk, run=2)
    later.start()
    assert later.stands() == {"f", "f/a", "b"}
    later.call(lambda: later.holds.let_go(ANNAS, b"f"))
    later.run()
    assert later.stands() == {"b"}
    assert later.node.troubles.of(TroubleKind.LEFT_BEHIND) != []


def test_a_held_file_that_is_moved_out_and_back_stays_held(r: Receiver) -> None:
    r.share([record("a")])
    r.share([], held=True)
    row = r.node.index.places.get(ANNAS, b"a")
    assert row is not None
    r.node.index.places.remove(ANNAS, [b"a"])
    r.call(lambda: r.receiving.on_disturbed(ANNAS, [b"a"]))
    r.run()
    assert r.node.troubles.of(TroubleKind.LEFT_BEHIND) == []
    r.node.index.places.put(ANNAS, [row])
    r.call(lambda: r.receiving.on_disturbed(ANNAS, [b"a"]))
    r.run()
    assert r.stands() == {"a"}
    assert len(r.node.troubles.of(TroubleKind.LEFT_BEHIND)) == 1


def test_a_start_takes_up_what_is_lacking_and_what_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(receiving, "SLICE", 3)
    r = Receiver()
    r.link()
    r.share([record(f"old{number}") for number in range(5)])
    later = Receiver(r.node.index, r.disk, run=2)
    later.node.share_present = False
    later.share([record(f"new{number}") for number in range(7)])
    again = Receiver(later.node.index, r.disk, run=3)
    again.link()
    again.start()
    assert again.stands() == {f"new{number}" for number in range(7)}
    assert at_rest(again)


def test_a_start_looks_once_at_each_spot_that_lacks_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(receiving, "SLICE", 4)
    r = Receiver()
    r.node.share_present = False
    r.share(records(11))
    later = Receiver(r.node.index, r.disk, run=2)
    later.node.share_present = False
    later.start()
    assert later.calls == 3  # one for each slice


def test_what_changed_is_looked_at_before_what_is_caught_up_with(
    r: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "SLICE", 1)
    r.share([record("a")])
    r.receiving.start()
    for name in (b"a", b"b"):
        r.receiving.look_again(Spot(ANNAS, name))
    r.call()
    assert repr(r.receiving) == "<Receiving pending=1 manifests=1 to catch up with>"


def test_the_folder_of_one_who_was_removed_stays_as_it_is(r: Receiver) -> None:
    r.share([record("a")])
    r.node.roster = builders.group(1, 3)
    r.share([record("b")])
    later = Receiver(r.node.index, r.disk, run=2)
    later.node.roster = builders.group(1, 3)
    later.start()
    assert [*r.batches[1:], *later.batches, *later.told] == []


def test_what_was_held_of_one_who_was_removed_goes_once_its_folder_is_forgotten(
    r: Receiver,
) -> None:
    r.share([record("a"), record("b")])
    r.share([record("b")], held=True)
    roster = r.node.roster
    assert roster is not None
    said = Remove(roster.group, ANNA, [], b"", None, b"", [])
    roster.add(sign_removal(builders.key(1), said, roster.signed_by(ANNA)))
    roster.settle()
    r.share([])
    assert r.stands() == {"a"}
    roster.add([sign_act(builders.key(1), Forget(roster.group, ANNA))])
    roster.settle()
    r.call(lambda: r.receiving.on_changed(ANNAS, [b"a"], held=False))
    r.run()
    assert r.stands() == set()
    assert r.disk.trash == ["d2/b", "d2/a"]


def test_a_start_without_anything_to_do() -> None:
    r = Receiver()
    r.start()
    assert (r.receiving.deadline(), r.receiving.busy) == (None, False)


def test_a_crash_after_placing_costs_nothing(r: Receiver) -> None:
    r.share([record("goes", text="x"), record("old"), folder("d")])
    r.hold_place = True
    r.share([record("came", text="x"), folder("new")])
    r.disk.place(r.places[0].items)
    later = Receiver(r.node.index, r.disk, run=2)
    later.link()
    later.start()
    assert later.stands() == {"came", "new"}
    assert later.asked == []
    assert later.node.index.intents.open_batches() == []
    assert at_rest(later)


def test_a_crash_after_the_last_file_went_leaves_no_empty_folder(r: Receiver) -> None:
    r.share([record("f/g/a"), record("f/g/b"), record("stays")])
    r.hold_place = True
    r.share([record("stays")])
    r.disk.place(r.places[0].items)
    assert r.disk.folders > {"d2/f", "d2/f/g"}, "its rows were not written"
    later = Receiver(r.node.index, r.disk, run=2)
    later.link()
    later.start()
    assert later.stands() == {"stays"}
    assert at_rest(later)


def test_a_crash_before_placing_is_made_good(r: Receiver) -> None:
    r.hold_place = True
    r.share([record("a"), folder("d")])
    later = Receiver(r.node.index, r.disk, run=2)
    later.link()
    later.call(later.receiving.start)
    assert later.receiving.deadline() is None  # nothing is decided before it is known what stands
    later.call(lambda: later.downloads.on_parts(_found(r)))
    later.run()
    assert later.stands() == {"a", "d"}
    assert later.asked == []
    assert at_rest(later)


def test_parts_of_an_earlier_run_that_nobody_wants_are_dropped() -> None:
    r = Receiver()
    r.call(r.receiving.start)
    content = piece_list(2)
    r.call(lambda: r.downloads.on_parts(PartsFound((PartFound(content, b"\1"),))))
    r.run()
    assert r.dropped == [content.root]


def _found(r: Receiver) -> PartsFound:
    content = r.batches[0].items[0].content or r.batches[0].items[1].content
    assert content is not None
    assert content.root in r.disk.parts
    return PartsFound((PartFound(content, b"\1"),))


def test_it_says_how_much_is_to_be_looked_at(r: Receiver) -> None:
    r.receiving.look_again(Spot(ANNAS, b"a"))
    assert repr(r.receiving) == "<Receiving pending=1 manifests=0 to catch up with>"
    assert r.receiving.deciding


def test_what_was_ready_for_a_folder_that_got_another_name_is_placed_there(r: Receiver) -> None:
    r.node.moving = True
    r.share([record("a")])
    assert r.stands() == set()
    r.node.moving = False
    r.node.former.stands(ANNA, "anne", "d2")
    r.call(lambda: r.receiving.on_folder_moved(parse_wire_path(b"anne")))
    r.run()
    assert set(r.disk.files) == {"anne/a"}


# -- the own folder --------------------------------------------------------------------------------
def test_what_is_in_the_way_of_what_comes_back_ends_that_and_is_no_trouble(r: Receiver) -> None:
    own = r.node.own_manifest
    r.node.index.manifests.put(own, [record("a"), record("b")])
    r.node.peer(ANNA).kept[own] = Holding(*own, 9, 9, 0, 0)
    wanted = {Spot(own, b"a"), Spot(own, b"b")}
    r.heard.tell["is_left_alone"] = lambda spot: spot not in wanted
    r.disk.trouble = {"d1/a": (Placement.BLOCKED, "something stands there")}

    def committed(done: Sequence[SpotOutcome]) -> None:
        wanted.clear()
        r.receiving.on_committed(done)

    r.heard.tell["on_committed"] = committed
    for spot in sorted(wanted):
        r.call(lambda spot=spot: r.receiving.look_again(spot))  # type: ignore[misc]
    r.run(120.0)
    assert set(r.disk.files) == {"d1/b"}
    assert at_rest(r)
    assert (r.told, r.node.troubles.count(TroubleKind.BLOCKED), len(r.batches)) == ([], 0, 1)


# -- a disk that takes some names for one ----------------------------------------------------------
@pytest.fixture
def folding() -> Receiver:
    receiver = Receiver(disk=Disk(NameLimits(CaseFolding.ALL)))
    receiver.start()
    receiver.link()
    return receiver


def test_of_two_names_that_are_one_the_smaller_is_placed_and_the_other_waits(
    folding: Receiver,
) -> None:
    folding.share([record("foo")])
    folding.share([record("foo"), record("Foo")])
    assert folding.stands() == {"Foo"}
    assert [one.subject for one in folding.node.troubles.of(TroubleKind.BLOCKED)] == ["d2/foo"]
    assert folding.codes().count("kept_out") == 1
    folding.share([record("foo")])
    assert folding.stands() == {"foo"}
    assert not folding.node.troubles.of(TroubleKind.BLOCKED)


def test_a_folder_that_came_to_stand_comes_before_another_spelling(folding: Receiver) -> None:
    folding.hold_place = True
    folding.share([folder("b"), record("b/x")])
    folding.share([folder("b"), record("b/x"), record("b/y"), folder("B"), record("B/z")])
    folding.hold_place = False
    while folding.places:
        folding.call(folding.place)
        folding.run()
    assert folding.stands() == {"b", "b/x", "b/y"}
    assert folding.disk.trash == []
    assert "gave_way" not in folding.codes()


def test_a_folder_gets_another_spelling_and_what_waited_for_it_comes(folding: Receiver) -> None:
    folding.share([folder("B"), record("B/x")])
    folding.share([folder("b"), record("b/y")])
    assert folding.stands() == {"b", "b/y"}
    assert folding.disk.trash == ["d2/b/x"]


def test_a_folder_that_was_removed_is_made_for_what_its_owner_puts_into_it(r: Receiver) -> None:
    every = [folder("f"), record("f/a"), record("b")]
    r.share(every)
    for name in ("f", "f/a"):
        r.disk.files.pop(f"d2/{name}", None)
        r.disk.folders.discard(f"d2/{name}")
    r.node.index.unwanted.add(ANNAS, [b"f", b"f/a"])
    r.call(lambda: r.node.index.places.remove(ANNAS, [b"f", b"f/a"]))
    r.share([*every, record("f/new")])
    assert r.stands() == {"b", "f", "f/new"}
    assert r.node.index.places.get(ANNAS, b"f") is not None
