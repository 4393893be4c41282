"""Removed callers: who was removed while it was off, and calls its group as if nothing had been.

Strategy: such a device calls under the key from before its removal. Nobody answers, and where no
member is at an address that it remembers it would wait for ever. So whoever hears such a call shows
it, where it says that it listens, the appointments and removals by which it is out, sealed to the
key it had here, as an introduction (engine/ring/introductions.py); the device judges them by the
rules of the roster and ends.

Guarantees: nothing but that one introduction follows from such a call, at most one a device in
`REMOVED_AGAIN_S`, and only inside our own networks (core/ring/own_networks.py). Limits: any device
that once had the key can call in the name of one that was removed, and so have us open a connection
to an address of our own network; every member that hears a call tells its caller.
"""

from __future__ import annotations

from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address
from potluck.engine.effects import Introduce
from potluck.engine.node import Node
from potluck.engine.ring.introductions import removal
from potluck.engine.ring.sealed_datagrams import SealedDatagrams

REMOVED_AGAIN_S = 60.0


class RemovedCallers:
    """Tells those who call in vain why nobody answers."""

    def __init__(self, node: Node, sealed_datagrams: SealedDatagrams) -> None:
        """Have heard nobody."""
        self._node, self._sealed_datagrams = node, sealed_datagrams
        self._told_s: dict[DeviceId, float] = {}

    def __repr__(self) -> str:
        """Return how many were told."""
        return f"<RemovedCallers: {len(self._told_s)} told>"

    def on_unread(self, data: bytes, source: Address) -> None:
        """Nobody of the group sealed this datagram; perhaps somebody did who was removed."""
        node, called = self._node, self._sealed_datagrams.older_call(data)
        former = node.roster.former.get(called[0]) if node.roster and called else None
        if called is None or former is None:
            return
        listens = Address(source.host, called[1].port)
        told_s = self._told_s.get(former.device)
        rests = told_s is not None and node.now < told_s + REMOVED_AGAIN_S
        if rests or not node.address_book.own.holds(listens):
            return
        self._told_s[former.device] = node.now
        node.do(Introduce(listens, removal(node, former)))
