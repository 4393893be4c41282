"""The check of replicas: what is edited, missing or strange in other people's folders.

Strategy: `Home` (tests/engine/replicas.py) is the receiving node of tests/engine/receiver.py with
the part beside its receiving, over a model of the disk.
"""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.facts import Finding
from potluck.engine.events import (
    FilesHashed,
    OrderId,
    PathSeen,
    PathsTouched,
    Placement,
    TreeSeen,
)
from potluck.engine.others.replica_check import STRANGE_MAX
from tests.engine import builders
from tests.engine.index.builders import folder, record, records, root_of
from tests.engine.receiver import ANNAS, BERT, path
from tests.engine.replicas import Home, home_with_files

ELSE = root_of("something else")


@pytest.fixture
def home() -> Home:
    """ANNA shares a, b and f/c; all of it stands, and everything was looked at."""
    return home_with_files()


# -- when ------------------------------------------------------------------------------------------
def test_others_are_scanned_at_start_and_as_often_as_the_own_folder() -> None:
    home = Home()
    home.hinder = True
    home.share([record("a")], run=False)
    home.share([record("a")], BERT, run=False)
    home.hinder = False
    home.run()
    assert sorted(scan.tops for scan in home.scans) == [(path("d2"),), (path("d3"),)]
    home.run(limits.RESCAN_S - 2)
    assert len(home.scans) == 2
    home.run(2)
    assert len(home.scans) == 4


def test_what_is_more_urgent_comes_first(home: Home) -> None:
    home.hinder = True
    home.rescan(limits.RESCAN_S)
    assert home.scans == []
    home.hinder = False
    home.run()
    assert len(home.scans) == 1


def test_who_is_removed_meanwhile_is_not_scanned(home: Home) -> None:
    home.share([record("a")], BERT)
    home.hold = True
    home.rescan()
    home.node.roster = builders.group(1)
    home.hold = False
    home.answer_held()
    home.run()
    assert len(home.scans) == 1


def test_a_clean_folder_costs_one_scan(home: Home) -> None:
    home.rescan()
    assert (len(home.scans), home.looks, home.hashed, home.told) == (1, [], [], [])


def test_while_the_share_is_offline_nothing_counts(home: Home) -> None:
    home.hold = True
    home.disk.edit("d2/a", ELSE, 99)
    home.rescan()
    home.node.share_present = False
    home.call()
    assert home.replica_check.deadline() is None
    home.answer_held()
    home.node.share_present, home.hold = True, False
    home.run()
    assert len(home.scans) == 2
    assert home.disk.aside == ["d2/a"]


def test_answers_nobody_asked_for_change_nothing(home: Home) -> None:
    home.call(
        lambda: home.replica_check.on_tree(TreeSeen(OrderId(1), (), (), last=True, complete=True))
    )
    home.call(lambda: home.replica_check.on_hashed(FilesHashed(OrderId(1), (), (), last=True)))
    assert home.lacking() == 0


# -- edits -----------------------------------------------------------------------------------------
def test_an_edit_is_put_aside_and_the_owners_version_comes_back(home: Home) -> None:
    home.disk.edit("d2/a", ELSE, 99)
    home.rescan()
    assert home.disk.files["d2/a"][0] == root_of("a")
    assert home.disk.aside == ["d2/a"]
    assert home.texts("put_aside")
    home.rescan()
    assert home.disk.aside == ["d2/a"]


def test_a_file_that_would_not_hold_still_is_looked_at_again(home: Home) -> None:
    home.unstable.add("d2/a")
    home.disk.edit("d2/a", ELSE, 99)
    home.rescan(0.5)
    assert home.disk.aside == []
    home.unstable.clear()
    home.run(2.0)
    assert home.disk.aside == ["d2/a"]


def test_a_file_seen_again_while_it_is_read_is_looked_at_once_more(home: Home) -> None:
    home.change("d2/a", inode=999)
    home.hold = True
    home.rescan()
    home.answer_held()  # the scan
    reading, home.held = home.held, []
    home.rescan()
    home.answer_held()
    home.held, home.hold = reading, False
    home.answer_held()
    home.run()
    assert [look.paths for look in home.looks] == [(path("d2/a"),)]


def test_what_was_read_of_one_who_was_removed_counts_no_more(home: Home) -> None:
    home.disk.edit("d2/a", ELSE, 99)
    home.unstable.add("d2/b")
    home.change("d2/b", inode=999)
    home.hold = True
    home.rescan()
    home.answer_held()
    home.node.roster = builders.group(1, 3)
    home.answer_held()
    home.run()
    assert home.node.index.places.get(ANNAS, b"a") is not None
    assert home.looks == []


def test_what_is_being_placed_is_left_alone(home: Home) -> None:
    home.hold_place = True
    home.share([record("a", text="newer"), folder("f"), record("f/c"), record("b", text="newer b")])
    home.disk.edit("d2/a", ELSE, 99)
    home.refused = {"d2/b"}
    before = {name: home.node.index.places.get(ANNAS, name) for name in (b"a", b"b")}
    home.rescan()
    assert home.hashed == []
    assert len(home.looks) == 1
    assert {name: home.node.index.places.get(ANNAS, name) for name in (b"a", b"b")} == before


def test_what_a_look_misses_while_it_is_placed_is_not_missing(home: Home) -> None:
    row = home.node.index.places.get(ANNAS, b"a")
    look_begins(home, "d2/a")
    home.hold_place = True
    home.share([record("a", text="newer"), record("b"), folder("f"), record("f/c")])
    look_misses(home, "d2/a", last=False)
    home.disk.trouble = {"d2/a": (Placement.FAILED, "no")}
    home.call(home.place)
    look_misses(home, last=True)
    assert home.node.index.places.get(ANNAS, b"a") == row


def test_what_a_look_missed_before_it_is_placed_is_not_missing(home: Home) -> None:
    row = home.node.index.places.get(ANNAS, b"a")
    look_begins(home, "d2/a")
    look_misses(home, "d2/a", last=False)
    home.hold_place = True
    home.share([record("a", text="newer"), record("b"), folder("f"), record("f/c")])
    look_misses(home, last=True)
    assert (home.node.index.places.get(ANNAS, b"a"), home.told) == (row, [])


def look_begins(home: Home, name: str) -> None:
    """A file is missing at a scan; the look at it is under way, and the file is there again."""
    kept = home.disk.files.pop(name)
    home.hold = True
    home.rescan()
    home.answer_held()
    home.disk.files[name] = kept
    assert [str(at) for at in home.looks[-1].paths] == [name]


def look_misses(home: Home, *names: str, last: bool) -> None:
    """A part of what that look found comes in."""
    seen = tuple(PathSeen(path(name), Finding.MISSING, None) for name in names)
    page = TreeSeen(home.looks[-1].order, seen, (), last=last, complete=last)
    home.call(lambda: home.replica_check.on_tree(page))


# -- hints -----------------------------------------------------------------------------------------
def test_what_is_touched_is_looked_at_at_once_and_by_itself(home: Home) -> None:
    home.disk.edit("d2/a", ELSE, 99)
    home.touch("d2/a", until_s=0.5)
    assert home.disk.files["d2/a"][0] == root_of("a")
    assert home.disk.aside == ["d2/a"]
    assert home.scans == []
    assert [look.paths for look in home.looks] == [(path("d2/a"),)]
    home.run(2.0)
    (text,) = home.texts("put_aside")
    assert text == "d2/a was edited here: this version is in Put aside/d2/a, d2's is back"


def test_what_we_place_ourselves_is_looked_at_once_and_never_told(home: Home) -> None:
    home.share([record("a", text="newer"), record("b"), folder("f"), record("f/c"), record("g/h")])
    home.touch("d2/a", "d2/g", "d2/g/h")
    assert (len(home.looks), home.hashed, home.told) == (1, [], [])
    assert home.disk.aside == []


def test_a_hint_about_what_is_being_placed_finds_the_edit_after_it(home: Home) -> None:
    home.hold_place = True
    home.share([record("a", text="newer"), record("b"), folder("f"), record("f/c")])
    home.touch("d2/a", until_s=1.0)
    home.hold_place = False
    home.call(home.place)
    home.disk.edit("d2/a", ELSE, 99)
    home.touch("d2/a")
    assert home.disk.files["d2/a"][0] == root_of("newer")
    assert home.disk.aside == ["d2/a"]


def test_hints_do_not_wait_for_the_own_folder(home: Home) -> None:
    home.hinder = True
    home.remove("d2/a")
    home.tops.clear()
    home.touch("d2/a", "d3")
    assert "d2/a" in home.disk.files
    assert [scan.tops for scan in home.scans] == [(path("d3"),)]


def test_while_it_is_unknown_what_a_crash_left_no_folder_is_scanned(home: Home) -> None:
    settling = True
    home.heard.tell["is_settling"] = lambda: settling
    home.touch("d2")
    assert home.scans == []
    home.rescan()
    assert [scan.tops for scan in home.scans] == [(path("d2"),)]
    settling = False
    home.run()
    assert [scan.tops for scan in home.scans] == [(path("d2"),)] * 2


def test_lost_hints_are_a_scan_of_everything(home: Home) -> None:
    home.call(lambda: home.replica_check.on_touched(PathsTouched((), overflow=True)))
    home.run()
    assert len(home.scans) == 1


def test_while_the_share_is_offline_hints_count_for_nothing(home: Home) -> None:
    home.node.share_present = False
    home.touch("d2/a")
    home.node.share_present = True
    home.run()
    assert home.looks == []
    assert len(home.scans) == 1


def test_who_was_removed_is_not_looked_at(home: Home) -> None:
    paths = (path("d2/a"), path("d3/b"))
    home.call(lambda: home.replica_check.on_touched(PathsTouched(paths, overflow=False)))
    home.node.roster = builders.group(1, 3)
    home.run()
    assert [look.paths for look in home.looks] == [(path("d3/b"),)]


def test_a_folder_moved_away_and_back_is_put_right(home: Home) -> None:
    away = {name: home.disk.files[name] for name in ("d2/f/c",)}
    home.share([record("a"), record("b"), folder("f"), record("f/c"), record("f/gone")])
    away |= {"d2/f/gone": home.disk.files["d2/f/gone"]}
    home.remove("d2/f", *away)
    home.hold_fetch = True
    home.touch("d2/f")
    assert home.texts("deleted_here")
    home.share([record("a"), record("b"), folder("f"), record("f/c", text="newer"), record("f/n")])
    for name, file in away.items():
        home.disk.files[name] = file
    home.hold_fetch = False
    while home.fetches:
        home.call(home.answer)
    home.touch("d2/f")
    home.run(5.0)
    assert home.stands() == {"a", "b", "f", "f/c", "f/n"}
    assert home.disk.files["d2/f/c"][0] == root_of("newer")
    assert home.texts("trashed_here") == [
        "d2/f/gone was brought back here, but d2 has dropped it: it is in the trash"
    ]


def test_what_was_in_the_way_is_gone_and_what_it_blocked_is_tried_at_once(home: Home) -> None:
    home.disk.edit("d2/f/mine", ELSE, 9)
    home.share([record("a"), record("b"), record("f")])
    home.run(70.0)
    assert [trouble.subject for trouble in home.node.troubles.all()] == ["d2/f"]
    home.remove("d2/f/mine")
    home.touch("d2/f/mine", until_s=1.0)
    assert home.stands() == {"a", "b", "f"}
    assert home.node.troubles.all() == []


def test_what_its_owner_drops_while_somebody_removes_it_is_not_told(home: Home) -> None:
    home.hold_place = True
    home.remove("d2/f/c", "d2/f")
    home.share([record("a"), record("b")], run=False)
    home.touch("d2/f", until_s=0.3)
    home.hold_place = False
    home.call(home.place) if home.places else None
    home.run(3.0)
    assert (home.stands(), home.told) == ({"a", "b"}, [])


def test_what_a_folder_lacks_is_looked_at_by_itself(home: Home) -> None:
    home.remove("d2/f/c")
    home.touch("d2/f")
    assert [look.paths for look in home.looks] == [(path("d2/f"),), (path("d2/f/c"),)]
    assert home.stands() == {"a", "b", "f", "f/c"}


def test_a_folder_that_could_not_be_read_lacks_nothing(home: Home) -> None:
    home.remove("d2/f/c")
    home.complete = False
    home.touch("d2/f")
    assert len(home.looks) == 1


def test_a_folder_copied_in_is_told_by_what_is_in_it(home: Home) -> None:
    home.disk.edit("d2/new/x", ELSE, 9)
    home.disk.edit("d2/new/y", ELSE, 9)
    home.touch("d2/new")
    assert home.texts("stray_files") == [
        "d2/new/x, d2/new/y are not d2's: they stay here and are not shared"
    ]


def test_a_link_in_the_place_of_a_folder_gives_way(home: Home) -> None:
    home.remove("d2/f/c", "d2/f")
    home.refused = {"d2/f"}
    home.hold_place = True
    home.touch("d2/f")
    assert home.lacking() == 2
    assert home.texts("put_aside")[0].startswith("d2/f was replaced here: what stands here")


def test_a_link_in_the_place_of_a_folder_nobody_shares_by_itself_gives_way(home: Home) -> None:
    home.share([record("a"), record("g/h")])
    home.remove("d2/g/h", "d2/g")
    home.refused = {"d2/g"}
    home.hold_place = True
    home.touch("d2/g")
    assert home.lacking() == 1


def test_a_link_of_nobodys_is_told(home: Home) -> None:
    home.refused = {"d2/link", "d2/another"}
    home.touch("d2/link")
    assert home.texts("stray_files") == ["d2/link is not d2's: it stays here and is not shared"]


def test_looks_of_an_unwatched_path_above_all_folders_are_not_listened_to(home: Home) -> None:
    home.hold = True
    home.touch("d2/a", until_s=0.3)
    seen = (PathSeen(path("d2"), Finding.FOLDER, None),)
    order = home.looks[0].order
    home.call(
        lambda: home.replica_check.on_tree(TreeSeen(order, seen, (), last=False, complete=False))
    )
    home.answer_held()
    assert home.told == []


# -- kinds -----------------------------------------------------------------------------------------
def test_a_file_in_the_place_of_a_folder_gives_way(home: Home) -> None:
    home.remove("d2/f/c", "d2/f")
    home.disk.edit("d2/f", ELSE, 99)
    home.rescan()
    assert home.stands() == {"a", "b", "f", "f/c"}
    assert "d2/f" in home.disk.aside


def test_a_folder_in_the_place_of_a_file_gives_way_if_it_is_empty(home: Home) -> None:
    home.remove("d2/a")
    home.disk.folders.add("d2/a")
    home.rescan()
    assert "d2/a" in home.disk.files


def test_a_link_in_the_place_of_a_file_gives_way(home: Home) -> None:
    home.refused = {"d2/a", "d2/other link"}
    home.hold_place = True
    home.rescan()
    assert home.lacking() == 1


# -- missing ---------------------------------------------------------------------------------------
def test_a_file_that_is_missing_is_brought_back(home: Home) -> None:
    home.remove("d2/a", "d2/f/c", "d2/f")
    home.rescan()
    assert home.stands() == {"a", "b", "f", "f/c"}
    home.run(2.0)
    assert home.texts("deleted_here") == ["d2/a, d2/f/c were deleted here: d2's are back"]


def test_a_name_that_looks_leave_out_counts_as_there(home: Home) -> None:
    home.ignored.add("d2/a")
    home.rescan()
    assert (home.lacking(), home.asked, home.told) == (0, [], [])


def test_a_scan_that_could_not_read_all_says_nothing_of_what_it_lacks(home: Home) -> None:
    home.remove("d2/a")
    home.complete = False
    home.rescan()
    assert home.looks == []


def test_a_file_that_is_back_at_the_look_is_not_missing(home: Home) -> None:
    kept = home.disk.files["d2/a"]
    home.remove("d2/a")
    home.hold = True
    home.rescan()
    home.answer_held()
    home.disk.files["d2/a"] = kept
    home.hold = False
    home.answer_held()
    home.run()
    assert (home.lacking(), home.asked) == (0, [])


def test_much_missing_is_told_and_looked_at_twice() -> None:
    home = Home()
    home.start()
    home.link()
    home.share(records(60))
    gone = [f"d2/d/{number:06}" for number in range(1, 31)]
    home.remove(*gone)
    home.asked.clear()
    home.rescan(5.0)
    assert home.texts("files_missing") == [
        (
            "30 files of d2 are missing here (d2/d/000001, d2/d/000002, d2/d/000003 and 27 more):"
            " what stays missing is brought back"
        )
    ]
    home.rescan(4.0)  # what waits for its second look is not told again
    assert (len(home.told), home.asked) == (1, [])
    home.disk.edit(gone[0], root_of(gone[0][3:]), 8)
    home.run(10.0)
    assert set(gone) <= set(home.disk.files)
    assert len(home.asked) == 29


def test_a_whole_folder_missing_is_told_however_small_it_is(home: Home) -> None:
    home.remove(*home.disk.files, *home.disk.folders)
    home.tops.clear()
    home.rescan()
    assert home.texts("files_missing") == [
        "3 files of d2 are missing here (d2/a, d2/b, d2/f/c): what stays missing is brought back"
    ]
    home.run(20.0)
    assert home.stands() == {"a", "b", "f", "f/c"}
    home.tops.add("d2")
    home.remove("d2/a")
    home.rescan()
    assert home.stands() == {"a", "b", "f", "f/c"}


def test_more_than_one_look_is_judged_together() -> None:
    home = Home()
    home.start()
    home.link()
    home.share(records(limits.PAGE_RECORDS + 50))
    home.remove(*list(home.disk.files))
    home.rescan()
    assert len(home.looks) == 2
    assert home.texts("files_missing") == [
        (
            "1,050 files of d2 are missing here (d2/d/000001, d2/d/000002, d2/d/000003 and 1,047"
            " more): what stays missing is brought back"
        )
    ]


# -- strays ----------------------------------------------------------------------------------------
def test_strays_stay_and_are_told_once_as_long_as_they_are_there(home: Home) -> None:
    home.disk.edit("d2/mine", ELSE, 9)
    home.disk.folders.add("d2/my folder")
    home.rescan()
    home.rescan()
    assert home.texts("stray_files") == ["d2/mine is not d2's: it stays here and is not shared"]
    home.remove("d2/mine")
    home.rescan()
    home.disk.edit("d2/mine", ELSE, 9)
    home.rescan()
    assert len(home.texts("stray_files")) == 2
    assert home.disk.aside == []


def test_what_is_still_to_come_is_no_stray(home: Home) -> None:
    home.hold_fetch = True
    home.share([record("a"), record("b"), folder("f"), record("f/c"), record("new")])
    home.disk.edit("d2/new", ELSE, 9)
    home.rescan()
    assert home.told == []


def test_a_stray_that_is_gone_at_the_look_is_none(home: Home) -> None:
    home.disk.edit("d2/mine", ELSE, 9)
    home.hold = True
    home.rescan()
    home.answer_held()
    home.remove("d2/mine")
    home.hold = False
    home.answer_held()
    home.run()
    assert home.told == []


def test_a_stray_that_is_a_link_at_the_look_is_none(home: Home) -> None:
    home.disk.edit("d2/mine", ELSE, 9)
    home.hold = True
    home.rescan()
    home.answer_held()
    home.refused = {"d2/mine"}
    home.hold = False
    home.answer_held()
    home.run()
    assert home.texts("stray_files") == ["d2/mine is not d2's: it stays here and is not shared"]
    assert home.lacking() == 0


def test_very_many_strays_are_not_all_looked_at(home: Home) -> None:
    for number in range(STRANGE_MAX + 10):
        home.disk.edit(f"d2/mine {number}", ELSE, 9)
    home.rescan()
    (text,) = home.texts("stray_files")
    assert f"and {STRANGE_MAX - 3:,} more" in text


def test_what_is_no_path_in_the_folder_is_not_listened_to(home: Home) -> None:
    home.hold = True
    home.rescan()
    seen = (
        PathSeen(path("d3/x"), Finding.FOLDER, None),
        PathSeen(path("d2/a"), Finding.MISSING, None),
    )
    home.call(
        lambda: home.replica_check.on_tree(
            TreeSeen(home.scans[0].order, seen, (), last=False, complete=False)
        )
    )
    home.answer_held()
    assert (home.looks, home.lacking()) == ([], 0)


def test_what_was_seen_again_of_one_who_was_removed_is_not_looked_at(home: Home) -> None:
    home.change("d2/a", inode=999)
    home.hold = True
    home.rescan()
    home.answer_held()
    reading, home.held = home.held, []
    home.rescan()
    home.answer_held()
    home.node.roster = builders.group(1)
    home.held = reading
    home.answer_held()
    assert home.looks == []


def test_deadlines_of_a_look_that_waits(home: Home) -> None:
    home.change("d2/a", inode=999)
    home.unstable.add("d2/a")
    home.rescan(0.5)
    home.node.now += limits.STILL_S
    home.replica_check._doubt([path("d2/a")])
    assert (home.replica_check.deadline() or 0) <= home.node.now


def test_it_says_how_it_stands(home: Home) -> None:
    home.disk.edit("d2/mine", ELSE, 9)
    home.rescan()
    assert repr(home.replica_check) == "<ReplicaCheck scanning=False looking=False doubtful=0>"
