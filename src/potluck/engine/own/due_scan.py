"""When the own folder is scanned next, and whether something happened that only a scan can find.

Strategy: a scan is due by the clock, at once if it is asked for, and a second after something odd
happened directly in the own folder: a name that is refused, the folder itself exchanged. Nobody
says what that was, so only a scan finds it, and whoever does it may not be done.

Guarantees: what is done there, however often, costs at most a twentieth of the time: such a scan
waits until the last one was followed by twenty times its own length. Limits: times only; who scans,
and whether one may, is decided by engine/own/own_folder.py.
"""

from __future__ import annotations

import math

from potluck.engine.node import Node
from potluck.engine.own.unwatched import REST

ODD_SCAN_S = 1.0  # after something odd: most things that are done are done by then


class DueScan:
    """The next scan."""

    def __init__(self, node: Node) -> None:
        """Let one be due: nothing was looked at yet."""
        self._node = node
        self.hinted = False  # something happened that only a scan can find
        self._clock_s = 0.0
        self._odd_s = math.inf
        self._rested_s = -math.inf  # when the last scan was followed by its rest

    def __repr__(self) -> str:
        """Return when it is due."""
        return f"<DueScan at {self.due_s:.1f}>"

    @property
    def due_s(self) -> float:
        """When it is due."""
        return min(self._clock_s, max(self._odd_s, self._rested_s))

    def put_off(self, wait_s: float) -> None:
        """Let it be due by the clock in so many seconds."""
        self._clock_s = self._node.now + wait_s

    def on_overflow(self) -> None:
        """Something happened, and nobody knows where."""
        self.hinted = True
        self.put_off(0.0)

    def on_odd(self) -> None:
        """Something odd happened directly in the own folder."""
        self.hinted = True
        self._odd_s = min(self._odd_s, self._node.now + ODD_SCAN_S)

    def on_begun(self, wait_s: float) -> None:
        """A scan begins; the next is due in so many seconds unless something happens."""
        self.hinted, self._odd_s = False, math.inf
        self.put_off(wait_s)

    def on_scanned(self, took_s: float) -> None:
        """A scan ended that took so long."""
        self._rested_s = self._node.now + REST * took_s
