"""The ring: a circular doubly linked list of nodes that nobody negotiates.

Strategy. Each node keeps one map of member records (core/ring/beliefs.py) and *derives* the ring
from it: members that are ALIVE or SUSPECT, sorted by (seat, device id). Node number = index, so
numbers are 0..N-1 in every view by construction; last and next are the neighbours in the circle;
node 0 is index 0. What remains to be shown is that maps converge, and merging maps is algebra. The
seed's messages are fast hints that carry records and the digest after them:

    JOIN       give me a seat            -> WELCOME from node 0, REDIRECT from anybody else
    UPDATE     these records are new     -> merge; if digests then differ, SYNC
    DECREMENT  that node left or died    -> merge; higher numbers fall by one, as all derive them
    SYNC       all I know                -> merge, answer in kind

Joining, two first starters and two rings that meet again are one operation: the union of two maps.
A node without a seat is a ring of one, and nobody is told its record; how it comes to a seat stands
in core/ring/seat_search.py, which one it gets in core/ring/seats.py. Of two nodes without a seat
the one with the smaller id founds the ring.

Guarantees: the node is in its own ring until it leaves; next(last(x)) = x; a JOIN repeated gets the
same seat; digests that differ between two linked nodes lead to a SYNC within two sights of each
other. Liveness needs a network that delivers now and then. Limits: a full view, meant for some
hundred nodes; above 32 an UPDATE goes to last, next and three others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from potluck.core import limits
from potluck.core.chance import Chance, draw_index
from potluck.core.keys.identity import DeviceId, Signer, Verifier
from potluck.core.ring.beliefs import Beliefs, Kinship, News
from potluck.core.ring.members import IN_RING, digest_of, is_valid
from potluck.core.ring.seat_search import AskForSeat, SeatSearch, TakeSeat
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

    def __init__(
        self, signer: Signer, verifier: Verifier, apart: Kinship, instance: bytes, chance: Chance
    ) -> None:
        """Start as a ring of one without a seat."""
        self.me = signer.device
        self.beliefs = Beliefs(signer, verifier, apart, instance)
        self.left = False
        self._verifier, self._chance = verifier, chance
        self._search, self._seats = SeatSearch(), Seats()
        self._links: set[DeviceId] = set()
        self._synced_s: dict[DeviceId, float] = {}  # the last SYNC with each device that is linked

    def __repr__(self) -> str:
        nodes, links = len(self.nodes()), len(self._links)
        return f"<Ring {self._search.state.name}, left {self.left}, {nodes} nodes, {links} links>"

    # -- reading -----------------------------------------------------------------------------------
    @property
    def seated(self) -> bool:
        """Whether this node has a seat, and the others are told of it."""
        return self._search.seated

    def nodes(self) -> list[MemberRecord]:
        """Return the ring in the order of node numbers; without a seat a node is alone in it."""
        return self.beliefs.ring() if self.seated else [self.beliefs.own]

    @property
    def digest(self) -> bytes:
        """The digest of the ring, 8 bytes."""
        return digest_of(self.nodes())

    # -- links and messages ------------------------------------------------------------------------
    def on_link_opened(self, device: DeviceId, now: float) -> list[RingAction]:
        """A control link is there: ask for a seat, or say that I am in the ring."""
        self._links.add(device)
        if self.left:
            return []
        if self.seated:
            return [Say(device, Update([self.beliefs.own], self.digest))]
        self._search.on_contact(device, now)
        return self.on_tick(now)

    def on_link_closed(self, device: DeviceId) -> None:
        """A control link is gone; what that means for the node behind it is for probing to say."""
        self._links.discard(device)
        self._synced_s.pop(device, None)
        self._search.on_link_closed(device, self._links)

    def on_message(self, sender: DeviceId, message: RingMessage, now: float) -> list[RingAction]:
        """Take one of the ring's messages."""
        if self.left:
            return []
        match message:
            case Join(record):
                actions = self._on_join(sender, record, now)
            case Redirect(device):
                asks = self._search.on_redirect(DeviceId(device), linked=device in self._links)
                actions = [Say(ask.to, Join(self.beliefs.own)) for ask in asks]
            case Welcome(seat, records):
                actions = self._learn(records, now) + self._take_seat(seat)
            case Sync(records, _, reply):
                actions = self._learn(records, now)
                if reply and self.seated:
                    actions += _say_all(sender, self.beliefs.records, self.digest, reply=False)
            case Decrement(record, _, digest):
                actions = self.on_records(sender, [record], digest, now)
            case Update(records, digest):
                actions = self.on_records(sender, records, digest, now)
                if not self.seated:
                    self._search.on_contact(sender, now)
                    actions += self.on_tick(now)
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
        actions = self._learn(records, now)
        apart = self.seated and not self.left and sender in self._links and digest != self.digest
        if not apart or now - self._synced_s.get(sender, -limits.SYNC_S) < limits.SYNC_S:
            return actions
        again = sender in self._synced_s
        if again and self._chance.uniform(0.0, 1.0) < limits.SYNC_CHANCE:
            return actions
        self._synced_s[sender] = now
        return actions + _say_all(sender, self.beliefs.records, self.digest, reply=True)

    # -- facts about nodes -------------------------------------------------------------------------
    def on_unreachable(
        self, device: DeviceId, now: float, *, process_gone: bool
    ) -> list[RingAction]:
        """Nobody is there; a closed or refused connection is stronger evidence than silence."""
        if self.left:
            return []
        return self._tell(self.beliefs.suspect(device, now, process_gone=process_gone))

    def on_lateness(self, lateness: float) -> None:
        """This node's own ticks come so late: all patience stretches by that factor."""
        self.beliefs.lateness = lateness

    def on_addresses(self, addresses: Sequence[Address]) -> list[RingAction]:
        """The own addresses changed."""
        own = self.beliefs.own
        if self.left or list(addresses) == own.addresses:
            return []
        self.beliefs.write(addresses, own.incarnation + 1, own.seat, Status.ALIVE)
        return self._spread(Update([self.beliefs.own], self.digest))

    def leave(self) -> list[RingAction]:
        """Say farewell to everybody; nothing is said afterwards."""
        own, number = self.beliefs.own, self.nodes().index(self.beliefs.own)
        self.beliefs.write(own.addresses, own.incarnation + 1, own.seat, Status.LEFT)
        self.left = True
        return self._spread(Decrement(self.beliefs.own, number, self.digest))

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times = [self._search.deadline(), self.beliefs.deadline()]
        return min((time for time in times if time is not None), default=None)

    def on_tick(self, now: float) -> list[RingAction]:
        """Do what is due: end suspicions, forget the long dead, ask for a seat again."""
        if self.left:
            return []
        actions = self._tell(self.beliefs.on_tick(now))
        for action in self._search.on_tick(now):
            match action:
                case AskForSeat(to):
                    actions.append(Say(to, Join(self.beliefs.own)))
                case TakeSeat():
                    actions += self._take_seat()
                case _:
                    assert_never(action)
        return actions

    # -- seats -------------------------------------------------------------------------------------
    def _on_join(self, sender: DeviceId, record: MemberRecord, now: float) -> list[RingAction]:
        if record.device != sender or not is_valid(record, self._verifier):
            return []
        if not self.seated and sender < self.me:
            return []  # two first starters: the smaller id founds the ring, the other asks it
        actions = self._take_seat(1)
        node_0 = self.nodes()[0]
        admits = node_0.device in (self.me, sender)
        seat = self._seats.promise(sender, self.nodes(), now, admits=admits)
        if seat == 0:
            return [*actions, Say(sender, Redirect(node_0.device, node_0.addresses))]
        first, *more = _pages(self.beliefs.records)
        pages = [Say(sender, Sync(page, self.digest, reply=False)) for page in more]
        return [*actions, *pages, Say(sender, Welcome(seat, first))]

    def _take_seat(self, promised: int = 0) -> list[RingAction]:
        """Sit down once: where it was promised, unless nobody would believe a seat so far out."""
        if self.seated:
            return []
        own, ring = self.beliefs.own, self.beliefs.ring()
        free = self._seats.free([record for record in ring if record.device != self.me])
        seat = promised if 0 < promised <= free + limits.SEAT_GAP else free
        self._search.on_seated()
        self.beliefs.write(own.addresses, own.incarnation + 1, seat, Status.ALIVE)
        changed = Changed(self.me, None, Status.ALIVE)
        return [changed, *self._spread(Update([self.beliefs.own], self.digest))]

    # -- telling -----------------------------------------------------------------------------------
    def _learn(self, records: Sequence[MemberRecord], now: float) -> list[RingAction]:
        """Merge records; a seat far beyond all others is a lie or a wreck, and is left out.

        A node without a seat has no view to compare with, and takes them all.
        """
        if self.seated:
            highest = max(record.seat for record in self.beliefs.records) + limits.SEAT_GAP
            records = [record for record in records if record.seat <= highest]
        return self._tell(self.beliefs.merge(records, now))

    def _tell(self, news: list[News]) -> list[RingAction]:
        """Pass on what was new here, and say what changed."""
        actions: list[RingAction] = [
            Changed(DeviceId(item.record.device), item.before, item.record.status)
            for item in news
            if item.before is not item.record.status
        ]
        for item in news:
            self._seats.settle(DeviceId(item.record.device))
        match news:
            case [News(record, _, number)] if record.status not in IN_RING:
                return actions + self._spread(Decrement(record, max(number, 0), self.digest))
        for page in _pages([item.record for item in news]):
            actions += self._spread(Update(page, self.digest))
        return actions

    def _spread(self, message: Update | Decrement) -> list[RingAction]:
        """Say it to everybody, in a large ring to some; without a seat to nobody."""
        if not self.seated:
            return []
        linked, ring = sorted(self._links), [DeviceId(record.device) for record in self.nodes()]
        if len(ring) > limits.UPDATE_ALL and self.me in ring:
            linked = _some(linked, ring, self.me, self._chance)
        return [Say(device, message) for device in linked]


def _some(
    linked: list[DeviceId], ring: list[DeviceId], me: DeviceId, chance: Chance
) -> list[DeviceId]:
    """Return last, next and up to three others, as far as they are linked."""
    number = ring.index(me)
    chosen = {ring[number - 1], ring[(number + 1) % len(ring)]}
    if linked:
        draws = range(limits.UPDATE_OTHERS)
        chosen |= {linked[draw_index(chance, len(linked))] for _ in draws}
    return [device for device in linked if device in chosen]


def _pages(records: list[MemberRecord]) -> list[list[MemberRecord]]:
    """Cut records into parts that fit a control frame whatever they hold."""
    starts = range(0, len(records), limits.SYNC_RECORDS)
    return [records[at : at + limits.SYNC_RECORDS] for at in starts]


def _say_all(
    to: DeviceId, records: list[MemberRecord], digest: bytes, *, reply: bool
) -> list[RingAction]:
    """Push a whole map; the last page asks for an answer."""
    *first, last = _pages(records)
    return [
        *(Say(to, Sync(page, digest, reply=False)) for page in first),
        Say(to, Sync(last, digest, reply)),
    ]
