"""The LAN as the loop thread sees it: one object for interfaces, neighbours and datagrams.

Strategy: a facade without policy but the settings': whether anything is said to everybody, and
whether the neighbours that the kernel knows are told to the engine. LookAround and the clock lead
to a survey; a survey that differs from the last one opens and closes receivers and becomes an
InterfacesSeen. Everything else is handed to `Datagrams`. What to say to whom, and when, is the
engine's business.

Guarantees: the first look always yields an InterfacesSeen, later ones only when something changed;
`poll` is cheap to call on every turn of the loop, since it looks at most every SURVEY_S; a system
that refuses to be looked at is counted and looked at again, never an error. No second socket
listens to a network that is left out.

Limits: one thread. A change is noticed within SURVEY_S, not at once.
"""

from __future__ import annotations

import logging
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from potluck.core import limits
from potluck.engine.effects import Transmit
from potluck.engine.events import DatagramHeard, InterfacesSeen
from potluck.shells.net.datagrams import Datagrams
from potluck.shells.net.interfaces import LeftOut, Survey, survey

SURVEY_S: Final = 2.0  # a new cable is noticed this soon; a look costs about half a millisecond

Surveyor = Callable[[Sequence[str]], Survey]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look around led to."""

    event: InterfacesSeen | None  # for the engine, None if nothing changed
    added: tuple[socket.socket, ...]  # register these with the selector
    removed: tuple[socket.socket, ...]  # unregister these, then close them


NOTHING_NEW: Final = Sight(None, (), ())
NOWHERE: Final = Survey((), (), ())  # before the first look


class Lan:
    """Everything this node knows and says on its networks."""

    def __init__(
        self,
        port: int,
        only: Sequence[str] = (),
        *,
        discovery_port: int = limits.PORT,
        beacons: bool = True,
        neighbours: bool = True,
        surveyor: Surveyor = survey,
    ) -> None:
        """Open the unicast socket on `port`, the one `claim_port` won.

        `only` are names from --interface. Without `beacons` nothing is said to everybody, without
        `neighbours` the kernel's neighbour table is not used.
        """
        self._only: Final = tuple(only)
        self._beacons: Final = beacons
        self._neighbours: Final = neighbours
        self._surveyor: Final = surveyor
        self._datagrams: Final = Datagrams(port, discovery_port)
        self._seen: Survey | None = None
        self._look_at = 0.0

    def __repr__(self) -> str:
        """Show the networks by number, and what was dropped or failed."""
        seen = self._seen or NOWHERE
        state = f"{len(seen.networks)} networks, {len(seen.left_out)} left out"
        return f"<Lan: {state}, {len(seen.neighbours)} neighbours, {dict(self.counts)}>"

    @property
    def counts(self) -> Counter[str]:
        """What was dropped or failed so far, by a short stable name."""
        return self._datagrams.counts

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Networks that are not used, each with its reason; empty before the first look."""
        return (self._seen or NOWHERE).left_out

    def sockets(self) -> list[socket.socket]:
        """Return every open socket, for the selector."""
        return self._datagrams.sockets()

    def receive(self, sock: socket.socket) -> list[DatagramHeard]:
        """Read what waits on one of the sockets (a bounded number)."""
        return self._datagrams.receive(sock)

    def transmit(self, effect: Transmit) -> None:
        """Carry out a Transmit; what cannot be sent is counted."""
        if effect.to is not None or self._beacons:
            self._datagrams.transmit(effect)

    def look_around(self) -> Sight:
        """Carry out a LookAround; the event is there the first time, later if something changed."""
        found = self._survey()
        if found == self._seen:
            return NOTHING_NEW
        before, self._seen = self._seen, found
        added, removed = self._datagrams.update(found.networks)
        interfaces = tuple(network.interface for network in found.networks)
        event: InterfacesSeen | None = InterfacesSeen(
            interfaces, found.neighbours, found.firewall, found.tools
        )
        # A card that left and came back within one look has a new number: the engine must shout
        # again, too.
        if before and _told(before) == _told(found):
            event = None  # but an ear that was refused before may be there now
        return Sight(event, tuple(added), tuple(removed))

    def _survey(self) -> Survey:
        try:
            found = self._surveyor(self._only)
        except OSError:
            self.counts["look around failed"] += 1
            return self._seen or NOWHERE
        return found if self._neighbours else replace(found, neighbours=())

    def poll(self, now: float) -> Sight:
        """Look around if the last poll that did was SURVEY_S ago; `now` is the loop's clock."""
        self._datagrams.on_tick(now)
        if now < self._look_at:
            return NOTHING_NEW
        self._look_at = now + SURVEY_S
        return self.look_around()

    def close(self) -> None:
        """Close all sockets; the caller has taken them out of its selector."""
        self._datagrams.close()
        if self.counts:
            _log.info("datagrams dropped or not sent: %s", dict(self.counts))


def _told(survey: Survey) -> tuple[object, ...]:
    """Return what of a survey the engine hears."""
    return survey.networks, survey.neighbours, survey.firewall, survey.tools
