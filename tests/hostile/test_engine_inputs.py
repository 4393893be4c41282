"""Whatever a member, a stranger or a confused shell says, the engine goes on and honest devices
stay together.

The oracle: no exception, no transaction left open, a deadline that moves on, a state that faces can
show, and a ring in which the honest ones still see each other, nobody dead. Each attack is also
shown to arrive: something was counted, refused or answered.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.manifest import sign_head
from potluck.core.keys.identity import DeviceId
from potluck.core.keys.sealing import seal_datagram
from potluck.core.ring.members import accuse, write_record
from potluck.core.wire.catalogue import (
    CLEAR,
    CONTROL,
    PAIRING,
    SEALED,
    BulkRequest,
    Folder,
    Head,
    LinkKind,
    Status,
)
from potluck.engine import events
from potluck.engine.effects import Drop, Fetch, Transmit
from potluck.engine.events import DatagramHeard, LinkClosed, LinkId, LinkOpened, MessageHeard
from tests.engine.wire import Box, Wire, ring
from tests.hostile.anything import Anything, world

SEEDS = range(3)


def signed(rogue: Box, victims: list[Box]) -> list[Any]:
    """What only a member can make: heads of its folder, records of itself, accusations."""
    edges = (1, 2, 5, limits.SEQ_MAX)
    heads = [
        sign_head(Head(rogue.me, folder, generation, seq, count, bytes(32), b"run"), rogue.key)
        for folder in Folder
        for generation in (1, limits.SEQ_MAX)
        for seq in edges
        for count in (0, limits.SEQ_MAX)
    ]
    own = [
        write_record(rogue.key, run, [], number, seat, status)
        for run in (rogue.engine.node.instance, b"other")
        for number in edges
        for seat in (0, 1, limits.SEQ_MAX)
        for status in (Status.ALIVE, Status.LEFT)
    ]
    about = [record for box in victims if (record := rogue.believes(box)) is not None]
    return (
        heads
        + own
        + [accuse(rogue.key, record, s) for record in about for s in (Status.SUSPECT, Status.DEAD)]
    )


def attacked(seed: int) -> tuple[Wire, Box, Box, Box, Anything]:
    """A ring of three that shares something, whose third is not honest, and what it may say."""
    wire, (ann, ben, rogue) = ring(3, seed)
    ann.write("a", b"hello")
    wire.run(5.0)
    # its own engine hears nothing
    wire.silent, wire.udp = (
        (lambda _, to: to is rogue),
        (lambda _, to: to is not rogue),
    )
    structs = [
        *ann.engine.wiring.circle.ring.beliefs.records,
        *ann.engine.node.index.manifests.heads(),
        *(ann.engine.node.roster.records() if ann.engine.node.roster else []),
        *signed(rogue, [ann, ben]),
    ]
    known = world(
        ids=[ann.me, ben.me, rogue.me, bytes(32)], labels=["d1", "d2", "d3"], structs=structs
    )
    known["numbers"] += [*ann.links, *(fetch.order for fetch in ann.asked_for(Fetch))]
    return wire, ann, ben, rogue, Anything(seed, known)


def judge(wire: Wire, ann: Box, ben: Box) -> None:
    """Ann is well, and so is what she thinks of Ben."""
    assert not ann.index._database.in_transaction
    wire.run(3.0)
    msgspec.json.encode(ann.engine.view(wire.now))
    msgspec.json.encode(ann.engine.files(""))
    assert ben.me in ann.nodes
    assert ann.me in ben.nodes
    assert not [text for text in ann.told("node_dead") if text.startswith("d2")]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_member_says_anything_on_its_control_link(seed: int) -> None:
    wire, ann, ben, rogue, anything = attacked(seed)
    link = ann.engine.node.peers[rogue.me].link
    assert link is not None
    for _ in range(600):
        ann.hear(MessageHeard(link, anything.message(CONTROL)))
        wire.run(0.001)
    judge(wire, ann, ben)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_member_says_on_its_control_link_what_belongs_elsewhere(seed: int) -> None:
    wire, ann, ben, rogue, anything = attacked(seed)
    link = ann.engine.node.peers[rogue.me].link
    assert link is not None
    before = ann.engine.dispatch.counters.total()
    for catalogue in (PAIRING, CLEAR, SEALED):
        for _ in range(60):
            ann.hear(MessageHeard(link, anything.message(catalogue)))
    assert ann.engine.dispatch.counters.total() > before
    judge(wire, ann, ben)


@pytest.mark.parametrize("seed", SEEDS)
def test_strangers_say_anything_at_the_pairing_door(seed: int) -> None:
    wire, ann, ben, _, anything = attacked(seed)
    for number in range(120):
        link = LinkId(10_000 + number)
        opened = LinkOpened(
            link,
            LinkKind.PAIRING,
            None,
            anything.random.choice(anything.known["addresses"]),
            b"",
            None,
        )
        ann.hear(opened)
        for _ in range(anything.random.randint(0, 4)):
            ann.hear(MessageHeard(link, anything.message(PAIRING)))
        if anything.random.random() < 0.5:
            ann.hear(LinkClosed(link, "gone", clean=False))
    assert ann.asked_for(Drop)
    judge(wire, ann, ben)
    assert ann.engine.node.roster is not None
    assert len(ann.engine.node.roster.members) == 3


@pytest.mark.parametrize("seed", SEEDS)
def test_datagrams_in_clear_are_anything(seed: int) -> None:
    wire, ann, ben, _, anything = attacked(seed)
    for _ in range(300):
        data = msgspec.msgpack.encode(anything.message(CLEAR))
        if anything.random.random() < 0.3:
            data = anything.random.randbytes(anything.random.randint(0, 1400))
        ann.hear(
            DatagramHeard(data, anything.random.choice(anything.known["addresses"]), "unicast")
        )
    judge(wire, ann, ben)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_member_seals_anything(seed: int) -> None:
    wire, ann, ben, rogue, anything = attacked(seed)
    roster = rogue.engine.node.roster
    assert roster is not None
    refused = ann.engine.dispatch.counters["datagrams refused"]
    for _ in range(400):
        rogue.engine.wiring.sealed_datagrams.transmit(anything.message(SEALED), ann.address)
        sent = next(
            (effect for effect in rogue.engine.node.take() if isinstance(effect, Transmit)), None
        )
        if sent is None:  # too long for a datagram
            continue
        data, chance = bytearray(sent.data), anything.random.random()
        if chance < 0.2:
            data[anything.random.randrange(len(data))] ^= 1 << anything.random.randrange(8)
        elif chance < 0.3:
            inside = anything.random.randbytes(anything.random.randint(0, 300))
            data = bytearray(seal_datagram(roster.group_key, anything.random.randbytes(12), inside))
        for _ in range(1 + (chance > 0.9)):
            ann.hear(DatagramHeard(bytes(data), rogue.address, "unicast"))
        wire.run(0.001)
    assert ann.engine.dispatch.counters["datagrams refused"] > refused
    judge(wire, ann, ben)


@pytest.mark.parametrize("seed", range(6))
def test_facts_about_nothing_and_facts_told_twice(seed: int) -> None:
    wire, ann, ben, _, anything = attacked(seed)
    # these would be true
    honest = {
        events.LeaveAsked,
        events.LinkClosed,
        events.LinkOpened,
        events.MessageHeard,
    }
    kinds = [kind for kind in get_args(events.Event) if kind not in honest]
    for _ in range(500):
        event = anything.event(anything.random.choice(kinds))
        for _ in range(1 + (anything.random.random() < 0.2)):
            ann.hear(event)
        if anything.random.random() < 0.1:
            wire.run(0.01)
    ann.hear(events.ShareSeen(present=True, reason=""))
    ann.hear(
        events.InterfacesSeen((events.Interface("eth0", ann.address.host, "10.0.0.255", 24),), ())
    )
    judge(wire, ann, ben)


@pytest.mark.parametrize("seed", SEEDS)
def test_links_that_never_were(seed: int) -> None:
    wire, ann, ben, rogue, anything = attacked(seed)
    used = {*ann.links}
    for _ in range(200):
        link = LinkId(anything.random.choice([5_000, 5_001, 5_002]))
        event: Any = anything.random.choice(
            [
                LinkClosed(link, "gone", clean=False),
                MessageHeard(link, anything.message(CONTROL)),
                LinkOpened(
                    link,
                    LinkKind.CONTROL,
                    rogue.me,
                    rogue.address,
                    rogue.engine.node.instance,
                    None,
                ),
                LinkOpened(link, LinkKind.CONTROL, DeviceId(bytes(32)), rogue.address, b"", None),
            ]
        )
        assert link not in used
        ann.hear(event)
    judge(wire, ann, ben)


@pytest.mark.parametrize("seed", SEEDS)
def test_anybody_in_the_group_asks_for_anything(seed: int) -> None:
    wire, ann, ben, rogue, anything = attacked(seed)
    for number in range(400):
        request = events.RequestId(100_000 + number)
        message = anything._value(get_args(BulkRequest)[number % 4])
        asker = anything.random.choice(anything.known["ids"])
        rogue_heard = events.RequestHeard(request, DeviceId(asker), message)
        ann.asked[request] = (rogue, events.OrderId(0), None)
        ann.hear(rogue_heard)
        wire.run(0.003)
        assert request not in ann.asked, "every request has its answer"
    judge(wire, ann, ben)
