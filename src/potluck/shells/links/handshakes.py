"""Handshakes of connections that others dialled: TLS and HELLO, after the right knock.

Strategy: members and strangers have pools of their own, so that strangers who stall while the door
is open never delay a member. One job carries one connection from the knock to HELLO_OK under one
deadline, counted from accept(), and then hands it on: control and pairing links to the loop thread,
bulk links to a serving worker.

Guarantees: a job ends in exactly one of handing on and closing; its place in the doorway is freed
either way; what a peer sends never raises out of a job. Limits: a reason is logged at debug level
only, since strangers choose how often.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from typing import Final, Protocol

from potluck.core.errors import ProtocolError
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, Bye, LinkKind
from potluck.shells.links import tls
from potluck.shells.links.doorway import Knocked
from potluck.shells.links.hello import BUSY, OpenedLink, accept_hello, hear_hello
from potluck.shells.links.strangers import Strangers
from potluck.shells.links.stream import Stream, remaining_s, set_options
from potluck.shells.loop.workers import Workers

MEMBER_THREADS: Final = 4
STRANGER_THREADS: Final = 2

_log = logging.getLogger(__name__)


class BulkHost(Protocol):
    """Whoever serves bulk links."""

    def reserve(self, peer: DeviceId) -> bool:
        """Keep a worker for one more link of `peer`, if there is one."""

    def release(self, peer: DeviceId) -> None:
        """Give a kept worker back unused."""

    def serve(self, peer: DeviceId, stream: Stream) -> None:
        """Serve a link for which a worker was kept."""


class Handshakes:
    """Takes right knocks from the doorway."""

    def __init__(
        self,
        standing: tls.CurrentTrust,
        strangers: Strangers,
        bulk: BulkHost,
        post: Callable[[OpenedLink], None],
    ) -> None:
        """`post` must be safe to call from any thread and hand the link to the loop thread."""
        self._standing: Final = standing
        self._strangers: Final = strangers
        self._bulk: Final = bulk
        self._post: Final = post
        self._members: Final = Workers("handshake", MEMBER_THREADS)
        self._newcomers: Final = Workers("handshake-pairing", STRANGER_THREADS)
        self._pairing_context: ssl.SSLContext | None = None

    def take(self, knocked: Knocked) -> None:
        """Queue a connection; never blocks."""
        pool = self._newcomers if knocked.claimed is None else self._members
        if not pool.submit(lambda: self._carry(knocked)):
            self._refuse(knocked)

    def close(self, wait_s: float) -> bool:
        """Stop; say whether all threads are gone."""
        return all([self._members.close(wait_s), self._newcomers.close(wait_s)])

    def _refuse(self, knocked: Knocked) -> None:
        self._strangers.leave(knocked.slot)
        knocked.slot.sock.close()

    def _carry(self, knocked: Knocked) -> None:
        """Carry one connection to HELLO_OK; the job of a worker."""
        try:
            stream = self._secure(knocked)
            self._hand_on(knocked, stream)
        except (OSError, EOFError, ProtocolError) as error:
            _log.debug("no link with %s: %s", knocked.address.host, error)
            self._refuse(knocked)

    def _secure(self, knocked: Knocked) -> Stream:
        sock = knocked.slot.sock
        set_options(sock)
        sock.settimeout(remaining_s(knocked.deadline))
        if knocked.claimed is None:
            self._pairing_context = self._pairing_context or tls.pairing_context()
            secured = tls.accept_stranger(sock, self._pairing_context, knocked.slot.hold)
        else:
            secured = tls.accept_member(sock, self._standing, knocked.claimed, knocked.slot.hold)
        stream = Stream(secured)
        stream.deadline = knocked.deadline
        return stream

    def _hand_on(self, knocked: Knocked, stream: Stream) -> None:
        hello = hear_hello(stream, pairing=knocked.claimed is None)
        if knocked.claimed is not None and hello.link is LinkKind.BULK:
            self._hand_to_server(knocked, knocked.claimed, stream)
            return
        accept_hello(stream, hello.link, self._standing.instance)
        self._strangers.leave(knocked.slot, proved=knocked.claimed is not None)
        instance = b"" if knocked.claimed is None else hello.instance
        address = Address(knocked.address.host, 0)
        self._post(OpenedLink(stream.sock, hello.link, knocked.claimed, address, instance, None))

    def _hand_to_server(self, knocked: Knocked, peer: DeviceId, stream: Stream) -> None:
        if not self._bulk.reserve(peer):
            stream.send(Bye(BUSY))
            self._refuse(knocked)
            return
        try:
            accept_hello(stream, LinkKind.BULK, self._standing.instance)
        except OSError:
            self._bulk.release(peer)
            raise
        self._strangers.leave(knocked.slot, proved=True)
        stream.deadline = 0.0
        self._bulk.serve(peer, stream)
