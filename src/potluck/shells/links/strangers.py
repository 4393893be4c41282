"""Who stands in the doorway: connections that have not proved anything yet, and how many may.

Strategy: every accepted connection takes a slot until it is either a link or gone. At most
`limits.STRANGERS_PER_ADDRESS` from one host (core/hosts.py: all of an IPv6 /64) and
`limits.STRANGERS` in all; the oldest makes room
for the newest, so whoever floods pushes out mostly himself. Hosts that members lately came from go
last: a flood cannot keep them out. Whose knock proved a device of the group, and is none any more,
is evicted as well, wherever its handshake stands.

Guarantees: the two caps hold at every moment. Eviction only shuts the connection down, at the level
of the kernel; closing stays with the thread that owns the socket, so nobody touches another
thread's TLS object. Limits: addresses can be forged on a LAN only by hosts that also receive the
answers, so counting them is worth it.
"""

from __future__ import annotations

import socket
import threading
from collections import OrderedDict
from collections.abc import Collection
from typing import Final

from potluck.core import limits
from potluck.core.hosts import host_of
from potluck.core.keys.identity import DeviceId

KNOWN_HOSTS: Final = 1024  # hosts remembered as members'; each costs a hundred bytes


class Slot:
    """One connection in the doorway; the thread that owns it closes it."""

    __slots__ = ("claimed", "counts_as", "evicted", "host", "sock")

    def __init__(self, sock: socket.socket, host: str) -> None:
        self.sock = sock
        self.host: Final = host
        self.counts_as: Final = host_of(host)
        self.claimed: DeviceId | None = None  # the member whose secret its knock proved
        self.evicted = False  # written under the lock of Strangers, read by the owner after `hold`

    def __repr__(self) -> str:
        """Show which descriptor it stands for."""
        return f"<Slot {self.sock.fileno()}: evicted={self.evicted}>"

    def hold(self, sock: socket.socket) -> None:
        """Stand for `sock` from now on: TLS wraps a connection into a new object."""
        self.sock = sock
        if self.evicted:  # it happened while the old object was on its way out
            self.evict()

    def evict(self) -> None:
        """End the connection under its owner's hands."""
        self.evicted = True
        try:
            # The base class's method: SSLSocket's own would drop the TLS object another thread is
            # using.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
        except OSError:
            return  # it is gone already, which is what was wanted


class Strangers:
    """The slots; used by the loop thread and by handshake workers."""

    def __init__(
        self, per_host: int = limits.STRANGERS_PER_ADDRESS, in_all: int = limits.STRANGERS
    ) -> None:
        """Allow so many from one host, and so many in all."""
        self.per_host: Final = per_host
        self.in_all: Final = in_all
        self._lock: Final = threading.Lock()  # guards what follows; held for a moment only
        self._slots: Final[OrderedDict[Slot, None]] = OrderedDict()  # oldest first
        self._known: Final[OrderedDict[str, None]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many stand in the doorway."""
        return len(self._slots)

    def __repr__(self) -> str:
        """Show how full it is."""
        return f"<Strangers: {len(self._slots)}/{self.in_all}, {len(self._known)} hosts known>"

    def enter(self, sock: socket.socket, host: str) -> Slot:
        """Give a new connection its slot; the oldest are evicted where a cap would be exceeded."""
        slot = Slot(sock, host)
        with self._lock:
            crowd = [other for other in self._slots if other.counts_as == slot.counts_as]
            crowd.sort(key=lambda other: other.host in self._known)
            self._evict(crowd[: max(0, len(crowd) + 1 - self.per_host)])
            if len(self._slots) >= self.in_all:
                # stable: oldest first
                by_need = sorted(self._slots, key=lambda other: other.host in self._known)
                self._evict(by_need[: len(self._slots) + 1 - self.in_all])
            self._slots[slot] = None
        return slot

    def leave(self, slot: Slot, *, proved: bool = False) -> None:
        """Free a slot; `proved` means that the host turned out to be a member's."""
        with self._lock:
            self._slots.pop(slot, None)
            if proved:
                self._known[slot.host] = None
                self._known.move_to_end(slot.host)
                while len(self._known) > KNOWN_HOSTS:
                    self._known.popitem(last=False)

    def known(self) -> frozenset[str]:
        """Return the hosts that members lately came from."""
        with self._lock:
            return frozenset(self._known)

    def knows(self, host: str) -> bool:
        """Say whether a member lately came from that host."""
        return host in self._known

    def cut_off(self, gone: Collection[DeviceId]) -> None:
        """These devices are no members any more: end what they have begun."""
        with self._lock:
            self._evict([slot for slot in self._slots if slot.claimed in gone])

    def _evict(self, slots: list[Slot]) -> None:
        for slot in slots:
            del self._slots[slot]
            slot.evict()
