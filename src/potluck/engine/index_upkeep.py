"""Upkeep of the index: what nobody needs any more is let go, while nothing else is to be done.

Strategy: piece lists stay behind when the last file with their content goes. Once an hour all lists
are walked through, a slice at a time with a pause after each, and those of no file here are
dropped. A list whose content is on its way has no file yet, so a slice waits until own folder and
receiving are at rest.

Guarantees: a slice costs about half a millisecond, whatever the size of the index; a list of a
file that stands is never dropped. Limits: while a content is lacking that nobody has, nothing is
let go; a list costs 64 KiB for a GiB.
"""

from __future__ import annotations

from typing import Protocol

from potluck.core import limits
from potluck.engine.node import Node

SLICE = 250  # lists looked at in one call: 0.4 ms over 100,000 of them
PAUSE_S = 1.0  # between two slices: a round over 100,000 lists takes seven minutes
BUSY_S = 60.0  # something is being done, or the program has just started: look again then


class Activity(Protocol):
    """Whoever knows what else is under way (engine/wiring.py)."""

    def is_busy(self) -> bool:
        """Say whether a content may be on its way into the index or the share."""


class IndexUpkeep:
    """Lets go of piece lists."""

    def __init__(self, node: Node, activity: Activity) -> None:
        """Have nothing to do before `start`; while there is `activity` nothing is let go."""
        self._node, self._activity = node, activity
        self._due_s: float | None = None
        self._after = b""  # the last root that was looked at in this round

    def __repr__(self) -> str:
        """Return when the next slice is due, and how far the round is."""
        return f"<IndexUpkeep due {self._due_s} after {self._after[:4].hex() or 'nothing'}>"

    def start(self) -> None:
        """Begin soon, but let the start of the program pass."""
        self._due_s = self._node.now + BUSY_S

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self._due_s

    def on_tick(self) -> None:
        """Look at the next slice, if it is time and nothing else is to be done."""
        now = self._node.now
        if self._due_s is None or now < self._due_s:
            return
        if self._activity.is_busy():
            self._due_s = now + BUSY_S
            return
        self._after = self._node.index.contents.forget_unused(self._after, SLICE)
        self._due_s = now + (PAUSE_S if self._after else limits.UPKEEP_S)
