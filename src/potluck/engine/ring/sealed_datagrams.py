"""Sealed datagrams, by which the devices of one group speak without a link.

Strategy: everything a member says by datagram is sealed with a valid group key (core/group/
key_ring.py) around an envelope of sender, run and counter. A sliding window per member refuses
repetition. What comes under a key from before a removal is a hint if it is a beacon, nothing else;
that of a removed device is one to tell it so (engine/ring/removed_callers.py). So is a call in our
own name under either, if it is of another run (engine/ring/own_calls.py).
What another group sealed cannot be read, but that it was heard is a fact: a lonely device waits for
a person rather than start a second group next to it.

Guarantees: whatever does not open, does not decode, comes twice, from ourselves or from nobody we
know gives None; `former_call` alone says of what comes twice that it does. Windows are kept for
members and former members only, one that was removed keeps the one it had, and there is an end to
their number. Nothing longer than a datagram leaves. Limits: any member can speak in another's name
here, and under an older key a removed device can, so a datagram is a hint and never a proof, and
that it seems to come twice is none either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from potluck.core import limits
from potluck.core.errors import Malformed
from potluck.core.group.removals import GroupStanding
from potluck.core.group.statements import MemberEntry
from potluck.core.keys.identity import DeviceId
from potluck.core.keys.sealing import (
    MAGIC,
    NONCE_BYTES,
    ReplayWindow,
    is_sealed,
    key_hint,
    open_datagram,
    seal_datagram,
)
from potluck.core.wire.catalogue import (
    SEALED,
    Address,
    Beacon,
    Envelope,
    Message,
    SealedMessage,
    Unknown,
    decoded,
    encode,
)
from potluck.engine.effects import Transmit
from potluck.engine.node import Node

_ENVELOPE = msgspec.msgpack.Decoder(Envelope)


def _first(keys: Iterable[bytes], data: bytes) -> bytes | None:
    """Return what was sealed with one of these keys, None if nothing was."""
    opened = (open_datagram(key, data) for key in keys)
    return next((inside for inside in opened if inside is not None), None)


def _said(inside: bytes | None) -> tuple[Envelope, SealedMessage] | None:
    """Return what was sealed, with its envelope; None if that is nothing we can read."""
    if inside is None:
        return None
    try:
        envelope = decoded(_ENVELOPE, inside, limits.DATAGRAM_BYTES)
        message = SEALED.decode(envelope.body)
    except Malformed:
        return None
    return None if isinstance(message, Unknown) else (envelope, message)


@dataclass(frozen=True, slots=True)
class FormerCall:
    """A former member calls its group."""

    who: MemberEntry
    beacon: Beacon
    is_new: bool  # whether it was not heard here before


class SealedDatagrams:
    """Speaks and hears in sealed datagrams."""

    def __init__(self, node: Node) -> None:
        """Nothing said, nothing heard."""
        self._node = node
        self._windows: dict[DeviceId, ReplayWindow] = {}
        self._counter = 0
        # by what the keys were sorted last, and how: the roster names many, and each datagram asks
        self._sorted_by: tuple[GroupStanding, list[bytes]] | None = None
        self._sorted: tuple[list[bytes], list[bytes]] = [], []

    def __repr__(self) -> str:
        """Say how much was said, and how many were heard."""
        return f"<SealedDatagrams said={self._counter}, heard={len(self._windows)} devices>"

    def restart(self) -> None:
        """This device is in another group now."""
        self._windows.clear()

    def open(self, data: bytes) -> tuple[DeviceId, SealedMessage] | None:
        """Return who says what in a sealed datagram of our group; None for anything else."""
        valid, _ = self._keys()
        return self._opened(_first(valid, data))

    def hint(self, data: bytes) -> tuple[DeviceId, Beacon] | None:
        """Return which member calls under a key that was valid once; None for anything else."""
        _, older = self._keys()
        opened = self._opened(_first(older, data))
        if opened is None or not isinstance(opened[1], Beacon):
            return None
        return opened[0], opened[1]

    def former_call(self, data: bytes) -> FormerCall | None:
        """Return which former member calls under a key that was valid once, perhaps again."""
        _, older = self._keys()
        roster, said = self._node.roster, _said(_first(older, data))
        if roster is None or said is None:
            return None
        envelope, beacon = said
        if not isinstance(beacon, Beacon):
            return None
        who = roster.entry_of(DeviceId(envelope.sender))
        if who is None or who.device in roster.members:
            return None
        return FormerCall(who, beacon, self._is_new(envelope))

    def own_call(self, data: bytes) -> Beacon | None:
        """Return what is called in our own name, perhaps by another run; None for anything else.

        A copy of this device that is older than a removal calls under the key from before it.
        """
        valid, older = self._keys()
        said = _said(_first([*valid, *older], data))
        if said is None or not isinstance(said[1], Beacon):
            return None
        envelope, node = said[0], self._node
        ours = envelope.sender == node.me and envelope.instance != node.instance
        return said[1] if ours else None

    def _opened(self, inside: bytes | None) -> tuple[DeviceId, SealedMessage] | None:
        """Return who says what, if it is a member, and says it for the first time."""
        node, said = self._node, _said(inside)
        if node.roster is None or said is None:
            return None
        envelope, message = said
        sender = DeviceId(envelope.sender)
        if sender == node.me or sender not in node.roster.members:
            return None
        return (sender, message) if self._is_new(envelope) else None

    def _is_new(self, envelope: Envelope) -> bool:
        """Say whether that was not heard of this device before, which is or was a member."""
        device = DeviceId(envelope.sender)
        if device not in self._windows and len(self._windows) >= limits.SIGHTED:
            del self._windows[next(iter(self._windows))]
        window = self._windows.setdefault(device, ReplayWindow())
        return window.accept(envelope.instance, envelope.counter)

    def _keys(self) -> tuple[list[bytes], list[bytes]]:
        """Return the keys that are valid, and those that were."""
        ring, roster = self._node.group_keys, self._node.roster
        if roster is None:
            return [], []
        by, before = (roster.standing, ring.keys), self._sorted_by
        if before is None or before[0] is not by[0] or before[1] != by[1]:
            first, valid = roster.group_key, roster.standing.keys
            self._sorted = ring.valid(first, valid), ring.older(first, valid)
            self._sorted_by = by
        return self._sorted

    def is_foreign(self, data: bytes) -> bool:
        """Say whether another group sealed this datagram; our own, come back, does not count."""
        valid, older = self._keys()
        ours = any(data[len(MAGIC) :].startswith(key_hint(key)) for key in [*valid, *older])
        return is_sealed(data) and not ours

    def send(self, device: DeviceId, message: Message, to: Address | None = None) -> None:
        """Send to a device, where it was reached or at `to`; nothing if that is not known."""
        peer = self._node.peers.get(device)
        address = to or (peer.address if peer else None)
        if address is not None and address.port:
            self.transmit(message, address)

    def transmit(self, message: Message, to: Address | None) -> None:
        """Send to an address, or (None) to everybody on every network."""
        node = self._node
        if node.roster is None:
            return
        self._counter += 1
        envelope = encode(
            Envelope(node.me, node.instance, self._counter, msgspec.Raw(encode(message)))
        )
        key = node.group_keys.sealing(node.roster.group_key, node.roster.standing.keys)
        sealed = seal_datagram(key, node.chance.bytes(NONCE_BYTES), envelope)
        if len(sealed) <= limits.DATAGRAM_BYTES:
            node.do(Transmit(sealed, to))
