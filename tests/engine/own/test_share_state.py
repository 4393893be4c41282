"""The state of the share: every pair of the table, and what follows for the node."""

from __future__ import annotations

from itertools import product

import pytest

from potluck.core.errors import ProtocolError
from potluck.core.transitions import follow
from potluck.engine.own.share_state import (
    SHARE,
    WHY_OFFLINE,
    ShareInput,
    SharePresence,
    ShareState,
)
from tests.engine.builders import node

S, N = ShareState, ShareInput


@pytest.mark.parametrize(("state", "happened"), list(product(ShareState, ShareInput)))
def test_every_pair_leads_where_the_marker_says(state: ShareState, happened: ShareInput) -> None:
    share = SharePresence(node(1))
    share.state = state
    match happened:
        case N.FOUND:
            share.on_checked(present=True, reason="")
            expected = S.MARKED
        case N.LOST:
            share.on_checked(present=False, reason="missing")
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
            share.on_checked(present=False, reason="missing")
        else:
            share.on_renamed()
    assert share.state is state
    assert (share._node.share_present, share.marked, share.awaited) == (present, marked, awaited)


def test_it_says_why_it_is_offline() -> None:
    share = SharePresence(node(1))
    assert share.reason == ""
    share.on_checked(present=False, reason="missing")
    assert (share.reason, repr(share)) == ("missing", "<SharePresence OFFLINE missing>")


@pytest.mark.parametrize(("reason", "why"), WHY_OFFLINE.items())
def test_a_person_reads_what_that_means_and_what_ends_it(reason: str, why: str) -> None:
    share = SharePresence(node(1, folder="/media/my disk"))
    share.on_checked(present=False, reason=reason)
    assert share.offline_words == (
        f"the share is offline: /media/my disk is not the folder that it was ({why}); "
        "plug its disk in, or put it back"
    )
    assert share.command == "ls -la '/media/my disk'"


def test_want_of_descriptors_is_no_fault_of_the_folder() -> None:
    share = SharePresence(node(1, folder="/media/disk"))
    share.on_checked(present=False, reason="unreadable: too many open files; try: ulimit -n 9")
    assert share.offline_words == (
        "the share is offline: its marker is unreadable: too many open files; try: ulimit -n 9"
    )
    assert share.command == ""


def test_without_a_folder_of_a_name_there_is_no_command() -> None:
    share = SharePresence(node(1))
    share.on_checked(present=False, reason="missing")
    assert "its folder is not the folder that it was" in share.offline_words
    assert share.command == ""
