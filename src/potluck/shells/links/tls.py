"""TLS contexts and whom they trust: the whole recipe of docs/protocol.md §2.

Strategy: a `TrustBook` is an immutable picture of the group: its members, the contexts that trust
exactly them, and the secrets their knocks are proved with. A change of the group makes a new book
and swaps one reference in `CurrentTrust`; a live context is never mutated (CPython had a race
there, CVE-2024-0397). The server trusts all members' certificates, a client only the one it
expects. Afterwards the device id is recomputed from the certificate that was really shown, which
must be the canonical one, and looked up in the book of *that* moment, and ALPN is compared, because
a mismatch fails nothing.

One certificate that OpenSSL does not load must cost nobody else a link: each is loaded by itself
when its member is new, and is no anchor if that fails. That, and a context of our own that cannot
be made, is told to the engine at every change (`TrustSeen`), never only to the log.

Guarantees: TLS 1.3 only, no session tickets (resumption would skip the certificates), a missing
certificate is refused by the handshake itself (CERT_REQUIRED), and a connection cut off is never
mistaken for one that ended. Our own identity is dialled and answered like a member's: who shows
it is another run with our key, or this one. `sni_callback` is not used for anything: it lets
clients without a certificate in (measured). Limits: pairing contexts verify nothing; there the
admission machine binds the keys by words or code.
"""

from __future__ import annotations

import errno
import hmac
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import cached_property
from typing import Final, Protocol

from potluck.core import limits
from potluck.core.errors import Malformed, ProtocolError
from potluck.core.keys.identity import DeviceId, DeviceKey, device_of
from potluck.engine.effects import Member
from potluck.engine.events import NO_COMMON_VERSION, TrustSeen, Unprepared
from potluck.shells.links import knock
from potluck.shells.links.tls_sockets import TlsSocket

PAIRING_ALPN: Final = "potluck-pair/1"
EPHEMERAL_KEY_BYTES: Final = 64  # a seed for signing and one for sealing, used once
COMING: Final = "links from other devices"  # what cannot be prepared, as people read it
GOING: Final = "links to other devices"
PAIRING_LINKS: Final = "links with newcomers"
_CANNOT: Final = (OSError, ValueError)  # what `ssl` raises while a context is made


class NotTheDevice(ProtocolError):
    """The other side proved to be somebody else than expected."""

    code = "not_the_device"


class NoContext(OSError):
    """TLS could not be prepared here; the other side has no part in it."""


class HearsOfTrust(Protocol):
    """Whoever is to know what is wrong with the preparations: the loop's inbox."""

    def post(self, item: TrustSeen, /) -> None:
        """Take it; from any thread."""


class TrustBook:
    """Who belongs to the group at one moment, and what the doors derive from it; immutable."""

    def __init__(
        self, key: DeviceKey, members: Iterable[Member] = (), before: TrustBook | None = None
    ) -> None:
        """Take our key and the members; reuse what `before` derived for unchanged ones."""
        self.key: Final = key
        self.members: Final = {
            member.device: member for member in members if member.device != key.device
        }
        # us, too: another run with our key is dialled to see that it is one, and dials us
        self._known: Final = dict(self.members)
        if self.members:
            own = Member(key.device, key.certificate, key.sealing_public)
            self._known[key.device] = own
        self._secrets: Final[dict[DeviceId, bytes]] = {}
        self._clients: Final[dict[DeviceId, ssl.SSLContext]] = {}
        self.refused: Final[dict[DeviceId, str]] = {}  # whose certificate does not load, and why
        known = set() if before is None else self._inherit(before)
        self._try([member for who, member in self._known.items() if who not in known])

    def _inherit(self, before: TrustBook) -> set[DeviceId]:
        """Take over what depends on one member alone; return whose it is."""
        # list() because a worker may be filling the older book just now.
        unchanged = {
            device for device, member in self._known.items() if before._known.get(device) == member
        }
        for who, secret in list(before._secrets.items()):
            if who in unchanged:
                self._secrets[who] = secret
        for who, context in list(before._clients.items()):
            if who in unchanged:
                self._clients[who] = context
        for who, why in before.refused.items():
            if who in unchanged:
                self.refused[who] = why
        return unchanged

    def _try(self, new: list[Member]) -> None:
        """Load the certificates of new members one by one, 0.1 ms each, to see which can be."""
        if not new:
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        for member in new:
            try:
                context.load_verify_locations(cadata=member.certificate)
            except _CANNOT as error:
                self.refused[member.device] = _words(error)

    def __repr__(self) -> str:
        """Show how many members there are, and for how many something was derived."""
        derived = f"{len(self._secrets)} secrets, {len(self._clients)} contexts"
        return f"<TrustBook: {len(self.members)} members, {derived}>"

    def __contains__(self, device: DeviceId) -> bool:
        """Say whether a device is a member other than ourselves."""
        return device in self.members

    def knows(self, device: DeviceId) -> bool:
        """Say whether a device is a member, or ourselves in a group with company."""
        return device in self._known

    def descent(self, device: DeviceId) -> tuple[DeviceId, ...]:
        """Return by whom a device came in, from whoever the founder let in down to itself."""
        member = self.members.get(device)
        return (device,) if member is None or not member.lines else member.lines[::-1]

    def secret(self, device: DeviceId) -> bytes:
        """Return the 32 bytes our knocks to `device` and its knocks to us are proved with.

        Raises KeyError for a device that is no member, or one whose key is none: nobody shares a
        secret with that.
        """
        secret = self._secrets.get(device)
        if secret is None:
            try:
                # Two threads may both derive it; they derive the same.
                secret = self._secrets[device] = self.key.agree(
                    self._known[device].sealing, knock.KNOCK_PURPOSE
                )
            except Malformed as error:
                raise KeyError(device) from error
        return secret

    def who_knocked(self, challenge: bytes, heard: knock.Knock) -> DeviceId | None:
        """Return the member whose secret proves this knock, or None."""
        for device in self._known:
            try:
                secret = self.secret(device)
            except KeyError:  # that member's key is none; the others must still be heard
                continue
            if hmac.compare_digest(knock.proof_of(secret, challenge, heard.nonce), heard.proof):
                return device
        return None

    @cached_property
    def server_context(self) -> ssl.SSLContext:
        """The context for members that dial us; 3 ms for ten members, so workers ask first."""
        context = _context(ssl.PROTOCOL_TLS_SERVER, limits.ALPN)
        context.verify_mode = ssl.CERT_REQUIRED
        context.num_tickets = 0
        for who, member in self._known.items():
            if who not in self.refused:
                context.load_verify_locations(cadata=member.certificate)
        # no anchor at all means that everybody is refused, which is right
        _show_certificate(context, self.key)
        return context

    def client_context(self, device: DeviceId) -> ssl.SSLContext:
        """Return the context for dialling one member: its certificate is the only anchor.

        Raises KeyError if it is none, and Malformed if TLS does not load its certificate.
        """
        if device in self.refused:
            raise Malformed("its certificate cannot be loaded here", self.refused[device])
        context = self._clients.get(device)
        if context is None:
            context = _context(ssl.PROTOCOL_TLS_CLIENT, limits.ALPN)
            context.load_verify_locations(cadata=self._known[device].certificate)
            _show_certificate(context, self.key)
            self._clients[device] = context
        return context


class CurrentTrust:
    """Who we are and, at this moment, whom we trust; the doors and all workers share it.

    Only the loop thread calls `trust`; everyone reads `book` afresh when a decision hangs on it.
    The contexts asked for here are those of that book; each raises NoContext if it cannot be made.
    """

    def __init__(self, key: DeviceKey, instance: bytes, inbox: HearsOfTrust) -> None:
        """Take our key and the random bytes that name this run of us; trust nobody yet.

        `inbox` hears what is wrong with the preparations.
        """
        self.key: Final = key
        self.instance: Final = instance
        self.book = TrustBook(key)
        self._inbox: Final = inbox
        self._lock: Final = threading.Lock()  # what is told is told in order
        self._unprepared: Final[dict[str, Unprepared]] = {}
        self._pairing: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        """Show the book of this moment, and what cannot be prepared."""
        return f"<CurrentTrust: {self.book!r}, unprepared: {list(self._unprepared)}>"

    def trust(self, members: Iterable[Member]) -> frozenset[DeviceId]:
        """From now on these devices are the group; return who is in it no more."""
        before, self.book = self.book, TrustBook(self.key, members, before=self.book)
        if before.refused or self.book.refused:
            with self._lock:
                self._tell()
        return frozenset(before.members.keys() - self.book.members.keys())

    def server_context(self) -> ssl.SSLContext:
        """Return the context for members that dial us."""
        return self._made(COMING, lambda: self.book.server_context)

    def client_context(self, device: DeviceId) -> ssl.SSLContext:
        """Return the context for dialling one member; raises also what that of a book does."""
        return self._made(GOING, lambda: self.book.client_context(device))

    def pairing_context(self) -> ssl.SSLContext:
        """Return the context for strangers, made when the first one comes."""
        if self._pairing is None:  # two threads may both make one; the last one stays
            self._pairing = self._made(PAIRING_LINKS, pairing_context)
        return self._pairing

    def newcomer_context(self) -> ssl.SSLContext:
        """Return the context for dialling a member as a stranger."""
        return self._made(GOING, newcomer_context)

    def _made(self, links: str, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        try:
            context = make()
        except _CANNOT as error:
            descriptors = getattr(error, "errno", None) == errno.EMFILE
            self._note(links, Unprepared(links, _words(error), descriptors))
            raise NoContext(f"TLS cannot be prepared: {_words(error)}") from error
        self._note(links, None)
        return context

    def _note(self, links: str, found: Unprepared | None) -> None:
        with self._lock:
            if self._unprepared.get(links) == found:
                return
            self._unprepared.pop(links, None)
            if found is not None:
                self._unprepared[links] = found
            self._tell()

    def _tell(self) -> None:
        refused, unprepared = self.book.refused.items(), self._unprepared.values()
        self._inbox.post(TrustSeen(tuple(refused), tuple(unprepared)))


def accept_member(
    sock: socket.socket,
    trust: CurrentTrust,
    claimed: DeviceId,
    hold: Callable[[ssl.SSLSocket], None],
) -> ssl.SSLSocket:
    """Be the server of a handshake with the member that knocked; blocks as `sock`'s time-out says.

    `hold` hears of the new socket object before the handshake. Raises NotTheDevice, Malformed,
    ssl.SSLError and OSError; the socket is closed then.
    """
    secured = _wrap(trust.server_context(), sock, server=True)
    hold(secured)
    return _checked(_shaken(secured), trust, claimed)


def dial_member(sock: socket.socket, trust: CurrentTrust, expected: DeviceId) -> ssl.SSLSocket:
    """Be the client of a handshake with `expected`.

    Raises what `accept_member` raises, and KeyError for no member.
    """
    secured = _wrap(trust.client_context(expected), sock, server=False)
    return _checked(_shaken(secured), trust, expected)


def accept_stranger(
    sock: socket.socket, context: ssl.SSLContext, hold: Callable[[ssl.SSLSocket], None]
) -> ssl.SSLSocket:
    """Be the server of a pairing handshake; nobody is authenticated by it."""
    secured = _wrap(context, sock, server=True)
    hold(secured)
    return _with_alpn(_shaken(secured), PAIRING_ALPN)


def dial_stranger(sock: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Be the client of a pairing handshake; nobody is authenticated by it."""
    return _with_alpn(_shaken(_wrap(context, sock, server=False)), PAIRING_ALPN)


def newcomer_context() -> ssl.SSLContext:
    """Return a client context that trusts everybody and shows nothing."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT, PAIRING_ALPN)
    context.verify_mode = ssl.CERT_NONE
    return context


def pairing_context() -> ssl.SSLContext:
    """Return a server context with a certificate made for this occasion, which names nobody."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, PAIRING_ALPN)
    context.verify_mode = ssl.CERT_NONE
    context.num_tickets = 0
    _show_certificate(context, DeviceKey(os.urandom(EPHEMERAL_KEY_BYTES)))
    return context


def _context(protocol: int, alpn: str) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.sslsocket_class = TlsSocket
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # a name proves nothing here; the certificate itself is pinned
    context.set_alpn_protocols([alpn])
    return context


def _words(error: OSError | ValueError) -> str:
    """Return what is wrong, in the library's or the system's own words."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _show_certificate(context: ssl.SSLContext, key: DeviceKey) -> None:
    """Load certificate and key; `ssl` reads files only, and pipes are files that touch no disk."""
    certificate = _pipe_with(ssl.DER_cert_to_PEM_cert(key.certificate).encode())
    try:
        private = _pipe_with(key.private_pem)
        try:
            context.load_cert_chain(f"/dev/fd/{certificate}", f"/dev/fd/{private}")
        finally:
            os.close(private)
    finally:
        os.close(certificate)


def _pipe_with(data: bytes) -> int:
    """Return the reading end of a pipe that holds `data`, far less than a pipe's 16 KiB or more."""
    reading, writing = os.pipe()
    try:
        os.write(writing, data)
    finally:
        os.close(writing)
    return reading


def _wrap(context: ssl.SSLContext, sock: socket.socket, *, server: bool) -> ssl.SSLSocket:
    """Put TLS around a socket.

    The default for `suppress_ragged_eofs` would make a cut connection a clean end.
    """
    return context.wrap_socket(
        sock, server_side=server, do_handshake_on_connect=False, suppress_ragged_eofs=False
    )


def _shaken(secured: ssl.SSLSocket) -> ssl.SSLSocket:
    """Do the handshake."""
    with ExitStack() as undo:
        undo.callback(secured.close)
        secured.do_handshake()
        undo.pop_all()
    return secured


def _checked(secured: ssl.SSLSocket, trust: CurrentTrust, expected: DeviceId) -> ssl.SSLSocket:
    """Return the socket if its certificate is the expected device's, which is a member *now*."""
    try:
        device = device_of(secured.getpeercert(binary_form=True) or b"")
        if device != expected or not trust.book.knows(device):
            raise NotTheDevice
    except ProtocolError:
        secured.close()
        raise
    return _with_alpn(secured, limits.ALPN)


def _with_alpn(secured: ssl.SSLSocket, alpn: str) -> ssl.SSLSocket:
    if secured.selected_alpn_protocol() != alpn:
        secured.close()
        raise Malformed(NO_COMMON_VERSION, f"the other side does not speak {alpn}")
    return secured
