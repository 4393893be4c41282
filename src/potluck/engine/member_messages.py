"""Member messages: what a member says on its control link goes to the part whose business it is.

Strategy: one table, by type; engine/dispatch.py has found out who speaks, and that it is a member.
Guarantees: every message a member may say has its place here (mypy would refuse the match
otherwise). Limits: no decisions; whether a message makes sense is found out by the part.
"""

from __future__ import annotations

from typing import assert_never

from potluck.core.keys.identity import DeviceId
from potluck.core.ring.ring import RingMessage
from potluck.core.wire.catalogue import (
    Address,
    Decrement,
    DialMe,
    FlushAsk,
    Flushed,
    GroupKeys,
    GroupKeysAsk,
    Heads,
    HeadsAsk,
    Join,
    Kept,
    LossConfirms,
    Ping,
    Pong,
    ProbeFor,
    ProbeResult,
    Redirect,
    RequestAnswer,
    RequestOver,
    RequestTold,
    RosterDigest,
    RosterRecords,
    Sync,
    Update,
    Welcome,
)
from potluck.engine.counted_words import counted_words
from potluck.engine.ring.circle import ProbeMessage
from potluck.engine.wiring import Wiring

# every ControlMessage but BYE: mypy would refuse the call of `_hear` otherwise
FilesMessage = Heads | HeadsAsk | Kept | LossConfirms | FlushAsk | Flushed
MemberMessage = (
    RingMessage | ProbeMessage | DialMe
    | RosterDigest | RosterRecords | GroupKeysAsk | GroupKeys
    | RequestTold | RequestAnswer | RequestOver
    | FilesMessage
)  # fmt: skip


class MemberMessages:
    """Hands messages of members to the parts."""

    def __init__(self, parts: Wiring) -> None:
        """Hand them to these."""
        self._parts = parts

    def hear(self, device: DeviceId, message: MemberMessage) -> None:
        """A member said something over its control link."""
        match message:
            case Join() | Redirect() | Welcome() | Update() | Decrement() | Sync():
                self._parts.circle.on_message(device, message)
            case Ping() | Pong() | ProbeFor() | ProbeResult():
                self.hear_probe(device, message, None)
            case DialMe(link):
                self._parts.bulk_calls.on_dial_me(device, link)
            case RosterDigest() | RosterRecords() | GroupKeysAsk() | GroupKeys():
                self._hear_group(device, message)
            case RequestTold() | RequestAnswer() | RequestOver():
                self._parts.requests.on_message(device, message)
            case _:
                self._hear_of_files(device, message)

    def _hear_of_files(self, device: DeviceId, message: FilesMessage) -> None:
        """A member said what it has, or asked for that."""
        announcing = self._parts.announcing
        match message:
            case Heads(heads):
                self._parts.following.on_heads(device, heads)
            case HeadsAsk():
                announcing.on_heads_ask(device, message)
            case Kept(holdings, held):
                came_bytes = announcing.on_kept(device, holdings, held)
                self._parts.answers.on_came(device, came_bytes)
                self._parts.downloads.on_kept(device, {DeviceId(one.owner) for one in holdings})
                self._parts.undelivered.on_kept(counted_words(self._parts.node, holdings))
                self._parts.publishing.breaker.on_others()
            case LossConfirms(confirms):
                self._parts.confirmations.on_heard(device, confirms)
            case FlushAsk():
                self._parts.flushing.on_flush_ask(device, message)
            case Flushed():
                self._parts.flushing.on_flushed(device, message)
            case _:
                assert_never(message)

    def _hear_group(
        self, device: DeviceId, message: RosterDigest | RosterRecords | GroupKeysAsk | GroupKeys
    ) -> None:
        """A member said something of the group: who belongs to it, or its keys."""
        if isinstance(message, RosterDigest | RosterRecords):
            self._parts.membership.on_roster(device, message)
        else:
            self._parts.key_exchange.on_message(device, message)

    def hear_probe(self, device: DeviceId, message: ProbeMessage, source: Address | None) -> None:
        """A probe came: by datagram from `source`, or over the link."""
        self._parts.circle.on_probe(device, message, source)
        if isinstance(message, ProbeResult):
            self._parts.link_troubles.on_heard(DeviceId(message.target))
        if isinstance(message, Ping | Pong):
            self._parts.announcing.on_digest(device, message.heads)
