"""The doorway: listens on TCP, hears knocks without ever waiting, and passes right ones on.

Strategy: this part runs inside the loop thread's selector and does no TLS. Each connection gets 16
random bytes and `limits.KNOCK_S` for its knock, counted from accept(). A right one leaves for the
handshake workers with the rest of `limits.HANDSHAKE_S`; an introduction goes to the engine and
waits for the answer, one byte, and behind it what a former member is to know; anything else is
closed without a byte more, whether the key, the letter or the time was wrong, so that nothing can
be learned from it.

Guarantees: the caps of strangers.py; a stranger costs one descriptor and fifty bytes; nothing
raises to the loop. Where no descriptor is left nobody is let in for a moment, and that costs next
to nothing. Selector data is a callable `(mask) -> list[Event]`. Limits: introductions are few a
second, since each costs the engine some public-key work; the rest are closed and come again.
"""

from __future__ import annotations

import itertools
import logging
import os
import selectors
import socket
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address
from potluck.engine.effects import AnswerIntroduction, OpenDoor
from potluck.engine.events import Event, IntroductionHeard, OrderId
from potluck.shells.links import knock
from potluck.shells.links.strangers import Slot, Strangers
from potluck.shells.links.stream import NO_SOCKET
from potluck.shells.links.tls import CurrentTrust
from potluck.shells.net.attention import Attention, Budget
from potluck.shells.net.packet_filters import detach
from potluck.shells.net.ports import plain_address

ACCEPTS_PER_TURN: Final = 32  # then the loop looks at its other links
# who waits outside keeps the listener ready all the time: without a rest the loop would spin
DOOR_REST_S: Final = 1.0
ANSWER_ROOM_BYTES: Final = 2 * limits.INTRODUCTION_BYTES  # with what the kernel counts besides
INTRODUCTIONS_PER_S: Final = 20  # each costs the engine a millisecond of public-key work
# Before any knock; it holds for those in whose host no member was lately. A connection costs the
# loop 0.2 ms, one that is refused a tenth of that. Of devices that start together 200 are let in at
# once; in a crowd one comes in on one connection, and on another one as a member.
CALLERS_HEARD: Final = Budget(all_burst=200, all_per_s=50, host_burst=2, host_per_s=0.1)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Knocked:
    """A connection whose knock was right; blocking from here on."""

    slot: Slot  # owns the socket and its place in the doorway
    address: Address  # where it came from
    # whose secret the knock was proved with; None: a newcomer that wants to pair
    claimed: DeviceId | None
    deadline: float  # HELLO_OK must be sent by then (monotonic)


class TakesKnocks(Protocol):
    """Whoever carries right knocks on: handshakes.py."""

    def take(self, knocked: Knocked, /) -> None:
        """Own the connection from now on; never blocks."""


@dataclass(slots=True, eq=False)
class _Visitor:
    """Somebody who has connected and not proved anything."""

    slot: Slot
    address: Address
    accepted: float
    deadline: float
    challenge: bytes
    reader: knock.KnockReader = field(default_factory=knock.KnockReader)


class Doorway:
    """Owned by the loop thread."""

    def __init__(
        self,
        listener: socket.socket,
        selector: selectors.BaseSelector,
        trust: CurrentTrust,
        handshakes: TakesKnocks,
        strangers: Strangers,
    ) -> None:
        """Take a listening socket; `handshakes` gets every right knock and shares `strangers`."""
        self.port: Final[int] = listener.getsockname()[1]
        self.open = False
        self.strangers: Final = strangers
        self._listener: Final = listener
        self._selector: Final = selector
        self._trust: Final = trust
        self._handshakes: Final = handshakes
        self._visitors: Final[dict[Slot, _Visitor]] = {}
        self._introduced: Final[dict[OrderId, _Visitor]] = {}
        self._numbers: Final = itertools.count(1)
        self._introductions = float(INTRODUCTIONS_PER_S)  # a token bucket
        self._counted = time.monotonic()
        self._again_s: float | None = None  # when it listens again; None: it listens
        self._no_room = False  # as the last accept showed, and the log knows
        self._attention: Final = Attention(listener, CALLERS_HEARD, self._counted)
        listener.settimeout(0)
        self._listen()

    def __repr__(self) -> str:
        """Show whether it is open and how many wait."""
        waiting = f"{len(self._visitors)} knocking, {len(self._introduced)} introduced"
        return f"<Doorway {self.port}: open={self.open}, {waiting}>"

    # -- effects -----------------------------------------------------------------------------------
    def open_door(self, effect: OpenDoor) -> None:
        """Answer knocks for pairing from now on, or stop."""
        self.open = effect.open

    def answer_introduction(self, effect: AnswerIntroduction) -> None:
        """Send the answer, a byte or more, and close; nothing if the other side is gone."""
        visitor = self._introduced.pop(effect.knock, None)
        if visitor is None:
            return
        try:
            byte = knock.WELCOME if effect.accepted else knock.UNWELCOME
            sock = visitor.slot.sock
            if effect.sealed:  # all of it at once, since nobody comes back for the rest
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWER_ROOM_BYTES)
            sock.send(byte + effect.sealed)
        except OSError as error:
            _log.debug("the introduced %s is gone: %s", visitor.address.host, error)
        self._close(visitor)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` wants to be called, monotonic."""
        waiting = [
            visitor.deadline for visitor in (*self._visitors.values(), *self._introduced.values())
        ]
        again = [] if self._again_s is None else [self._again_s]
        return min([*waiting, *again], default=None)

    def on_tick(self, now: float) -> None:
        """Close those whose time is over; listen again after a rest."""
        if self._again_s is not None and now >= self._again_s:
            self._listen()
        self._attention.on_tick(now, self.strangers.known)
        for visitor in [one for one in self._visitors.values() if now >= one.deadline]:
            self._close(visitor)
        for number, visitor in [
            pair for pair in self._introduced.items() if now >= pair[1].deadline
        ]:
            del self._introduced[number]
            self._close(visitor)

    def close(self) -> None:
        """Stop listening and close everybody in the doorway."""
        if self._again_s is None:
            self._selector.unregister(self._listener)
        self._listener.close()
        for visitor in [*self._visitors.values(), *self._introduced.values()]:
            self._close(visitor)
        self._introduced.clear()

    # -- accepting ---------------------------------------------------------------------------------
    def _listen(self) -> None:
        self._again_s = None
        self._selector.register(self._listener, selectors.EVENT_READ, self._on_accept)

    def _rest(self, error: OSError) -> None:
        """Let nobody in for a moment: there is nothing to hold them with."""
        self._selector.unregister(self._listener)
        self._again_s = time.monotonic() + DOOR_REST_S
        if not self._no_room:
            _log.warning("nobody can be let in at the moment: %s", error)
        self._no_room = True

    def _on_accept(self, _mask: int) -> list[Event]:
        for _ in range(ACCEPTS_PER_TURN):
            try:
                sock, source = self._listener.accept()
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno in NO_SOCKET:
                    self._rest(error)
                    break
                _log.debug("somebody gave up before being let in: %s", error)
                continue
            self._no_room = False
            address, now = plain_address(source), time.monotonic()
            if self.strangers.knows(address.host) or self._attention.hears(address.host, now):
                self._welcome(sock, address, now)
            else:
                sock.close()
        return []

    def _welcome(self, sock: socket.socket, address: Address, now: float) -> None:
        detach(sock)  # what the listener had when it came
        sock.settimeout(0)
        slot = self.strangers.enter(sock, address.host)
        visitor = _Visitor(
            slot, address, now, now + limits.KNOCK_S, os.urandom(knock.CHALLENGE_BYTES)
        )
        self._visitors[slot] = visitor
        self._selector.register(sock, selectors.EVENT_READ, partial(self._on_readable, visitor))
        try:
            sock.send(visitor.challenge)
        except OSError:
            self._close(visitor)

    # -- knocks ------------------------------------------------------------------------------------
    def _on_readable(self, visitor: _Visitor, _mask: int) -> list[Event]:
        try:
            heard = self._read(visitor)
        except (OSError, EOFError, ProtocolError) as error:
            _log.debug("no knock from %s: %s", visitor.address.host, error)
            self._close(visitor)
            return []
        return [] if heard is None else self._on_knock(visitor, heard)

    def _read(self, visitor: _Visitor) -> knock.Knock | None:
        """Return the knock if it is complete; never read a byte of what follows it."""
        while True:
            try:
                data = visitor.slot.sock.recv(visitor.reader.wanted)
            except BlockingIOError:
                return None
            if not data:
                raise EOFError("closed before the knock was complete")
            heard = visitor.reader.feed(data)
            if heard is not None:
                return heard
            # up to 64 KiB: that may take a moment longer
            if visitor.reader.kind is knock.KnockKind.INTRODUCTION:
                visitor.deadline = visitor.accepted + limits.HANDSHAKE_S

    def _on_knock(self, visitor: _Visitor, heard: knock.Knock) -> list[Event]:
        match heard.kind:
            case knock.KnockKind.MEMBER:
                claimed = self._trust.book.who_knocked(visitor.challenge, heard)
                if claimed is not None:
                    self._let_in(visitor, claimed)
                    return []
            case knock.KnockKind.PAIRING if self.open:
                self._let_in(visitor, None)
                return []
            case knock.KnockKind.INTRODUCTION if self._may_introduce():
                return [self._introduce(visitor, heard.sealed)]
            case _:
                pass
        self._close(visitor)
        return []

    def _let_in(self, visitor: _Visitor, claimed: DeviceId | None) -> None:
        self._forget(visitor)
        visitor.slot.claimed = claimed
        deadline = visitor.accepted + limits.HANDSHAKE_S
        self._handshakes.take(Knocked(visitor.slot, visitor.address, claimed, deadline))

    def _introduce(self, visitor: _Visitor, sealed: bytes) -> Event:
        self._forget(visitor)
        number = OrderId(next(self._numbers))
        self._introduced[number] = visitor
        return IntroductionHeard(number, sealed, visitor.address)

    def _may_introduce(self) -> bool:
        now = time.monotonic()
        earned = (now - self._counted) * INTRODUCTIONS_PER_S
        self._introductions = min(float(INTRODUCTIONS_PER_S), self._introductions + earned)
        self._counted = now
        if self._introductions < 1:
            return False
        self._introductions -= 1
        return True

    def cut(self, sock: object) -> bool:
        """Close the connection of that socket, for a fault of ours; False if none is here."""
        visitors = [visitor for visitor in self._visitors.values() if visitor.slot.sock is sock]
        for visitor in visitors:
            self._close(visitor)
        return bool(visitors)

    # -- ends --------------------------------------------------------------------------------------
    def _forget(self, visitor: _Visitor) -> None:
        """Stop listening to a connection without closing it; it keeps its slot."""
        if self._visitors.pop(visitor.slot, None) is not None:
            self._selector.unregister(visitor.slot.sock)

    def _close(self, visitor: _Visitor) -> None:
        self._forget(visitor)
        self.strangers.leave(visitor.slot)
        visitor.slot.sock.close()
