"""The circle: the ring and its probing, joined to links and datagrams.

Strategy: core/ring/ring.py decides what is believed, core/ring/probing.py whom to probe; neither
knows the other. This part carries facts to both and their wishes out: a probe's first try is a
sealed datagram, its second goes over the control link as well; an answer returns the way the
question came. Whatever a device says, on any path and about anything, is a sign of life
(`on_heard`, called by engine/dispatch.py before the message goes where it belongs).

Guarantees: every node the ring believes in and that is not linked is wanted by discovery; a device
that is believed DEAD is dialled again now and then, since without that two halves of a ring would
never meet again. Limits: one datagram carries at most four records; more news travels by UPDATE and
SYNC.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from potluck.core import limits
from potluck.core.chance import draw_index
from potluck.core.keys.identity import DeviceId, Verifier
from potluck.core.ring.beliefs import Kinship
from potluck.core.ring.members import IN_RING
from potluck.core.ring.probing import (
    Answered,
    AskHelper,
    Probe,
    Probing,
    ProbingAction,
    Unreachable,
)
from potluck.core.ring.ring import Changed, Ring, RingAction, RingMessage, Say
from potluck.core.wire.catalogue import (
    Address,
    Beacon,
    MemberRecord,
    Message,
    Ping,
    Pong,
    ProbeFor,
    ProbeResult,
    Status,
    Unknown,
    Update,
)
from potluck.engine.node import Node
from potluck.engine.ring.discovery import Discovery
from potluck.engine.ring.sealed_datagrams import SealedDatagrams

DEAD_SHOWN_S = 1.0  # between two times that a device with a link is shown that it is believed DEAD

ProbeMessage = Ping | Pong | ProbeFor | ProbeResult


class Circle:
    """One node's place in the ring."""

    def __init__(self, node: Node, discovery: Discovery, sealed_datagrams: SealedDatagrams) -> None:
        """Begin as a ring of one; `restart` when the group is another one."""
        self._node, self._discovery, self._sealed_datagrams = node, discovery, sealed_datagrams
        self.heads_digest = b""  # of the manifests held here, given by the engine: probes carry it
        self.restart()

    def __repr__(self) -> str:
        """Say where this node stands in the ring."""
        nodes, number = len(self.ring.nodes()), number_in(self.ring, self._node.me)
        return f"<Circle number={number}, nodes={nodes}, lateness={self.probing.lateness:.1f}>"

    def restart(self) -> None:
        """Forget the ring: this device is in another group now."""
        node = self._node
        verifier: Verifier = node.roster.verify if node.roster else _nobody
        apart: Kinship = node.roster.are_apart if node.roster else _nobody
        self.ring = Ring(node.key, verifier, apart, node.instance, node.chance)
        self.probing = Probing(node.me, node.chance)
        self._dead_s = node.now + limits.DEAD_PROBE_S
        self._shown_s = node.now
        self.on_addresses(self._discovery.own_addresses)

    # -- facts -------------------------------------------------------------------------------------
    def on_linked(self, device: DeviceId) -> None:
        """A control link to a member is open."""
        self._carry(self.probing.on_heard(device, self._node.now))
        self._do(self.ring.on_link_opened(device, self._node.now))

    def on_unlinked(self, device: DeviceId, *, clean: bool) -> None:
        """A control link is gone; without BYE its process probably is too."""
        self.ring.on_link_closed(device)
        if not clean:
            self._do(self.ring.on_unreachable(device, self._node.now, process_gone=True))

    def on_heard(self, device: DeviceId, message: Message | Unknown) -> None:
        """A member said something, whatever it is: that answers every open probe to it."""
        if isinstance(message, Pong):  # its time tells how far away the other side is
            self._carry(self.probing.on_answer(device, message.sequence, self._node.now))
        else:
            self._carry(self.probing.on_heard(device, self._node.now))

    def on_message(self, device: DeviceId, message: RingMessage) -> None:
        """One of the ring's own messages came."""
        self._do(self.ring.on_message(device, message, self._node.now))

    def on_probe(self, device: DeviceId, message: ProbeMessage, source: Address | None) -> None:
        """A probe, or an answer to one, came: by datagram from `source`, or over the link."""
        now = self._node.now
        match message:
            case Ping(sequence, digest, _, records):
                self._do(self.ring.on_records(device, records, digest, now))
                news = _news_for(device, self.ring)
                pong = Pong(sequence, self.ring.digest, self.heads_digest, news)
                if source is None:  # the answer goes the way the question came
                    self._node.say(device, pong)
                else:
                    self._sealed_datagrams.send(device, pong, source)
            case Pong(_, digest, _, records):
                self._do(self.ring.on_records(device, records, digest, now))
            case ProbeFor(sequence, target):
                self._carry(self.probing.on_probe_asked(device, sequence, DeviceId(target), now))
            case ProbeResult(_, target):
                self._carry(self.probing.on_helper_answer(DeviceId(target), now))
            case _:
                assert_never(message)

    def on_digest(self, device: DeviceId, digest: bytes) -> None:
        """A beacon told another node's digest."""
        self._do(self.ring.on_records(device, [], digest, self._node.now))

    def on_addresses(self, addresses: Sequence[Address]) -> None:
        """Our own addresses are these now."""
        self._do(self.ring.on_addresses(list(addresses)))

    def on_refused(self, device: DeviceId) -> None:
        """A dial found the host and nobody listening."""
        self._do(self.ring.on_unreachable(device, self._node.now, process_gone=True))

    def leave(self) -> None:
        """Say farewell."""
        self._do(self.ring.leave())

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float:
        """Return when `on_tick` must be called next."""
        times = [self.probing.deadline(), self._dead_s]
        ring = self.ring.deadline()
        return min([*times, ring] if ring is not None else times)

    def on_tick(self) -> None:
        """Probe, judge, retry."""
        now = self._node.now
        if self.ring.left:
            return
        self.probing.on_ring([DeviceId(record.device) for record in self.ring.nodes()])
        self._carry(self.probing.on_tick(now))
        self.ring.on_lateness(self.probing.lateness)
        self._do(self.ring.on_tick(now))
        if now >= self._shown_s:
            self._shown_s = now + DEAD_SHOWN_S
            for device, update in _dead_of(self.ring, self._node.linked()):
                self._node.say(device, update)
        if now >= self._dead_s:
            self._dead_s = now + limits.DEAD_PROBE_S
            dead = sorted(r.device for r in self.ring.beliefs.records if r.status is Status.DEAD)
            if dead:
                self._discovery.again(DeviceId(dead[draw_index(self._node.chance, len(dead))]))

    # -- reading -----------------------------------------------------------------------------------
    def last(self) -> DeviceId:
        """Return the node before us; ourselves in a ring of one."""
        nodes = self.ring.nodes()
        return DeviceId(nodes[((number_in(self.ring, self._node.me) or 0) - 1) % len(nodes)].device)

    def gone(self, device: DeviceId) -> bool:
        """Say whether a device left, or answers nobody any more, whatever links there still are."""
        record = self.ring.beliefs.get(device)
        return record is not None and record.status not in IN_RING

    def beacon(self) -> Beacon:
        """Return what this device says of itself: where it listens, how it sees the ring."""
        port, ring = self._node.settings.port, self.ring
        return Beacon(port, ring.beliefs.own.incarnation, ring.digest, len(ring.nodes()))

    # -- acting ------------------------------------------------------------------------------------
    def _do(self, actions: Sequence[RingAction]) -> None:
        for action in actions:
            if isinstance(action, Say):
                self._node.say(action.to, action.message)
            else:
                self.on_changed(action)

    def on_changed(self, change: Changed) -> None:
        """Follow what the ring believes: whom to dial, whom to probe no more, what people hear."""
        node, device = self._node, change.device
        if device == node.me:
            return
        record, label = self.ring.beliefs.get(device), node.label_of(device)
        if record is not None:
            self._discovery.on_told(device, record.addresses)
        if change.after in IN_RING:
            if change.before not in IN_RING:
                node.tell("node_joined", f"{label} is here", subject=label)
            return
        self.probing.forget(device)
        if change.before in IN_RING:
            how = "left" if change.after is Status.LEFT else "is gone (no answer)"
            node.tell(f"node_{change.after}", f"{label} {how}", subject=label)

    def _carry(self, actions: Sequence[ProbingAction]) -> None:
        for action in actions:
            match action:
                case Probe(to, sequence, again):
                    news = _news_for(to, self.ring)
                    ping = Ping(sequence, self.ring.digest, self.heads_digest, news)
                    self._sealed_datagrams.send(to, ping)
                    if again:
                        self._node.say(to, ping)
                case AskHelper(to, sequence, target):
                    self._sealed_datagrams.send(to, ProbeFor(sequence, target))
                    self._node.say(to, ProbeFor(sequence, target))
                case Answered(to, sequence, target):
                    self._sealed_datagrams.send(to, ProbeResult(sequence, target))
                    self._node.say(to, ProbeResult(sequence, target))
                case Unreachable(device):
                    now = self._node.now
                    self._do(self.ring.on_unreachable(device, now, process_gone=False))
                case _:
                    assert_never(action)


def forget_former(circle: Circle, node: Node) -> None:
    """The group has other members: whoever is none any more is no node, and is believed nothing."""
    members = {node.me, *(node.roster.members if node.roster else ())}
    for record in circle.ring.beliefs.records:
        if record.device not in members:
            circle.probing.forget(DeviceId(record.device))
    for news in circle.ring.beliefs.keep(members, node.now):
        device = DeviceId(news.record.device)
        if device in node.linked():  # else it is wanted and probed, and no more is known
            circle.on_changed(Changed(device, news.before, news.record.status))


def _dead_of(ring: Ring, linked: Sequence[DeviceId]) -> list[tuple[DeviceId, Update]]:
    """Return who is believed DEAD and is linked all the same, with what it can answer."""
    records = [r for r in map(ring.beliefs.get, linked) if r is not None]
    dead = [record for record in records if record.status is Status.DEAD]
    return [(DeviceId(record.device), Update([record], ring.digest)) for record in dead]


def number_in(ring: Ring, device: DeviceId) -> int | None:
    """Return a device's node number, None if it is not in the ring."""
    found = (number for number, record in enumerate(ring.nodes()) if record.device == device)
    return next(found, None)


def _news_for(device: DeviceId, ring: Ring) -> list[MemberRecord]:
    """Return what that node must know at once: that it is accused, so that it can answer."""
    record = ring.beliefs.get(device)
    return [record] if record is not None and record.status is not Status.ALIVE else []


def _nobody(*_: object, **__: object) -> bool:
    """Without a group verify nothing and hold nobody apart: one believes nobody but oneself."""
    return False
