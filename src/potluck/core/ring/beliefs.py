"""One node's map of member records, with the timers that let an accused member answer.

Strategy: merging takes the larger record (core/ring/members.py) with one brake. SUSPECT and DEAD
are accusations, and a member that is in our ring does not die because somebody says so: an
accusation arms a *suspicion*, and DEAD is believed when our own patience ends, or, in a ring of
four and more, when two accusers say DEAD. These two must be nodes of the ring and *apart*: neither
let in by the other, nor both by one member who may have invented them (core/group/lines.py). Until
then the member stays SUSPECT, which keeps its place in the ring. It refutes by a higher
incarnation. Further accusers that are apart, too, shorten patience; the first few are passed on.
`Witnesses` says who is listened to at all. The word of who belongs to the group no more is taken
back: whom it accused is believed ALIVE again, and probed. Of ourselves every accusation is refuted,
whoever signed it: that a member believes it is enough. The accuser may be one that is a member
there and, for want of room in the roster, none here, so to ask for its signature would let that
member bury us. Instead refutations have a least distance, `REFUTE_S`: the first is written at once,
what is shown meanwhile waits for the next, which goes above all of it. A record of another
run of this device is answered likewise; another machine may run with its key (`rival`).

Guarantees: the own record is there, ALIVE (LEFT after `write` of LEFT), and its incarnation never
falls; every SUSPECT has exactly one suspicion, every suspicion belongs to a SUSPECT; no record
without valid signatures is ever held. One member, with any number of devices it invented, makes no
other node of our ring DEAD that answers within its patience. No accusation waits for its answer
longer than `REFUTE_S`, which is below the shortest patience, and whatever members show of us costs
one new record in that time at most. A suspicion's deadline is fixed when it is armed; only
confirmations, stronger evidence and this node's own pauses move it. (Computing it anew at firing
time left a dead member SUSPECT for ever, once in 4,500 schedules.) Limits: where one device that is
not the founder let everybody in, no two accusers are apart, and patience alone ends.
DEAD and LEFT records are forgotten after ten minutes; a ghost then costs one detection time. Such a
record of a node never heard of is kept but is no news: two nodes that forget at different moments
would remind each other for ever.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from potluck.core import limits
from potluck.core.keys.identity import DeviceId, Signer, Verifier
from potluck.core.ring.members import (
    ACCUSATIONS,
    IN_RING,
    accuse,
    cleared,
    is_by_owner,
    is_valid,
    ring_of,
    supersedes,
    write_record,
)
from potluck.core.wire.catalogue import Address, MemberRecord, Status

Kinship = Callable[[DeviceId, DeviceId], bool]
"""(one, other) -> whether two devices cannot be one member and its inventions."""

SMALL_RING = 4  # below this there are no two witnesses besides the suspect and ourselves


@dataclass(frozen=True, slots=True)
class News:
    """A record that was not believed before."""

    record: MemberRecord
    before: Status | None  # what was believed of the device, None if it was unknown
    old_number: int  # its node number before, -1 if it had none


class Witnesses:
    """One node's memory of who accused whom, and who was wrong."""

    def __init__(self) -> None:
        """Trust everybody."""
        # (accuser, target) -> incarnation, when
        self._accused: dict[tuple[bytes, bytes], tuple[int, float]] = {}
        self._refuted_s: dict[bytes, deque[float]] = {}

    def listens(self, accuser: bytes, target: bytes, incarnation: int, now: float) -> bool:
        """Say whether this accusation counts, and remember that it was made."""
        wrong_s = list(self._refuted_s.get(accuser, ()))
        if len(wrong_s) == limits.REFUTED_MAX and now - wrong_s[0] < limits.DEAF_S:
            return False
        before, when_s = self._accused.get((accuser, target), (incarnation, now))
        if before < incarnation and now - when_s < limits.ACCUSATION_S:
            return False
        if before < incarnation or (accuser, target) not in self._accused:
            self._accused.pop((accuser, target), None)
            self._accused[accuser, target] = (incarnation, now)
        if len(self._accused) > limits.LIST_ITEMS:
            del self._accused[next(iter(self._accused))]
        return True

    def on_refuted(self, accusers: Iterable[bytes], now: float) -> None:
        """The accused has answered: these said DEAD and were wrong."""
        for accuser in accusers:
            self._refuted_s.setdefault(accuser, deque(maxlen=limits.REFUTED_MAX)).append(now)


@dataclass(slots=True)
class Suspicion:
    """One accused incarnation and the time it has to answer; armed by its first accuser."""

    incarnation: int
    armed_s: float
    full_s: float
    least_s: float
    accusers: set[bytes] = field(default_factory=set)
    confirmations: int = 0  # by how many that are apart from all accusers before them
    killers: set[bytes] = field(default_factory=set)  # those that say DEAD

    @property
    def ends_s(self) -> float:
        """When patience ends: sooner with each confirmation, never below the least."""
        confirmations = min(self.confirmations, limits.WITNESSES)
        shorter_s = (self.full_s - self.least_s) * confirmations / limits.WITNESSES
        return self.armed_s + self.full_s - shorter_s

    def add(self, accuser: DeviceId, apart: Kinship) -> bool:
        """Note an accuser; return whether others should hear of it: it is one of the first few."""
        if accuser in self.accusers:
            return False
        if self.accusers and all(apart(accuser, DeviceId(other)) for other in self.accusers):
            self.confirmations += 1
        self.accusers.add(accuser)
        return len(self.accusers) <= limits.WITNESSES + 1

    def keep(self, members: Container[bytes]) -> None:
        """Take back what others than these have said; each may have been a confirmation."""
        former = {accuser for accuser in self.accusers if accuser not in members}
        self.accusers -= former
        self.killers -= former
        self.confirmations = max(self.confirmations - len(former), 0)


class Beliefs:
    """The map {device: record} and its suspicions."""

    def __init__(self, signer: Signer, verifier: Verifier, apart: Kinship, instance: bytes) -> None:
        """Know only ourselves: incarnation 1, seat 1."""
        self.me = signer.device
        self.lateness = 1.0  # stretch of all patience, by this node's own tick lateness
        self._signer, self._verifier, self._instance = signer, verifier, instance
        self._apart = apart
        self._records: dict[DeviceId, MemberRecord] = {}
        self._ring: list[MemberRecord] | None = None  # of these records, as long as they stand
        self._suspicions: dict[DeviceId, Suspicion] = {}
        self._ended_s: dict[DeviceId, float] = {}  # when a record became DEAD or LEFT here
        self._witnesses = Witnesses()
        self._ticked_s = -math.inf
        self._shown = 0  # the highest incarnation in which somebody showed us what is to be refuted
        self._answer_s = -math.inf  # not before that time is it refuted
        self.rival: MemberRecord | None = None  # the last that I signed in another run
        self.write([], 1, 1, Status.ALIVE)

    def __repr__(self) -> str:
        records, suspects = len(self._records), len(self._suspicions)
        own = f"{self.own.status} {self.own.incarnation}"
        return f"<Beliefs {own}, {records} records, {suspects} suspects>"

    # -- reading -----------------------------------------------------------------------------------
    @property
    def own(self) -> MemberRecord:
        """The own record."""
        return self._records[self.me]

    @property
    def records(self) -> list[MemberRecord]:
        """Every record held."""
        return list(self._records.values())

    def get(self, device: DeviceId) -> MemberRecord | None:
        """Return what is believed of one device."""
        return self._records.get(device)

    def ring(self) -> list[MemberRecord]:
        """Return the members ALIVE or SUSPECT in the order of their seats."""
        if self._ring is None:
            self._ring = ring_of(self._records.values())
        return list(self._ring)

    # -- facts -------------------------------------------------------------------------------------
    def write(
        self, addresses: Sequence[Address], incarnation: int, seat: int, status: Status
    ) -> None:
        """Write the own record anew, above all that is to be refuted.

        The incarnation must rise with every change.
        """
        above = max(incarnation, self._shown + 1)
        self._ring = None
        self._records[self.me] = write_record(
            self._signer, self._instance, addresses, above, seat, status
        )

    def suspect(self, device: DeviceId, now: float, *, process_gone: bool) -> list[News]:
        """Accuse a member of our ring; a closed connection leaves it less time than silence."""
        record, suspicion = self._records.get(device), self._suspicions.get(device)
        if record is None or device == self.me or record.status not in IN_RING:
            return []
        said = suspicion is not None and self.me in suspicion.accusers
        news = [] if said else self.merge([accuse(self._signer, record, Status.SUSPECT)], now)
        suspicion = self._suspicions.get(device)
        if process_gone and suspicion is not None:
            suspicion.full_s = suspicion.least_s = limits.SUSPICION_FAST_S * self.lateness
        return news

    def merge(self, records: Iterable[MemberRecord], now: float) -> list[News]:
        """Take the larger of each pair; return what is believed now and was not before."""
        news = []
        for record in records:
            before = self._records.get(DeviceId(record.device))
            worth = supersedes(record, before) or _confirms(record, before, self._suspicions)
            mine = record.device == self.me
            if mine and record.incarnation <= self._shown:
                continue  # what goes above it is written, or will be
            if not worth or not (is_by_owner if mine else is_valid)(record, self._verifier):
                continue
            number = _number_in(self.ring(), record.device)
            believed = self._believe(record, before, now)
            if believed is not None:
                news.append(News(believed, before.status if before else None, number))
        return news

    def keep(self, members: Container[bytes], now: float) -> list[News]:
        """Forget whoever is none of these, and what they said of others; return what that changed.

        Nothing brings them back.
        """
        self._ring = None
        for device in [d for d in self._records if d != self.me and d not in members]:
            del self._records[device]
            self._suspicions.pop(device, None)
            self._ended_s.pop(device, None)
        for suspicion in self._suspicions.values():
            suspicion.keep(members)
        news = []
        for record in self.records:
            if record.accuser and record.accuser not in members:
                # not by what it answered: nobody who is still here was wrong
                self._suspicions.pop(DeviceId(record.device), None)
                number = _number_in(self.ring(), record.device)
                news.append(News(self._put(cleared(record), now), record.status, number))
        return news

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next: often while somebody is suspected.

        A pause of this node shows only where ticks are expected.
        """
        times = [ended_s + limits.FORGET_S for ended_s in self._ended_s.values()]
        for suspicion in self._suspicions.values():
            looked_s = max(suspicion.armed_s, self._ticked_s)
            times.append(min(suspicion.ends_s, looked_s + limits.PROBE_S))
        if self._is_to_answer():
            times.append(self._answer_s)
        return min(times, default=None)

    def on_tick(self, now: float) -> list[News]:
        """Refute what waited for it; end suspicions whose time is over; forget the long dead."""
        self._forgive_pause(now)
        news: list[News] = []
        before, number = self.own.status, _number_in(self.ring(), self.me)
        if (answer := self._answer(now)) is not None:
            news.append(News(answer, before, number))
        for device in [d for d, suspicion in self._suspicions.items() if suspicion.ends_s <= now]:
            record, number = self._records[device], _number_in(self.ring(), device)
            dead = accuse(self._signer, record, Status.DEAD)
            self._put(dead, now)
            news.append(News(dead, record.status, number))
        for device in [d for d, end_s in self._ended_s.items() if end_s + limits.FORGET_S <= now]:
            del self._records[device], self._ended_s[device]
            self._ring = None
        return news

    def _forgive_pause(self, now: float) -> None:
        """A node that slept heard nobody: the time it slept counts against nobody."""
        for suspicion in self._suspicions.values():
            pause_s = now - max(suspicion.armed_s, self._ticked_s)
            if pause_s > limits.PAUSE_S:
                suspicion.armed_s += pause_s
        self._ticked_s = now

    # -- insides -----------------------------------------------------------------------------------
    def _is_to_answer(self) -> bool:
        """Say whether somebody accuses me, or knows a later me. A leaver does not argue."""
        return self._shown >= self.own.incarnation and self.own.status is not Status.LEFT

    def _answer(self, now: float) -> MemberRecord | None:
        """Go one above all that was shown of me, if that is due."""
        if not self._is_to_answer() or now < self._answer_s:
            return None
        self._answer_s = now + limits.REFUTE_S
        self.write(self.own.addresses, self._shown + 1, self.own.seat, Status.ALIVE)
        return self.own

    def _believe(
        self, record: MemberRecord, before: MemberRecord | None, now: float
    ) -> MemberRecord | None:
        """Take a record that is worth it, but let an accused member of our ring answer first.

        Returns what is news, None if nothing is.
        """
        if record.device == self.me:
            if record.instance != self._instance:
                self.rival = record
            self._shown = record.incarnation
            return self._answer(now)
        if before is None or before.status not in IN_RING:
            self._put(record, now)
            if record.status is Status.SUSPECT:
                self._suspicion(record, now).add(DeviceId(record.accuser), self._apart)
            return None if before is None and record.status not in IN_RING else record
        if record.status not in ACCUSATIONS:
            return self._put(record, now)
        listens = self._witnesses.listens(record.accuser, record.device, record.incarnation, now)
        if record.accuser != self.me and not listens:
            return None
        suspicion = self._suspicion(record, now)
        told = suspicion.add(DeviceId(record.accuser), self._apart)
        if record.status is Status.DEAD:
            return self._doubt(record, before, now)
        if supersedes(record, before):
            self._put(record, now)
        return record if told else None

    def _doubt(self, record: MemberRecord, before: MemberRecord, now: float) -> MemberRecord | None:
        """Somebody says that a member of our ring is DEAD: until a second does we say SUSPECT."""
        killers = self._suspicion(record, now).killers
        killers.add(record.accuser)
        if len(self.ring()) >= SMALL_RING and self._agree(DeviceId(record.accuser), killers):
            return self._put(record, now)
        if before.status is Status.SUSPECT and before.incarnation == record.incarnation:
            return None
        return self._put(accuse(self._signer, record, Status.SUSPECT), now)

    def _agree(self, accuser: DeviceId, killers: Iterable[bytes]) -> bool:
        """Say whether two nodes of the ring that are apart say DEAD: one may be cut off, or lie."""
        records = [self._records.get(DeviceId(killer)) for killer in killers]
        nodes = [DeviceId(r.device) for r in records if r is not None and r.status in IN_RING]
        return accuser in nodes and any(self._apart(accuser, node) for node in nodes)

    def _put(self, record: MemberRecord, now: float) -> MemberRecord:
        device = DeviceId(record.device)
        before, self._records[device] = self._records.get(device), record
        self._ring = None
        if record.status is not Status.SUSPECT:
            suspicion = self._suspicions.pop(device, None)
            # another run says nothing about the one that was accused
            same_run = before is not None and before.instance == record.instance
            if suspicion is not None and same_run and record.status is Status.ALIVE:
                self._witnesses.on_refuted(suspicion.killers, now)
        if record.status in IN_RING:
            self._ended_s.pop(device, None)
        else:
            self._ended_s.setdefault(device, now)
        return record

    def _suspicion(self, record: MemberRecord, now: float) -> Suspicion:
        device = DeviceId(record.device)
        suspicion = self._suspicions.get(device)
        if suspicion is None or suspicion.incarnation != record.incarnation:
            full_s = limits.SUSPICION_S * self.lateness
            least_s = limits.SUSPICION_MIN_S * self.lateness
            suspicion = Suspicion(record.incarnation, now, full_s, least_s)
            self._suspicions[device] = suspicion
        return suspicion


def _confirms(
    record: MemberRecord, before: MemberRecord | None, suspicions: Mapping[DeviceId, Suspicion]
) -> bool:
    """Say whether a record only adds another accuser to a suspicion that is running."""
    same = before is not None and record.status is before.status is Status.SUSPECT
    return same and record.incarnation == suspicions[DeviceId(record.device)].incarnation


def _number_in(ring: Sequence[MemberRecord], device: bytes) -> int:
    return next((n for n, record in enumerate(ring) if record.device == device), -1)
