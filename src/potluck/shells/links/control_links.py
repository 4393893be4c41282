"""Control and pairing links: owned by the loop thread, never blocking.

Strategy: one `ControlLink` per connection turns readable bytes into messages and queued messages
into writable bytes; `ControlLinks` is the table of them, the only thing the loop and the effects
talk to. Selector data is a callable `(mask) -> list[Event]`. How a link ends is a state machine
with one table, ENDINGS. A link that ends on purpose lingers, because closing with unread bytes
resets the connection and can destroy the BYE. When sending fails there may still be a BYE in our
receive buffer, so what came is read before the link counts as cut, LAST_TURNS at once; of what
stands before it LAST_MESSAGES are handed on, and none of a member that rests.

Guarantees: every adopted link ends in exactly one LinkClosed. Nothing a peer sends raises to the
loop: frames too long or malformed close the link with a reason; unknown messages are handed on for
the engine to count. A peer that reads so slowly that `limits.UNSENT_BYTES` pile up is cut off.
One turn reads at most `TURN_BYTES` of one link, and after `TURN_MESSAGES` nothing further; a member
whose messages take more than its share of the time is read later (link_sockets.py). So what one
floods waits in its own connection, while others are heard and answered in time. Limits: one TLS
record is taken whole, whatever number of messages is in it; a BYE behind more than LAST_TURNS is
lost where sending failed.
"""

from __future__ import annotations

import itertools
import selectors
import socket
import ssl
from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import partial
from typing import Final

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.transitions import follow
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
from potluck.engine.events import Event, LinkClosed, LinkId, LinkOpened, MessageHeard, PathStalled
from potluck.shells.links.link_sockets import LinkSockets
from potluck.shells.links.stream import resent, set_user_timeout
from potluck.shells.loop.inbox import OpenedLink

READ_BYTES: Final = 64 * limits.KIB  # in one call: a TLS record has 16 KiB, a socket buffer more
# of one link, then the others' turn: 60 heads, whose signatures take some 10 ms
TURN_BYTES: Final = 16 * limits.KIB
# of one link, too: the engine takes 50 us for each, and who is probed has 100 ms for its answer
TURN_MESSAGES: Final = 256
# of a link that takes nothing any more, for the BYE behind them: 0.1 s, once
LAST_TURNS: Final = 8
LAST_MESSAGES: Final = 64  # of these: whoever cuts link after link costs 10 ms for each
FLUSH_S: Final = 1.0  # for a BYE to leave, and for the other side to close after it
USER_TIMEOUT_S: Final = 5.0  # sent but not acknowledged for so long: the other host is gone
STALLED_RESENT: Final = 4  # the kernel sends again about so often within USER_TIMEOUT_S
REASON_LETTERS: Final = 256  # longest reason a BYE may carry (core/wire/records.py, Text)


class ControlLinkState(Enum):
    """Where a link stands."""

    OPEN = auto()  # messages go both ways
    LEAVING = auto()  # we have said BYE; what is queued still leaves, nothing more is queued
    LINGERING = auto()  # all has left, our side is shut down; the other side is to close
    PARTED = auto()  # over, and BYE was said by one of us
    BROKEN = auto()  # over without a BYE


class ControlLinkInput(Enum):
    """What can happen to a link."""

    DROP = auto()  # the engine wants it to end
    BYE = auto()  # the other side wants that
    CUT = auto()  # the connection ended or failed, or the other side broke the rules
    FLUSHED = auto()  # all that was queued has left
    TIME = auto()  # the other side takes too long
    STOP = auto()  # the program ends


ENDINGS: dict[tuple[ControlLinkState, ControlLinkInput], ControlLinkState] = {
    (ControlLinkState.OPEN, ControlLinkInput.DROP): ControlLinkState.LEAVING,
    (ControlLinkState.OPEN, ControlLinkInput.BYE): ControlLinkState.PARTED,
    (ControlLinkState.OPEN, ControlLinkInput.CUT): ControlLinkState.BROKEN,
    (ControlLinkState.OPEN, ControlLinkInput.STOP): ControlLinkState.PARTED,
    (ControlLinkState.LEAVING, ControlLinkInput.BYE): ControlLinkState.PARTED,
    (ControlLinkState.LEAVING, ControlLinkInput.CUT): ControlLinkState.PARTED,
    (ControlLinkState.LEAVING, ControlLinkInput.FLUSHED): ControlLinkState.LINGERING,
    (ControlLinkState.LEAVING, ControlLinkInput.TIME): ControlLinkState.PARTED,
    (ControlLinkState.LEAVING, ControlLinkInput.STOP): ControlLinkState.PARTED,
    (ControlLinkState.LINGERING, ControlLinkInput.CUT): ControlLinkState.PARTED,
    (ControlLinkState.LINGERING, ControlLinkInput.TIME): ControlLinkState.PARTED,
    (ControlLinkState.LINGERING, ControlLinkInput.STOP): ControlLinkState.PARTED,
}
"""How a control link ends: with a BYE that really leaves, or cut."""
LIVE: Final = frozenset({ControlLinkState.OPEN, ControlLinkState.LEAVING})


class ControlLink:
    """One connection; the owner tells it when the socket is readable or writable."""

    def __init__(
        self,
        sock: ssl.SSLSocket,
        kind: LinkKind,
        host: str = "",
        rests: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take a connection with `host` after HELLO_OK; it does not block from now on.

        `rests` says whether it is not to be read just now.
        """
        sock.settimeout(0)
        self._rests: Final = rests
        self.host: Final = host
        set_user_timeout(sock, USER_TIMEOUT_S)
        self.sock: Final = sock
        self.state = ControlLinkState.OPEN
        self.reason = ""  # why it ends; "" while it is open
        self.until_s = 0.0  # how long it may leave or linger, monotonic
        self._reader: Final = _reader_for(kind)
        self._unsent = bytearray()
        self._read_wants_write = False

    def __repr__(self) -> str:
        """Show where it stands."""
        return f"<ControlLink {self.state.name}: {len(self._unsent)} bytes unsent, {self.reason!r}>"

    @property
    def live(self) -> bool:
        """Whether the engine has not heard of its end."""
        return self.state in LIVE

    @property
    def wants_write(self) -> bool:
        """Whether the owner should watch for writability."""
        return bool(self._unsent) or self._read_wants_write

    def fire(self, happened: ControlLinkInput, reason: str = "") -> None:
        """Go on to the next state; raises ProtocolError for what cannot happen there.

        `reason` says why the link ends, "" if that is known already.
        """
        self.state = follow(ENDINGS, self.state, happened)
        self.reason = reason or self.reason

    # -- while it lives: each act returns the messages that came ----------------------------------
    def queue(self, message: Message) -> list[Message | Unknown]:
        """Queue a message and send what the kernel takes at once."""
        self._unsent += encode_frame(message)
        if len(self._unsent) > limits.UNSENT_BYTES:
            self.fire(ControlLinkInput.CUT, "reads too slowly")
            return []
        return self.on_writable()

    def on_writable(self) -> list[Message | Unknown]:
        """Send what the kernel takes."""
        self._read_wants_write = False
        while self._unsent:
            # After "would block" OpenSSL wants the same bytes again: the front of the buffer never
            # changes.
            with memoryview(self._unsent)[:READ_BYTES] as view:
                try:
                    sent = self.sock.send(view)
                except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                    return []
                except OSError as error:
                    return self._on_unsendable(error)
            del self._unsent[:sent]
        return []

    def on_readable(self) -> list[Message | Unknown]:
        """Read what has come, TURN_BYTES at most, and no further after TURN_MESSAGES."""
        return self._read(1)

    def _read(self, turns: int) -> list[Message | Unknown]:
        messages: list[Message | Unknown] = []
        most_bytes, most_messages = turns * TURN_BYTES, turns * TURN_MESSAGES
        read = 0
        while read < most_bytes and len(messages) < most_messages and self.live:
            data = self._receive()
            if not data:
                break
            read += len(data)
            try:
                self._take(self._reader.feed(data), messages)
            except ProtocolError as error:
                self.fire(ControlLinkInput.CUT, f"{error.code}: {error.cause or error.what}")
        return messages

    def _on_unsendable(self, error: OSError) -> list[Message | Unknown]:
        """Sending has failed: read what the other side said before, then the link is cut."""
        most = 0 if self._rests() else LAST_MESSAGES
        messages = self._read(LAST_TURNS)[:most]
        if self.live:
            self.fire(ControlLinkInput.CUT, _reason_of(error))
        return messages

    def _take(self, heard: Sequence[Message | Unknown], messages: list[Message | Unknown]) -> None:
        for message in heard:
            if isinstance(message, Bye):
                self.fire(ControlLinkInput.BYE)
                self.reason = message.reason
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
        except ssl.SSLEOFError:
            self.fire(ControlLinkInput.CUT, "cut off")
            return b""
        except OSError as error:
            self.fire(ControlLinkInput.CUT, _reason_of(error))
            return b""
        if not data:
            self.fire(ControlLinkInput.CUT, "closed without BYE")
        return data

    # -- leaving -----------------------------------------------------------------------------------
    def settle(self) -> None:
        """Linger once everything queued has left."""
        if self.state is not ControlLinkState.LEAVING or self._unsent:
            return
        self.fire(ControlLinkInput.FLUSHED)
        try:
            # This drops the TLS object and sends FIN; what still comes is thrown away unread by
            # TLS.
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.fire(ControlLinkInput.CUT)  # the other side is gone: nothing to wait for

    def on_lingering(self) -> None:
        """Throw away what comes after our BYE; an end or a reset ends the wait."""
        try:
            over = not self.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            over = True
        if over:
            self.fire(ControlLinkInput.CUT)


def _reader_for(kind: LinkKind) -> FrameReader[ControlMessage] | FrameReader[PairingMessage]:
    return FrameReader(PAIRING) if kind is LinkKind.PAIRING else FrameReader(CONTROL)


def _reason_of(error: OSError) -> str:
    return str(error) or type(error).__name__


class ControlLinks:
    """The table of links; owned by the loop thread."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        """Watch sockets with this selector."""
        self._sockets: Final = LinkSockets(selector)
        self._links: Final[dict[LinkId, ControlLink]] = {}
        self._lingering: Final[dict[LinkId, ControlLink]] = {}  # ended for the engine
        self._numbers: Final = itertools.count(1)
        self._late: Final[list[Event]] = []  # what was noticed while sending

    def __len__(self) -> int:
        """Return how many links are live."""
        return len(self._links)

    def __repr__(self) -> str:
        """Show the links by state."""
        return f"<ControlLinks: {list(self._links.values())}, {len(self._lingering)} lingering>"

    def adopt(self, opened: OpenedLink) -> list[Event]:
        """Own a connection from now on; return LinkOpened and whatever has already come on it."""
        link = LinkId(next(self._numbers))
        rests = partial(self._sockets.rests, opened.sock)
        control = ControlLink(opened.sock, opened.kind, opened.address.host, rests)
        self._links[link] = control
        sender = opened.peer if opened.peer is not None else link
        self._sockets.add(control.sock, sender, partial(self._on_ready, link, control))
        event = LinkOpened(
            link, opened.kind, opened.peer, opened.address, opened.instance, opened.dial
        )
        return [event, *self._on_ready(link, control, selectors.EVENT_READ)]

    def send(self, effect: Send) -> None:
        """Queue a message; silently nothing if the link is gone or going."""
        control = self._links.get(effect.link)
        if control is not None and control.state is ControlLinkState.OPEN:
            self._late.extend(self._after(effect.link, control, control.queue(effect.message)))

    def drop(self, effect: Drop, now: float) -> None:
        """Flush, say BYE, close; LinkClosed comes within FLUSH_S with `on_tick` or readiness."""
        control = self._links.get(effect.link)
        if control is not None and control.state is ControlLinkState.OPEN:
            control.fire(ControlLinkInput.DROP, effect.reason)
            control.until_s = now + FLUSH_S
            heard = control.queue(Bye(effect.reason[:REASON_LETTERS]))
            self._late.extend(self._after(effect.link, control, heard))

    def deadline(self) -> float | None:
        """Return when `on_tick` wants to be called (monotonic; 0 for at once)."""
        if self._late:
            return 0.0
        times = [control.until_s for _, control in self._going()]
        woken_s = self._sockets.deadline()
        return min([*times, woken_s] if woken_s is not None else times, default=None)

    def on_tick(self, now: float) -> list[Event]:
        """Return what was noticed meanwhile; close links that leave or linger for too long."""
        self._sockets.wake(now)
        events, self._late[:] = list(self._late), []
        for link, control in self._going():
            if now >= control.until_s:
                control.fire(ControlLinkInput.TIME)
                events += self._after(link, control, [])
        return events

    def close(self) -> None:
        """Close every socket at once, without ceremony."""
        for link, control in [*self._links.items(), *self._lingering.items()]:
            control.fire(ControlLinkInput.STOP, "stopping")
            self._late.extend(self._after(link, control, []))

    def cut(self, sock: object) -> list[Event] | None:
        """Cut the link of that socket, since it brought what nobody foresaw; None if none is."""
        for link, control in [*self._links.items(), *self._lingering.items()]:
            if control.sock is sock:
                if control.live or control.state is ControlLinkState.LINGERING:
                    control.fire(ControlLinkInput.CUT, "a fault of potluck itself")
                return self._after(link, control, [])
        return None

    def took(self, sock: object, seconds: float, now: float) -> None:
        """What a socket brought took so long; if it is one of ours, it may rest for that."""
        self._sockets.took(sock, seconds, now)

    def _going(self) -> list[tuple[LinkId, ControlLink]]:
        """Return the links that leave or linger: those whose time is limited."""
        leaving = [
            (link, control)
            for link, control in self._links.items()
            if control.state is ControlLinkState.LEAVING
        ]
        return [*leaving, *self._lingering.items()]

    def _on_ready(self, link: LinkId, control: ControlLink, mask: int) -> list[Event]:
        if link in self._lingering:
            control.on_lingering()
            return self._after(link, control, [])
        if link not in self._links:  # it ended while the selector's list was gone through
            return []
        messages: list[Message | Unknown] = []
        if mask & selectors.EVENT_WRITE:
            messages += control.on_writable()
        # Reading is tried in any case: TLS may have waited for writability to go on reading.
        if not self._sockets.rests(control.sock):
            messages += control.on_readable()
        return self._after(link, control, messages)

    def _after(
        self, link: LinkId, control: ControlLink, messages: list[Message | Unknown]
    ) -> list[Event]:
        """After any act on a link: say what was heard, and whether it has ended by that."""
        control.settle()
        events: list[Event] = [MessageHeard(link, message) for message in messages]
        if control.live:
            self._sockets.watch(control.sock, writes=control.wants_write)
            return events
        if self._links.pop(link, None) is not None:
            clean = control.state is not ControlLinkState.BROKEN
            events.append(LinkClosed(link, control.reason, clean))
            # OpenSSL says of a connection that timed out only that it is cut off
            if not clean and resent(control.sock) >= STALLED_RESENT:
                events.append(PathStalled(control.host))
            self._lingering[link] = control
        if control.state is ControlLinkState.LINGERING:
            self._sockets.watch(control.sock, writes=False)
        else:
            del self._lingering[link]
            self._sockets.remove(control.sock)
            control.sock.close()
        return events
