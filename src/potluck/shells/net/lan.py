"""The LAN as the loop thread sees it: one object for interfaces, neighbours and datagrams.

Strategy: a facade without policy. LookAround and the clock lead to a survey; a survey that differs
from the last one opens and closes receivers and becomes an InterfacesSeen. Everything else is
handed to `Datagrams`. What to say to whom, and when, is the engine's business.

Guarantees: the first look always yields an InterfacesSeen, later ones only when something changed;
`poll` is cheap to call on every turn of the loop, since it looks at most every LOOK_S; a system
that refuses to be looked at is counted and looked at again, never an error. No second socket
listens to a network that is left out.

Limits: one thread. A change is noticed within LOOK_S, not at once.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from potluck.core import limits
from potluck.engine.effects import Transmit
from potluck.engine.events import DatagramHeard, InterfacesSeen
from potluck.shells.net.datagrams import Datagrams
from potluck.shells.net.interfaces import LeftOut, Survey, survey

LOOK_S = 2.0  # a new cable is noticed this soon; a look costs about half a millisecond

Surveyor = Callable[[Sequence[str]], Survey]


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look around led to."""

    event: InterfacesSeen | None  # for the engine, None if nothing changed
    added: tuple[socket.socket, ...]  # register these with the selector
    removed: tuple[socket.socket, ...]  # unregister these, then close them


NOTHING_NEW = Sight(None, (), ())


class Lan:
    """Everything this node knows and says on its networks."""

    def __init__(
        self,
        port: int,
        only: Sequence[str] = (),
        *,
        discovery_port: int = limits.PORT,
        surveyor: Surveyor = survey,
    ) -> None:
        """Open the unicast socket on `port`, the one `ports.claim` won; `only` are names from
        --interface.
        """
        self._only = tuple(only)
        self._surveyor = surveyor
        self._datagrams = Datagrams(port, discovery_port)
        self._seen: Survey | None = None
        self._look_at = 0.0

    @property
    def counts(self) -> Counter[str]:
        """What was dropped or failed so far, by a short stable name."""
        return self._datagrams.counts

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Networks that are not used, each with its reason; empty before the first look."""
        return self._seen.left_out if self._seen else ()

    def sockets(self) -> list[socket.socket]:
        """Return every open socket, for the selector."""
        return self._datagrams.sockets()

    def receive(self, sock: socket.socket) -> list[DatagramHeard]:
        """Read what waits on one of the sockets (a bounded number)."""
        return self._datagrams.receive(sock)

    def transmit(self, effect: Transmit) -> None:
        """Carry out a Transmit; what cannot be sent is counted."""
        self._datagrams.transmit(effect)

    def look_around(self) -> Sight:
        """Carry out a LookAround: the event is there the first time, and later only if something
        changed.
        """
        try:
            found = self._surveyor(self._only)
        except OSError:
            self.counts["look around failed"] += 1
            found = self._seen or Survey((), (), ())
        if found == self._seen:
            return NOTHING_NEW
        before, self._seen = self._seen, found
        added, removed = self._datagrams.update(found.networks)
        interfaces = tuple(network.interface for network in found.networks)
        # A card that left and came back within one look has a new number: the engine must shout
        # again, too.
        if before and (before.networks, before.neighbours) == (found.networks, found.neighbours):
            return NOTHING_NEW
        event = InterfacesSeen(interfaces, found.neighbours)
        return Sight(event, tuple(added), tuple(removed))

    def poll(self, now: float) -> Sight:
        """Look around if the last poll that did was LOOK_S ago; `now` is the loop's clock in
        seconds.
        """
        if now < self._look_at:
            return NOTHING_NEW
        self._look_at = now + LOOK_S
        return self.look_around()

    def close(self) -> None:
        """Close all sockets; the caller has taken them out of its selector."""
        self._datagrams.close()
