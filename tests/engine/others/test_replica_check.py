"""The check of replicas: what is edited, missing or strange in other people's folders.

Strategy: `Home` (tests/engine/replicas.py) is the receiving node of tests/engine/receiver.py with
the part beside its receiving, over a model of the disk.
"""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.facts import Finding, ReadFault
from potluck.engine.events import (
    FilesHashed,
    OrderId,
    PathSeen,
    PathsTouched,
    TreeSeen,
    Unreadable,
)
from potluck.engine.others.replica_check import STRANGE_MAX
from potluck.engine.troubles import TroubleKind
from potluck.engine.unreadable import UNREADABLE_AGAIN_S
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


def test_what_stands_at_the_start_is_unseen_until_all_its_scan_found_is_settled() -> None:
    home = home_with_files()
    told: list[int] = []
    home.heard.tell["on_places_changed"] = lambda: told.append(1)
    home.remove("d2/b")
    home.change("d2/a", mtime_ns=10**15)
    home.hold = True
    home.call(home.replica_check.restart)
    home.run()
    for still in ("to be scanned", "to be looked at", "to be read"):
        assert home.replica_check.unseen() == {ANNAS}, still
        assert home.held, still
        home.answer_held()
    home.hold = False
    home.run()
    assert (home.replica_check.unseen(), bool(told)) == (set(), True)
    home.share([record("a")], BERT)
    assert home.replica_check.unseen() == set(), "what comes later was seen when it was placed"


def test_the_folder_of_somebody_who_is_no_member_is_not_waited_for() -> None:
    home = home_with_files()
    home.hinder = True
    home.call(home.replica_check.restart)
    assert home.replica_check.unseen() == {ANNAS}
    home.node.roster = builders.group(1)
    assert home.replica_check.unseen() == set()


def test_what_a_scan_could_not_enter_is_told_tried_again_and_not_seen() -> None:
    home = home_with_files()
    home.hold = True
    home.call(home.replica_check.restart)
    home.run()
    (scan,) = home.scans
    home.held.clear()
    shut = (Unreadable(path("d2/f"), ReadFault.PERMISSION, "Permission denied"),)
    page = TreeSeen(scan.order, (), (), last=True, complete=False, unreadable=shut)
    home.call(lambda: home.replica_check.on_tree(page))
    home.hold = False
    home.run(UNREADABLE_AGAIN_S - 1.0)
    (trouble,) = home.node.troubles.of(TroubleKind.UNREADABLE)
    assert (trouble.subject, trouble.command.split()[0]) == ("d2/f", "chmod")
    assert (home.replica_check.unseen(), len(home.scans)) == ({ANNAS}, 1)
    home.run(1.0)
    assert (home.replica_check.unseen(), len(home.scans)) == (set(), 2)
    assert home.node.troubles.of(TroubleKind.UNREADABLE) == []


def test_a_folder_in_which_something_is_mounted_is_unseen_until_a_scan_that_began_later() -> None:
    home = home_with_files()
    home.hinder = home.hold = True
    point = path("d2/f")
    home.call(lambda: home.replica_check.on_mounts([point]))
    assert (home.replica_check.unseen(), len(home.scans)) == ({ANNAS}, 1), "whatever else is done"
    home.call(lambda: home.replica_check.on_mounts([path("d3/x")]))
    home.call(lambda: home.replica_check.on_mounts([point]))
    home.answer_held()
    assert (home.replica_check.unseen(), len(home.scans)) == ({ANNAS}, 2), "the first one is void"
    home.answer_held()
    assert home.replica_check.unseen() == set()


def test_what_waits_for_a_second_look_is_said(home: Home) -> None:
    assert home.replica_check.missing.absent() == {}
    home.replica_check.missing.on_top(ANNAS, missing=True)
    home.remove("d2/a")
    home.touch("d2/a", until_s=1.0)
    assert home.replica_check.missing.absent()[ANNAS].files == 1


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


def test_a_reading_from_before_the_share_went_away_counts_no_more(home: Home) -> None:
    home.change("d2/a", inode=999)
    home.hold = True
    home.rescan()
    home.answer_held()
    home.node.share_present = False
    home.call()
    assert len(home.replica_check.files.reading) == 0


def offline_for_a_moment(home: Home) -> None:
    """The share goes away and is back before anything else happens."""
    home.held.clear()
    home.node.share_present = False
    home.call()
    home.node.share_present, home.hold = True, False


def test_after_the_share_was_away_every_folder_is_scanned_once(home: Home) -> None:
    home.share([record("a")], BERT)
    home.hold = True
    home.rescan()
    home.replica_check._looks.doubt_paths([path("d2/a")])
    offline_for_a_moment(home)
    idle = "<ReplicaCheck scanning=False <ReplicaLooks looking=False doubtful=0>>"
    assert repr(home.replica_check) == idle
    home.scans.clear()
    home.run()
    assert len(home.scans) == 2


@pytest.mark.parametrize("later_s", [5.0, limits.SECOND_LOOK_S])
def test_a_second_look_before_the_share_was_away_does_not_count(later_s: float) -> None:
    home = Home()
    home.start()
    home.link()
    home.share(records(60))
    home.remove(*[f"d2/d/{number:06}" for number in range(1, 31)])
    home.asked.clear()
    home.rescan()
    home.hold = True
    home.run(later_s)
    offline_for_a_moment(home)
    home.run()
    assert (len(home.texts("files_missing")), home.asked) == (2, [])


def test_what_the_own_folder_finds_ends_no_scan_and_no_look_here(home: Home) -> None:
    home.remove("d2/a")
    home.hold = True
    home.rescan()
    strange = TreeSeen(OrderId(1), (), (), last=True, complete=True)
    for under_way in (
        "scanning=True <ReplicaLooks looking=False",
        "scanning=False <ReplicaLooks looking=True",
    ):
        home.call(lambda: home.replica_check.on_tree(strange))
        assert under_way in repr(home.replica_check)
        home.answer_held()


def test_a_folder_in_which_something_is_missing_is_not_missing_itself(home: Home) -> None:
    home.remove("d2/b")
    home.hold = True
    home.rescan()
    seen = (
        PathSeen(path("d2"), Finding.FOLDER, None),
        PathSeen(path("d2/f/c"), Finding.MISSING, None),
    )
    page = TreeSeen(home.scans[0].order, seen, (), last=True, complete=True)
    home.held.clear()
    home.hold = False
    home.call(lambda: home.replica_check.on_tree(page))
    home.run(limits.SECOND_LOOK_S + 1.0)
    assert home.stands() == {"a", "f", "f/c"}
    assert [tell.subject for tell in home.told] == ["d2/b"], "not d2/f"


def test_one_thing_at_a_time_is_scanned_or_looked_at(home: Home) -> None:
    home.share([record("a")], BERT)
    home.remove("d2/a", "d3/a")
    home.hold = True
    home.rescan()
    under_way = [(len(home.scans), len(home.looks))]
    while home.held:
        home.answer_held()
        home.call()
        under_way.append((len(home.scans), len(home.looks)))
    assert under_way == [(1, 0), (1, 1), (2, 1), (2, 2), (2, 2)]


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
    assert text == "d2/a was edited here: this version is in “Put aside/d2/a”, d2's is back"


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
    assert home.replica_check.missing.absent()[ANNAS].files == 1
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


def test_while_a_look_is_under_way_hints_wait_and_a_scan_does_too(home: Home) -> None:
    home.hold = True
    home.touch("d2/a", until_s=0.3)
    home.touch("d2/b", "d2", until_s=0.3)
    assert home.replica_check.deadline() is None
    assert (len(home.looks), home.scans) == (1, [])
    home.hold = False
    home.answer_held()
    home.run(3.0)
    assert [look.paths for look in home.looks[1:]] == [(path("d2/b"),)]
    assert len(home.scans) == 1


def test_whoever_waits_has_what_was_touched_looked_at_and_judged(home: Home) -> None:
    catch_up, since_s = home.replica_check.catch_up, home.node.now
    home.hold = True
    home.disk.edit("d2/a", ELSE, 99)
    home.touch("d2/a", "d2", until_s=0.0)
    assert not catch_up.is_due, "nobody waits"
    home.call(catch_up.begin)
    home.call()
    assert (home.node.now, len(home.looks), catch_up.is_due) == (since_s, 1, True)
    while home.held:  # a scan, a look, and what is read
        assert catch_up.is_due
        home.answer_held()
    assert (catch_up.is_due, len(home.scans), bool(home.hashed)) == (False, 1, True)
    home.call(catch_up.begin)
    assert not catch_up.is_due, "nothing was touched since"


def test_whoever_waits_waits_for_the_rest_after_a_look_and_not_for_an_offline_share(
    home: Home,
) -> None:
    home.hold = True
    home.touch("d2/a", until_s=0.5)
    home.touch("d2/b", until_s=0.0)
    home.node.now += 1.0
    home.answer_held()
    home.call(home.replica_check.catch_up.begin)
    assert (len(home.looks), home.replica_check.catch_up.is_due) == (1, True)
    home.hold = False
    home.run(4.0)
    assert (len(home.looks), home.replica_check.catch_up.is_due) == (2, False)
    home.touch("d2/b", until_s=0.0)
    home.replica_check.catch_up.begin()
    home.node.share_present = False
    home.call()
    assert not home.replica_check.catch_up.is_due
    home.call(home.replica_check.catch_up.begin)
    assert not home.replica_check.catch_up.is_due


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


def test_a_link_in_a_folder_that_is_back_is_for_the_next_scan(home: Home) -> None:
    home.remove("d2/f", "d2/f/c")
    home.hold = True
    home.rescan()
    home.answer_held()
    home.disk.folders.add("d2/f")
    home.refused = {"d2/f/a link"}
    home.hold = False
    home.answer_held()
    home.run(limits.SECOND_LOOK_S + 1.0)
    assert home.stands() == {"a", "b", "f"}


# -- missing ---------------------------------------------------------------------------------------
def test_a_file_that_is_missing_was_removed(home: Home) -> None:
    home.remove("d2/a", "d2/f/c", "d2/f")
    home.rescan()
    home.run(limits.SECOND_LOOK_S)
    assert home.stands() == {"b"}
    assert home.texts("removed_here") == [
        "d2/a, d2/f were removed here, and are not fetched again; to have them again: get d2/a d2/f"
    ]


def test_a_name_that_looks_leave_out_counts_as_there(home: Home) -> None:
    home.ignored.add("d2/a")
    home.rescan()
    assert (home.lacking(), home.asked, home.told) == (0, [], [])


def test_a_scan_that_could_not_read_all_says_nothing_of_what_it_lacks(home: Home) -> None:
    home.remove("d2/a")
    home.complete = False
    home.rescan()
    assert home.looks == []


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
            " what stays missing is brought back; to keep files away, type before: skip PATTERN"
        )
    ]
    home.rescan(4.0)  # what waits for its second look is not told again
    assert (len(home.told), home.asked) == (1, [])
    home.disk.edit(gone[0], root_of(gone[0][3:]), 8)
    home.run(10.0)
    assert set(gone) <= set(home.disk.files)
    assert len(home.asked) == 29
    home.remove(*gone)
    home.asked.clear()
    home.rescan()
    # the next time is another one
    assert (len(home.texts("files_missing")), home.asked) == (2, [])


@pytest.mark.parametrize(
    ("every", "gone", "told"),
    [
        pytest.param(60, 20, 0, id="as many as a person removes"),
        pytest.param(84, 21, 0, id="a quarter"),
        pytest.param(83, 21, 1, id="more than a quarter"),
    ],
)
def test_how_much_is_no_matter_of_single_files(every: int, gone: int, told: int) -> None:
    home = Home()
    home.start()
    home.link()
    home.share(records(every))
    home.remove(*[f"d2/d/{number:06}" for number in range(1, gone + 1)])
    home.rescan()
    assert len(home.texts("files_missing")) == told


def test_a_whole_folder_missing_is_told_however_small_it_is(home: Home) -> None:
    home.remove(*home.disk.files, *home.disk.folders)
    home.tops.clear()
    home.rescan()
    assert home.texts("files_missing") == [
        (
            "3 files of d2 are missing here (d2/a, d2/b, d2/f/c): what stays missing is brought"
            " back; to keep files away, type before: skip PATTERN"
        )
    ]
    home.run(20.0)
    assert home.stands() == {"a", "b", "f", "f/c"}
    home.tops.add("d2")
    home.remove("d2/a")
    home.rescan(limits.SECOND_LOOK_S + 1.0)
    assert home.stands() == {"b", "f", "f/c"}


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
            " more): what stays missing is brought back; to keep files away, type before: skip"
            " PATTERN"
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


def test_the_very_first_scan_tells_of_a_single_stray() -> None:
    home = Home()
    home.hinder = True
    home.share([record("a")], run=False)
    home.disk.edit("d2/mine", ELSE, 9)
    home.hinder = False
    home.run()
    assert len(home.texts("stray_files")) == 1


def test_what_is_still_to_come_is_no_stray(home: Home) -> None:
    home.hold_fetch = True
    home.share([record("a"), record("b"), folder("f"), record("f/c"), record("new")])
    home.disk.edit("d2/new", ELSE, 9)
    home.rescan()
    assert home.told == []


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


def test_what_is_doubtful_is_looked_at_without_delay(home: Home) -> None:
    home.replica_check._looks.doubt_paths([path("d2/a")])
    assert home.replica_check.deadline() == home.node.now


def test_deadlines_of_a_look_that_waits(home: Home) -> None:
    home.change("d2/a", inode=999)
    home.unstable.add("d2/a")
    home.rescan(0.5)
    home.node.now += limits.STILL_S
    home.replica_check._looks.doubt_paths([path("d2/a")])
    assert (home.replica_check.deadline() or 0) <= home.node.now


def test_it_says_how_it_stands(home: Home) -> None:
    home.disk.edit("d2/mine", ELSE, 9)
    home.rescan()
    assert repr(home.replica_check) == (
        "<ReplicaCheck scanning=False <ReplicaLooks looking=False doubtful=0>>"
    )


def test_what_this_disk_takes_for_the_name_of_what_was_touched_is_looked_at_too(home: Home) -> None:
    home.heard.tell["spelled_otherwise"] = lambda _: [path("d2/b")]
    home.touch("d2/B")
    assert {str(each) for look in home.looks for each in look.paths} == {"d2/B", "d2/b"}
