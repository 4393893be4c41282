"""Handshakes of connections that others dialled: TLS and HELLO, after the right knock.

Strategy: members and strangers have pools of their own, so that strangers who stall while the door
is open never delay a member; of each pool a member, or a host of strangers, has but a part, and
whatever else it wants waits for its own turn. One job carries one connection from the knock to
HELLO_OK under one deadline, counted from accept(), and then hands it on: control and pairing links
to the loop thread, bulk and news links to a serving worker, or to the fetch workers if the side
that dialled says that it serves.

Guarantees: a job ends in exactly one of handing on and closing, also one that is dropped because
the program ends; its place in the doorway is freed either way; who was evicted from the doorway
does not wait on, so what waits is bounded; what a peer sends never raises out of a job. Limits:
members that stall together, each with its part, still fill a pool for as long as a handshake may
take; a reason is logged at debug level only, since strangers choose how often.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Protocol

from potluck.core.errors import Malformed, ProtocolError
from potluck.core.hosts import host_of
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, Bye, LinkKind
from potluck.shells.links import tls
from potluck.shells.links.doorway import Knocked
from potluck.shells.links.hello import BUSY_REASON, accept_hello, hear_hello
from potluck.shells.links.strangers import Strangers
from potluck.shells.links.stream import Stream, remaining_s, set_options
from potluck.shells.loop.inbox import Inbox, OpenedLink
from potluck.shells.loop.workers import Workers

MEMBER_THREADS: Final = 8  # a handshake takes milliseconds of two cores; the others may wait
EACH_MEMBER: Final = 2  # so four members must stall at once before anybody else waits for them
STRANGER_THREADS: Final = 4  # a pairing is rare, and strangers may well stall
EACH_STRANGER: Final = 1  # of one host

_log = logging.getLogger(__name__)


class BulkHost(Protocol):
    """Whoever serves bulk and news links: bulk/serving.py."""

    def reserve(self, peer: DeviceId, kind: LinkKind) -> bool:
        """Keep a worker for one more link of that kind with `peer`, if there is one."""

    def release(self, peer: DeviceId, kind: LinkKind) -> None:
        """Give a kept worker back unused."""

    def serve(self, peer: DeviceId, kind: LinkKind, stream: Stream) -> None:
        """Serve a link for which a worker was kept."""


class TakesLinks(Protocol):
    """Whoever waits for links that the other side dials: bulk/fetching.py, IdleLinks."""

    def put(self, key: tuple[DeviceId, LinkKind], stream: Stream, /) -> None:
        """Own a link of that kind on which that device serves."""


class Handshakes:
    """Takes right knocks from the doorway."""

    def __init__(
        self,
        trust: tls.CurrentTrust,
        strangers: Strangers,
        bulk: BulkHost,
        fetching: TakesLinks,
        inbox: Inbox,
    ) -> None:
        """Share `strangers` with the doorway; put links for the loop thread into `inbox`.

        `bulk` gets the bulk links on which we serve, `fetching` those on which the other side does.
        """
        self.trust: Final = trust
        self.strangers: Final = strangers
        self.bulk: Final = bulk
        self.fetching: Final = fetching
        self.inbox: Final = inbox
        self._members: Final = _Turns("handshake", MEMBER_THREADS, EACH_MEMBER)
        self._newcomers: Final = _Turns("handshake-pairing", STRANGER_THREADS, EACH_STRANGER)

    def __repr__(self) -> str:
        """Show how busy it is."""
        return f"<Handshakes: {self._members!r}, {self._newcomers!r}>"

    def take(self, knocked: Knocked) -> None:
        """Queue a connection; never blocks."""
        job = _HandshakeJob(self, knocked)
        if knocked.claimed is None:
            self._newcomers.submit(host_of(knocked.address.host), job)
        else:
            self._members.submit(knocked.claimed, job)

    def close(self, wait_s: float) -> bool:
        """Stop; say whether all threads are gone."""
        return all([self._members.close(wait_s), self._newcomers.close(wait_s)])


class _Turns:
    """A pool of which nobody has more than a part at once."""

    def __init__(self, name: str, count: int, each: int) -> None:
        """Have `count` threads, `each` of them for one member or host."""
        self._workers: Final = Workers(name, count)
        self._each: Final = each
        self._lock: Final = threading.Lock()  # guards what follows; held for a moment only
        self._begun: Final[Counter[object]] = Counter()  # handed to the pool and not over
        self._waiting: Final[dict[object, deque[_HandshakeJob]]] = {}
        self._closed = False

    def __repr__(self) -> str:
        """Show how busy the pool is, and how many wait for a turn of their own."""
        with self._lock:
            waiting = sum(map(len, self._waiting.values()))
        return f"<_Turns: {self._workers!r}, {waiting} out of turn>"

    def submit(self, who: object, job: _HandshakeJob) -> None:
        """Queue a job of that member or host; never blocks."""
        with self._lock:
            in_turn, lost = self._closed or self._begun[who] < self._each, list[_HandshakeJob]()
            if in_turn:
                self._begun[who] += 1
            else:
                waiting = self._waiting.get(who, deque())
                lost = [other for other in waiting if other.is_evicted]
                kept = [other for other in waiting if not other.is_evicted]
                self._waiting[who] = deque([*kept, job])
        for other in lost:
            other.dropped()
        if in_turn:
            self._workers.submit(_Turn(self, who, job))

    def over(self, who: object) -> None:
        """A job of that member or host is over: its next one may begin."""
        with self._lock:
            waiting = self._waiting.get(who)
            job = waiting.popleft() if waiting else None
            if not waiting:
                self._waiting.pop(who, None)
            if job is None:
                self._begun[who] -= 1
                if not self._begun[who]:
                    del self._begun[who]
        if job is not None:
            self._workers.submit(_Turn(self, who, job))

    def close(self, wait_s: float) -> bool:
        """Drop what has not begun, wait for the rest; say whether all threads are gone."""
        with self._lock:
            self._closed = True
            waiting = [job for jobs in self._waiting.values() for job in jobs]
            self._waiting.clear()
        for job in waiting:
            job.dropped()
        return self._workers.close(wait_s)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A job whose turn has come."""

    turns: _Turns
    who: object
    job: _HandshakeJob

    def run(self) -> None:
        """Do it, then let the next one of the same member or host begin."""
        try:
            self.job.run()
        finally:
            self.turns.over(self.who)

    def dropped(self) -> None:
        """The program ends."""
        self.job.dropped()


@dataclass(frozen=True, slots=True)
class _HandshakeJob:
    """One connection, from the knock to HELLO_OK; it owns the socket and its slot."""

    owner: Handshakes
    knocked: Knocked

    @property
    def is_evicted(self) -> bool:
        """Whether the connection was ended to make room: its turn would come to nothing."""
        return self.knocked.slot.evicted

    def run(self) -> None:
        """Carry the connection through and hand it on, or close it."""
        with ExitStack() as undo:
            undo.callback(self.dropped)
            try:
                self._hand_on(self._secure(), undo)
            except (OSError, EOFError, ProtocolError) as error:
                _log.debug("no link with %s: %s", self.knocked.address.host, error)

    def dropped(self) -> None:
        """Close the connection and free its slot."""
        self.owner.strangers.leave(self.knocked.slot)
        self.knocked.slot.sock.close()

    def _secure(self) -> Stream:
        slot, claimed = self.knocked.slot, self.knocked.claimed
        sock = slot.sock
        set_options(sock)
        sock.settimeout(remaining_s(self.knocked.deadline))
        if claimed is None:
            secured = tls.accept_stranger(sock, self.owner.trust.pairing_context(), slot.hold)
        else:
            secured = tls.accept_member(sock, self.owner.trust, claimed, slot.hold)
        stream = Stream(secured)
        stream.deadline = self.knocked.deadline
        return stream

    def _hand_on(self, stream: Stream, undo: ExitStack) -> None:
        """Hear HELLO, answer it, and give the connection to whoever owns it from then on."""
        slot, claimed = self.knocked.slot, self.knocked.claimed
        hello = hear_hello(stream, pairing=claimed is None)
        if claimed == self.owner.trust.key.device and hello.link is not LinkKind.CONTROL:
            raise Malformed("our own identity asks for more than to be seen")
        if claimed is not None and hello.serves:
            self._hand_to_fetching(claimed, hello.link, stream, undo)
            return
        if claimed is not None and hello.link in {LinkKind.BULK, LinkKind.NEWS}:
            self._hand_to_server(claimed, hello.link, stream, undo)
            return
        accept_hello(stream, hello.link, self.owner.trust.instance)
        undo.pop_all()
        self.owner.strangers.leave(slot, proved=claimed is not None)
        instance = b"" if claimed is None else hello.instance
        address = Address(self.knocked.address.host, 0)
        opened = OpenedLink(stream.sock, hello.link, claimed, address, instance, None)
        self.owner.inbox.post(opened)

    def _hand_to_server(
        self, peer: DeviceId, kind: LinkKind, stream: Stream, undo: ExitStack
    ) -> None:
        bulk = self.owner.bulk
        if not bulk.reserve(peer, kind):
            stream.send(Bye(BUSY_REASON))
            return
        try:
            accept_hello(stream, kind, self.owner.trust.instance)
        except OSError:
            bulk.release(peer, kind)
            raise
        undo.pop_all()
        self.owner.strangers.leave(self.knocked.slot, proved=True)
        stream.deadline = 0.0
        bulk.serve(peer, kind, stream)

    def _hand_to_fetching(
        self, peer: DeviceId, kind: LinkKind, stream: Stream, undo: ExitStack
    ) -> None:
        """The other side dialled because we asked it to: it serves."""
        accept_hello(stream, kind, self.owner.trust.instance)
        undo.pop_all()
        self.owner.strangers.leave(self.knocked.slot, proved=True)
        stream.deadline = 0.0
        self.owner.fetching.put((peer, kind), stream)
