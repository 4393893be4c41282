"""The ring: a circular doubly linked list of nodes that nobody negotiates.

Strategy. Each node keeps one map of member records (core/beliefs.py) and *derives* the ring from
it: members that are ALIVE or SUSPECT, sorted by (seat, device id). Node number = index, so numbers
are 0..N-1 in every view by construction; last and next are the neighbours in the circle; node 0 is
index 0. What remains to be shown is that maps converge, and merging maps is algebra. The seed's
messages are fast hints that carry records and the digest after them:

    JOIN       give me a seat            -> WELCOME from node 0, REDIRECT from anybody else
    UPDATE     these records are new     -> merge; if digests then differ, SYNC
    DECREMENT  that node left or died    -> merge; higher numbers fall by one, because everyone derives them
    SYNC       all I know                -> merge, answer in kind

Joining, two first starters and two rings that meet again are one operation: the union of two maps.
A node without a seat is a ring of one, and nobody is told its record. It asks its contact; if node
0 stays silent for half a second the contact admits as deputy (a second JOIN is the sign of that);
if nobody answers at all, the joiner takes the seat after the largest it has heard of. Of two nodes
without a seat the one with the smaller id founds the ring.

Guarantees: the node is in its own ring; next(last(x)) = x; a JOIN repeated gets the same seat;
digests that differ between two linked nodes lead to a SYNC within two sights of each other.
Liveness needs a network that delivers now and then. Limits: a full view, meant for some hundred
nodes; above 32 an UPDATE goes to last, next and three others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

from potluck.core import limits
from potluck.core.keys.identity import DeviceId, Signer, Verifier
from potluck.core.ring.beliefs import Beliefs, News
from potluck.core.ring.members import IN_RING, digest_of, is_valid
from potluck.core.ring.seats import Seats
from potluck.core.wire.catalogue import (
    Address,
    Decrement,
    Join,
    MemberRecord,
    Redirect,
    Status,
    Sync,
    Update,
    Welcome,
)

RingMessage = Join | Redirect | Welcome | Update | Decrement | Sync


class Chance(Protocol):
    """Where randomness comes from; seeded in tests."""

    def bytes(self, count: int) -> bytes:
        """Return `count` random bytes."""

    def uniform(self, low: float, high: float) -> float:
        """Return a number between `low` and `high`."""


@dataclass(frozen=True, slots=True)
class Say:
    """Send this to that device over its control link."""

    to: DeviceId
    message: RingMessage


@dataclass(frozen=True, slots=True)
class Changed:
    """What is believed of one node is not what it was."""

    device: DeviceId
    before: Status | None
    after: Status


RingAction = Say | Changed


class Ring:
    """One node's ring, and what it says to the others about it."""

    def __init__(self, signer: Signer, verifier: Verifier, instance: bytes, chance: Chance) -> None:
        """Start as a ring of one without a seat."""
        self.me = signer.device
        self.seated = False
        self.left = False
        self.beliefs = Beliefs(signer, verifier, instance)
        self._verifier, self._chance = verifier, chance
        self._links: set[DeviceId] = set()
        self._seats = Seats()
        # whom this search for a seat was sent to: once each
        self._redirected: set[DeviceId] = set()
        self._synced_s: dict[DeviceId, float] = {}
        self._contact: DeviceId | None = None
        self._join_s: float | None = None  # when to ask (again) for a seat
        self._give_up_s = 0.0  # when to stop asking and take one

    def nodes(self) -> list[MemberRecord]:
        """Return the ring in the order of node numbers; a node without a seat is alone in its ring."""
        return self.beliefs.ring() if self.seated else [self.beliefs.own]

    @property
    def digest(self) -> bytes:
        """The digest of the ring, 8 bytes."""
        return digest_of(self.nodes())

    # -- facts -------------------------------------------------------------------------------------
    def on_link_opened(self, device: DeviceId, now: float) -> list[RingAction]:
        """A control link is there: ask for a seat, or say that I am in the ring."""
        self._links.add(device)
        if self.left:
            return []
        if self.seated:
            return [Say(device, Update([self.beliefs.own], self.digest))]
        return self._look_for_seat(device, now)

    def on_link_closed(self, device: DeviceId) -> None:
        """A control link is gone; what that means for the node at its other end is for watching to
        say.
        """
        self._links.discard(device)
        self._synced_s.pop(device, None)
        if self._contact == device:
            self._contact = min(self._links, default=None)

    def on_message(self, sender: DeviceId, message: RingMessage, now: float) -> list[RingAction]:
        """Take one of the ring's messages."""
        if self.left:
            return []
        match message:
            case Join(record):
                return self._on_join(sender, record, now)
            case Redirect(device):
                actions = self._on_redirect(DeviceId(device))
            case Welcome(seat, records):
                actions = self._tell(
                    self.beliefs.merge(self._plausible(records), now)
                ) + self._take_seat(seat)
            case Sync(records, _, reply):
                actions = self._tell(self.beliefs.merge(self._plausible(records), now))
                if reply and self.seated:
                    actions += _say_all(sender, self.beliefs.records, self.digest, reply=False)
            case Decrement(record, _, digest):
                actions = self.on_records(sender, [record], digest, now)
            case Update(records, digest):
                actions = self.on_records(sender, records, digest, now)
                if not self.seated:
                    actions += self._look_for_seat(sender, now)
            case _:
                assert_never(message)
        return actions

    def on_records(
        self, sender: DeviceId, records: Sequence[MemberRecord], digest: bytes, now: float
    ) -> list[RingAction]:
        """Take records and the sender's digest, from an UPDATE or a probe.

        Where digests then differ, maps are pushed and pulled: at the first sight of it, later half
        the time (both sides see the difference) and never twice within SYNC_S.
        """
        actions = self._tell(self.beliefs.merge(self._plausible(records), now))
        apart = self.seated and not self.left and sender in self._links and digest != self.digest
        if not apart or now - self._synced_s.get(sender, -limits.SYNC_S) < limits.SYNC_S:
            return actions
        if sender in self._synced_s and self._chance.uniform(0.0, 1.0) < 0.5:
            return actions
        self._synced_s[sender] = now
        return actions + _say_all(sender, self.beliefs.records, self.digest, reply=True)

    def on_unreachable(
        self, device: DeviceId, now: float, *, process_gone: bool
    ) -> list[RingAction]:
        """Watching found nobody there; a closed or refused connection is stronger evidence than
        silence.
        """
        return (
            []
            if self.left
            else self._tell(self.beliefs.suspect(device, now, process_gone=process_gone))
        )

    def on_addresses(self, addresses: Sequence[Address]) -> list[RingAction]:
        """The own addresses changed."""
        own = self.beliefs.own
        if self.left or list(addresses) == own.addresses:
            return []
        self.beliefs.write(addresses, own.incarnation + 1, own.seat, Status.ALIVE)
        return self._spread(Update([self.beliefs.own], self.digest)) if self.seated else []

    def leave(self) -> list[RingAction]:
        """Say farewell to everybody; nothing is said afterwards."""
        own, number = self.beliefs.own, self.nodes().index(self.beliefs.own)
        self.beliefs.write(own.addresses, own.incarnation + 1, own.seat, Status.LEFT)
        self.left = True
        return self._spread(Decrement(self.beliefs.own, number, self.digest)) if self.seated else []

    # -- time --------------------------------------------------------------------------------------
    def on_lateness(self, lateness: float) -> None:
        """This node's own ticks come so late (1.0: in time): all patience stretches by it."""
        self.beliefs.lateness = lateness

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times = [self._join_s, self.beliefs.deadline()]
        return min((time for time in times if time is not None), default=None)

    def on_tick(self, now: float) -> list[RingAction]:
        """Do what is due: end suspicions, forget the long dead, ask for a seat again."""
        if self.left:
            return []
        actions = self._tell(self.beliefs.on_tick(now))
        if self._join_s is None or self._join_s > now:
            return actions
        if now >= self._give_up_s:
            return actions + self._take_seat()
        self._join_s = None if self._contact is None else now + limits.DEPUTY_S
        return (
            actions
            if self._contact is None
            else [*actions, Say(self._contact, Join(self.beliefs.own))]
        )

    # -- a seat ------------------------------------------------------------------------------------
    def _look_for_seat(self, contact: DeviceId, now: float) -> list[RingAction]:
        if self._join_s is None:
            self._give_up_s = now + 4 * limits.DEPUTY_S
            self._redirected.clear()
        if self._contact is None:
            self._contact = contact
        self._join_s = now
        return self.on_tick(now)

    def _on_redirect(self, node_0: DeviceId) -> list[RingAction]:
        """Ask node 0. If there is no link to it, the contact will admit as deputy at the next JOIN."""
        if self.seated or node_0 not in self._links or node_0 in self._redirected:
            return []
        self._redirected.add(node_0)
        return [Say(node_0, Join(self.beliefs.own))]

    def _on_join(self, sender: DeviceId, record: MemberRecord, now: float) -> list[RingAction]:
        if record.device != sender or not is_valid(record, self._verifier):
            return []
        if not self.seated and sender < self.me:
            return []  # two first starters: the smaller id founds the ring, the other asks it
        actions = self._take_seat(1)
        node_0 = self.nodes()[0]
        seat = self._seats.promise(
            sender, self.nodes(), now, admits=node_0.device in (self.me, sender)
        )
        if seat == 0:
            return [*actions, Say(sender, Redirect(node_0.device, node_0.addresses))]
        first, *more = _pages(self.beliefs.records)
        pages = [Say(sender, Sync(page, self.digest, reply=False)) for page in more]
        return [*actions, *pages, Say(sender, Welcome(seat, first))]

    def _take_seat(self, promised: int = 0) -> list[RingAction]:
        """Sit down once: where it was promised, unless that is far beyond all others, where nobody
        would believe me.
        """
        if self.seated:
            return []
        own, ring = self.beliefs.own, self.beliefs.ring()
        free = self._seats.free([record for record in ring if record.device != self.me])
        seat = promised if 0 < promised <= free + limits.SEAT_GAP else free
        self.seated, self._join_s = True, None
        self.beliefs.write(own.addresses, own.incarnation + 1, seat, Status.ALIVE)
        changed = Changed(self.me, None, Status.ALIVE)
        return [changed, *self._spread(Update([self.beliefs.own], self.digest))]

    # -- telling -----------------------------------------------------------------------------------
    def _plausible(self, records: Sequence[MemberRecord]) -> list[MemberRecord]:
        """Leave out seats far beyond all others: a lie or a wreck. Without a view there is nothing
        to compare with.
        """
        highest = max(record.seat for record in self.beliefs.records) + limits.SEAT_GAP
        return [record for record in records if not self.seated or record.seat <= highest]

    def _tell(self, news: list[News]) -> list[RingAction]:
        """Pass on what was new here, and say what changed."""
        actions: list[RingAction] = [
            Changed(DeviceId(item.record.device), item.before, item.record.status)
            for item in news
            if item.before is not item.record.status
        ]
        for item in news:
            self._seats.settle(DeviceId(item.record.device))
        if not news or not self.seated:
            return actions
        ended = len(news) == 1 and news[0].record.status not in IN_RING
        records = [item.record for item in news]
        if ended:
            return actions + self._spread(
                Decrement(records[0], max(news[0].old_number, 0), self.digest)
            )
        for page in _pages(records):
            actions += self._spread(Update(page, self.digest))
        return actions

    def _spread(self, message: Update | Decrement) -> list[RingAction]:
        """To everybody; in a large ring to last, next and three others."""
        linked, nodes = sorted(self._links), [record.device for record in self.nodes()]
        if len(nodes) > limits.UPDATE_ALL and self.me in nodes:
            number = nodes.index(self.me)
            chosen = {nodes[number - 1], nodes[(number + 1) % len(nodes)]}
            chosen |= {
                linked[int(self._chance.uniform(0, len(linked) - 1e-9))]
                for _ in range(3 if linked else 0)
            }
            linked = [device for device in linked if device in chosen]
        return [Say(device, message) for device in linked]


def _pages(records: list[MemberRecord]) -> list[list[MemberRecord]]:
    """Cut records, at least one, into parts that fit a control frame whatever they hold."""
    return [
        records[at : at + limits.SYNC_RECORDS] for at in range(0, len(records), limits.SYNC_RECORDS)
    ]


def _say_all(
    to: DeviceId, records: list[MemberRecord], digest: bytes, *, reply: bool
) -> list[RingAction]:
    """Push a whole map; the last page asks for an answer."""
    *first, last = _pages(records)
    return [
        *(Say(to, Sync(page, digest, reply=False)) for page in first),
        Say(to, Sync(last, digest, reply)),
    ]
