"""The farewell: how a device leaves without anybody taking it for dead.

Strategy: say LEFT to everybody at once, give the words a fifth of a second to be sent, then close
every link and end. From the farewell on the network is not heard any more and nothing new is begun:
what was asked before still comes in and is recorded, what it would lead to is left for the next
start.

Guarantees: `Leave` comes exactly once, at most FAREWELL_S after it was asked for, or a second if
this device was put out and a person has to read why; whatever happens meanwhile and whether or not
the index can be written. A second wish to leave changes nothing.
Limits: a batch whose `Place` has not been asked yet stays an open intent; the next start settles it
(docs/disk.md §4).
"""

from __future__ import annotations

from potluck.core import limits
from potluck.engine.effects import (
    Dial,
    DrainWatch,
    Effect,
    Fetch,
    Hash,
    Import,
    Introduce,
    Leave,
    Look,
    LookAround,
    LookAtTop,
    Place,
    Scan,
    Settle,
    Transmit,
)
from potluck.engine.flushing import Flushing
from potluck.engine.node import Node
from potluck.engine.others.happenings import Happenings
from potluck.engine.own.imports import Imports
from potluck.engine.ring.circle import Circle
from potluck.engine.ring.discovery import Discovery

FAREWELL_S = limits.LEAVE_GOSSIP_S
BEGINNINGS = (
    *(Dial, DrainWatch, Fetch, Hash, Import, Introduce),
    *(Look, LookAround, LookAtTop, Place, Scan, Settle, Transmit),
)


class Farewell:
    """Takes this device out of the ring."""

    def __init__(
        self,
        node: Node,
        circle: Circle,
        discovery: Discovery,
        imports: Imports,
        flushing: Flushing,
        happenings: Happenings,
    ) -> None:
        """Stay until somebody asks to leave."""
        self._node, self._circle, self._discovery = node, circle, discovery
        self._imports, self._flushing, self._happenings = imports, flushing, happenings
        self._end_s: float | None = None

    def __repr__(self) -> str:
        """Say when this device ends, if it does."""
        return f"<Farewell end_s={self._end_s}>"

    def on_leave_asked(self, stays_s: float = FAREWELL_S) -> None:
        """Say farewell, once; the end comes after `stays_s`."""
        if self._node.leaving:
            return
        self._circle.leave()
        self._imports.on_leaving()
        self._flushing.on_leaving()
        self._node.leaving = True
        self._end_s = self._node.now + stays_s
        self._happenings.on_leaving()

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next; None when everything is said."""
        return self._end_s

    def on_tick(self) -> None:
        """Close everything once the farewell had its time."""
        if self._end_s is not None and self._node.now >= self._end_s:
            self._end_s = None
            self._discovery.drop_all("leaving")
            self._node.do(Leave())


def without_beginnings(effects: list[Effect]) -> list[Effect]:
    """Leave out what would begin something."""
    return [effect for effect in effects if not isinstance(effect, BEGINNINGS)]
