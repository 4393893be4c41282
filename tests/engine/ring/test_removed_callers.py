"""Removed callers: whoever calls its former group is told once why nobody answers."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.group.statements import Remove, key_id, sign_removal
from potluck.core.wire.catalogue import Address, Beacon
from potluck.engine.effects import Introduce, Transmit
from potluck.engine.node import Node
from potluck.engine.ring.introductions import chain_in
from potluck.engine.ring.removed_callers import REMOVED_AGAIN_S, RemovedCallers
from potluck.engine.ring.sealed_datagrams import SealedDatagrams
from tests.engine.builders import address, group, key, node, taken

NEW_KEY = b"k" * 32


def inside(number: int) -> Node:
    here = node(number)
    here.roster = group(1, 2, 3)
    return here


def call(number: int = 2, port: int = limits.PORT) -> bytes:
    """What a device says that has not heard of the removal."""
    here = inside(number)
    SealedDatagrams(here).transmit(Beacon(port, 1, b"", 3), None)
    [said] = taken(here, Transmit)
    return said.data


@pytest.fixture
def here() -> Node:
    """The third of a group from which the second was removed."""
    made = inside(3)
    assert made.roster is not None
    said = Remove(made.roster.group, key(2).device, [], b"", None, key_id(NEW_KEY), [])
    made.roster.add(sign_removal(key(1), said, []))
    made.roster.settle()
    made.group_keys.learn(NEW_KEY, made.roster.standing.keys)
    made.address_book.own.on_networks([(address(3).host, 24)])
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
    for _ in range(3):
        part.on_unread(call(), address(2))
    assert len(taken(here, Introduce)) == 1
    here.now += REMOVED_AGAIN_S
    part.on_unread(call(), Address("203.0.113.7", 1))
    part.on_unread(call(port=22), address(2))
    assert taken(here, Introduce) == []
    part.on_unread(call(), address(2))
    assert len(taken(here, Introduce)) == 1


def test_nobody_else_is_told_anything(here: Node, part: RemovedCallers) -> None:
    part.on_unread(call(1), address(1))
    part.on_unread(b"nonsense", address(2))
    alone = node(5)
    RemovedCallers(alone, SealedDatagrams(alone)).on_unread(call(), address(2))
    assert taken(here, Introduce) == taken(alone, Introduce) == []
