"""Sealed datagrams, by which the devices of one group speak without a link.

Strategy: everything a member says by datagram is sealed with the group key (core/keys/sealing.py)
around an envelope of sender, run and counter. A sliding window per member refuses repetition. What
another group sealed cannot be read, but that it was heard is a fact: a lonely device waits for a
person rather than start a second group next to it.

Guarantees: whatever does not open, does not decode, comes twice, from ourselves or from nobody we
know gives None. Windows are kept for members only. Nothing longer than a datagram leaves. Limits:
any member can speak in another's name here, so a datagram is a hint and never a proof.
"""

from __future__ import annotations

import msgspec

from potluck.core import limits
from potluck.core.errors import Malformed
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


class SealedDatagrams:
    """Speaks and hears in sealed datagrams."""

    def __init__(self, node: Node) -> None:
        """Nothing said, nothing heard."""
        self._node = node
        self._windows: dict[DeviceId, ReplayWindow] = {}
        self._counter = 0

    def __repr__(self) -> str:
        """Say how much was said, and how many were heard."""
        return f"<SealedDatagrams said={self._counter}, heard={len(self._windows)} devices>"

    def restart(self) -> None:
        """This device is in another group now."""
        self._windows.clear()

    def open(self, data: bytes) -> tuple[DeviceId, SealedMessage] | None:
        """Return who says what in a sealed datagram of our group; None for anything else."""
        node = self._node
        inside = open_datagram(node.roster.group_key, data) if node.roster else None
        if node.roster is None or inside is None:
            return None
        try:
            envelope = decoded(_ENVELOPE, inside, limits.DATAGRAM_BYTES)
            message = SEALED.decode(envelope.body)
        except Malformed:
            return None
        sender = DeviceId(envelope.sender)
        if isinstance(message, Unknown) or sender == node.me or sender not in node.roster.members:
            return None
        window = self._windows.setdefault(sender, ReplayWindow())
        return (sender, message) if window.accept(envelope.instance, envelope.counter) else None

    def is_foreign(self, data: bytes) -> bool:
        """Say whether another group sealed this datagram; our own, come back, does not count."""
        roster = self._node.roster
        ours = roster is not None and data[len(MAGIC) :].startswith(key_hint(roster.group_key))
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
        sealed = seal_datagram(node.roster.group_key, node.chance.bytes(NONCE_BYTES), envelope)
        if len(sealed) <= limits.DATAGRAM_BYTES:
            node.do(Transmit(sealed, to))
