"""Meters: how fast a count grows, smoothed, measured whenever somebody looks.

Strategy: nothing is counted while nobody looks; between two looks the difference counts. Rates over
shorter times than METER_S jump and are not taken. Limits: a rate is that of the last second or so.
"""

from __future__ import annotations

from typing import Final

METER_S: Final = 0.2  # rates over shorter times jump
SMOOTHING: Final = 0.5  # weight of the newest rate: half of a change is seen within a second
STILL_RATE: Final = 1.0  # bytes per second: what is left of a smoothed rate below this is nothing


class Meter:
    """Bytes per second of a growing count, which may grow by lumps, one every `lump_s`."""

    def __init__(self, lump_s: float = 0.0) -> None:
        """Start at nothing."""
        self._lump_s = lump_s
        self._at_s: float | None = None
        self._count = 0
        self._still = True
        self.rate = 0.0

    def __repr__(self) -> str:
        """Show the rate."""
        return f"<Meter: {self.rate:.0f} B/s>"

    def see(self, count: int, now: float) -> float:
        """Note the count at a time and return the smoothed rate."""
        if self._at_s is not None:
            passed_s, grew = now - self._at_s, count != self._count
            waits_s = 0.0 if grew or self._still else 2 * self._lump_s  # one may come late
            if passed_s < max(METER_S, waits_s):
                return self.rate
            least_s = self._lump_s if self._still else 0.0  # the first lump was long on its way
            self._still = not grew
            self._smooth((count - self._count) / max(passed_s, least_s))
        self._at_s, self._count = now, count
        return self.rate

    def _smooth(self, fresh: float) -> None:
        if self.rate == 0.0:
            self.rate = fresh
        else:
            self.rate += (fresh - self.rate) * SMOOTHING
        if fresh == 0.0 and self.rate < STILL_RATE:
            self.rate = 0.0
