"""Replica looks: what is looked at, and what it means that something, or nothing, stands there.

Strategy: `Home` (tests/engine/replicas.py) is the receiving node of tests/engine/receiver.py with
the check of replicas beside it, over a model of the disk.
"""

from __future__ import annotations

import pytest

from potluck.core.content.facts import Finding
from potluck.engine.events import OrderId, PathSeen, PathsTouched, Placement, TreeSeen
from tests.engine import builders
from tests.engine.index.builders import folder, record, root_of
from tests.engine.receiver import ANNAS, path
from tests.engine.replicas import Home, home_with_files

ELSE = root_of("something else")


@pytest.fixture
def home() -> Home:
    """ANNA shares a, b and f/c; all of it stands, and everything was looked at."""
    return home_with_files()


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
    assert home.replica_check.missing.absent()
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
    assert home.replica_check.missing.absent()[ANNAS].files == 1


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


def test_one_look_at_a_time(home: Home) -> None:
    home.hold = True
    home.touch("d2/a", until_s=0.3)
    home.call(lambda: home.replica_check._looks.doubt_paths([path("d2/b")]))
    home.run()
    assert len(home.looks) == 1
    home.answer_held()
    assert [look.paths for look in home.looks] == [(path("d2/a"),), (path("d2/b"),)]


def test_what_nobody_asked_for_is_not_listened_to(home: Home) -> None:
    seen = (PathSeen(path("d2/a"), Finding.MISSING, None),)
    page = TreeSeen(OrderId(1), seen, (), last=True, complete=True)
    assert home.replica_check._looks.on_tree(page) is None
    home.hold = True
    home.touch("d2/a", until_s=0.3)
    assert home.replica_check._looks.on_tree(page) is None
    assert home.lacking() == 0


def test_it_says_how_it_stands(home: Home) -> None:
    looks = home.replica_check._looks
    assert (repr(looks), looks.idle) == ("<ReplicaLooks looking=False doubtful=0>", True)
    home.hold = True
    home.touch("d2/a", until_s=0.3)
    looks.doubt_paths([path("d2/b"), path("d2"), path("nobody/b")])
    assert repr(looks) == "<ReplicaLooks looking=True doubtful=1>"
    assert (looks.under_way, looks.waits, looks.idle) == (True, True, False)
    looks.restart()
    assert looks.idle


def test_what_was_missing_before_the_share_was_away_is_looked_for_anew(home: Home) -> None:
    look_begins(home, "d2/a")
    look_misses(home, "d2/a", last=False)
    home.held.clear()
    home.node.share_present = False
    home.call()
    home.node.share_present, home.hold = True, False
    home.run()
    assert (home.asked, home.told, home.lacking()) == ([], [], 0)
