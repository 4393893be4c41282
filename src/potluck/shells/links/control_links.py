"""Control and pairing links: owned by the loop thread, never blocking.

Strategy: one `ControlLink` per connection turns readable bytes into messages and queued messages
into writable bytes; `Links` is the table of them, the only thing the loop and the effects talk to.
Selector data is a callable `(mask) -> list[Event]`. A link that ends on purpose flushes, says BYE,
shuts its writing side down and lingers until the other side has closed, because closing with unread
bytes resets the connection and can destroy the BYE.

Guarantees: every adopted link ends in exactly one LinkClosed. Nothing a peer sends raises to the
loop: frames too long or malformed close the link with a reason; unknown messages are handed on for
the engine to count. A peer that reads so slowly that `limits.UNSENT_BYTES` pile up is cut off.
Limits: one turn reads at most `TURN_BYTES` of one link, so a flood there does not starve the
others.
"""

from __future__ import annotations

import itertools
import selectors
import socket
import ssl
from collections.abc import Sequence
from typing import Final

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.wire.catalogue import (
    CONTROL,
    PAIRING,
    Bye,
    ControlMessage,
    FrameReader,
    LinkKind,
    Message,
    PairingMessage,
    Unknown,
    encode_frame,
)
from potluck.engine.effects import Drop, Send
from potluck.engine.events import Event, LinkClosed, LinkId, LinkOpened, MessageHeard
from potluck.shells.links.hello import OpenedLink
from potluck.shells.links.stream import set_user_timeout

READ_BYTES: Final = 64 * limits.KIB
TURN_BYTES: Final = 256 * limits.KIB
FLUSH_S: Final = 1.0  # for a BYE to leave, and for the other side to close after it
USER_TIMEOUT_S: Final = 5.0  # sent but not acknowledged for so long: the other host is gone


class ControlLink:
    """One connection; the owner tells it when the socket is readable or writable."""

    def __init__(self, sock: ssl.SSLSocket, kind: LinkKind) -> None:
        sock.settimeout(0)
        set_user_timeout(sock, USER_TIMEOUT_S)
        self.sock: Final = sock
        self.broken = ""  # why the link cannot go on; "" while it can
        self.farewell: str | None = None  # the reason in the BYE that was heard
        # why nothing can be sent any more; there may still be something to read
        self.write_failed = ""
        self._reader: Final = _reader_for(kind)
        self._unsent = bytearray()
        self._read_wants_write = False

    @property
    def wants_write(self) -> bool:
        """Whether the owner should watch for writability."""
        return bool(self._unsent) or self._read_wants_write

    @property
    def flushed(self) -> bool:
        """Whether everything queued has left."""
        return not self._unsent

    def queue(self, message: Message) -> None:
        """Queue a message and send what the kernel takes at once."""
        self._unsent += encode_frame(message)
        if len(self._unsent) > limits.UNSENT_BYTES:
            self.broken = self.broken or "reads too slowly"
            return
        self.on_writable()

    def on_writable(self) -> None:
        """Send what the kernel takes."""
        self._read_wants_write = False
        while self._unsent and not self.broken and not self.write_failed:
            # After "would block" OpenSSL wants the same bytes again: the front of the buffer never
            # changes.
            with memoryview(self._unsent)[:READ_BYTES] as view:
                try:
                    sent = self.sock.send(view)
                except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                    return
                except OSError as error:
                    self.write_failed = str(error) or type(error).__name__
                    break
            del self._unsent[:sent]

    def read(self) -> list[Message | Unknown]:
        """Return the messages that came; afterwards `broken` or `farewell` says whether the link
        has ended.
        """
        messages: list[Message | Unknown] = []
        read = 0
        while read < TURN_BYTES and not self.broken and self.farewell is None:
            data = self._receive()
            if not data:
                break
            read += len(data)
            try:
                self._take(self._reader.feed(data), messages)
            except ProtocolError as error:
                self.broken = f"{error.code}: {error.cause or error.what}"
        return messages

    def _take(self, heard: Sequence[Message | Unknown], messages: list[Message | Unknown]) -> None:
        for message in heard:
            if isinstance(message, Bye):
                self.farewell = message.reason
                return  # what follows a BYE was never said
            messages.append(message)

    def _receive(self) -> bytes:
        # One call returns one TLS record whole, so nothing stays behind inside OpenSSL that no
        # selector would see.
        try:
            data = self.sock.recv(READ_BYTES)
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLWantWriteError:
            self._read_wants_write = True
            return b""
        except OSError as error:
            self.broken = (
                "cut off"
                if isinstance(error, ssl.SSLEOFError)
                else str(error) or type(error).__name__
            )
            return b""
        if not data:
            self.broken = "closed without BYE"
        return data


def _reader_for(kind: LinkKind) -> FrameReader[ControlMessage] | FrameReader[PairingMessage]:
    return FrameReader(PAIRING) if kind is LinkKind.PAIRING else FrameReader(CONTROL)


class ControlLinks:
    """The table of live links."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector: Final = selector
        self._links: Final[dict[LinkId, ControlLink]] = {}
        self._numbers: Final = itertools.count(1)
        self._dropping: Final[
            dict[LinkId, tuple[float, str]]
        ] = {}  # until when to flush, and the reason
        self._lingering: Final[dict[socket.socket, float]] = {}  # closed for the engine, until when
        self._late: Final[list[Event]] = []  # ends that were noticed while sending

    def __len__(self) -> int:
        """Return how many links are live."""
        return len(self._links)

    def adopt(self, opened: OpenedLink) -> list[Event]:
        """Own a connection from now on; return LinkOpened and whatever has already come on it."""
        link = LinkId(next(self._numbers))
        control = ControlLink(opened.sock, opened.kind)
        self._links[link] = control
        self._selector.register(
            control.sock, selectors.EVENT_READ, lambda mask: self._on_ready(link, mask)
        )
        event = LinkOpened(
            link, opened.kind, opened.peer, opened.address, opened.instance, opened.dial
        )
        return [event, *self._on_ready(link, selectors.EVENT_READ)]

    def send(self, effect: Send) -> None:
        """Queue a message; silently nothing if the link is gone or going."""
        control = self._links.get(effect.link)
        if control is None or effect.link in self._dropping:
            return
        control.queue(effect.message)
        self._settle(effect.link, self._late)

    def drop(self, effect: Drop, now: float) -> None:
        """Flush, say BYE, close; LinkClosed comes with `on_tick` or the next readiness, at most 1 s
        later.
        """
        control = self._links.get(effect.link)
        if control is None or effect.link in self._dropping:
            return
        self._dropping[effect.link] = (now + FLUSH_S, effect.reason)
        control.queue(Bye(effect.reason[:256]))
        self._settle(effect.link, self._late)

    def deadline(self) -> float | None:
        """Return when `on_tick` wants to be called (monotonic; 0 for at once)."""
        if self._late:
            return 0.0
        return min(
            [*(until for until, _ in self._dropping.values()), *self._lingering.values()],
            default=None,
        )

    def on_tick(self, now: float) -> list[Event]:
        """Return the ends noticed meanwhile; close those whose time to flush or linger is over."""
        events, self._late[:] = list(self._late), []
        for link in [one for one, (until, _) in self._dropping.items() if now >= until]:
            self._end(link, self._dropping[link][1], events, clean=True)
        for sock in [one for one, until in self._lingering.items() if now >= until]:
            self._let_go(sock)
        return events

    def close(self) -> None:
        """Close every socket at once, without ceremony."""
        for link in list(self._links):
            self._end(link, "stopping", self._late, clean=True)
        for sock in list(self._lingering):
            self._let_go(sock)

    def _on_ready(self, link: LinkId, mask: int) -> list[Event]:
        control = self._links.get(link)
        if control is None:
            return []
        events: list[Event] = []
        if mask & selectors.EVENT_WRITE:
            control.on_writable()
        # Reading is tried in any case: TLS may have waited for writability to go on reading.
        events += [MessageHeard(link, message) for message in control.read()]
        self._settle(link, events)
        return events

    def _settle(self, link: LinkId, events: list[Event]) -> None:
        """After any act on a link: end it if it has ended, else watch for what it waits for."""
        control = self._links[link]
        going = self._dropping.get(link)
        if control.write_failed and not control.broken:
            # Perhaps the other side said BYE before it closed: that is still in our receive buffer.
            events += [MessageHeard(link, message) for message in control.read()]
            if not control.broken:
                control.broken = control.write_failed
        if control.farewell is not None:
            self._end(link, control.farewell, events, clean=True)
        elif control.broken:
            self._end(link, control.broken, events, clean=going is not None)
        elif going is not None and control.flushed:
            self._linger(control.sock, going[0])
            self._end(link, going[1], events, clean=True)
        else:
            mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if control.wants_write else 0)
            key = self._selector.get_key(control.sock)
            if key.events != mask:
                self._selector.modify(control.sock, mask, key.data)

    def _end(self, link: LinkId, reason: str, events: list[Event], *, clean: bool) -> None:
        control = self._links.pop(link)
        self._dropping.pop(link, None)
        if control.sock not in self._lingering:
            self._selector.unregister(control.sock)
            control.sock.close()
        events.append(LinkClosed(link, reason, clean))

    def _linger(self, sock: ssl.SSLSocket, until: float) -> None:
        try:
            # This drops the TLS object and sends FIN; what still comes is thrown away unread by
            # TLS.
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the other side is gone: nothing to wait for
        self._lingering[sock] = until
        self._selector.modify(sock, selectors.EVENT_READ, lambda _mask: self._on_lingering(sock))

    def _on_lingering(self, sock: socket.socket) -> list[Event]:
        try:
            over = not sock.recv(READ_BYTES)
        except BlockingIOError:
            over = False
        except OSError:
            over = True  # a reset ends the wait as well as an end does
        if over:
            self._let_go(sock)
        return []

    def _let_go(self, sock: socket.socket) -> None:
        del self._lingering[sock]
        self._selector.unregister(sock)
        sock.close()
