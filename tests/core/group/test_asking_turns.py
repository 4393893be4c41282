"""Asking turns: what rests, where, for how long; which hosts come first."""

from __future__ import annotations

import math

from potluck.core import limits
from potluck.core.group.asking_turns import (
    ASK_RETRY_S,
    HOST_REST_S,
    HOSTS_ASKED,
    TRIES,
    VAIN_S,
    VERSION_REST_S,
    AskingTurns,
    GroupTag,
)

ONE, OTHER = GroupTag(bytes(32)), GroupTag(b"1" * 32)
SILENT_S = 120.0


def test_nothing_rests_and_nobody_is_behind() -> None:
    turns = AskingTurns()
    assert turns.rests_until_s(ONE, "h") == turns.behind_s("h") == turns.in_vain_s("h") == -math.inf
    assert not turns.is_tired_of("h")
    assert repr(turns) == "<AskingTurns 0 rest, 0 hosts behind>"


def test_after_an_answer_the_group_rests_everywhere_and_all_else_at_that_host_too() -> None:
    turns = AskingTurns()
    turns.on_asked("h", 1.0)
    turns.on_in_vain(ONE, "h", 2.0, SILENT_S, answered=True)
    assert turns.rests_until_s(ONE, "elsewhere") == 2.0 + SILENT_S
    assert turns.rests_until_s(OTHER, "h") == 2.0 + HOST_REST_S
    assert turns.rests_until_s(OTHER, "elsewhere") == -math.inf
    assert turns.behind_s("h") == turns.in_vain_s("h") == 2.0
    assert repr(turns) == "<AskingTurns 1 rest, 1 hosts behind>"
    turns.on_wanted(ONE, "h")
    assert turns.rests_until_s(ONE, "h") == turns.behind_s("h") == -math.inf


def test_anything_else_is_held_against_that_host_only_and_not_at_once() -> None:
    turns = AskingTurns()
    for at_s in (0.0, VAIN_S - 1.0):
        turns.on_asked("h", at_s)
        turns.on_in_vain(ONE, "h", at_s, ASK_RETRY_S, answered=False)
    assert turns.rests_until_s(ONE, "h") == VAIN_S - 1.0 + ASK_RETRY_S
    assert turns.rests_until_s(ONE, "elsewhere") == turns.behind_s("h") == -math.inf
    turns.on_asked("h", VAIN_S)
    turns.on_in_vain(OTHER, "h", VAIN_S, ASK_RETRY_S, answered=False)
    assert turns.behind_s("h") == VAIN_S, "whatever it called itself"
    assert turns.is_tired_of("h")


def test_what_was_long_ago_is_no_lack_of_patience() -> None:
    turns = AskingTurns()
    for at_s in (0.0, 100.0):
        turns.on_asked("h", at_s)
        turns.on_in_vain(ONE, "h", at_s, ASK_RETRY_S, answered=False)
    assert turns.behind_s("h") == -math.inf


def test_who_is_busy_for_long_goes_behind_but_its_open_door_still_counts() -> None:
    turns = AskingTurns()
    turns.on_asked("h", 0.0)
    turns.on_in_vain(ONE, "h", VAIN_S, 3.0, answered=False)
    assert turns.behind_s("h") == VAIN_S
    assert not turns.is_tired_of("h")


def test_a_group_that_was_in_vain_often_enough_rests_for_good_until_all_is_cleared() -> None:
    turns = AskingTurns()
    for _ in range(TRIES):
        turns.on_in_vain(ONE, "h", 1.0, ASK_RETRY_S, answered=False)
    assert turns.rests_until_s(ONE, "h") == math.inf
    turns.clear()
    assert turns.rests_until_s(ONE, "h") == turns.in_vain_s("h") == -math.inf


def test_another_version_is_looked_for_for_good_and_its_open_door_keeps_nobody_waiting() -> None:
    turns = AskingTurns()
    for number in range(2 * TRIES):
        at_s = number * VERSION_REST_S
        turns.on_asked("h", at_s)
        turns.on_in_vain(ONE, "h", at_s, VERSION_REST_S, answered=False)
        assert turns.rests_until_s(ONE, "h") == at_s + VERSION_REST_S, "it may be mended by then"
    assert turns.is_tired_of("h")
    assert turns.rests_until_s(OTHER, "elsewhere") == -math.inf


def test_what_is_remembered_is_bounded() -> None:
    turns = AskingTurns()
    for number in range(HOSTS_ASKED + 9):
        tag, host = GroupTag(number.to_bytes(32, "big")), f"h{number}"
        turns.on_asked(host, 1.0)
        turns.on_in_vain(tag, host, 1.0, ASK_RETRY_S, answered=True)
    assert repr(turns) == f"<AskingTurns {limits.OFFERS} rest, {HOSTS_ASKED} hosts behind>"
    assert len(turns._refusals) == limits.OFFERS
    assert turns.behind_s("h0") == -math.inf
