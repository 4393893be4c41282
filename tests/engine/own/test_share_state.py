"""The state of the share: every pair of the table, and what follows for the node."""

from __future__ import annotations

from itertools import product

import pytest

from potluck.core.content.facts import NOTHING
from potluck.core.errors import ProtocolError
from potluck.core.transitions import follow
from potluck.engine.effects import MarkShare, Tell
from potluck.engine.events import ShareSeen, UnwrittenMarker
from potluck.engine.own.older_copy import FOLDER_STAMP
from potluck.engine.own.share_state import (
    FAILS,
    GONE,
    SHARE,
    UNMARKED_THERE,
    WHY_OFFLINE,
    WRITTEN_ONCE,
    ShareInput,
    SharePresence,
    ShareState,
)
from tests.engine.builders import group, key, node, taken
from tests.engine.index.builders import folder

S, N = ShareState, ShareInput


@pytest.mark.parametrize(("state", "happened"), list(product(ShareState, ShareInput)))
def test_every_pair_leads_where_the_marker_says(state: ShareState, happened: ShareInput) -> None:
    share = SharePresence(node(1))
    share.state = state
    match happened:
        case N.FOUND:
            share.on_checked(ShareSeen(present=True, reason=""))
            expected = S.MARKED
        case N.LOST:
            share.on_checked(ShareSeen(present=False, reason="missing"))
            expected = S.OFFLINE
        case N.RENAMED:
            share.on_renamed()
            offline = state in {S.OFFLINE, S.OFFLINE_UNMARKED}
            expected = S.OFFLINE_UNMARKED if offline else S.UNMARKED
    assert share.state is expected


def test_the_table_names_every_pair_once() -> None:
    assert set(SHARE) == set(product(ShareState, ShareInput))
    with pytest.raises(ProtocolError):
        follow({}, S.MARKED, N.FOUND)


@pytest.mark.parametrize(
    ("state", "present", "marked", "awaited"),
    [
        (S.MARKED, True, True, False),
        (S.UNMARKED, True, False, True),
        (S.OFFLINE, False, False, False),
        (S.OFFLINE_UNMARKED, False, False, True),
    ],
)
def test_what_each_state_means(
    state: ShareState, present: bool, marked: bool, awaited: bool
) -> None:
    share = SharePresence(node(1))
    ways = {
        S.MARKED: [],
        S.UNMARKED: [N.RENAMED],
        S.OFFLINE: [N.LOST],
        S.OFFLINE_UNMARKED: [N.LOST, N.RENAMED],
    }
    for happened in ways[state]:
        if happened is N.LOST:
            share.on_checked(ShareSeen(present=False, reason="missing"))
        else:
            share.on_renamed()
    assert share.state is state
    assert (share._node.share_present, share.marked, share.awaited) == (present, marked, awaited)


def test_it_says_why_it_is_offline() -> None:
    share = SharePresence(node(1))
    assert share.reason == ""
    share.on_checked(ShareSeen(present=False, reason="missing"))
    assert (share.reason, repr(share)) == ("missing", "<SharePresence OFFLINE missing>")


@pytest.mark.parametrize(("reason", "why"), WHY_OFFLINE.items())
def test_a_person_reads_what_that_means_and_what_ends_it(reason: str, why: str) -> None:
    share = SharePresence(node(1, folder="/media/my disk"))
    share.on_checked(ShareSeen(present=False, reason=reason))
    then = "plug its disk in, or put it back, and nothing else: that is noticed"
    if reason == "another share":  # after an identity was restored there is no disk to plug in
        then = "put its own one back there, or start potluck with another folder: up FOLDER"
    if reason == "another device":
        then = (
            "put its own one back there, and nothing else: that is noticed; if this one is to be "
            "its own again, end potluck, then type: up '/media/my disk' --repair"
        )
    seen = "not there" if reason == GONE else f"not the folder that it was ({why})"
    assert share.offline_words == f"the share is offline: /media/my disk is {seen}; {then}"
    assert share.command == "ls -la '/media/my disk'"


@pytest.mark.parametrize("reason", [GONE, UNMARKED_THERE, "missing"])
def test_what_the_others_have_fills_a_new_folder_where_this_one_is_gone(reason: str) -> None:
    share, advice = SharePresence(node(1, folder="/f")), "if it is gone for good, end potluck, then"
    share._node.roster = group(1)
    share.on_checked(ShareSeen(present=False, reason=reason))
    assert advice not in share.offline_words, "nobody else has anything"
    share._node.roster = group(1, 2)
    said = share.offline_words.endswith(f"; {advice} type: up NEW --repair")
    assert said is (reason != "missing"), "that folder is there, so it is not gone"


def test_want_of_descriptors_is_no_fault_of_the_folder() -> None:
    share = SharePresence(node(1, folder="/media/disk"))
    share.on_checked(
        ShareSeen(present=False, reason="unreadable: too many open files; try: ulimit -n 9")
    )
    assert share.offline_words == (
        "the share is offline: its marker is unreadable: too many open files; try: ulimit -n 9"
    )
    assert share.command == ""


def test_a_disk_that_fails_is_not_another_folder() -> None:
    share = SharePresence(node(1, folder="/media/my disk"))
    share.on_checked(ShareSeen(present=False, reason=f"{FAILS}Stale file handle"))
    assert share.offline_words == (
        "the share is offline: /media/my disk cannot be read (Stale file handle); its disk fails, "
        "or the server that it lies on is away; potluck goes on by itself when it can be read again"
    )
    assert share.command == "ls -la '/media/my disk'"


def test_a_folder_that_is_back_is_taken_hold_of_by_a_new_start() -> None:
    share = SharePresence(node(1, folder="/media/disk"))
    share.on_checked(ShareSeen(present=False, reason="back"))
    assert share.offline_words == (
        "the share is offline: /media/disk is back; potluck starts again with it"
    )
    assert share.command == "ls -la /media/disk"


def test_without_a_folder_of_a_name_there_is_no_command() -> None:
    share = SharePresence(node(1))
    share.on_checked(ShareSeen(present=False, reason="missing"))
    assert "its folder is not the folder that it was" in share.offline_words
    assert share.command == ""


# -- a marker that could not be written ------------------------------------------------------------
MARKED, LOST = ShareSeen(present=True, reason=""), ShareSeen(present=False, reason="missing")
OTHER = ShareSeen(present=False, reason="another share")


def unwritten(former: str) -> ShareSeen:
    order = UnwrittenMarker(b"group", "new", former, "disk full")
    return ShareSeen(present=False, reason="not written: disk full", unwritten=order)


def failed(former: str, *, known: bool) -> SharePresence:
    """A share whose marker could not be written, in which something is `known`, or not."""
    share = SharePresence(node(1))
    share.on_renamed()
    if known:
        own, names = share._node.own_manifest, share._node.index.manifests
        names.put(own, [folder("a")])
        assert names.amount(own) != NOTHING
    assert not share.writes_again(unwritten(former))
    share.on_checked(unwritten(former))
    assert (share.state, share.reason) == (S.OFFLINE, "not written: disk full")
    return share


@pytest.mark.parametrize(
    ("former", "known", "seen", "again"),
    [
        pytest.param("", False, LOST, True, id="a new share"),
        pytest.param("", True, LOST, False, id="a disk that is not mounted"),
        pytest.param("", True, MARKED, False, id="the old marker says as much"),
        pytest.param("old", True, MARKED, True, id="a folder to be renamed"),
        pytest.param("old", False, LOST, True, id="a folder that was never shared"),
        pytest.param(
            "", False, ShareSeen(present=False, reason="another share"), False, id="other"
        ),
    ],
)
def test_a_marker_is_written_again_where_nothing_can_be_lost(
    former: str, *, known: bool, seen: ShareSeen, again: bool
) -> None:
    share = failed(former, known=known)
    assert share.writes_again(seen) is again
    orders = taken(share._node, MarkShare)
    if again:
        assert orders == [MarkShare(b"group", "new", former)]
        assert (share.awaited, share.unwritten) == (True, None)
        return
    assert orders == []
    share.on_checked(seen)
    if seen.present:
        assert (share.marked, share.reason, share.unwritten) == (True, "", None)
    else:
        assert (share.state, share.reason) == (S.OFFLINE, "not written: disk full")


def test_another_name_asks_for_another_marker() -> None:
    share = failed("old", known=False)
    share.on_renamed()
    assert not share.writes_again(MARKED)


def test_a_marker_that_an_earlier_run_could_not_write_is_written() -> None:
    share = SharePresence(node(1))
    assert not share.writes_again(LOST), "without a group there is nothing to mark it for"
    share._node.roster = group(1)
    assert not share.writes_again(OTHER)
    assert share.writes_again(LOST)
    order = MarkShare(share._node.roster.group, "d1", "")
    assert (taken(share._node, MarkShare), share.awaited) == ([order], True)
    assert not share.writes_again(LOST), "it is being written"
    share.on_checked(MARKED)
    assert share._node.index.meta.get(WRITTEN_ONCE) is not None
    share.on_checked(MARKED)
    assert not share.writes_again(LOST), "it had one: a disk that is not mounted"
    assert taken(share._node, MarkShare) == []


# -- something in the way of the own folder --------------------------------------------------------
IN_THE_WAY = ShareSeen(
    present=False,
    reason="not written: a file stands where the own folder must be",
    unwritten=UnwrittenMarker(b"group", "d1", "", "a file stands …", instead="file"),
)


def test_what_stands_in_the_place_of_the_own_folder_is_told_with_what_moves_it() -> None:
    share = SharePresence(node(1, folder="/home/ada/My Potluck"))
    share.on_renamed()
    share.on_checked(IN_THE_WAY)
    place = "/home/ada/My Potluck/Shared/d1"
    words = (
        "the share is offline: Shared/d1 is a file, and must be this device's folder;"
        " move it out of the way"
    )
    command = f"mv -nT '{place}' '{place} (was here)'"
    assert (share.offline_words, share.command) == (words, command)
    share.tell_offline()
    told = Tell("share_offline", f"{words}: {command}", "error", "", command)
    assert taken(share._node, Tell) == [told]
    assert share.writes_again(LOST)
    assert share.offline_words == words, "also while it is tried again"
    share.on_checked(MARKED)
    assert share.command == ""
    share.on_checked(LOST)
    share.tell_offline()
    assert share.command == "ls -la '/home/ada/My Potluck'"
    assert taken(share._node, Tell) == [Tell("share_offline", share.offline_words, "error", "")]


def test_without_a_folder_of_a_name_nothing_is_advised_to_be_moved() -> None:
    share = SharePresence(node(1))
    share.on_checked(IN_THE_WAY)
    share.tell_offline()
    assert taken(share._node, Tell) == [Tell("share_offline", share.offline_words, "error", "")]
    assert share.command == ""


def test_a_folder_that_has_its_former_name_gets_its_marker_and_its_name() -> None:
    share = SharePresence(node(1))
    share._node.roster = group(1)
    share._node.former.note(share._node.me, "anna", "d1")
    share._node.index.meta.set(WRITTEN_ONCE, b"1")
    assert not share.writes_again(LOST), "a disk that is away is not marked"
    assert share.writes_again(MARKED)
    order = MarkShare(share._node.roster.group, "d1", "anna")
    assert (taken(share._node, MarkShare), share.awaited) == ([order], True)
    assert not share.writes_again(MARKED), "it is being written"
    share.on_checked(MARKED)
    assert share._node.former.of(share._node.me) == "anna", "that was seen before"
    written = ShareSeen(present=True, reason="", label="d1")
    assert not share.writes_again(written)
    share.on_checked(written)
    assert share._node.me not in share._node.former
    assert not share.writes_again(MARKED)


def test_what_stood_in_the_place_of_the_own_folder_is_told() -> None:
    share = SharePresence(node(1))
    aside = ("Put aside/d1/d1 (d1)", "Put aside/d1/d1 (d1) 2")
    share.on_checked(ShareSeen(present=True, reason="", label="d1", aside=aside))
    [told] = taken(share._node, Tell)
    assert told.text == (
        "something else stood where the own folder belongs: “Put aside/d1/d1 (d1)” and "
        "“Put aside/d1/d1 (d1) 2”"
    )


def test_a_new_stamp_of_the_folder_is_remembered() -> None:
    share = SharePresence(node(1))
    meta = share._node.index.meta
    share.on_checked(ShareSeen(present=True, reason=""))
    assert meta.get(FOLDER_STAMP) is None
    share.on_checked(ShareSeen(present=True, reason="", stamp=b"s" * 16))
    share.on_checked(ShareSeen(present=True, reason=""))
    assert meta.get(FOLDER_STAMP) == b"s" * 16


def test_the_own_folder_gets_its_name_when_no_other_one_has_it() -> None:
    here = node(1)
    here.roster = group(1, 2)
    share = SharePresence(here)
    here.former.note(here.me, "desk", "d1")
    here.former.note(key(2).device, "d1", "d2")
    assert not share.writes_again(MARKED)
    here.former.forget(key(2).device)
    assert share.writes_again(MARKED)
    assert taken(here, MarkShare) == [MarkShare(here.roster.group, "d1", "desk")]
