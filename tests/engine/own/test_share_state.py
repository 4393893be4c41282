"""The state of the share: every pair of the table, and what follows for the node."""

from __future__ import annotations

from itertools import product

import pytest

from potluck.core.content.facts import NOTHING
from potluck.core.errors import ProtocolError
from potluck.core.transitions import follow
from potluck.engine.effects import MarkShare
from potluck.engine.events import ShareSeen, UnwrittenMarker
from potluck.engine.own.share_state import (
    SHARE,
    WHY_OFFLINE,
    ShareInput,
    SharePresence,
    ShareState,
)
from tests.engine.builders import node, taken
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
    assert share.offline_words == (
        f"the share is offline: /media/my disk is not the folder that it was ({why}); "
        "plug its disk in, or put it back"
    )
    assert share.command == "ls -la '/media/my disk'"


def test_want_of_descriptors_is_no_fault_of_the_folder() -> None:
    share = SharePresence(node(1, folder="/media/disk"))
    share.on_checked(
        ShareSeen(present=False, reason="unreadable: too many open files; try: ulimit -n 9")
    )
    assert share.offline_words == (
        "the share is offline: its marker is unreadable: too many open files; try: ulimit -n 9"
    )
    assert share.command == ""


def test_a_disk_that_is_back_wants_a_new_start() -> None:
    share = SharePresence(node(1, folder="/media/disk"))
    share.on_checked(ShareSeen(present=False, reason="back"))
    assert share.offline_words == (
        "the share is offline: the disk of /media/disk is back; start potluck again"
    )
    assert share.command == "down"


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
