"""Bulk calls: whoever can dial dials, so files pass though one of two devices lets nobody in.

Strategy: a fetch dials its holder. If that cannot be done (a firewall there, as a rule), the holder
is asked over the control link to dial us: DIAL_ME. It dials, says in HELLO that it serves, and the
roles on that link are those of any bulk link from then on: we ask, it answers. From then on the
holder is asked at once instead of dialled, and dialled again now and then (core/ring/reach.py),
which is how both find out that a firewall is gone.

Guarantees: a member makes this device dial nobody but the host its own control link comes from, at
most `limits.FETCHES_PER_PEER` times at once, `limits.CALLS_PER_S` times a second, and at most
`limits.CALLS` dials are under way in all. Nothing else that anybody says makes it dial for bulk
links. Where neither side can dial the other, again and again, both have it among their troubles.
Limits: a request that is not heeded is not answered; who asked notices that no link came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, assert_never

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, DialMe, LinkKind
from potluck.engine.effects import DialToServe
from potluck.engine.events import BulkSearch, CallEnded, OrderId, SearchStep
from potluck.engine.node import Node

SERVED_ON = frozenset({LinkKind.BULK, LinkKind.NEWS})  # the kinds of link whose dialler may serve
BUSY = "busy"  # how a call ends for which no worker is free: it says nothing of who can dial whom


@dataclass(slots=True)
class _Asker:
    """A device that asked to be dialled."""

    second: int = 0  # the one in which it asked last
    asked: int = 0  # how often it was heeded in that second


class BulkCallsListener(Protocol):
    """Hears between whom no bulk link can be made."""

    def on_unserved(self, device: DeviceId, address: Address, reason: str) -> None:
        """Neither that device, there, could be dialled (`reason`), nor did it dial us."""

    def on_served(self, device: DeviceId) -> None:
        """There is a bulk link to that device after all."""


class BulkCalls:
    """Asks others to dial this device, and dials those who ask."""

    def __init__(self, node: Node, listener: BulkCallsListener) -> None:
        """Dial nobody."""
        self._node, self._listener = node, listener
        self._calls: dict[OrderId, DeviceId] = {}
        self._askers: dict[DeviceId, _Asker] = {}

    def __repr__(self) -> str:
        """Return how many are being dialled because they asked."""
        return f"<BulkCalls: {len(self._calls)} under way>"

    # -- this device needs a link ------------------------------------------------------------------
    def on_search(self, event: BulkSearch) -> None:
        """A fetch cannot dial its holder, or found a link all the same, or found none."""
        device = event.peer
        match event.step:
            case SearchStep.LACKING:
                if event.reason:
                    self._node.reach.on_undialled(device, self._node.now)
                self._node.say(device, DialMe(event.link))
            case SearchStep.MISSED:
                self._node.reach.on_not_called(device, self._node.now)
                if event.reason:  # else it was not dialled just now
                    self._blocked(device, event.reason)
            case SearchStep.FOUND:
                self._listener.on_served(device)
            case _:
                assert_never(event.step)

    # -- another device needs one ------------------------------------------------------------------
    def on_dial_me(self, device: DeviceId, link: LinkKind) -> None:
        """A member cannot dial us and asks to be dialled."""
        addresses = self._where(device)
        if link not in SERVED_ON or not addresses or not self._may_call(device):
            return
        call = self._node.number()
        self._calls[call] = device
        self._node.do(DialToServe(call, device, addresses, link))

    def on_call_ended(self, event: CallEnded) -> None:
        """A device that asked is being served, or cannot be dialled either."""
        device = self._calls.pop(event.call, None)
        if device is None or event.reason == BUSY:
            return
        if event.reason:
            self._blocked(device, event.reason)
        else:
            self._node.reach.on_dialled(device)
            self._listener.on_served(device)

    def _blocked(self, device: DeviceId, reason: str) -> None:
        """Neither side could dial the other."""
        addresses = self._where(device)
        if addresses:
            self._listener.on_unserved(device, addresses[0], reason)

    def _where(self, device: DeviceId) -> tuple[Address, ...]:
        """Return where a device may be called: at the host its control link is with, nowhere else.

        A member may tell any address of itself; only this one has proved to be its own.
        """
        peer = self._node.peers.get(device)
        if peer is None or peer.link is None or peer.address is None:
            return ()
        host = peer.address.host
        sighting = self._node.address_book.known.get(device)
        said = sighting.addresses if sighting is not None else []
        ports = dict.fromkeys(address.port for address in (*self._node.addresses_of(device), *said))
        here = [address for address in self._node.addresses_of(device) if address.host == host]
        others = [Address(host, port) for port in ports]
        return tuple(dict.fromkeys([*here, *others]))[: limits.CALL_ADDRESSES]

    def _may_call(self, device: DeviceId) -> bool:
        """Say whether one more call of that device is within bounds; count it if it is."""
        under_way = [other for other in self._calls.values() if other == device]
        if len(self._calls) >= limits.CALLS or len(under_way) >= limits.FETCHES_PER_PEER:
            return False
        asker, second = self._askers.setdefault(device, _Asker()), int(self._node.now)
        if asker.second != second:
            asker.second, asker.asked = second, 0
        asker.asked += 1
        return asker.asked <= limits.CALLS_PER_S
