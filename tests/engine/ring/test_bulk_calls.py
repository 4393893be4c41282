"""Bulk calls: who is asked to dial, who is dialled, and that nobody is led to dial strangers."""

from __future__ import annotations

from potluck.core import limits
from potluck.core.wire.catalogue import Address, DialMe, LinkKind
from potluck.engine.effects import DialToServe, Send
from potluck.engine.events import BulkSearch, CallEnded, LinkId, SearchStep
from potluck.engine.node import Node, dialable_at
from potluck.engine.ring.bulk_calls import BUSY, BulkCalls
from tests.engine.builders import address, key, node, taken
from tests.engine.listeners import Heard

BEN, CLEO = key(2).device, key(3).device
LINK = LinkId(7)
NOW = 10.0


def calls(*, port: int = 7685) -> tuple[Node, Heard, BulkCalls]:
    """Device 1, linked to device 2."""
    here, heard = node(1), Heard()
    here.now = NOW
    peer = here.peer(BEN)
    peer.link, peer.address = LINK, Address(address(2).host, port)
    return here, heard, BulkCalls(here, heard)


def search(step: SearchStep, reason: str = "timeout") -> BulkSearch:
    return BulkSearch(BEN, LinkKind.BULK, step, reason)


# -- this device needs a link ----------------------------------------------------------------------
def test_who_cannot_be_dialled_is_asked_to_dial_and_not_dialled_for_a_while() -> None:
    here, heard, part = calls()
    assert dialable_at(here, BEN) == (address(2),)
    part.on_search(search(SearchStep.LACKING))
    assert here.take() == [Send(LINK, DialMe(LinkKind.BULK))]
    assert dialable_at(here, BEN) == ()
    part.on_search(search(SearchStep.LACKING, ""))
    assert here.take() == [Send(LINK, DialMe(LinkKind.BULK))], "asked again, dialled by nobody"
    here.now += limits.UNDIALLED_S[0]
    assert dialable_at(here, BEN) == (address(2),)
    assert heard.notes == []


def test_a_device_whose_address_is_not_known_is_asked_and_not_doubted() -> None:
    here, _, part = calls()
    part.on_search(search(SearchStep.LACKING, ""))
    assert here.take() == [Send(LINK, DialMe(LinkKind.BULK))]
    assert dialable_at(here, BEN) == (address(2),)


def test_a_link_that_came_and_one_that_did_not_are_told() -> None:
    here, heard, part = calls()
    part.on_search(search(SearchStep.LACKING))
    part.on_search(search(SearchStep.MISSED))
    assert heard.notes == [("on_unserved", BEN, address(2), "timeout")]
    assert dialable_at(here, BEN) == (address(2),), "waiting is no better than dialling"
    part.on_search(search(SearchStep.MISSED, ""))
    assert len(heard.notes) == 1, "it was not dialled just now"
    part.on_search(search(SearchStep.FOUND))
    assert heard.notes[1:] == [("on_served", BEN)]


# -- another device needs one ----------------------------------------------------------------------
def test_a_member_that_asks_is_called_where_its_control_link_comes_from() -> None:
    here, heard, part = calls()
    told = [Address("192.0.2.66", 22), address(2)]
    here.address_book.on_told(BEN, told, NOW)
    part.on_dial_me(BEN, LinkKind.BULK)
    (call,) = taken(here, DialToServe)
    assert (call.peer, call.link) == (BEN, LinkKind.BULK)
    assert {where.host for where in call.addresses} == {address(2).host}
    assert call.addresses[0] == address(2)
    assert len(call.addresses) <= limits.CALL_ADDRESSES
    here.reach.on_undialled(BEN, NOW)
    part.on_call_ended(CallEnded(call.call, ""))
    assert heard.notes == [("on_served", BEN)]
    assert dialable_at(here, BEN), "the dial worked"


def test_a_link_from_elsewhere_than_a_member_says_is_called_there_at_its_port() -> None:
    here, _, part = calls(port=0)
    part.on_dial_me(BEN, LinkKind.BULK)
    assert here.take() == [], "it never said where it listens"
    here.address_book.on_told(BEN, [Address("192.0.2.66", 7700)], NOW)
    part.on_dial_me(BEN, LinkKind.BULK)
    (call,) = taken(here, DialToServe)
    assert call.addresses == (Address(address(2).host, 7700),)


def test_nobody_is_called_without_a_link_or_for_another_kind_of_link() -> None:
    here, _, part = calls()
    part.on_dial_me(CLEO, LinkKind.BULK)
    part.on_dial_me(BEN, LinkKind.CONTROL)
    part.on_dial_me(BEN, LinkKind.PAIRING)
    here.peer(BEN).link = None
    part.on_dial_me(BEN, LinkKind.BULK)
    here.peer(BEN).link, here.peer(BEN).address = LINK, None
    part.on_dial_me(BEN, LinkKind.BULK)
    assert here.take() == []


def test_one_member_is_called_only_so_often_at_once_and_in_a_second() -> None:
    here, _, part = calls()
    for _ in range(10):
        part.on_dial_me(BEN, LinkKind.BULK)
    first = taken(here, DialToServe)
    assert len(first) == limits.FETCHES_PER_PEER
    assert repr(part) == "<BulkCalls: 2 under way>"
    made = len(first)
    while ended := first:
        for call in ended:
            part.on_call_ended(CallEnded(call.call, ""))
            part.on_dial_me(BEN, LinkKind.BULK)
        first = taken(here, DialToServe)
        made += len(first)
    assert made == limits.CALLS_PER_S
    here.now += 1.0
    part.on_dial_me(BEN, LinkKind.BULK)
    assert len(taken(here, DialToServe)) == 1


def test_only_so_many_calls_are_under_way_in_all() -> None:
    here, _, part = calls()
    for number in range(2, 2 + limits.CALLS):
        peer = here.peer(key(number).device)
        peer.link, peer.address = LinkId(number), address(number)
        for _ in range(limits.FETCHES_PER_PEER):
            part.on_dial_me(peer.device, LinkKind.BULK)
    assert len(taken(here, DialToServe)) == limits.CALLS


def test_a_member_that_cannot_be_called_either_is_told_and_a_busy_end_says_nothing() -> None:
    here, heard, part = calls()
    for reason in (BUSY, "timeout"):
        part.on_dial_me(BEN, LinkKind.BULK)
        (call,) = taken(here, DialToServe)
        part.on_call_ended(CallEnded(call.call, reason))
    assert heard.notes == [("on_unserved", BEN, address(2), "timeout")]
    part.on_call_ended(CallEnded(call.call, "timeout"))
    assert len(heard.notes) == 1, "a call ends once"
    part.on_dial_me(BEN, LinkKind.BULK)
    (call,) = taken(here, DialToServe)
    here.peer(BEN).link = None
    part.on_call_ended(CallEnded(call.call, "timeout"))
    assert len(heard.notes) == 1, "it is gone"
