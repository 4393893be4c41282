"""Dialling: from an address to a link, or to a precise reason why not.

Strategy: `open_link` blocks through connect, knock, TLS and HELLO under one deadline; control and
pairing links are dialled by a small pool here, bulk links by the fetch worker that needs one, or
here if the device that needs one cannot dial us and asked to be called: we serve on it then.
Whoever asked to be dialled can make that take long, so such dials, and those for pairing, have
threads of their own, one for each that may be under way. Each step that fails names itself: the
engine acts differently on "nobody listens", "did not like my knock" and "is somebody else".

Guarantees: every Dial ends in exactly one OpenedLink or DialFailed, every DialToServe in one
CallEnded; the latter dials only while a serving worker is kept for it. A failed socket is closed;
only members are dialled, and for a control link our own identity (engine/ring/own_calls.py).
Limits: a knock that was refused and a doorway that was full look the same from here, on purpose of
the other side.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from potluck.core import limits
from potluck.core.errors import FrameTooLong, ProtocolError, Refused
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, LinkKind
from potluck.engine.effects import Dial, DialToServe, Introduce
from potluck.engine.events import (
    DIAL_REFUSED,
    DIAL_TIMEOUT,
    DIAL_UNMADE,
    DIAL_UNREACHABLE,
    DIAL_UNTRIED,
    CallEnded,
    DialFailed,
    IntroductionAnswered,
    PathStalled,
)
from potluck.shells.links import knock, tls
from potluck.shells.links.handshakes import BulkHost
from potluck.shells.links.hello import BUSY_REASON, say_hello
from potluck.shells.links.segments import Segments
from potluck.shells.links.stream import NO_SOCKET, Stream, read_to_end, remaining_s, set_options
from potluck.shells.loop.inbox import Inbox, OpenedLink
from potluck.shells.loop.workers import Workers, all_gone

# dead hosts hold one CONNECT_S each; with four, ten devices are dialled within seconds even so
DIAL_THREADS: Final = 4
# what the network, or whoever filters on the way, says of a host; all else is of this machine
_NO_WAY: Final = {
    errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.ENOPROTOOPT,
    errno.EACCES, errno.EPERM,
}  # fmt: skip
OWN_WISHES: Final = 1  # at once, besides the newcomers that asked to be dialled
# on a LAN a second SYN after 1 s has been lost too; a dead host must not hold a worker longer
CONNECT_S: Final = 2.5
SILENT: Final = "the other side fell silent"  # there was a connection: that is no firewall's way

_log = logging.getLogger(__name__)


class NoLink(Exception):
    """Dialling came to nothing."""

    def __init__(
        self,
        reason: str,
        *,
        refused: bool = False,
        knock_refused: bool = False,
        stalled: bool = False,
    ) -> None:
        super().__init__(reason)
        self.stalled = stalled  # the host took part, then nothing came
        self.reason = reason
        self.refused = refused  # nobody listens there
        self.knock_refused = knock_refused  # closed right after our knock


@dataclass(frozen=True, slots=True)
class DialRequest:
    """Whom to reach, where, for what."""

    peer: DeviceId | None  # None for PAIRING
    address: Address
    kind: LinkKind
    serves: bool = False  # it asked to be dialled: we serve on that link


@dataclass(frozen=True, slots=True)
class Reached:
    """A connection on which HELLO_OK was heard."""

    stream: Stream
    instance: bytes  # the other side's run


def open_link(
    trust: tls.CurrentTrust, request: DialRequest, deadline: float, segments: Segments
) -> Reached:
    """Connect, knock, secure, greet until `deadline` (monotonic); raises NoLink, nothing else."""
    peer, book = request.peer, trust.book
    known = book.knows if request.kind is LinkKind.CONTROL else book.__contains__
    if request.kind is not LinkKind.PAIRING and (peer is None or not known(peer)):
        raise NoLink("not a member")
    with ExitStack() as undo:
        sock = undo.enter_context(_connect(request.address, deadline, segments))
        stream = _secure(sock, trust, request)
        undo.callback(stream.close)
        reached = _greet(stream, trust, request, deadline)
        undo.pop_all()
        return reached


def open_first(
    trust: tls.CurrentTrust, requests: Iterable[DialRequest], segments: Segments, inbox: Inbox
) -> Stream:
    """Try these in order, and say who fell silent.

    Raises the NoLink of the first, the likeliest, or of who is busy.
    """
    failures: list[NoLink] = []
    for request in requests:
        try:
            deadline = time.monotonic() + limits.HANDSHAKE_S
            return open_link(trust, request, deadline, segments).stream
        except NoLink as error:
            _tell_stalled(inbox, request.address, error)
            if error.reason == BUSY_REASON:
                raise
            failures.append(error)
    raise failures[0] if failures else NoLink("no address")


def _connect(address: Address, deadline: float, segments: Segments) -> socket.socket:
    try:
        try:
            sock = _connected(address, min(CONNECT_S, remaining_s(deadline)), segments)
        except ConnectionAbortedError:  # by this system, which says nothing of the other side
            sock = _connected(address, min(CONNECT_S, remaining_s(deadline)), segments)
        set_options(sock)
        sock.settimeout(remaining_s(deadline))
    except ConnectionRefusedError as error:
        raise NoLink(DIAL_REFUSED, refused=True) from error
    except TimeoutError as error:
        raise NoLink(DIAL_TIMEOUT) from error
    except OSError as error:
        raise NoLink(f"{_how(error)}: {error.strerror or error}") from error
    except (UnicodeError, OverflowError) as error:  # a host name no resolver accepts
        raise NoLink(f"not an address: {error}") from error
    return sock


def _how(error: OSError) -> str:
    """Return in which way no connection could be made."""
    if error.errno in NO_SOCKET:
        return DIAL_UNTRIED
    return DIAL_UNREACHABLE if error.errno in _NO_WAY else DIAL_UNMADE


def _connected(address: Address, patience_s: float, segments: Segments) -> socket.socket:
    """Return a connection; what `segments` says must be set before it is made.

    A name is no address, and nobody is asked what it means.
    """
    host, port = address.host, address.port
    found = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    )
    family, kind, protocol, _, where = found[0]
    with ExitStack() as undo:
        sock = undo.enter_context(socket.socket(family, kind, protocol))
        segments.prepare(sock, host)
        sock.settimeout(patience_s)
        sock.connect(where)
        undo.pop_all()
    return sock


def _secure(sock: socket.socket, trust: tls.CurrentTrust, request: DialRequest) -> Stream:
    _answer_challenge(sock, trust, request.peer)
    try:
        if request.peer is None:
            return Stream(tls.dial_stranger(sock, trust.newcomer_context()))
        return Stream(tls.dial_member(sock, trust, request.peer))
    except tls.NoContext as error:  # which is told besides
        raise NoLink(f"{DIAL_UNTRIED}: {error}") from error
    except (ssl.SSLEOFError, ConnectionError) as error:
        raise NoLink("knock refused", knock_refused=True) from error
    except TimeoutError as error:
        raise NoLink(SILENT, stalled=True) from error
    except (ssl.SSLCertVerificationError, tls.NotTheDevice) as error:
        raise NoLink("not the device") from error
    except (OSError, ProtocolError) as error:
        raise NoLink(f"tls: {error}") from error
    except KeyError as error:  # it was removed from the group a moment ago
        raise NoLink("not a member") from error


def _answer_challenge(sock: socket.socket, trust: tls.CurrentTrust, peer: DeviceId | None) -> None:
    try:
        challenge = _read_exactly(sock, knock.CHALLENGE_BYTES)
        if peer is None:
            sock.sendall(knock.KnockKind.PAIRING.value)
            return
        secret = trust.book.secret(peer)
        sock.sendall(knock.member_knock(secret, challenge, os.urandom(knock.CHALLENGE_BYTES)))
    except TimeoutError as error:
        raise NoLink(SILENT) from error
    except (OSError, EOFError) as error:
        raise NoLink(f"no potluck there: {error}") from error
    except KeyError as error:
        raise NoLink("not a member") from error


def _read_exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise EOFError("closed at once")
        data += more
    return data


def _greet(
    stream: Stream, trust: tls.CurrentTrust, request: DialRequest, deadline: float
) -> Reached:
    stream.deadline = deadline
    try:
        instance = say_hello(stream, request.kind, trust.instance, serves=request.serves)
    except Refused as error:
        raise NoLink(error.cause) from error
    except TimeoutError as error:
        raise NoLink(SILENT, stalled=True) from error
    except ssl.SSLError as error:  # a TLS 1.3 server that rejects our certificate says so only now
        raise NoLink(f"tls: {error}") from error
    except (EOFError, OSError, ProtocolError) as error:
        raise NoLink(f"no hello: {error}") from error
    stream.deadline = 0.0
    return Reached(stream, instance)


def _tell_stalled(inbox: Inbox, address: Address, why: NoLink) -> None:
    """Say that a host took part and then fell silent, if that is why there is no link."""
    if why.stalled:
        inbox.post(PathStalled(address.host))


class Dialling:
    """The pool that carries out Dial, DialToServe and Introduce."""

    def __init__(
        self, trust: tls.CurrentTrust, inbox: Inbox, bulk: BulkHost, segments: Segments
    ) -> None:
        """Put into `inbox` what comes of it; `bulk` serves those who asked to be called."""
        self._trust: Final = trust
        self._inbox: Final = inbox
        self._bulk: Final = bulk
        self._segments: Final = segments
        self._workers: Final = Workers("handshake-dial", DIAL_THREADS)
        self._pairing: Final = Workers("handshake-dial-pairing", limits.PAIRING_CALLS + OWN_WISHES)
        self._calls: Final = Workers("handshake-dial-call", limits.CALLS)

    def __repr__(self) -> str:
        """Show how busy it is."""
        return f"<Dialling: {self._workers!r}, {self._pairing!r}, {self._calls!r}>"

    def dial(self, effect: Dial) -> None:
        """Open a control or pairing link; ends in one OpenedLink or DialFailed."""
        workers = self._pairing if effect.kind is LinkKind.PAIRING else self._workers
        workers.submit(_DialJob(self._trust, self._inbox, self._segments, effect))

    def call(self, effect: DialToServe) -> None:
        """Dial a device that asked for it and serve it; ends in one CallEnded."""
        self._calls.submit(_CallJob(self._trust, self._inbox, self._bulk, self._segments, effect))

    def introduce(self, effect: Introduce) -> None:
        """Show a chain of admissions; if there is more to the answer than a byte it is told."""
        self._workers.submit(_IntroduceJob(self._inbox, self._segments, effect))

    def close(self, wait_s: float) -> bool:
        """Stop; say whether all threads are gone."""
        return all_gone([self._workers, self._pairing, self._calls], wait_s)


@dataclass(frozen=True, slots=True)
class _DialJob:
    """One Dial."""

    trust: tls.CurrentTrust
    inbox: Inbox
    segments: Segments
    effect: Dial

    def run(self) -> None:
        """Dial, and say what came of it."""
        effect = self.effect
        request = DialRequest(effect.peer, effect.address, effect.kind)
        try:
            deadline = time.monotonic() + limits.HANDSHAKE_S
            reached = open_link(self.trust, request, deadline, self.segments)
        except NoLink as error:
            _tell_stalled(self.inbox, effect.address, error)
            self._failed(error)
            return
        self.inbox.post(
            OpenedLink(
                reached.stream.sock,
                effect.kind,
                effect.peer,
                effect.address,
                reached.instance,
                effect.dial,
            )
        )

    def dropped(self) -> None:
        """The program ends before its turn came."""
        self._failed(NoLink("stopping"))

    def _failed(self, why: NoLink) -> None:
        self.inbox.post(
            DialFailed(self.effect.dial, why.reason, refused=why.refused, knock=why.knock_refused)
        )


@dataclass(frozen=True, slots=True)
class _CallJob:
    """One DialToServe."""

    trust: tls.CurrentTrust
    inbox: Inbox
    bulk: BulkHost
    segments: Segments
    effect: DialToServe

    def run(self) -> None:
        """Dial while a worker is kept for the link; say what came of it."""
        peer, kind = self.effect.peer, self.effect.link
        if not self.bulk.reserve(peer, kind):
            self._ended(BUSY_REASON)
            return
        try:
            stream = self._dial()
        except NoLink as error:
            self.bulk.release(peer, kind)
            self._ended(error.reason)
            return
        self.bulk.serve(peer, kind, stream)
        self._ended("")

    def dropped(self) -> None:
        """The program ends before its turn came."""
        self._ended("stopping")

    def _dial(self) -> Stream:
        peer, kind = self.effect.peer, self.effect.link
        requests = [DialRequest(peer, one, kind, serves=True) for one in self.effect.addresses]
        return open_first(self.trust, requests, self.segments, self.inbox)

    def _ended(self, reason: str) -> None:
        self.inbox.post(CallEnded(self.effect.call, reason))


@dataclass(frozen=True, slots=True)
class _IntroduceJob:
    """One Introduce."""

    inbox: Inbox
    segments: Segments
    effect: Introduce

    def run(self) -> None:
        """Knock, show the chain, hear a byte and perhaps more."""
        host = self.effect.address.host
        try:
            deadline = time.monotonic() + limits.HANDSHAKE_S
            with _connect(self.effect.address, deadline, self.segments) as sock:
                _read_exactly(sock, knock.CHALLENGE_BYTES)
                sock.sendall(knock.introduction_knock(self.effect.sealed))
                answer = read_to_end(sock, 1 + limits.INTRODUCTION_BYTES, deadline)
        except (NoLink, OSError, EOFError, FrameTooLong) as error:
            _log.info("introduction to %s failed: %s", host, error)
            return
        heard = "accepted" if answer == knock.WELCOME else "not accepted"
        if answer.startswith(knock.UNWELCOME) and len(answer) > 1:
            self.inbox.post(IntroductionAnswered(answer[1:]))
        _log.info("introduction to %s: %s", host, heard)

    def dropped(self) -> None:
        """Nobody waits: the engine introduces itself again when it dials again."""
