"""Line budget: so many lines of one kind in a minute, and the others are counted.

Strategy: a window begins with the first line; what is over its budget is counted, and the count is
due once the minute is over. Guarantees: whatever others do, no more than the budget and one sum are
told in a minute; nothing is left out without being counted. Limits: which lines deserve one anyway
is for whoever asks.
"""

from __future__ import annotations

import math

WINDOW_S = 60.0  # a flood is summed up once a minute, which nobody minds on a screen


class LineBudget:
    """What may still be told in this minute."""

    def __init__(self, most: int) -> None:
        """Allow `most` lines in a minute."""
        self._most = most
        self._since_s, self._told, self._left_out = -math.inf, 0, 0

    def __repr__(self) -> str:
        return f"LineBudget({self._told} of {self._most} told, {self._left_out} left out)"

    def take(self, now: float) -> bool:
        """Say whether a line may be told now; if not it is counted."""
        if now - self._since_s >= WINDOW_S and not self._left_out:
            self._since_s, self._told = now, 0
        if self._told < self._most:
            self._told += 1
            return True
        self._left_out += 1
        return False

    def due(self, now: float) -> int:
        """Return how many were left out in the minute that is over, once; 0 for none."""
        if not self._left_out or now - self._since_s < WINDOW_S:
            return 0
        left_out, self._left_out = self._left_out, 0
        self._since_s, self._told = now, 0
        return left_out
