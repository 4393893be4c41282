"""Own calls: hints are dialled and never believed; a link with the own key is proof."""

from __future__ import annotations

import pytest

from potluck.core.ring.members import write_record
from potluck.core.wire.catalogue import Address, Heads, HeadsAsk, LinkKind, Status, Update
from potluck.engine.effects import Dial, Drop, Send
from potluck.engine.events import LinkId, LinkOpened
from potluck.engine.ring.circle import Circle
from potluck.engine.ring.discovery import Discovery
from potluck.engine.ring.own_calls import (
    SAME_RUN,
    SEEN,
    SELF_DIAL_S,
    SELF_LINK_S,
    SUSPECTS,
    OwnCalls,
)
from potluck.engine.ring.sealed_datagrams import SealedDatagrams
from tests.engine.builders import address, flush, group, key, node, taken
from tests.engine.heads import signed_head
from tests.engine.listeners import Heard

ME = key(1).device
LINK = LinkId(5)


class Here:
    """Device 1 in a group of two."""

    def __init__(self) -> None:
        self.node = node(1)
        self.node.roster = group(1, 2)
        self.heard = Heard()
        sealed = SealedDatagrams(self.node)
        self.circle = Circle(self.node, Discovery(self.node, sealed, self.heard), sealed)
        self.circle.on_addresses([address(1)])
        self.part = OwnCalls(self.node, self.circle, self.heard)
        self.node.take()

    def dialled(self) -> list[Address]:
        """What is dialled now."""
        self.part.on_tick()
        dials = taken(self.node, Dial)
        assert all((dial.kind, dial.peer) == (LinkKind.CONTROL, ME) for dial in dials)
        return [dial.address for dial in dials]

    def open(self, run: bytes, link: LinkId = LINK) -> None:
        """A link with our own identity opens."""
        self.part.on_link_opened(LinkOpened(link, LinkKind.CONTROL, ME, address(9), run, None))


@pytest.fixture
def here() -> Here:
    return Here()


def test_a_hint_is_dialled_and_nothing_follows_from_it(here: Here) -> None:
    assert here.part.deadline() is None
    here.part.on_call(address(9))
    assert here.dialled() == [address(9)]
    assert here.heard.notes == []
    assert repr(here.part) == "<OwnCalls suspects=0, links=0>"


def test_hints_without_end_cost_a_dial_in_ten_seconds(here: Here) -> None:
    for number in range(100):
        here.part.on_call(address(9, 2000 + number))
    found = here.dialled()
    assert found == [address(9, 2000)]
    assert here.part.deadline() == SELF_DIAL_S
    for round_ in range(1, 20):
        here.node.now = round_ * SELF_DIAL_S
        found += here.dialled()
    assert len(found) == SUSPECTS


def test_neither_oneself_nor_what_is_elsewhere_is_dialled(here: Here) -> None:
    for place in (address(1), Address("8.8.8.8", 7685), address(9, 22), Address("x", 7685)):
        here.part.on_call(place)
    assert here.dialled() == []


def test_a_record_of_another_run_is_a_hint(here: Here) -> None:
    record = write_record(key(1), bytes(16), [address(1), address(9)], 9, 1, Status.ALIVE)
    here.circle.on_message(key(2).device, Update([record], b""))
    assert here.part.deadline() == here.node.now
    assert here.dialled() == [address(9)]
    assert here.dialled() == [], "once"
    assert here.heard.notes == []


def test_a_link_with_another_run_is_proof_and_both_say_their_head(here: Here) -> None:
    here.open(b"another")
    assert here.heard.of("on_clone") == [address(9)]
    assert Send(LINK, Heads([])) in flush(here.node)
    head = signed_head(1, generation=2)
    foreign = signed_head(2)
    assert here.part.on_message(LINK, Heads([head, foreign]))
    assert here.heard.of("on_clone_heads") == [[head]]
    assert here.part.on_message(LINK, HeadsAsk(b""))
    assert not here.part.on_message(LinkId(6), Heads([head]))
    here.node.index.manifests.set_head(head)
    here.open(b"another", LinkId(7))
    assert Send(LinkId(7), Heads([head])) in flush(here.node)


def test_a_link_with_this_run_is_no_proof(here: Here) -> None:
    here.open(here.node.instance)
    assert here.heard.notes == []
    assert here.node.take() == [Drop(LINK, SAME_RUN)]
    assert not here.part.on_closed(LINK)


def test_a_link_with_another_run_ends_soon(here: Here) -> None:
    here.open(b"another")
    here.open(b"another", LinkId(6))
    flush(here.node)
    assert here.part.deadline() == SELF_LINK_S
    assert here.part.on_closed(LinkId(6))
    here.part.on_tick()
    assert here.node.take() == []
    here.node.now = SELF_LINK_S
    here.part.on_tick()
    assert here.node.take() == [Drop(LINK, SEEN)]
    assert here.part.deadline() is None


def test_what_was_decided_is_told_at_once(here: Here) -> None:
    here.part.on_call(address(8))
    assert here.dialled() == [address(8)]
    here.part.on_call(address(7))
    here.part.call_now(address(9))
    assert here.dialled() == [address(9)]
