"""The circle: the ring and its watching, joined to links and datagrams.

Strategy: core/ring.py decides what is believed, core/watching.py whom to probe; neither knows the
other. This part carries facts to both and their wishes out: a probe's first try is a sealed
datagram, its second goes over the control link as well; an answer returns the way the question
came. Whatever a device says on any path counts as a sign of life.

Guarantees: every node the ring believes in and that is not linked is wanted by the meeting; a
device that is believed DEAD is dialled again now and then, since without that two halves of a ring
would never meet again. Limits: one datagram carries at most four records; more news travels by
UPDATE and SYNC.
"""

from __future__ import annotations

from collections.abc import Sequence

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.ring.members import IN_RING
from potluck.core.ring.probing import Answered, AskHelper, Probe, Probing
from potluck.core.ring.probing import ProbingAction as WatchAction
from potluck.core.ring.ring import Changed, Ring, RingAction, RingMessage, Say
from potluck.core.wire.catalogue import (
    Address,
    MemberRecord,
    Message,
    Ping,
    Pong,
    ProbeFor,
    ProbeResult,
    Status,
)
from potluck.engine.node import Node
from potluck.engine.ring.discovery import Discovery
from potluck.engine.ring.sealed_datagrams import SealedDatagrams


class Circle:
    """One node's place in the ring."""

    def __init__(self, node: Node, discovery: Discovery, sealed_datagrams: SealedDatagrams) -> None:
        """Begin as a ring of one; `restart` when the group is another one."""
        self._node, self._discovery, self._sealed_datagrams = node, discovery, sealed_datagrams
        self.heads_digest = b""  # kept current by the exchange, carried by probes
        self.restart()

    def restart(self) -> None:
        """Forget the ring: this device is in another group now."""
        node = self._node
        verifier = node.roster.verify if node.roster else _nobody
        self.ring = Ring(node.key, verifier, node.instance, node.chance)
        self.watching = Probing(node.me, node.chance)
        self._dead_s = node.now + limits.DEAD_PROBE_S
        self.on_addresses(self._discovery.own_addresses)

    # -- facts -------------------------------------------------------------------------------------
    def on_linked(self, device: DeviceId) -> None:
        """A control link to a member is open."""
        self._carry(self.watching.on_heard(device, self._node.now))
        self._do(self.ring.on_link_opened(device, self._node.now))

    def on_unlinked(self, device: DeviceId, *, clean: bool) -> None:
        """A control link is gone; without BYE its process probably is too."""
        self.ring.on_link_closed(device)
        if not clean:
            self._do(self.ring.on_unreachable(device, self._node.now, process_gone=True))

    def on_message(self, device: DeviceId, message: RingMessage) -> None:
        """One of the ring's own messages came."""
        self._carry(self.watching.on_heard(device, self._node.now))
        self._do(self.ring.on_message(device, message, self._node.now))

    def on_probe(self, device: DeviceId, message: Message, source: Address | None) -> None:
        """A probe, or an answer to one, came: by datagram from `source`, or over the link."""
        now = self._node.now
        match message:
            case Ping(sequence, digest, _, records):
                self._carry(self.watching.on_heard(device, now))
                self._do(self.ring.on_records(device, records, digest, now))
                self._reply(
                    device,
                    Pong(sequence, self.ring.digest, self.heads_digest, self._news_for(device)),
                    source,
                )
            case Pong(sequence, digest, _, records):
                self._carry(self.watching.on_answer(device, sequence, now))
                self._do(self.ring.on_records(device, records, digest, now))
            case ProbeFor(sequence, target):
                self._carry(self.watching.on_probe_asked(device, sequence, DeviceId(target), now))
            case ProbeResult(_, target):
                self._carry(self.watching.on_helper_answer(DeviceId(target), now))
            case _:
                raise AssertionError(f"{message!r} is no probe")

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
        times = [self.watching.deadline(), self._dead_s]
        ring = self.ring.deadline()
        return min([*times, ring] if ring is not None else times)

    def on_tick(self) -> None:
        """Probe, judge, retry."""
        now, chance = self._node.now, self._node.chance
        if self.ring.left:
            return
        self.watching.on_ring([DeviceId(record.device) for record in self.ring.nodes()])
        self._carry(self.watching.on_tick(now))
        self.ring.on_lateness(self.watching.lateness)
        self._do(self.ring.on_tick(now))
        if now >= self._dead_s:
            self._dead_s = now + limits.DEAD_PROBE_S
            dead = sorted(r.device for r in self.ring.beliefs.records if r.status is Status.DEAD)
            if dead:
                self._discovery.again(DeviceId(dead[int(chance.uniform(0, len(dead) - 1e-9))]))

    # -- reading -----------------------------------------------------------------------------------
    def number_of(self, device: DeviceId) -> int | None:
        """Return a device's node number, None if it is not in the ring."""
        return next(
            (n for n, record in enumerate(self.ring.nodes()) if record.device == device), None
        )

    def last(self) -> DeviceId:
        """Return the node before us; ourselves in a ring of one."""
        nodes = self.ring.nodes()
        return DeviceId(nodes[((self.number_of(self._node.me) or 0) - 1) % len(nodes)].device)

    # -- acting ------------------------------------------------------------------------------------
    def _do(self, actions: Sequence[RingAction]) -> None:
        for action in actions:
            if isinstance(action, Say):
                self._node.say(action.to, action.message)
            else:
                self._changed(action)

    def _changed(self, change: Changed) -> None:
        """Follow what the ring believes: whom to dial, whom to stop watching, what to tell the
        person.
        """
        node, device = self._node, change.device
        record = self.ring.beliefs.get(device)
        if record is not None and device != node.me:
            self._discovery.on_told(device, record.addresses)
        if device == node.me or change.after in IN_RING:
            if change.before in (None, Status.DEAD, Status.LEFT) and device != node.me:
                node.tell(
                    "node_joined", f"{node.label_of(device)} is here", subject=node.label_of(device)
                )
            return
        self.watching.forget(device)
        if change.before in IN_RING:
            how = "left" if change.after is Status.LEFT else "is gone (no answer)"
            node.tell(
                f"node_{change.after}",
                f"{node.label_of(device)} {how}",
                subject=node.label_of(device),
            )

    def _carry(self, actions: Sequence[WatchAction]) -> None:
        for action in actions:
            match action:
                case Probe(to, sequence, again):
                    ping = Ping(sequence, self.ring.digest, self.heads_digest, self._news_for(to))
                    self._sealed_datagrams.send(to, ping)
                    if again:
                        self._node.say(to, ping)
                case AskHelper(to, sequence, target):
                    self._sealed_datagrams.send(to, ProbeFor(sequence, target))
                    self._node.say(to, ProbeFor(sequence, target))
                case Answered(to, sequence, target):
                    self._sealed_datagrams.send(to, ProbeResult(sequence, target))
                    self._node.say(to, ProbeResult(sequence, target))
                case _:
                    self._do(
                        self.ring.on_unreachable(action.device, self._node.now, process_gone=False)
                    )

    def _reply(self, device: DeviceId, pong: Pong, source: Address | None) -> None:
        """Answer the way the question came."""
        if source is None:
            self._node.say(device, pong)
        else:
            self._sealed_datagrams.send(device, pong, source)

    def _news_for(self, device: DeviceId) -> list[MemberRecord]:
        """Return what that node must know at once: that it is accused, so that it can answer."""
        record = self.ring.beliefs.get(device)
        return [record] if record is not None and record.status is not Status.ALIVE else []


def _nobody(device: DeviceId, purpose: bytes, data: bytes, signature: bytes) -> bool:  # noqa: ARG001 - a Verifier
    """Verify nothing: a device without a group believes nobody but itself."""
    return False
