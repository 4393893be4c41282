"""The circle: ring and probing of whole engines on a fake wire, and what no network does."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.group.statements import Remove, sign_removal
from potluck.core.ring.members import accuse, write_record
from potluck.core.ring.probing import Answered, AskHelper, Probe, Unreachable
from potluck.core.ring.ring import Changed
from potluck.core.wire.catalogue import (
    Address,
    Heads,
    Message,
    Ping,
    Pong,
    ProbeFor,
    ProbeResult,
    Redirect,
    Status,
    Sync,
    Unknown,
    Update,
)
from potluck.engine.effects import Dial, Send, Tell, Transmit
from potluck.engine.events import InterfacesSeen, LeaveAsked, LinkId, MessageHeard
from potluck.engine.ring.circle import Circle, forget_former, number_in
from potluck.engine.ring.discovery import Discovery
from potluck.engine.ring.sealed_datagrams import SealedDatagrams
from tests.engine.builders import address, group, key, node, taken
from tests.engine.listeners import Heard
from tests.engine.wire import Box, one_ring, ring

BEN, CLEO = key(2).device, key(3).device


def said(box: Box, kind: type, since: float = 0.0) -> list:
    """The messages of a kind a device sent over links."""
    return [send.message for send in box.asked_for(Send, since) if isinstance(send.message, kind)]


def number(box: Box) -> int | None:
    """Where a device stands in its own view of the ring."""
    return number_in(box.engine.wiring.circle.ring, box.me)


def test_two_become_a_ring_and_each_is_last_and_next_of_the_other() -> None:
    wire, (ann, ben) = ring(2)
    assert wire.now < 2.0
    assert ann.nodes == ben.nodes
    assert {number(box) for box in (ann, ben)} == {0, 1}
    assert ann.engine.wiring.circle.last() == ben.me
    assert ann.told("node_joined") == ["d2 is here"]


def test_alone_last_is_oneself_and_a_stranger_has_no_number() -> None:
    _, (ann,) = ring(1)
    assert ann.engine.wiring.circle.last() == ann.me
    assert number_in(ann.engine.wiring.circle.ring, key(9).device) is None


@pytest.mark.parametrize("seed", range(3))
def test_a_joiner_is_sent_on_to_node_0_or_admitted_by_its_deputy(seed: int) -> None:
    wire, boxes = ring(3, seed)
    boxes.append(wire.add(4))
    assert wire.run(20.0, lambda: one_ring(boxes))
    numbers = [number(box) for box in boxes]
    assert sorted(number for number in numbers if number is not None) == [0, 1, 2, 3]


def test_a_node_that_is_not_node_0_redirects() -> None:
    wire, boxes = ring(2)
    first = next(box for box in boxes if number(box) == 0)
    wire.udp = lambda a, b: first not in {a, b}  # the newcomer meets the other one first
    boxes.append(wire.add(3, open_s=float("inf")))
    assert wire.run(
        30.0, lambda: len({tuple(box.nodes) for box in boxes}) == 1 and len(boxes[-1].nodes) == 3
    )
    assert any(said(box, Redirect) for box in boxes if box is not first)


def test_a_leaver_is_gone_at_once_and_the_others_move_up() -> None:
    wire, boxes = ring(3)
    first = next(box for box in boxes if number(box) == 0)
    others = [box for box in boxes if box is not first]
    first.hear(LeaveAsked())
    at = wire.now
    assert wire.run(1.0, lambda: first.left)
    assert wire.now - at <= 0.21
    wire.run(0.05)
    assert all(box.status(first) is Status.LEFT for box in others)
    assert all(box.engine.wiring.circle.gone(first.me) for box in others)
    assert not any(box.engine.wiring.circle.gone(others[0].me) for box in others)
    assert {number(box) for box in others} == {0, 1}
    assert all(box.told("node_left") == [f"{first.label} left"] for box in others)
    wire.run(20.0)
    assert not any(box.told("node_dead") for box in others)


@pytest.mark.parametrize("count", [2, 3])
def test_a_crashed_node_is_dead_within_half_a_second_and_comes_back_as_itself(count: int) -> None:
    wire, (victim, *others) = ring(count)
    wire.run(3.0)
    at = wire.now
    victim.crash()
    assert wire.run(2.0, lambda: all(box.status(victim) is Status.DEAD for box in others))
    assert wire.now - at < 0.5
    assert all(len(box.told("node_dead")) == 1 for box in others)
    assert all("gone (no answer)" in box.told("node_dead")[0] for box in others)
    again = wire.again(victim)
    assert wire.run(20.0, lambda: one_ring([again, *others]))


def test_where_datagrams_are_blocked_everybody_stays_alive() -> None:
    wire, boxes = ring(3)
    wire.udp = lambda *_: False
    wire.run(30.0)
    assert one_ring(boxes)
    assert not any(box.told("node_dead") for box in boxes)
    assert said(boxes[0], Ping)
    assert said(boxes[0], Pong)


def test_where_links_are_silent_datagrams_keep_everybody_alive() -> None:
    wire, boxes = ring(3)
    wire.run(1.0)
    wire.silent = lambda *_: True
    wire.run(30.0)
    assert one_ring(boxes)
    assert not any(box.told("node_dead") for box in boxes)


def test_a_third_node_vouches_for_two_that_cannot_hear_each_other() -> None:
    wire, (ann, ben, cleo) = ring(3)
    wire.run(1.0)
    wire.udp = lambda a, b: {a, b} != {ann, ben}
    wire.silent = lambda a, b: {a, b} == {ann, ben}
    wire.run(20.0)
    assert ann.status(ben) is ben.status(ann) is Status.ALIVE
    assert said(ann, ProbeFor)
    assert said(cleo, ProbeResult)


def test_a_suspect_that_hears_of_it_proves_that_it_lives() -> None:
    wire, (ann, ben, cleo) = ring(3)
    wire.run(1.0)
    before = ann.believes(ben)
    wire.udp = lambda a, b: ben not in {a, b}
    wire.silent = lambda a, b: ben in {a, b}
    assert wire.run(5.0, lambda: ann.status(ben) is Status.SUSPECT)
    wire.udp, wire.silent = (lambda *_: True), (lambda *_: False)
    assert wire.run(5.0, lambda: ann.status(ben) is cleo.status(ben) is Status.ALIVE)
    after = ann.believes(ben)
    assert before is not None
    assert after is not None
    assert after.incarnation > before.incarnation
    assert not ann.told("node_dead")


def test_halves_that_cannot_reach_each_other_meet_again() -> None:
    wire, boxes = ring(3)
    wire.run(1.0)
    apart = {boxes[0]}
    wire.udp = lambda a, b: (a in apart) == (b in apart)
    wire.silent = lambda a, b: (a in apart) != (b in apart)
    assert wire.run(20.0, lambda: boxes[1].status(boxes[0]) is Status.DEAD)
    wire.run(15.0)
    assert len(boxes[0].nodes) == 1
    assert len(boxes[1].nodes) == 2
    wire.udp, wire.silent = (lambda *_: True), (lambda *_: False)
    assert wire.run(30.0, lambda: one_ring(boxes))


def test_the_dead_are_dialled_again_now_and_then() -> None:
    wire, (ann, ben) = ring(2)
    wire.udp = lambda *_: False
    ben.crash()
    wire.run(60.0)
    assert ann.status(ben) is Status.DEAD
    dials = [
        at
        for at, effect in ann.done
        if isinstance(effect, Dial) and at > wire.now - 2 * limits.DEAD_PROBE_S
    ]
    assert dials
    assert len(dials) < 10


def test_a_refused_dial_is_strong_evidence() -> None:
    wire, (ann, ben) = ring(2)
    wire.run(1.0)
    ann.engine.wiring.circle.on_refused(ben.me)
    assert ann.status(ben) is Status.SUSPECT
    assert wire.run(1.0, lambda: ann.status(ben) is Status.ALIVE)


def test_new_addresses_are_told_to_everybody() -> None:
    wire, (ann, ben) = ring(2)
    ann.hear(InterfacesSeen((), ()))
    wire.run(0.1)
    record = ben.believes(ann)
    assert record is not None
    assert record.addresses == []


def test_a_beacon_of_a_member_with_another_digest_leads_to_a_sync() -> None:
    wire, (ann, ben) = ring(2)
    wire.run(5.0)
    at = wire.now
    ann.engine.wiring.circle.on_digest(ben.me, b"another")
    link = ann.engine.node.peers[ben.me].link
    assert link is not None
    ann.hear(MessageHeard(link, Update([], b"yet another")))
    assert wire.run(1.0, lambda: any(box.asked_for(Send, at) for box in (ann, ben)))


def test_last_is_the_node_before_in_the_circle() -> None:
    _, boxes = ring(3)
    in_order = sorted(boxes, key=lambda box: number(box) or 0)
    lasts = [box.engine.wiring.circle.last() for box in in_order]
    assert lasts == [in_order[at - 1].me for at in range(3)]


def test_whoever_has_left_and_is_asked_who_was_before_it_names_one_of_the_others() -> None:
    _, (ann, ben) = ring(2)
    ann.engine.wiring.circle.leave()
    assert ann.engine.wiring.circle.last() == ben.me


# -- without a network -----------------------------------------------------------------------------
def alone(others: int = 0, number: int = 1) -> tuple[Circle, Discovery]:
    """A circle of a device in a group with others, of whom nobody is linked."""
    made = node(number)
    made.roster = group(1, *range(2, 2 + others)) if others else None
    sealed_datagrams = SealedDatagrams(made)
    discovery = Discovery(made, sealed_datagrams, Heard())
    return Circle(made, discovery, sealed_datagrams), discovery


def test_without_a_group_nobody_is_believed() -> None:
    circle, _ = alone()
    stranger, _ = alone(1, number=2)
    circle.on_message(key(2).device, Update([stranger.ring.beliefs.own], b""))
    assert [record.device for record in circle.ring.nodes()] == [key(1).device]


@pytest.mark.parametrize("message", [Heads([]), Pong(1, b"", b""), Unknown("from the future")])
def test_whatever_is_heard_answers_every_open_probe(message: Message | Unknown) -> None:
    circle, _ = alone(2)
    circle._node.peer(CLEO).link = LinkId(3)
    circle.on_probe(CLEO, ProbeFor(9, BEN), None)
    taken(circle._node, Send)
    circle.on_heard(BEN, message)
    (answer,) = taken(circle._node, Send)
    assert answer == Send(LinkId(3), ProbeResult(9, BEN))
    circle.on_heard(BEN, message)
    assert circle._node.take() == [], "once"


def test_a_link_that_opens_answers_every_open_probe() -> None:
    circle, _ = alone(2)
    circle._node.peer(CLEO).link = LinkId(3)
    circle.on_probe(CLEO, ProbeFor(9, BEN), None)
    circle.on_linked(BEN)
    assert Send(LinkId(3), ProbeResult(9, BEN)) in circle._node.take()


def test_a_link_that_is_closed_is_no_link_of_the_ring() -> None:
    circle, _ = alone(1)
    circle.on_linked(BEN)
    assert ", 1 links" in repr(circle.ring)
    circle.on_unlinked(BEN, clean=True)
    assert ", 0 links" in repr(circle.ring)


def test_who_is_known_to_be_gone_is_probed_for_nobody() -> None:
    circle, _ = alone(2)
    circle._node.peer(CLEO).link = LinkId(3)
    circle.on_probe(CLEO, ProbeFor(9, BEN), None)
    circle.on_changed(Changed(BEN, Status.ALIVE, Status.DEAD))
    circle._node.take()
    circle.on_heard(BEN, Heads([]))
    assert circle._node.take() == []


@pytest.mark.parametrize("refused", [True, False])
def test_a_refused_dial_leaves_less_time_to_answer_than_silence(refused: bool) -> None:
    _, (ann, ben) = ring(2)
    circle = ann.engine.wiring.circle
    if refused:
        circle.on_refused(ben.me)
    else:
        circle._carry([Unreachable(ben.me)])
    ann.engine.node.now += limits.SUSPICION_FAST_S * circle.probing.lateness
    circle._do(circle.ring.on_tick(ann.engine.node.now))
    assert ann.status(ben) is (Status.DEAD if refused else Status.SUSPECT)


def test_whoever_is_dead_is_dialled_where_it_was_told_to_be_when_it_is_time() -> None:
    circle, _ = alone(1)
    other, _ = alone(1, number=2)
    other.on_addresses([address(2)])
    alive = other.ring.beliefs.own
    circle.on_message(BEN, Update([alive], b""))
    circle.on_refused(BEN)
    circle._node.now = limits.SUSPICION_FAST_S
    circle.on_tick()
    sighting = circle._node.address_book.known[BEN]
    assert sighting.addresses == [address(2)]
    circle._node.now = limits.DEAD_PROBE_S
    circle.on_tick()
    assert sighting.next_s == limits.DEAD_PROBE_S


def test_who_comes_late_itself_has_more_patience_with_the_others() -> None:
    circle, _ = alone(1)
    circle.on_tick()
    circle._node.now = circle.deadline() + limits.PROBE_TIMEOUT_MIN_S
    circle.on_tick()
    assert circle.ring.beliefs.lateness == circle.probing.lateness == pytest.approx(2.0)


def test_only_a_pong_tells_how_far_away_the_other_side_is() -> None:
    circle, _ = alone(1)
    circle._carry([circle.probing._probe(BEN, 0.0)])
    circle._node.now = 0.03
    circle.on_heard(BEN, Pong(1, b"", b""))
    assert circle.probing._round_trip_s == {BEN: 0.03}


def accused(box: Box, other: Box) -> Circle:
    """The circle of a device that believes another one to be gone, driven by hand from now on."""
    circle = box.engine.wiring.circle
    circle.on_refused(other.me)
    box.engine.node.take()
    return circle


def test_a_ping_and_its_answer_tell_the_accused_that_it_is_accused() -> None:
    _, (ann, ben) = ring(2)
    circle = accused(ann, ben)
    circle._carry([Probe(ben.me, 99, again=True)])
    circle.on_probe(ben.me, Ping(1, b"", b""), None)
    said = [send.message for send in taken(ann.engine.node, Send)]
    news = [message.records for message in said if isinstance(message, Ping | Pong)]
    assert [[(r.device, r.status) for r in records] for records in news] == [
        [(ben.me, Status.SUSPECT)]
    ] * 2


def test_a_ping_and_its_answer_carry_the_digest_of_what_is_held_here() -> None:
    circle, _ = alone(1)
    circle._node.peer(BEN).link = LinkId(2)
    circle.heads_digest = b"heads"
    circle._carry([Probe(BEN, 99, again=True)])
    circle.on_probe(BEN, Ping(1, b"", b""), None)
    said = [send.message for send in taken(circle._node, Send)]
    probes = [message for message in said if isinstance(message, Ping | Pong)]
    assert [message.heads for message in probes] == [b"heads"] * 2


def test_who_is_not_accused_is_told_nothing() -> None:
    _, (ann, ben) = ring(2)
    ann.engine.node.take()
    ann.engine.wiring.circle._carry([Probe(ben.me, 99, again=True)])
    (ping,) = [send.message for send in taken(ann.engine.node, Send)]
    assert isinstance(ping, Ping)
    assert ping.records == []


@pytest.mark.parametrize("kind", [Ping, Pong])
def test_the_records_of_a_ping_or_its_answer_are_heard(kind: type[Ping | Pong]) -> None:
    _, (ann, ben) = ring(2)
    before = ben.engine.wiring.circle.ring.beliefs.own
    accusation = accuse(ann.key, before, Status.SUSPECT)
    ben.engine.wiring.circle.on_probe(ann.me, kind(1, b"", b"", [accusation]), None)
    assert ben.engine.wiring.circle.ring.beliefs.own.incarnation > before.incarnation


@pytest.mark.parametrize("way", ["ping", "beacon"])
def test_the_digest_of_a_ping_or_a_beacon_is_heard(way: str) -> None:
    _, (ann, ben) = ring(2)
    node, circle = ben.engine.node, ben.engine.wiring.circle

    def hear(digest: bytes) -> None:
        if way == "ping":
            circle.on_probe(ann.me, Ping(1, digest, b""), None)
        else:
            circle.on_digest(ann.me, digest)

    said: list[Message] = []
    for _ in range(20):  # at each sight, but the first, with a chance of one half
        node.now += limits.SYNC_S
        hear(circle.ring.digest)
        assert not [send for send in taken(node, Send) if isinstance(send.message, Sync)]
        hear(b"another")
        said += [send.message for send in taken(node, Send) if isinstance(send.message, Sync)]
    assert said


def test_it_shows_its_state_in_one_line() -> None:
    _, (ann, ben) = ring(2)
    shown = {repr(box.engine.wiring.circle) for box in (ann, ben)}
    assert shown == {f"<Circle number={n}, nodes=2, lateness=1.0>" for n in (0, 1)}


def test_a_probe_by_datagram_is_answered_where_it_came_from() -> None:
    circle, _ = alone(1)
    circle.on_probe(key(2).device, Ping(7, b"", b""), address(2, 1234))
    (sent,) = taken(circle._node, Transmit)
    assert sent.to == Address("10.0.0.2", 1234)


def test_a_helper_is_asked_and_answers_by_datagram_and_over_the_link() -> None:
    circle, _ = alone(2)
    peer = circle._node.peer(CLEO)
    peer.link, peer.address = LinkId(3), address(3)
    circle._carry([AskHelper(CLEO, 9, BEN), Answered(CLEO, 9, BEN)])
    effects = circle._node.take()
    cleos = node(3)
    cleos.roster = group(1, 2, 3)
    hears = SealedDatagrams(cleos)
    datagrams = [hears.open(sent.data) for sent in effects if isinstance(sent, Transmit)]
    said = [ProbeFor(9, BEN), ProbeResult(9, BEN)]
    assert datagrams == [(key(1).device, message) for message in said]
    assert [sent.message for sent in effects if isinstance(sent, Send)] == said


def test_who_is_known_to_be_gone_is_told_once() -> None:
    circle, _ = alone(1)
    circle.on_changed(Changed(key(2).device, Status.ALIVE, Status.DEAD))
    circle.on_changed(Changed(key(2).device, Status.DEAD, Status.LEFT))
    assert [tell.code for tell in taken(circle._node, Tell)] == ["node_dead"]


def test_after_the_farewell_nothing_is_due() -> None:
    circle, _ = alone(1)
    circle.leave()
    taken(circle._node, Send)
    circle._node.now = 100.0
    circle.on_tick()
    assert circle._node.take() == []


def test_who_is_removed_is_no_node_however_alive() -> None:
    _, (ann, ben, cleo) = ring(3)
    roster = ann.engine.node.roster
    assert roster is not None
    by = next(box for box in (ann, ben, cleo) if box.me == roster.founder)
    out = next(box for box in (ben, cleo) if box is not by)
    said = Remove(roster.group, out.me, [], b"", None, b"", [])
    roster.add(sign_removal(by.key, said, []))
    roster.settle()
    forget_former(ann.engine.wiring.circle, ann.engine.node)
    assert ann.believes(out) is None
    assert len(ann.nodes) == 2
    ann.engine.node.roster = None
    forget_former(ann.engine.wiring.circle, ann.engine.node)
    assert ann.nodes == [ann.me], "without a group there is nobody else"


def test_the_word_of_who_is_removed_is_taken_back_and_only_of_a_link_is_more_known() -> None:
    for linked in (True, False):
        circle, _ = alone(2)
        peer = circle._node.peer(BEN)
        peer.link = LinkId(3) if linked else None
        alive = write_record(key(2), bytes(16), [address(2)], 1, 2, Status.ALIVE)
        circle.on_message(CLEO, Update([accuse(key(3), alive, Status.DEAD)], b""))
        circle._node.take()
        assert circle.gone(BEN)
        circle._node.roster = group(1, 2)
        forget_former(circle, circle._node)
        assert not circle.gone(BEN)
        assert [tell.code for tell in taken(circle._node, Tell)] == ["node_joined"] * linked


def test_who_is_believed_dead_is_shown_it_on_its_link_now_and_then() -> None:
    _, (ann, ben) = ring(2)
    before = ann.believes(ben)
    assert before is not None
    ann.engine.wiring.circle.ring.beliefs._put(accuse(key(9), before, Status.DEAD), ann.wire.now)
    assert ann.wire.run(5.0, lambda: ann.status(ben) is Status.ALIVE)
    after = ann.believes(ben)
    assert after is not None
    assert after.incarnation > before.incarnation
    shown = ann.asked_for(Send, ann.wire.now)
    ann.wire.run(3.0)
    again = ann.asked_for(Send, ann.wire.now - 2.9)
    assert not [send for send in again if isinstance(send.message, Update)], shown
