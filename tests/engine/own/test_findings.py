"""Findings: swaps of every kind, folders that cannot be read, and answers that come late.

Strategy: a person moves things about in a made-up folder, the watcher names what it would name, and
what is published in the end must be what stands.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core import limits
from potluck.core.content.facts import Finding, ReadFault
from potluck.core.content.knowledge import OwnWork
from potluck.core.content.paths import parse_wire_path
from potluck.core.wire.catalogue import Kind
from potluck.engine.effects import Hash, Look, Scan
from potluck.engine.events import (
    FilesHashed,
    Mount,
    MountsSeen,
    OrderId,
    PathSeen,
    RestlessSeen,
    TreeSeen,
    Unreadable,
    WatchesRefused,
)
from potluck.engine.own.due_scan import ODD_SCAN_S
from potluck.engine.own.ignore_file import RULES_SETTLE_S
from potluck.engine.own.restless import TOLD_TRIES
from potluck.engine.troubles import TroubleKind
from potluck.engine.unreadable import UNREADABLE_AGAIN_S
from tests.engine.builders import group
from tests.engine.owntree import Own


# -- swaps: whatever was moved to get there -------------------------------------------------------
def swap(own: Own, one: str, other: str) -> None:
    """Exchange two names, as RENAME_EXCHANGE does."""
    for old, new in ((one, "§"), (other, one), ("§", other)):
        own.move(old, new)


def stands(own: Own) -> dict[str, tuple[Kind, int]]:
    found = {name: (Kind.FILE, file.stat.size) for name, file in own.files.items()}
    return found | dict.fromkeys(own.folders, (Kind.FOLDER, 0))


def shared(own: Own) -> dict[str, tuple[Kind, int]]:
    return {path: (record.kind, record.size) for path, record in own.published().items()}


def looked_at(own: Own) -> list[str]:
    """What is to be looked at."""
    looks = [effect for effect in own.todo if isinstance(effect, Look)]
    return [str(path) for look in looks for path in look.paths]


def in_hand(own: Own) -> list[str]:
    """What is to be read."""
    orders = [effect for effect in own.todo if isinstance(effect, Hash)]
    return sorted(str(path) for order in orders for path, _ in order.files)


@pytest.fixture
def site() -> Own:
    """Two folders with folders in them, all published."""
    own = Own()
    own.folders = {"site", "site/css", "new", "new/img"}
    for at, name in enumerate(("site/old", "site/css/x", "site/both", "new/page", "new/both")):
        own.write(name, "text" * (at + 1))
    own.settle()
    own.node.now += 5.0
    own.read.clear()
    return own


def test_a_folder_that_took_the_place_of_another_is_all_that_is_there(site: Own) -> None:
    heads = len(site.heads)
    site.move("site", "site.old")
    site.move("new", "site")
    site.touch("site", "site.old", "new")
    site.settle()
    assert shared(site) == stands(site)
    assert site.read == ["site/both"], "all others are known by their inodes"
    assert len(site.heads) <= heads + 2


def test_exchanged_folders_are_told_by_either_name(site: Own) -> None:
    swap(site, "site", "new")
    site.touch("site")
    site.touch("new")
    site.settle()
    assert shared(site) == stands(site)


def test_nested_swaps(site: Own) -> None:
    swap(site, "site/css", "new/img")
    swap(site, "site", "new")
    swap(site, "new/old", "site/both")
    site.touch("site", "new")
    site.settle()
    assert shared(site) == stands(site)


def test_a_folder_becomes_a_file_and_a_folder_again(site: Own) -> None:
    site.move("site", "aside")
    site.write("site", "a file now")
    site.touch("site", "aside")
    site.settle()
    assert shared(site) == stands(site)
    site.remove("site")
    site.move("aside", "site")
    site.touch("site", "aside")
    site.settle()
    assert shared(site) == stands(site)


def test_a_file_that_took_the_place_of_a_folder_ends_what_was_below_it_unread(site: Own) -> None:
    site.remove("site")
    site.write("site", "a file now")
    site.touch("site")
    site.answer()
    (order,) = [effect for effect in site.todo if isinstance(effect, Hash)]
    site.todo.remove(order)  # is being read for long
    site.settle()
    assert not any(path.startswith("site/") for path in site.published())


def test_what_was_being_read_below_a_folder_that_was_swapped_does_not_count(site: Own) -> None:
    site.write("site/film", "very long")
    site.touch("site/film")
    site.answer()
    (order,) = site.todo
    site.todo.clear()
    late = site.hashed("site/film")
    site.move("site", "site.old")
    site.move("new", "site")
    site.touch("site", "site.old")
    site.settle()
    assert isinstance(order, Hash)
    site.tell(FilesHashed(order.order, (late,), (), last=True))
    site.touch("new")
    site.settle()
    assert shared(site) == stands(site)


def test_what_a_walk_was_overtaken_by_is_asked_for_by_name_and_not_gone(site: Own) -> None:
    site.touch("site")
    (look,) = site.todo
    site.todo.clear()
    assert isinstance(look, Look)
    page = next(site.answers(look))
    heads = len(site.heads)
    site.tell(TreeSeen(look.order, page.seen[:1], (), last=True, complete=True))  # type: ignore[union-attr]
    (again,) = site.todo
    assert isinstance(again, Look)
    assert [str(path) for path in again.paths] == ["d1/site/both", "d1/site/css", "d1/site/old"]
    assert site.own_folder.work
    site.settle()
    assert (shared(site), len(site.heads)) == (stands(site), heads)


def test_a_name_that_was_asked_for_beside_its_folder_is_not_gone_before_it_is_asked_for_alone(
    site: Own,
) -> None:
    site.touch("site", "site/old")
    (look,) = site.todo
    site.todo.clear()
    assert isinstance(look, Look)
    seen = [PathSeen(site.path("site"), Finding.FOLDER, None)]
    site.tell(TreeSeen(look.order, tuple(seen), (), last=True, complete=True))
    heads = len(site.heads)
    site.settle()
    assert (shared(site), len(site.heads)) == (stands(site), heads)


def test_a_look_for_what_is_lacking_comes_before_what_was_touched(site: Own) -> None:
    site.move("site", "gone")
    site.touch("site")
    site.touch("new")
    site.folders.add("site")
    site.answer()
    (look,) = site.todo
    assert isinstance(look, Look)
    assert look.paths[0].starts_with(site.path("site"))
    site.settle()
    site.touch("gone")
    site.settle()
    assert shared(site) == stands(site)


def test_a_link_in_the_place_of_a_file_or_folder_ends_it(site: Own) -> None:
    site.remove("site")
    site.remove("new/page")
    site.refused = {"site": "symbolic link", "new/page": "symbolic link"}
    site.touch("site", "new/page")
    site.settle()
    assert shared(site) == stands(site)
    assert site.codes() == ["file_refused"]


def test_a_lock_of_an_editor_in_the_place_of_a_folder_ends_it(site: Own) -> None:
    site.touch("site")
    (look,) = site.todo
    site.todo.clear()
    site.remove("site")
    assert isinstance(look, Look)
    site.tell(TreeSeen(look.order, (), (), last=True, complete=True))
    site.settle()
    assert shared(site) == stands(site)


def test_what_is_seen_below_a_file_is_not_shared_before_the_folder_is_seen(site: Own) -> None:
    site.write("x", "a file")
    site.touch("x")
    site.settle()
    site.move("x", "y")
    site.move("site", "x")  # exchanged for a moment; only what is in it is told
    site.touch("x/css")
    site.answer()
    assert "x/css" not in {path.decode() for path in site.publishing.known_below(b"x")}
    site.move("x", "site")
    site.move("y", "x")
    site.touch("x", "y", "site")
    site.settle()
    assert shared(site) == stands(site)
    assert site.published()["x"].kind is Kind.FILE


def test_what_a_look_meets_after_it_missed_it_stands(site: Own) -> None:
    heads = len(site.heads)
    site.touch("new/page")
    (look,) = site.todo
    site.todo.clear()
    assert isinstance(look, Look)
    gone = PathSeen(site.path("new/page"), Finding.MISSING, None)
    site.tell(TreeSeen(look.order, (gone,), (), last=False, complete=True))
    back = PathSeen(site.path("new/page"), Finding.FILE, site.files["new/page"].stat)
    site.tell(TreeSeen(look.order, (back,), (), last=True, complete=True))
    assert site.todo == [], "nobody has to look again"
    site.settle()
    assert (shared(site), len(site.heads)) == (stands(site), heads)


def read_late(site: Own, name: str) -> FilesHashed:
    """Write a file that is read for long; what will come of it."""
    site.write(name, "very long")
    site.touch(name)
    site.answer()
    (order,) = site.todo
    site.todo.clear()
    assert isinstance(order, Hash)
    return FilesHashed(order.order, (site.hashed(name),), (), last=True)


def test_a_folder_in_the_place_of_a_file_ends_its_reading(site: Own) -> None:
    late = read_late(site, "film")
    site.remove("film")
    site.folders.add("film")
    site.touch("film")
    site.answer()
    site.tell(late)
    assert looked_at(site) == [], "nobody waits for it any more"
    site.settle()
    assert shared(site) == stands(site)


def test_a_file_that_was_seen_while_it_was_read_is_looked_at_once_more(site: Own) -> None:
    late = read_late(site, "film")
    site.touch("film")
    site.answer()
    site.tell(late)
    assert looked_at(site) == ["d1/film"], "what was read may be old already"
    site.settle()
    assert shared(site) == stands(site)


def test_files_in_hand_elsewhere_are_no_matter_of_a_look(site: Own) -> None:
    read_late(site, "site/film")
    site.touch("new")
    site.answer()
    assert site.todo == []


# -- hard links ------------------------------------------------------------------------------------
def test_what_is_written_through_one_link_is_found_at_the_others(site: Own) -> None:
    for name in ("new/link", "link"):
        site.files[name] = site.files["site/old"]
    site.touch("new/link", "link")
    site.settle()
    assert site.read == []
    site.node.now += 5.0
    heads = len(site.heads)
    site.write("site/old", "another text")
    for name in ("new/link", "link"):
        site.files[name] = site.files["site/old"]
    site.touch("site/old")
    site.settle()
    said = site.published()
    assert said["link"].root == said["new/link"].root == said["site/old"].root
    assert shared(site) == stands(site)
    assert sorted(site.read) == ["link", "new/link", "site/old"], "each once"
    assert len(site.heads) <= heads + 2


def test_links_as_deep_as_files_may_stand_are_looked_at_too(site: Own) -> None:
    deep = "/".join(["d"] * (limits.PATH_DEPTH - 1))
    site.folders.update(deep[:end] for end in range(1, len(deep) + 1, 2))
    for name in (f"{deep}/one", f"{deep}/two"):
        site.files[name] = site.files["site/old"]
    site.touch("d")
    site.settle()
    site.write(f"{deep}/one", "another text")
    for name in ("site/old", f"{deep}/two"):
        site.files[name] = site.files[f"{deep}/one"]
    site.touch(f"{deep}/one")
    site.settle()
    assert shared(site) == stands(site)


def test_a_scan_comes_by_all_links_itself(site: Own) -> None:
    site.files["link"] = site.files["site/old"]
    site.touch("link")
    site.settle()
    site.write("site/old", "another text")
    site.files["link"] = site.files["site/old"]
    site.own_folder.scan()
    site.tick()
    site.answer()
    assert in_hand(site) == ["d1/link", "d1/site/old"]
    assert looked_at(site) == []
    site.settle()
    assert shared(site) == stands(site)


def test_links_that_are_read_for_long_do_not_keep_looking_at_one_another(site: Own) -> None:
    site.files["link"] = site.files["site/old"]
    site.touch("link")
    site.settle()
    site.write("site/old", "another text")
    site.files["link"] = site.files["site/old"]
    site.touch("site/old")
    looks = 0
    while any(isinstance(effect, Look) for effect in site.todo):
        (look,) = [effect for effect in site.todo if isinstance(effect, Look)]
        site.todo.remove(look)  # what is read takes long
        for fact in site.answers(look):
            site.tell(fact)
        looks += 1
    assert looks <= 3
    site.settle()
    assert shared(site) == stands(site)


# -- what cannot be read ---------------------------------------------------------------------------
def closed(own: Own) -> list[str]:
    return [each.subject for each in own.node.troubles.of(TroubleKind.UNREADABLE)]


def test_an_unreadable_folder_holds_back_only_what_lies_below_it(site: Own) -> None:
    site.closed = {"site"}
    site.remove("new/page")
    site.remove("new/img")
    for _ in range(2):
        site.own_folder.scan()
        site.tick()
        site.settle()
        site.tick(limits.SECOND_LOOK_S)
        site.settle()
    assert sorted(site.published()) == [
        "new", "new/both", "site", "site/both", "site/css", "site/css/x", "site/old",
    ]  # fmt: skip
    assert (site.codes(), closed(site)) == (["unreadable"], ["d1/site"])
    (tell,) = site.tells
    assert "chmod u+rwx" in tell.text
    site.closed = set()
    site.tick(UNREADABLE_AGAIN_S)
    site.settle()
    assert closed(site) == []


def test_a_look_below_an_unreadable_folder_says_nothing(site: Own) -> None:
    site.closed = {"site"}
    site.touch("site/old", "site/css", "site", "new")
    site.settle()
    assert sorted(site.published()) == sorted(stands(site))
    assert closed(site) == ["d1/site"]


def test_an_unreadable_folder_that_is_gone_is_no_trouble_any_more(site: Own) -> None:
    site.closed = {"site/css"}
    site.touch("site")
    site.settle()
    assert closed(site) == ["d1/site/css"]
    site.closed = set()
    site.remove("site")
    site.touch("site")
    site.settle()
    assert closed(site) == []


def test_a_file_that_cannot_be_read_is_told_once_until_it_was_read(site: Own) -> None:
    site.write("page", "text")
    site.touch("page")
    site.answer()
    for _ in range(2):
        (order,) = site.todo
        site.todo.clear()
        assert isinstance(order, Hash)
        path = site.path("page")
        denied = Unreadable(path, ReadFault.PERMISSION, "Permission denied")
        site.tell(FilesHashed(order.order, (), (path,), last=True, unreadable=(denied,)))
        assert (site.codes(), closed(site)) == (["unreadable"], ["d1/page"])
        due = site.own_folder.deadline()
        assert due is not None
        site.tick(due - site.node.now)
        site.answer()
    site.settle()
    assert ("page" in site.published(), closed(site)) == (True, [])


def test_a_file_that_was_forbidden_is_read_as_soon_as_it_is_seen_again(site: Own) -> None:
    site.write("page", "text")
    site.touch("page")
    site.answer()
    (order,) = site.todo
    assert isinstance(order, Hash)
    site.todo.clear()
    path = site.path("page")
    denied = Unreadable(path, ReadFault.PERMISSION, "Permission denied")
    site.tell(FilesHashed(order.order, (), (path,), last=True, unreadable=(denied,)))
    site.touch("page")
    site.answer()
    assert any(isinstance(each, Hash) for each in site.todo), "seconds before its next try"
    site.settle()
    assert ("page" in site.published(), closed(site)) == (True, [])


def test_a_round_that_could_not_enter_the_own_folder_itself_says_nothing(site: Own) -> None:
    site.own_folder.scan()
    site.tick()
    (scan,) = site.todo
    site.todo.clear()
    assert isinstance(scan, Scan)
    denied = Unreadable(site.own_folder.top, ReadFault.DESCRIPTORS, "none left")
    site.tell(TreeSeen(scan.order, (), (), last=True, complete=False, unreadable=(denied,)))
    site.tick(limits.SECOND_LOOK_S)
    assert closed(site) == ["d1"]
    assert site.todo == [], "nothing is looked for once more"
    assert sorted(site.published()) == sorted(stands(site))
    site.own_folder.scan()
    site.tick()
    assert [type(each) for each in site.todo] == [Scan], "that scan is over"


def test_the_own_folder_itself_is_tried_again_like_every_other(site: Own) -> None:
    site.own_folder.scan()
    site.tick()
    (scan,) = site.todo
    site.todo.clear()
    assert isinstance(scan, Scan)
    denied = Unreadable(site.own_folder.top, ReadFault.PERMISSION, "Permission denied")
    site.tell(TreeSeen(scan.order, (), (), last=True, complete=False, unreadable=(denied,)))
    assert closed(site) == ["d1"]
    site.tick(UNREADABLE_AGAIN_S)
    site.settle()
    site.tick(ODD_SCAN_S)
    site.settle()
    assert closed(site) == []


def test_a_round_that_could_not_look_at_all_and_does_not_say_why_says_nothing(site: Own) -> None:
    site.touch("site")
    (look,) = site.todo
    site.todo.clear()
    assert isinstance(look, Look)
    site.tell(TreeSeen(look.order, (), (), last=True, complete=False))
    assert site.todo == []
    site.settle()
    assert sorted(site.published()) == sorted(stands(site))


def test_a_look_that_could_see_nothing_is_repeated_later_and_nothing_is_settled_till_then(
    site: Own,
) -> None:
    site.write("late", "text")
    for pause_s in (0.0, limits.SECOND_LOOK_S):
        site.tick(pause_s)
        if not pause_s:
            site.touch("late")
        (look,) = site.todo
        site.todo.clear()
        assert isinstance(look, Look)
        assert look.paths == (site.path("late"),)
        site.tell(TreeSeen(look.order, (), (), last=True, complete=False))
        assert site.todo == [], "not at once"
        assert OwnWork.LOOKING in site.own_folder.work
    site.tick(limits.SECOND_LOOK_S)
    site.settle()
    assert "late" in site.published()
    assert not site.own_folder.work


def test_a_refused_name_below_an_unreadable_folder_is_not_forgotten(site: Own) -> None:
    site.refused = {"site/pipe": "named pipe", "new/pipe": "named pipe"}
    site.touch("site", "new")
    site.settle()
    site.closed, site.refused = {"site"}, {}
    site.touch("site", "new")
    site.settle()
    assert list(site.own_folder.refused) == ["d1/site/pipe"]


def test_under_another_name_all_troubles_are_forgotten(site: Own) -> None:
    site.closed, site.refused = {"site"}, {"pipe": "named pipe"}
    site.own_folder.scan()
    site.tick()
    site.settle()
    site.own_folder.on_watcher(RestlessSeen((site.path("film"),), writing=(site.path("film"),)))
    kinds = {each.kind for each in site.node.troubles.all()}
    assert kinds == {TroubleKind.UNREADABLE, TroubleKind.WRITTEN}
    assert len(site.own_folder.refused) == 1
    site.node.roster = group(2, 1)
    site.own_folder.await_marker()
    assert site.node.troubles.all() == []
    assert len(site.own_folder.refused) == 0


def test_a_scan_of_a_part_doubts_only_what_is_in_it(site: Own) -> None:
    site.own_folder.on_watcher(WatchesRefused((site.path("site"), site.path("gone")), "", 0))
    site.closed = {"site/css"}
    for name in ("site/old", "site/css/x", "new/page"):
        site.files.pop(name)
    site.tick()
    site.settle()
    site.tick(limits.SECOND_LOOK_S)
    site.settle()
    assert sorted(site.published()) == [
        "new", "new/both", "new/img", "new/page", "site", "site/both", "site/css", "site/css/x",
    ]  # fmt: skip


def scan_part(site: Own, *names: str) -> list[bytes]:
    """Have a part scanned, and return what is in doubt then."""
    site.own_folder.on_watcher(WatchesRefused(tuple(map(site.path, names)), "", 0))
    site.tick()
    site.answer()
    return sorted(site.own_folder.rounds.doubtful)


def test_a_part_that_was_seen_is_in_no_doubt(site: Own) -> None:
    assert scan_part(site, "site") == []


def test_a_part_that_nobody_could_look_at_is_in_no_doubt(site: Own) -> None:
    site.closed = {"site"}
    assert scan_part(site, "site/css") == []


def test_a_part_that_is_gone_is_in_doubt_with_all_below_it(site: Own) -> None:
    site.remove("site/css")
    assert scan_part(site, "site/css") == [b"site/css", b"site/css/x"]
    site.tick(limits.SECOND_LOOK_S)
    site.settle()
    assert shared(site) == stands(site)


def test_what_one_scan_doubts_is_still_looked_for_after_a_scan_of_another_part(site: Own) -> None:
    site.remove("new/page")
    site.own_folder.scan()
    site.tick()
    site.settle()
    site.own_folder.on_watcher(WatchesRefused((site.path("site"),), "", 0))
    site.tick()
    site.settle()
    assert "new/page" in site.published(), "one scan is not enough"
    site.tick(limits.SECOND_LOOK_S)
    site.settle()
    assert shared(site) == stands(site)


def test_an_unreadable_folder_that_is_gone_is_forgotten_whatever_else_a_look_could_not_do(
    site: Own,
) -> None:
    site.closed = {"site/css"}
    site.touch("site")
    site.settle()
    site.closed = set()
    site.remove("site")
    site.touch("site")
    (look,) = site.todo
    site.todo.clear()
    assert isinstance(look, Look)
    gone = PathSeen(site.path("site"), Finding.MISSING, None)
    site.tell(TreeSeen(look.order, (gone,), (), last=True, complete=False))
    assert closed(site) == []


def test_who_cannot_be_read_is_not_called_restless_and_who_is_restless_is(site: Own) -> None:
    for name in ("denied", "log"):
        site.write(name, "text")
    site.touch("denied", "log")
    for _ in range(TOLD_TRIES):
        while not any(isinstance(each, Hash) for each in site.todo):
            if site.todo:
                site.answer()
                continue
            due = site.own_folder.deadline()
            assert due is not None
            site.tick(due - site.node.now)
        orders = [each for each in site.todo if isinstance(each, Hash)]
        for order in orders:
            site.todo.remove(order)
            paths = tuple(path for path, _ in order.files)
            denied = tuple(
                Unreadable(path, ReadFault.PERMISSION, "Permission denied")
                for path in paths
                if path == site.path("denied")
            )
            site.tell(FilesHashed(order.order, (), paths, last=True, unreadable=denied))
    restless = [each.subject for each in site.node.troubles.of(TroubleKind.RESTLESS)]
    assert (restless, closed(site)) == (["d1/log"], ["d1/denied"])


def test_a_folder_that_a_look_saw_become_a_file_ends_what_a_scan_says_of_it(site: Own) -> None:
    for name in ("1", "2", "3", "4", "5"):
        site.write(f"site/{name}", name)
    site.own_folder.scan()
    site.tick()
    (scan,) = site.todo
    site.todo.clear()
    assert isinstance(scan, Scan)
    pages = [page for page in site.answers(scan) if isinstance(page, TreeSeen)]
    parts = [page for page in pages if any("site/" in str(seen.path) for seen in page.seen)]
    site.tell(parts[0])
    site.remove("site")
    site.write("site", "a file now")
    site.touch("site")
    site.settle()
    site.tell(parts[1])
    assert not site.publishing.known_below(b"site"), "nothing stands below a file"
    assert not in_hand(site)
    assert looked_at(site) == ["d1/site"], "whoever looks at it sees what stands there"
    site.settle()
    assert shared(site) == stands(site)


def test_a_file_that_never_held_still_and_is_gone_is_no_trouble_any_more(site: Own) -> None:
    site.write("log", "text")
    site.touch("log")
    while not site.node.troubles.of(TroubleKind.RESTLESS):
        for order in [each for each in site.todo if isinstance(each, Hash)]:
            site.todo.remove(order)
            site.tell(FilesHashed(order.order, (), (site.path("log"),), last=True))
        if site.todo:
            site.answer()
        elif (due := site.own_folder.deadline()) is not None:
            site.tick(due - site.node.now)
    site.remove("log")
    site.touch("log")
    site.answer()
    assert site.node.troubles.of(TroubleKind.RESTLESS) == []


# -- answers nobody waits for, and of other folders ------------------------------------------------
def test_pages_of_orders_nobody_gave_and_of_other_folders_change_nothing(site: Own) -> None:
    ghost = PathSeen(site.path("ghost"), Finding.FOLDER, None)
    site.tell(TreeSeen(OrderId(1), (ghost,), (), last=True, complete=True))
    site.touch("site")
    (look,) = site.todo
    assert isinstance(look, Look)
    stranger = PathSeen(parse_wire_path(b"d2/x"), Finding.FOLDER, None)
    site.tell(TreeSeen(look.order, (stranger,), (), last=False, complete=True))
    site.settle()
    assert shared(site) == stands(site)


def test_what_was_read_in_another_folder_is_not_shared(site: Own) -> None:
    site.write("film", "text")
    site.touch("film")
    site.answer()
    (order,) = site.todo
    assert isinstance(order, Hash)
    site.todo.clear()
    read = site.hashed("film")
    site.node.roster = None
    site.node.settings = type(site.node.settings)("other", 1, None)
    site.tell(FilesHashed(order.order, (read,), (), last=True))
    assert site.publishing.pending == 0


def test_files_in_hand_under_a_former_name_are_no_matter_of_a_look(site: Own) -> None:
    site.write("film", "text")
    site.touch("film")
    site.answer()
    site.todo.clear()
    site.node.roster = None
    site.node.settings = type(site.node.settings)("other", 1, None)
    site.touch("site")
    (look,) = site.todo
    site.answer()
    assert isinstance(look, Look)
    assert [str(path) for path in look.paths] == ["other/site"]
    assert site.todo == []


def test_a_file_that_a_scan_still_saw_below_what_a_look_missed_is_looked_at_again(
    site: Own,
) -> None:
    site.own_folder.scan()
    site.tick()
    (scan,) = site.todo
    site.todo.clear()
    assert isinstance(scan, Scan)
    page = list(site.answers(scan))[1:]
    site.remove("site")
    site.touch("site")
    site.settle()
    for fact in page:  # the scan was there before
        site.tell(fact)
    looked = set[str]()
    while site.todo:
        looked.update(looked_at(site))
        site.answer()
    below = ("both", "css", "css/x", "old")
    assert looked == {"d1/site", *(f"d1/site/{name}" for name in below)}, "and at nothing else"
    site.settle()
    assert shared(site) == stands(site)


def test_it_says_what_could_not_be_shared_or_read(site: Own) -> None:
    assert repr(site.own_folder._findings) == (
        "<Findings <RefusedNames: 0> <UnreadablePaths: 0 folders, 0 files>"
        " <RestlessFiles written=0 changing=0>>"
    )


# -- the law ---------------------------------------------------------------------------------------
places = st.sampled_from(["a", "b", "a/x", "a/y", "b/x", "a/x/z"])
acts = st.lists(
    st.tuples(st.sampled_from(["swap", "move", "remove", "write", "mkdir"]), places, places),
    min_size=1,
    max_size=6,
)


def act(own: Own, verb: str, one: str, other: str) -> list[str]:
    """Do one thing, if it can be done, and return what a watcher would name."""
    there = {*own.files, *own.folders}
    inner = one == other or other.startswith(one + "/") or one.startswith(other + "/")
    free = other.rpartition("/")[0] in {"", *own.folders} and other not in there
    open_to_write = one.rpartition("/")[0] in {"", *own.folders}
    if verb == "swap" and {one, other} <= there and not inner:
        swap(own, one, other)
        return [one, other]
    if verb == "move" and one in there and free and not inner:
        own.move(one, other)
        return [one, other]
    if verb == "remove" and one in there:
        own.remove(one)
        return [one]
    if verb == "write" and open_to_write and one not in own.folders:
        own.write(one, "text" * (len(own.files) + 1))
        return [one]
    if verb == "mkdir" and open_to_write and one not in there:
        own.folders.add(one)
        return [one]
    return []


@given(acts, st.lists(st.integers(1, 3), max_size=6))
def test_whatever_was_moved_swapped_and_replaced_all_that_stands_is_shared(
    history: list[tuple[str, str, str]], answered: list[int]
) -> None:
    own = Own()
    own.folders = {"a", "b", "a/x"}
    for name in ("a/1", "a/x/2", "b/3"):
        own.write(name, name)
    own.settle()
    own.node.now += 5.0
    for at, (verb, one, other) in enumerate(history):
        touched = act(own, verb, one, other)
        if touched:
            own.touch(*touched)
        for _ in range(answered[at] if at < len(answered) else 0):
            if own.todo:
                own.answer()
    own.settle()
    own.tick(limits.STILL_S * 4)
    own.settle()
    assert shared(own) == stands(own)
    assert not own.own_folder.work


def test_a_file_of_somebody_else_that_cannot_be_read_is_no_matter_of_the_own_folder() -> None:
    own = Own()
    own.settle()
    theirs = parse_wire_path(b"d2/closed")
    denied = (Unreadable(theirs, ReadFault.PERMISSION, "Permission denied"),)
    for _ in range(TOLD_TRIES + 1):
        own.tell(FilesHashed(OrderId(999), (), (theirs,), last=True, unreadable=denied))
        own.tick(UNREADABLE_AGAIN_S)
    assert not list(own.node.troubles.all())


# -- mounts ----------------------------------------------------------------------------------------
def test_what_something_mounted_covers_is_neither_gone_nor_lacking(site: Own) -> None:
    before = shared(site)
    site.remove("site/css/x")
    mounted = MountsSeen((Mount(site.path("site/css"), 1),))
    site.own_folder.covered.on_mounts(site.node.mounts.on_seen(mounted))
    site.tick()
    site.touch("site", "site/css/x")
    site.settle()
    site.own_folder.scan()
    site.settle()
    site.tick(limits.SECOND_LOOK_S)
    site.settle()
    assert shared(site) == before


def test_what_a_mounted_disk_has_in_place_of_mine_is_not_looked_at(site: Own) -> None:
    before, files, folders = shared(site), dict(site.files), set(site.folders)
    site.remove("site/css")
    site.write("site/css", "a file of another disk")
    site.write("site/both", "or it would be known again")
    site.remove("site/old")
    site.folders.add("site/old")
    site.write("site/old/below", "of another disk")
    mounted = MountsSeen((Mount(site.path("site"), 1),))
    site.own_folder.covered.on_mounts(site.node.mounts.on_seen(mounted))
    site.settle()
    site.touch("site/css", "site/old", "site/old/below", "site/unheard")
    site.settle()
    site.own_folder.scan()
    site.settle()
    site.tick(limits.SECOND_LOOK_S)
    site.settle()
    assert shared(site) == before
    site.files, site.folders = files, folders
    site.own_folder.covered.on_mounts(site.node.mounts.on_seen(MountsSeen(())))
    site.tick(limits.SECOND_LOOK_S)
    site.settle()
    assert shared(site) == before
    assert not site.own_folder.covered.hides_below(b"")


# -- what its owner does not share -----------------------------------------------------------------
def test_a_folder_that_is_left_out_goes_with_all_in_it_and_counts_as_one() -> None:
    own = Own()
    own.folders = {"build", "src"}
    for name in ("build/x", "build/y", "src/a"):
        own.write(name, name)
    own.settle()

    own.ignore_text = b"build/\n"
    own.touch(".potluckignore")
    own.settle()
    own.tick(RULES_SETTLE_S)
    own.settle()
    assert own.own_folder.left_out.count == 1
    assert [tell.text.partition(";")[0] for tell in own.tells if tell.code == "left_out"] == [
        "not shared any more because of d1/.potluckignore: 3 paths"
    ]
    own.write("build/z", "z")
    own.touch("build/z")
    own.tick(limits.SECOND_LOOK_S)
    own.settle()
    assert sorted(own.published()) == ["src", "src/a"]
    assert own.own_folder.left_out.count == 1, "a look counts nothing"


def test_what_is_left_out_beside_the_own_folder_is_none_of_ours() -> None:
    own = Own()
    own.settle()
    own.own_folder.scan()
    own.tick()
    (effect,) = [effect for effect in own.todo if isinstance(effect, Scan)]
    other = parse_wire_path(b"other/x")
    own.tell(TreeSeen(effect.order, (), (), last=True, complete=True, ignored=(other,)))
    assert own.own_folder.left_out.count == 0
