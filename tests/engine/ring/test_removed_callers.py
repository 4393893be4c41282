"""Removed callers: whoever calls its former group is told once why nobody answers."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.group.statements import Remove, key_id, sign_removal
from potluck.core.wire.catalogue import Address, Beacon
from potluck.engine.effects import Introduce, Transmit
from potluck.engine.node import Node
from potluck.engine.ring.introductions import chain_in
from potluck.engine.ring.removed_callers import (
    REMOVED_AGAIN_S,
    TOLD_AT_HOST,
    TOLD_IN_ALL,
    RemovedCallers,
)
from potluck.engine.ring.sealed_datagrams import SealedDatagrams
from tests.engine.builders import address, group, key, node, taken

NEW_KEY = b"k" * 32


OTHERS = range(4, 4 + TOLD_IN_ALL + 1)
REMOVED = [2, *OTHERS]
STRANGER = address(200)


def inside(number: int, run: int = 1) -> Node:
    here = node(number, run=run)
    here.roster = group(1, 2, 3, *OTHERS)
    return here


def calls(number: int = 2, run: int = 1, port: int = limits.PORT, count: int = 1) -> list[bytes]:
    """What a device says in one run that has not heard of the removal."""
    away = inside(number, run)
    speaker = SealedDatagrams(away)
    for _ in range(count):
        speaker.transmit(Beacon(port, 1, b"", 3), None)
    return [said.data for said in taken(away, Transmit)]


def call(number: int = 2, port: int = limits.PORT) -> bytes:
    [said] = calls(number, port=port)
    return said


def put_out(here: Node) -> None:
    """All but the first and the third are removed."""
    assert here.roster is not None
    for number in REMOVED:
        said = Remove(here.roster.group, key(number).device, [], b"", None, key_id(NEW_KEY), [])
        here.roster.add(sign_removal(key(1), said, []))
    here.roster.settle()
    here.group_keys.learn(NEW_KEY, here.roster.standing.keys)


def told(here: Node) -> list[Address]:
    return [shown.address for shown in taken(here, Introduce)]


@pytest.fixture
def here() -> Node:
    """The third of a group from which all but the first were removed."""
    made = inside(3)
    put_out(made)
    return made


@pytest.fixture
def part(here: Node) -> RemovedCallers:
    return RemovedCallers(here, SealedDatagrams(here))


def test_a_removed_device_that_calls_is_shown_why_and_so_finds_itself_out(
    here: Node, part: RemovedCallers
) -> None:
    part.on_unread(call(), address(2, 9999))
    [shown] = taken(here, Introduce)
    assert shown.address == address(2)
    away = inside(2)
    assert away.roster is not None
    away.roster.add(chain_in(away, shown.sealed) or [])
    away.roster.settle()
    assert away.me not in away.roster.members
    assert repr(part) == "<RemovedCallers: 1 told>"


def test_it_is_shown_that_now_and_then_and_only_in_our_own_networks(
    here: Node, part: RemovedCallers
) -> None:
    first, second, third, fourth = calls(count=4)
    part.on_unread(first, address(2))
    part.on_unread(second, address(2))
    assert told(here) == [address(2)]
    here.now += REMOVED_AGAIN_S
    part.on_unread(third, Address("203.0.113.7", 1))
    part.on_unread(calls(run=2, port=22)[0], address(2))
    assert told(here) == []
    part.on_unread(fourth, address(2))
    assert told(here) == [address(2)]
    assert repr(part) == "<RemovedCallers: 1 told>", "the first time is forgotten"


def test_nobody_else_is_told_anything(here: Node, part: RemovedCallers) -> None:
    part.on_unread(call(1), address(1))
    part.on_unread(b"nonsense", address(2))
    alone = node(5)
    RemovedCallers(alone, SealedDatagrams(alone)).on_unread(call(), address(2))
    assert taken(here, Introduce) == taken(alone, Introduce) == []


def test_a_call_that_is_played_again_counts_once_and_takes_nobody_s_turn(
    here: Node, part: RemovedCallers
) -> None:
    old, *fresh = calls(count=4)
    for minute, new in enumerate(fresh):
        part.on_unread(old, STRANGER)
        part.on_unread(new, address(2))
        assert told(here) == [STRANGER] * (minute == 0) + [address(2)]
        here.now += REMOVED_AGAIN_S


def test_what_was_heard_before_the_removal_is_not_new_after_it() -> None:
    made = inside(3)
    sealed = SealedDatagrams(made)
    old, new = calls(count=2)
    assert sealed.open(old) is not None
    put_out(made)
    part = RemovedCallers(made, sealed)
    part.on_unread(old, STRANGER)
    assert told(made) == []
    part.on_unread(new, address(2))
    assert told(made) == [address(2)]


@pytest.mark.parametrize("was_there", [False, True])
def test_who_plays_many_old_calls_again_is_told_once_a_minute_and_the_device_too(
    here: Node, part: RemovedCallers, was_there: bool
) -> None:
    """More runs than are remembered: each old call is taken for a new one again and again."""
    if was_there:
        here.address_book.own.on_linked(key(2).device, address(2).host)
    old = [said for run in range(2, 12) for said in calls(run=run, count=5)]
    for new in calls(count=3):
        for said in old:
            part.on_unread(said, STRANGER)
        part.on_unread(new, address(2))
        assert told(here) == [STRANGER, address(2)]
        here.now += REMOVED_AGAIN_S


def test_one_host_has_a_few_turns_whatever_devices_and_ports_it_says(
    here: Node, part: RemovedCallers
) -> None:
    for number in OTHERS:
        part.on_unread(call(number), STRANGER)
    for port in range(2000, 2010):
        part.on_unread(call(2, port), STRANGER)
    assert told(here) == [STRANGER] * TOLD_AT_HOST
    part.on_unread(calls(run=2)[0], address(2))
    assert told(here) == [address(2)]


def test_from_many_made_up_hosts_all_turns_are_taken_but_that_of_a_device_where_it_was(
    here: Node, part: RemovedCallers
) -> None:
    first, second = calls(count=2)
    for number in OTHERS:
        part.on_unread(call(number), address(100 + number))
    assert len(told(here)) == TOLD_IN_ALL
    part.on_unread(first, address(2))
    assert told(here) == [], "this is what remains"
    here.address_book.own.on_linked(key(2).device, address(2).host)
    part.on_unread(second, STRANGER)
    assert told(here) == []
    part.on_unread(first, address(2))
    assert told(here) == [address(2)], "also what seems to come twice: its key may be another's"
