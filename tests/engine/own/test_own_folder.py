"""The own folder: hints, scans and readings in every order, and a manifest that follows them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core import limits
from potluck.core.content.facts import Finding, ReadFault
from potluck.core.content.knowledge import OwnWork
from potluck.core.content.manifest import sign_head
from potluck.core.content.paths import parse_wire_path
from potluck.core.wire.catalogue import Head, Kind
from potluck.engine.effects import Hash, Look, MarkShare, Scan
from potluck.engine.events import (
    FilesHashed,
    OrderId,
    PathSeen,
    PathsTouched,
    RestlessSeen,
    ShareSeen,
    TreeSeen,
    Unreadable,
    UnwrittenMarker,
    WatchesRefused,
)
from potluck.engine.own.due_scan import ODD_SCAN_S
from potluck.engine.own.ignore_file import RULES_SETTLE_S
from potluck.engine.own.own_folder import OFFLINE_LOOK_S, OwnFolder, is_open
from potluck.engine.own.publishing import Publishing
from potluck.engine.own.reading import SNAPSHOT_TRIES
from potluck.engine.own.unwatched import REST, UNWATCHED_SCAN_S
from potluck.engine.troubles import TroubleKind
from potluck.engine.unreadable import UNREADABLE_AGAIN_S
from tests.engine.builders import group, key, taken
from tests.engine.listeners import Heard
from tests.engine.owntree import Own


@pytest.fixture
def own() -> Own:
    """A device with a folder and two files in it, all published."""
    it = Own()
    it.folders = {"d"}
    it.write("a", "alpha")
    it.write("d/b", "beta")
    it.settle()
    it.read.clear()
    it.node.now += 5.0
    return it


# -- finding out -----------------------------------------------------------------------------------
def test_the_first_scan_shares_everything(own: Own) -> None:
    assert {path: record.kind for path, record in own.published().items()} == {
        "a": Kind.FILE,
        "d": Kind.FOLDER,
        "d/b": Kind.FILE,
    }
    assert not own.own_folder.work
    assert own.own_folder.deadline() == pytest.approx(limits.RESCAN_S, abs=1.0)


def test_who_has_looked_at_nothing_yet_has_everything_to_look_at() -> None:
    own = Own(start=False)
    own.tick()
    assert own.own_folder.work[0] is OwnWork.UNSEEN
    assert [type(effect) for effect in own.todo] == [Scan]


def test_after_a_restart_all_is_scanned_at_once_and_the_manifest_goes_on_counting(
    own: Own,
) -> None:
    publishing = Publishing(own.node, Heard())
    OwnFolder(own.node, publishing).start(marked=True)
    assert len(taken(own.node, Scan)) == 1
    assert repr(publishing) == "<Publishing 1.3, 0 waiting>"


def test_an_unmarked_share_is_scanned_once_its_marker_is_there() -> None:
    own = Own(marked=False)
    own.write("a", "alpha")
    own.own_folder.scan()
    own.tick(limits.RESCAN_S * 2)
    assert (own.todo, own.own_folder.deadline()) == ([], None)
    own.tell(ShareSeen(present=True, reason=""))
    own.settle()
    assert sorted(own.published()) == ["a"]
    own.tell(ShareSeen(present=True, reason=""))
    assert own.todo == []


def test_a_hint_is_looked_at_read_and_published(own: Own) -> None:
    own.write("d/c", "gamma")
    own.touch("d/c")
    assert own.own_folder.work
    look = own.answer()
    assert isinstance(look, Look)
    own.settle()
    assert (own.read, own.published()["d/c"].size) == (["d/c"], 5)
    assert own.heads[-1].seq == 4


def test_it_is_busy_until_what_was_touched_is_looked_at_read_and_published(own: Own) -> None:
    own.node.now = own.publishing._published_s  # the last head is young: the next one waits
    own.write("n", "new")
    own.own_folder.look_at([own.path("n")])
    assert own.own_folder.work == (OwnWork.LOOKING,), "a path waits for a look"
    own.tick()
    assert own.own_folder.work == (OwnWork.LOOKING,), "a look is under way"
    assert is_open(own.own_folder, [b"a"]), "what that look finds is not known"
    own.answer()
    assert own.own_folder.work == (OwnWork.READING,)
    own.answer()
    assert (own.todo, own.own_folder.work) == ([], (OwnWork.PUBLISHING,))
    own.tick(1.0)
    assert not own.own_folder.work


def test_hints_of_other_folders_and_of_the_top_itself_are_no_looks(own: Own) -> None:
    own.own_folder.on_touched(
        PathsTouched((parse_wire_path(b"d2/x"), own.own_folder.top), overflow=False)
    )
    own.tick()
    assert own.todo == []
    # something is odd at the top: scan soon
    assert own.own_folder.deadline() == own.node.now + ODD_SCAN_S
    own.tick(ODD_SCAN_S)
    assert isinstance(own.answer(), Scan)


def test_who_does_odd_things_at_the_top_all_the_time_causes_no_scan_without_a_rest(
    own: Own,
) -> None:
    odd = PathsTouched((own.own_folder.top,), overflow=False)
    own.own_folder.scan()
    own.tick()
    own.own_folder.on_touched(odd)  # while a scan is under way
    own.tick(5.0)
    assert isinstance(own.answer(), Scan)
    own.own_folder.on_touched(odd)  # and after it
    assert own.own_folder.deadline() == pytest.approx(own.node.now + REST * 5.0)
    own.tick(REST * 5.0 - 0.1)
    assert own.todo == []
    own.tick(0.2)
    assert isinstance(own.answer(), Scan)
    assert OwnWork.LOOKING not in own.own_folder.work
    # a scan that is asked for does not wait
    own.own_folder.on_touched(PathsTouched((), overflow=True))
    own.tick()
    assert isinstance(own.answer(), Scan)


def test_what_is_ready_is_published_while_a_look_finds_nothing_missing(own: Own) -> None:
    own.write("n", "new")
    own.touch("n")
    own.answer()
    own.touch("a")
    assert isinstance(own.answer(), Hash)
    assert [type(effect) for effect in own.todo] == [Look]
    assert "n" in own.published()


def test_a_flood_of_hints_and_a_wish_end_in_one_scan_after_the_one_under_way(own: Own) -> None:
    own.touch(overflow=True)
    own.touch(overflow=True)
    own.own_folder.scan()
    assert [type(effect) for effect in own.todo] == [Scan]
    own.answer()
    assert [type(effect) for effect in own.todo] == [Scan]
    own.settle()
    assert own.todo == []


def test_a_look_does_not_wait_for_a_scan_nor_for_a_long_reading(own: Own) -> None:
    own.write("film", "very long")
    own.touch("film")
    own.answer()
    film = own.todo.pop()  # is being read for minutes
    own.own_folder.scan()
    own.tick()
    scan = own.todo.pop()
    own.write("note", "short")
    own.touch("note")
    own.settle()
    assert "note" in own.published()
    own.todo = [scan, film]
    own.settle()
    assert "film" in own.published()
    assert own.read.count("film") == 1


def test_many_hints_at_once_are_one_look(own: Own) -> None:
    names = [f"d/{number:04}" for number in range(limits.PAGE_RECORDS + 5)]
    own.touch(*names)
    (look,) = own.todo
    assert isinstance(look, Look)
    assert len(look.paths) == len(names)
    own.touch("a")
    assert len(own.todo) == 1
    own.settle()
    assert own.read == []


def test_answers_to_orders_nobody_gave_change_nothing(own: Own) -> None:
    ghost = PathSeen(own.path("ghost"), Finding.FOLDER, None)
    own.tell(TreeSeen(OrderId(1), (ghost,), (), last=True, complete=True))
    own.write("ghost", "x")
    own.tell(FilesHashed(OrderId(1), (own.hashed("ghost"),), (), last=True))
    own.settle()
    assert "ghost" not in own.published()


def test_paths_outside_the_own_folder_are_left_alone(own: Own) -> None:
    own.own_folder.scan()
    own.tick()
    (scan,) = own.todo
    assert isinstance(scan, Scan)
    outside = (
        PathSeen(own.own_folder.top, Finding.FOLDER, None),
        PathSeen(parse_wire_path(b"d2/x"), Finding.FOLDER, None),
    )
    own.tell(TreeSeen(scan.order, outside, (), last=False, complete=True))
    own.settle()
    assert sorted(own.published()) == ["a", "d", "d/b"]


# -- without reading -------------------------------------------------------------------------------
def test_a_renamed_file_is_not_read(own: Own) -> None:
    heads = len(own.heads)
    own.move("a", "d/a2")
    own.touch("a", "d/a2")
    own.settle()
    assert (own.read, sorted(own.published())) == ([], ["d", "d/a2", "d/b"])
    # both halves under one head: receivers move instead of copying
    assert len(own.heads) == heads + 1


def test_a_renamed_folder_is_not_read_however_many_pages_it_takes(own: Own) -> None:
    for number in range(20):
        own.write(f"d/{number:02}", f"text {number}")
    own.touch(*(f"d/{number:02}" for number in range(20)))
    own.settle()
    own.read.clear()
    heads = len(own.heads)
    own.node.now += 5.0
    own.move("d", "e")
    own.touch("d", "e")
    own.settle()
    assert own.read == []
    assert not any(path.startswith("d") for path in own.published())
    assert sum(path.startswith("e/") for path in own.published()) == 21
    assert len(own.heads) == heads + 1


def test_a_hard_link_is_not_read_and_a_rename_chain_before_the_head_is(own: Own) -> None:
    own.files["link"] = own.files["a"]
    own.touch("link")
    own.settle()
    assert (own.read, own.published()["link"].root) == ([], own.published()["a"].root)
    own.node.now += 5.0
    own.write("n1", "new")
    own.touch("n1")
    own.settle()
    own.move("n1", "n2")
    own.touch("n1", "n2")
    own.settle()
    assert own.read == ["n1"]


def test_the_piece_size_of_the_last_version_goes_with_the_order(own: Own) -> None:
    own.write("a", "alpha 2")
    own.write("new", "new")
    own.remove("d")
    own.write("d", "a file now")
    own.touch("a", "d", "new")
    own.answer()
    order, look = own.todo
    assert isinstance(look, Look), "what is known below d is asked for by name"
    assert isinstance(order, Hash)
    sizes = {path.name: size for path, size in order.files}
    assert sizes == {"a": limits.PIECE_MIN_BYTES, "d": 0, "new": 0}


# -- reading ---------------------------------------------------------------------------------------
def test_a_file_deleted_while_it_was_read_stays_deleted(own: Own) -> None:
    own.write("n", "new")
    own.touch("n")
    own.answer()
    late = own.hashed("n")
    (order,) = own.todo
    own.todo.clear()
    own.remove("n")
    own.touch("n")
    own.settle()
    assert isinstance(order, Hash)
    own.tell(FilesHashed(order.order, (late,), (), last=True))
    own.settle()
    assert "n" not in own.published()


def test_a_folder_deleted_while_files_in_it_were_read_stays_deleted(own: Own) -> None:
    own.write("d/n", "new")
    own.touch("d/n")
    own.answer()
    late = own.hashed("d/n")
    (order,) = own.todo
    own.todo.clear()
    own.remove("d")
    own.touch("d")
    own.settle()
    assert isinstance(order, Hash)
    own.tell(FilesHashed(order.order, (late,), (), last=True))
    own.settle()
    assert sorted(own.published()) == ["a"]


def test_a_file_replaced_by_a_folder_while_it_was_read_is_a_folder(own: Own) -> None:
    own.write("n", "new")
    own.touch("n")
    own.answer()
    late = own.hashed("n")
    (order,) = own.todo
    own.todo.clear()
    own.remove("n")
    own.folders.add("n")
    own.touch("n")
    own.settle()
    assert isinstance(order, Hash)
    own.tell(FilesHashed(order.order, (late,), (), last=True))
    own.settle()
    assert own.published()["n"].kind is Kind.FOLDER


def test_a_file_written_again_while_it_was_read_is_read_once_more_and_never_twice_at_a_time(
    own: Own,
) -> None:
    own.write("n", "one")
    own.touch("n")
    own.answer()
    (order,) = own.todo
    own.todo.clear()
    late = own.hashed("n")
    for text in ("two", "three"):
        own.write("n", text)
        own.touch("n")
        own.settle()
    assert own.read == []
    assert isinstance(order, Hash)
    own.tell(FilesHashed(order.order, (late,), (), last=True))
    own.settle()
    assert (own.read, own.published()["n"].root) == (["n"], own.hashed("n").pieces.root)


def test_a_file_that_keeps_changing_is_left_alone_ever_longer_and_shared_in_the_end(
    own: Own,
) -> None:
    own.write("log", "x")
    own.touch("log")
    restless = []
    for _ in range(4):
        own.answer()
        (order,) = own.todo
        assert isinstance(order, Hash)
        assert is_open(own.own_folder, [b"a", b"log"])
        assert not is_open(own.own_folder, [b"a", b"d"]), "the others need not wait for it"
        own.todo.clear()
        own.tell(FilesHashed(order.order, (), (own.path("log"),), last=True))
        own.write("log", "xx")
        own.touch("log")  # a hint does not make it read sooner
        own.settle()
        due = own.own_folder.deadline()
        assert due is not None
        restless.append(round(due - own.node.now, 3))
        still = len(restless) < SNAPSHOT_TRIES
        assert is_open(own.own_folder, [b"log"]) is still, "it may be written for ever"
        own.tick(due - own.node.now)
    assert restless == [1.0, 2.0, 4.0, 8.0]
    own.settle()
    assert (own.read, "log" in own.published()) == (["log"], True)


# -- missing ---------------------------------------------------------------------------------------
def test_what_a_look_does_not_find_is_gone_at_once(own: Own) -> None:
    own.remove("d")
    own.touch("d")
    own.settle()
    assert sorted(own.published()) == ["a"]


def test_what_a_scan_lacks_is_looked_at_again_ten_seconds_later(own: Own) -> None:
    own.remove("a")
    own.own_folder.scan()
    own.tick()
    own.settle()
    assert "a" in own.published()
    assert own.own_folder.work == (OwnWork.DOUBTED,)
    assert is_open(own.own_folder, [b"d", b"a"])
    assert not is_open(own.own_folder, [b"d"])
    due = own.own_folder.deadline()
    assert due == own.node.now + limits.SECOND_LOOK_S
    own.tick(limits.SECOND_LOOK_S - 1.0)
    assert own.todo == []
    own.tick(1.0)
    (look,) = own.todo
    assert isinstance(look, Look)
    assert look.paths == (own.path("a"),)
    own.settle()
    assert "a" not in own.published()
    assert not own.own_folder.work
    assert own.own_folder.deadline() == pytest.approx(own.node.now + limits.RESCAN_S, abs=20)


def test_a_doubt_is_over_when_the_file_is_seen_again(own: Own) -> None:
    hidden = own.files.pop("a")
    own.own_folder.scan()
    own.tick()
    own.settle()
    own.own_folder.scan()
    own.tick(1.0)
    own.settle()  # a second scan soon after is no second look
    assert "a" in own.published()
    own.files["a"] = hidden
    own.touch("a")
    own.settle()
    own.tick(limits.SECOND_LOOK_S)
    assert (own.todo, "a" in own.published()) == ([], True)


def test_a_doubt_that_a_look_cannot_settle_stays(own: Own) -> None:
    own.remove("a")
    own.own_folder.scan()
    own.tick()
    own.settle()
    own.tick(limits.SECOND_LOOK_S)
    (look,) = own.todo
    own.todo.clear()
    assert isinstance(look, Look)
    own.tell(TreeSeen(look.order, (), (), last=True, complete=False))
    own.settle()
    assert "a" in own.published()
    own.tick(limits.SECOND_LOOK_S)
    own.settle()
    assert "a" not in own.published()


def test_a_scan_that_could_not_read_everything_doubts_nothing(own: Own) -> None:
    own.remove("a")
    own.unreadable = True
    own.own_folder.scan()
    own.tick()
    own.settle()
    own.tick(limits.SECOND_LOOK_S * 2)
    assert own.todo == []
    assert "a" in own.published()


def test_the_own_folder_that_could_not_be_entered_is_scanned_again_soon(own: Own) -> None:
    own.own_folder.scan()
    own.tick()
    (scan,) = own.todo
    own.todo.clear()
    assert isinstance(scan, Scan)
    denied = Unreadable(own.own_folder.top, ReadFault.PERMISSION, "Permission denied")
    own.tell(TreeSeen(scan.order, (), (), last=True, complete=False, unreadable=(denied,)))
    own.write("c", "gamma")  # while nobody could look
    own.tick(UNREADABLE_AGAIN_S)
    own.settle()
    own.tick(ODD_SCAN_S)
    own.settle()
    assert own.read == ["c"]


def test_what_a_look_found_while_a_scan_ran_is_not_doubted(own: Own) -> None:
    own.own_folder.scan()
    own.tick()
    scan = own.todo.pop()
    assert isinstance(scan, Scan)
    pages = list(own.answers(scan))
    own.write("n", "new")
    own.touch("n")
    own.settle()
    own.remove("a")
    own.touch("a")
    own.settle()
    for page in pages:  # the scan saw "a" before it went
        own.tell(page)
    (look,) = own.todo
    assert isinstance(look, Look)
    assert look.paths == (own.path("a"),)
    own.settle()
    assert (sorted(own.published()), own.read) == (["d", "d/b", "n"], ["n"])
    own.tick(limits.SECOND_LOOK_S)
    assert own.todo == []


def test_a_path_that_a_look_missed_and_a_scan_then_found_is_there(own: Own) -> None:
    own.touch("a", "d")
    look = own.todo.pop()
    assert isinstance(look, Look)
    missing = PathSeen(own.path("a"), Finding.MISSING, None)
    own.tell(TreeSeen(look.order, (missing,), (), last=False, complete=True))
    own.own_folder.scan()
    own.tick()
    own.answer()
    there = PathSeen(own.path("d"), Finding.FOLDER, None)
    within = PathSeen(own.path("d/b"), Finding.FILE, own.files["d/b"].stat)
    own.tell(TreeSeen(look.order, (there, within), (), last=True, complete=True))
    own.settle()
    assert sorted(own.published()) == ["a", "d", "d/b"]


def test_the_last_word_of_a_look_about_a_path_counts(own: Own) -> None:
    own.touch("a")
    (look,) = own.todo
    own.todo.clear()
    assert isinstance(look, Look)
    heads = len(own.heads)
    missing = PathSeen(own.path("a"), Finding.MISSING, None)
    there = PathSeen(own.path("a"), Finding.FILE, own.files["a"].stat)
    own.tell(TreeSeen(look.order, (missing,), (), last=False, complete=True))
    own.tell(TreeSeen(look.order, (there,), (), last=True, complete=True))
    own.tick(1.0)
    assert (own.todo, len(own.heads), "a" in own.published()) == ([], heads, True)


# -- folders that are not watched ------------------------------------------------------------------
def scanned(own: Own) -> list[list[str]]:
    return [[str(path) for path in each.tops] for each in own.todo if isinstance(each, Scan)]


def test_what_is_not_watched_is_scanned_often_and_nothing_else(own: Own) -> None:
    own.own_folder.on_watcher(WatchesRefused((own.path("d"),), "fs.inotify.max_user_watches", 8))
    own.tick()
    assert scanned(own) == [["d1/d"]]
    own.settle()
    own.write("d/late", "text")
    own.remove("d/b")
    own.remove("a")
    own.tick(UNWATCHED_SCAN_S)
    own.settle()
    assert "d/late" in own.published()
    own.tick(limits.SECOND_LOOK_S)
    own.settle()
    assert sorted(own.published()) == ["a", "d", "d/late"], "a is outside of it"
    due = own.own_folder.deadline()
    assert due is not None
    assert due <= own.node.now + UNWATCHED_SCAN_S
    own.own_folder.on_watcher(WatchesRefused((), "", 0))
    own.tick(UNWATCHED_SCAN_S)
    assert scanned(own) == []


def test_an_unwatched_folder_that_is_gone_is_gone(own: Own) -> None:
    own.own_folder.on_watcher(WatchesRefused((own.path("d"),), "", 0))
    own.tick()
    own.settle()
    own.own_folder.scan()
    own.tick()
    own.files.pop("a")
    own.settle()  # a is in doubt
    own.remove("d")
    for _ in range(3):
        own.tick(UNWATCHED_SCAN_S)
        own.settle()
    assert own.published() == {}


def test_a_scan_of_everything_comes_before_one_of_the_unwatched(own: Own) -> None:
    own.own_folder.on_watcher(WatchesRefused((own.path("d"),), "", 0))
    own.node.now += limits.RESCAN_S
    own.tick()
    assert scanned(own) == [["d1"]]


def test_files_that_are_still_written_are_told_in_the_own_folder_only(
    own: Own,
) -> None:
    own.own_folder.on_watcher(RestlessSeen((own.path("film"), parse_wire_path(b"d2/film"))))
    (trouble,) = own.node.troubles.all()
    assert (trouble.kind, trouble.subject) == (TroubleKind.WRITTEN, "d1/film")
    own.own_folder.on_watcher(RestlessSeen(()))
    assert own.node.troubles.all() == []


# -- the share goes away ---------------------------------------------------------------------------
@pytest.mark.parametrize("what", ["another group", "offline"])
def test_all_that_is_under_way_is_forgotten_with_the_folder(own: Own, what: str) -> None:
    own.write("n", "new")
    own.touch("n")
    own.answer()
    own.own_folder.scan()
    own.touch("a")
    own.touch("d/b")
    busy = "<Rounds looking=True scanning=True> touched=1 reading=1>"
    assert repr(own.own_folder) == f"<OwnFolder MARKED {busy}"
    if what == "offline":
        own.own_folder.on_share(ShareSeen(present=False, reason="missing"))
        assert own.own_folder.deadline() == own.node.now + OFFLINE_LOOK_S
    else:
        own.own_folder.await_marker()
        assert own.own_folder.deadline() is None
    idle = "<Rounds looking=False scanning=False> touched=0 reading=0>"
    assert repr(own.own_folder).endswith(idle)


def test_after_trouble_with_the_index_no_answer_that_was_lost_is_waited_for(own: Own) -> None:
    own.write("n", "new")
    own.touch("n")
    own.answer()
    own.own_folder.scan()
    own.touch("a")
    own.todo.clear()  # the answers failed with the index, and nobody gives them again
    own.own_folder.forget_work()
    own.own_folder.scan()
    own.tick()
    own.settle()
    assert not own.own_folder.work
    assert own.published()["n"].size == 3


def test_nothing_is_gone_or_new_while_the_marker_is_missing(own: Own) -> None:
    kept = dict(own.files)
    own.write("d/c", "gamma")
    own.touch("a", "d/c")
    look = own.todo.pop()
    assert isinstance(look, Look)
    own.touch("d/b")
    assert own.todo == [], "it waits for the look under way"
    own.files.clear()
    own.marker = "missing"
    own.tell(ShareSeen(present=False, reason="missing"))
    own.tell(ShareSeen(present=False, reason="missing"))
    missing = PathSeen(own.path("a"), Finding.MISSING, None)
    own.tell(TreeSeen(look.order, (missing,), (), last=True, complete=True))
    own.touch("a", "d/b")
    assert (own.todo, own.codes(), own.node.share_present) == ([], ["share_offline"], False)
    assert own.own_folder.share.reason == "missing"
    for _ in range(3):
        own.tick(OFFLINE_LOOK_S)
        own.settle()
    assert sorted(own.published()) == ["a", "d", "d/b"]
    own.files, own.marker = kept, "present"
    own.tick(OFFLINE_LOOK_S)
    own.settle()
    assert own.node.share_present
    assert own.todo == []
    assert sorted(own.published()) == ["a", "d", "d/b"]
    assert own.own_folder.deadline() == pytest.approx(own.node.now + limits.RESCAN_S, abs=1.0)


def test_what_was_found_deleted_just_before_is_looked_for_when_the_share_is_back(own: Own) -> None:
    # the last head is young, so nothing is published yet
    own.node.now = own.publishing._published_s
    own.remove("a")
    own.touch("a")
    own.answer()
    assert b"a" in own.publishing.untold[1]
    own.tell(ShareSeen(present=False, reason="missing"))
    own.tell(ShareSeen(present=True, reason=""))
    own.settle()
    assert "a" in own.published()
    own.tick(limits.SECOND_LOOK_S)
    own.settle()
    assert "a" not in own.published()


def test_in_another_group_everything_is_seen_anew_under_the_new_name(own: Own) -> None:
    own.refused["socket"] = "socket"
    own.touch("socket")
    own.settle()
    own.write("n", "new")
    own.touch("n", "a")
    own.answer()
    (order,) = own.todo
    own.todo.clear()
    late = own.hashed("n")
    own.refused.clear()
    own.node.roster = group(2, 1)
    assert own.node.own_label == "d1"
    own.own_folder.await_marker()
    assert not own.own_folder.refused
    assert isinstance(order, Hash)
    own.tell(FilesHashed(order.order, (late,), (), last=True))
    own.tell(ShareSeen(present=True, reason=""))
    own.settle()
    assert sorted(own.published()) == ["a", "d", "d/b", "n"]


def test_while_a_folder_could_not_get_its_new_name_nothing_in_it_is_gone(own: Own) -> None:
    order = UnwrittenMarker(b"group", "d1", "d0", "disk full")
    own.own_folder.await_marker()
    own.tell(ShareSeen(present=False, reason="not written: disk full", unwritten=order))
    assert own.own_folder.share.reason == "not written: disk full"
    own.remove("a")  # as what stands under the new name lacks everything
    own.tick(OFFLINE_LOOK_S)
    assert isinstance(own.answer(), Scan)
    assert own.todo.pop() == MarkShare(b"group", "d1", "d0")
    assert OwnWork.DOUBTED not in own.own_folder.work, "what that scan lacked counts for nothing"
    own.tick(2 * limits.SECOND_LOOK_S)
    assert (own.todo, own.own_folder.share.awaited) == ([], True)
    assert sorted(own.published()) == ["a", "d", "d/b"]
    own.write("a", "alpha")
    own.tell(ShareSeen(present=True, reason=""))
    own.settle()
    assert own.node.share_present
    assert sorted(own.published()) == ["a", "d", "d/b"]


def test_what_was_read_under_a_former_name_is_dropped(own: Own) -> None:
    own.write("n", "new")
    own.touch("n")
    own.answer()
    own.node.roster = None
    own.node.settings = type(own.node.settings)("other", 1, None)
    assert str(own.own_folder.top) == "other"
    (order,) = own.todo
    own.todo.clear()
    assert isinstance(order, Hash)
    n = own.path("n")
    read = replace(own.hashed("n"), path=order.files[0][0])
    assert (str(read.path), str(n)) == ("d1/n", "other/n")
    own.tell(FilesHashed(order.order, (read,), (), last=True))
    assert own.publishing.pending == 0


# -- names that are not shared ---------------------------------------------------------------------
def test_a_refused_name_is_told_once_and_forgotten_when_it_is_gone(own: Own) -> None:
    own.refused = {"d/pipe": "named pipe", "link": "symbolic link"}
    for _ in range(2):
        own.own_folder.scan()
        own.tick()
        own.settle()
    assert own.codes() == ["file_refused"]
    assert own.node.troubles.all() == []
    assert dict(own.own_folder.refused) == {"d1/d/pipe": "named pipe", "d1/link": "symbolic link"}
    own.refused["link"] = "socket"
    own.touch("link")
    own.settle()
    assert own.own_folder.refused["d1/link"] == "socket"
    del own.refused["d/pipe"]
    own.touch("link")
    own.settle()
    assert len(own.own_folder.refused) == 2
    own.touch("d")
    own.settle()
    assert list(own.own_folder.refused) == ["d1/link"]
    own.refused.clear()
    own.unreadable = True
    own.own_folder.scan()
    own.tick()
    own.settle()
    assert list(own.own_folder.refused) == ["d1/link"]  # what could not be read may still hold it
    own.unreadable = False
    own.own_folder.scan()
    own.tick()
    own.settle()
    assert not own.own_folder.refused


# -- what others ask -------------------------------------------------------------------------------
def test_of_files_restored_below_a_folder_the_folder_is_looked_at(own: Own) -> None:
    own.own_folder.on_imported(["docs/old/a", "docs/b"])
    own.tick()
    (look,) = own.todo
    assert isinstance(look, Look)
    assert look.paths == (own.path("docs"),)


def test_imported_files_are_looked_at(own: Own) -> None:
    own.write("imported", "x")
    own.own_folder.on_imported(["imported"])
    own.tick()
    own.settle()
    assert "imported" in own.published()
    own.own_folder.on_imported(["..\\b"])
    own.tick()
    assert [type(effect) for effect in own.todo] == [Scan]


def test_a_new_generation_waits_until_everything_was_seen_and_read() -> None:
    own = Own()
    own.write("a", "alpha")
    own.write("b", "beta")
    head = sign_head(Head(*own.node.own_manifest, 1, 50, 2, b"r" * 32, b"earlier"), key(1))
    own.publishing.on_other_run(head)
    own.publishing.begin_anew(1)
    own.tick(5.0)
    assert own.heads == []
    assert own.own_folder.deadline() is None  # nothing to wait for but a disk
    own.answer()
    own.tick(5.0)
    assert own.heads == []
    own.settle()
    (new,) = own.heads
    assert (new.generation, new.count, new.seq) == (2, 2, 52)


def test_a_new_generation_waits_for_the_marker_and_for_the_last_file() -> None:
    own = Own(marked=False)
    own.write("a", "alpha")
    head = sign_head(Head(*own.node.own_manifest, 1, 50, 2, b"r" * 32, b"earlier"), key(1))
    own.publishing.on_other_run(head)
    own.publishing.begin_anew(1)
    own.tick(5.0)
    assert own.heads == []
    own.tell(ShareSeen(present=True, reason=""))
    assert isinstance(own.answer(), Scan)
    own.tick(5.0)
    assert own.heads == []
    own.settle()
    assert [new.generation for new in own.heads] == [2]


def test_many_new_files_are_published_under_few_heads() -> None:
    own = Own()
    for number in range(600):
        own.write(f"{number:03}", f"{number}")
    own.answer()
    orders = list(own.todo)
    assert sum(len(order.files) for order in orders if isinstance(order, Hash)) == 600
    while own.todo:
        own.tick(0.02)
        own.answer()
    own.settle()
    assert len(own.published()) == 600
    assert len(own.heads) * 5 < len(orders)


def test_it_says_how_it_stands(own: Own) -> None:
    own.touch("a")
    assert repr(own.own_folder) == (
        "<OwnFolder MARKED <Rounds looking=True scanning=False> touched=0 reading=0>"
    )


# -- what its owner does not share -----------------------------------------------------------------
def test_what_newly_matches_is_gone_for_the_others_after_two_looks_and_told(own: Own) -> None:
    own.ignore_text = b"b\n"
    own.touch(".potluckignore")
    own.settle()
    assert own.own_folder.work == (OwnWork.LOOKING,)
    assert sorted(own.published()) == ["a", "d", "d/b"], "it must stand for two seconds"

    own.tick(RULES_SETTLE_S)
    own.settle()
    assert own.own_folder.left_out.count == 1
    assert own.own_folder.work == (OwnWork.DOUBTED,)
    assert sorted(own.published()) == ["a", "d", "d/b"], "one scan is no proof"
    assert own.codes() == ["left_out"]

    own.tick(limits.SECOND_LOOK_S)
    own.settle()
    assert sorted(own.published()) == ["a", "d"]
    assert own.codes() == ["left_out"]


def test_what_matches_no_more_is_shared(own: Own) -> None:
    own.ignore_text = b"*.tmp\n"
    own.write("x.tmp", "mine")
    own.touch("x.tmp", ".potluckignore")
    own.settle()
    own.tick(RULES_SETTLE_S)
    own.settle()
    assert "x.tmp" not in own.published()
    assert own.read == []

    own.ignore_text = b""
    own.touch(".potluckignore")
    own.settle()
    own.tick(RULES_SETTLE_S)
    own.settle()
    assert "x.tmp" in own.published()
    assert own.own_folder.left_out.count == 0


def test_rules_that_stand_at_the_first_start_leak_nothing() -> None:
    own = Own()
    own.ignore_text = b"secret/\n"
    own.folders = {"secret"}
    own.write("secret/key", "k")
    own.write("a", "alpha")
    own.settle()
    assert own.own_folder.work[0] is OwnWork.UNSEEN
    assert own.own_folder.deadline() == own.node.now + RULES_SETTLE_S
    own.tick(RULES_SETTLE_S)
    own.settle()
    assert (sorted(own.published()), own.read) == (["a"], ["a"])


def test_a_file_that_is_being_read_when_it_is_left_out_is_not_shared(own: Own) -> None:
    own.write("big", "much")
    own.touch("big")
    own.answer()  # the look
    (reading,) = own.todo
    own.todo = []
    own.ignore_text = b"big\n"
    own.touch(".potluckignore")
    own.settle()
    own.tick(RULES_SETTLE_S)
    while own.todo:
        own.answer()
    for event in own.answers(reading):
        own.tell(event)
    own.settle()
    assert "big" not in own.published()


def test_a_typo_that_is_mended_within_two_seconds_deletes_nothing(own: Own) -> None:
    own.ignore_text = b"*\n"
    own.write("a", "changed")
    own.touch("a", ".potluckignore")
    own.settle()
    own.ignore_text = b"*.tmp\n"
    for _ in range(3):
        own.tick(RULES_SETTLE_S)
        own.settle()
    own.tick(limits.SECOND_LOOK_S)
    own.settle()
    assert sorted(own.published()) == ["a", "d", "d/b"]
    assert own.published()["a"].size == len("changed")
    assert own.codes() == []


def test_a_part_that_is_scanned_often_has_all_scanned_by_new_rules(own: Own) -> None:
    own.folders.add("unwatched")
    own.own_folder.on_watcher(WatchesRefused((own.path("d"),), "max_user_watches", 8))
    own.tick(UNWATCHED_SCAN_S)
    own.ignore_text = b"a\n"
    own.settle()
    own.tick(RULES_SETTLE_S)
    own.settle()
    own.tick(UNWATCHED_SCAN_S * 2)
    own.settle()
    assert "a" not in own.published()


def test_rules_of_a_folder_that_went_away_do_not_count_for_the_next(own: Own) -> None:
    own.ignore_text = b"*\n"
    own.touch(".potluckignore")
    own.settle()
    own.tell(ShareSeen(present=False, reason="missing"))
    assert OwnWork.LOOKING not in own.own_folder.work
