"""Removed callers: who was removed while it was off, and calls its group as if nothing had been.

Strategy: such a device calls under the key from before its removal. Nobody answers, and where no
member is at an address that it remembers it would wait for ever. So whoever hears such a call shows
it, where it says that it listens, the appointments and removals by which it is out, sealed to the
key it had here, as an introduction (engine/ring/introductions.py); the device judges them by the
rules of the roster and ends.

A call can be recorded and played again by anybody, from any address. So one that was heard before
counts for nothing (engine/ring/sealed_datagrams.py), and a device that is told at one address is
still told at another. Where that device was linked with us or reached by us before is its own
place: there it is told whatever was heard before, and whatever others were told meanwhile.

Guarantees: nothing but that introduction follows from such a call, in REMOVED_AGAIN_S at most one
of a device and an address, TOLD_AT_HOST at a host, and TOLD_IN_ALL at all hosts but those where
the device has been; and only inside our own networks (core/ring/own_networks.py). Limits: who has
recorded calls of more runs of a device than are remembered can play them for ever, and who once had
the key can make calls up. Both so have us open that many connections; in the name of enough hosts
they can take the turns of a device that calls from where it never was. Every member that hears a
call tells its caller.
"""

from __future__ import annotations

from potluck.core.hosts import host_of
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address
from potluck.engine.effects import Introduce
from potluck.engine.node import Node
from potluck.engine.ring.introductions import removal
from potluck.engine.ring.sealed_datagrams import SealedDatagrams

REMOVED_AGAIN_S = 60.0
TOLD_AT_HOST = 4  # in that time: several devices of one machine have their turns within minutes
TOLD_IN_ALL = 32  # in that time: each costs a connection, and the engine a millisecond


class RemovedCallers:
    """Tells those who call in vain why nobody answers."""

    def __init__(self, node: Node, sealed_datagrams: SealedDatagrams) -> None:
        """Have heard nobody."""
        self._node, self._sealed_datagrams = node, sealed_datagrams
        self._told_s: dict[tuple[DeviceId, Address], float] = {}  # lately, and when

    def __repr__(self) -> str:
        """Return how many were told lately."""
        return f"<RemovedCallers: {len(self._told_s)} told>"

    def on_unread(self, data: bytes, source: Address) -> None:
        """Nobody of the group sealed this datagram; perhaps somebody did who was removed."""
        node, called = self._node, self._sealed_datagrams.former_call(data)
        if called is None:
            return
        device, own = called.who.device, node.address_book.own
        listens = Address(source.host, called.beacon.port)
        was_there = own.was_at(device, source.host)
        if not own.holds(listens) or not (called.is_new or was_there):
            return
        if self._has_turn(device, listens, was_there=was_there):
            self._told_s[device, listens] = node.now
            node.do(Introduce(listens, removal(node, called.who)))

    def _has_turn(self, device: DeviceId, listens: Address, *, was_there: bool) -> bool:
        """Say whether there is room for one more, and this one was not told lately."""
        since_s = self._node.now - REMOVED_AGAIN_S
        self._told_s = {who: at_s for who, at_s in self._told_s.items() if at_s > since_s}
        host = host_of(listens.host)
        at_host = sum(host_of(address.host) == host for _, address in self._told_s)
        has_room = was_there or len(self._told_s) < TOLD_IN_ALL
        return (device, listens) not in self._told_s and at_host < TOLD_AT_HOST and has_room
