"""ViewProgress: how fast things move, how much of everything has come, and how long it may take.

Strategy: small pure machines fed with the counts of each snapshot. A rate is what was counted in
the last ten seconds, so it neither jumps nor outlives a stall for long. The whole counts what has
come since nothing was missing; what is added meanwhile makes it longer and takes nothing back. How
fast it comes is counted from what came from others: a copy of what is here already moves the bar at
once and says nothing of the rest.

Guarantees: no time left is given while less than 1 % of the fastest of late moves, or 1 KiB/s: such
a figure would be thousands of hours, and wrong. Memory is bounded by what is shown, and let go when
nothing is missing. Limits: the fastest of the last one to two minutes in which something was
missing stands for the links. The whole is that of one view: what came before it began is not in it.
The rest may hold copies of what is here, which take no time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

SPAN_S = 10.0  # of a rate: a stall of one source does not show, the end of it soon does
LEAST_SPAN_S = 0.5  # a rate over less is chance: two snapshots are 0.25 s apart
LEAST_RATE = 1024.0  # bytes per second: below it nothing is foretold
LEAST_PART = 0.01  # of the fastest rate of late: below it something stands in the way
FASTEST_S = 60.0  # a link that is slower for longer than one or two of these is a slower link

Snapshot = dict[str, Any]
"""A state of the local API."""


class Window:
    """Bytes per second of a growing count, over the last ten seconds."""

    def __init__(self) -> None:
        """Know of nothing yet."""
        self._seen: deque[tuple[float, float]] = deque()

    def __repr__(self) -> str:
        return f"Window({self.rate:.0f} B/s, {len(self._seen)} counts)"

    def see(self, count: float, now: float) -> float:
        """Note a count and return the rate; a count that fell begins anew."""
        seen = self._seen
        if seen and count < seen[-1][1]:
            seen.clear()
        seen.append((now, count))
        while len(seen) > 2 and seen[1][0] <= now - SPAN_S:
            seen.popleft()
        return self.rate

    @property
    def rate(self) -> float:
        """The rate as it was seen last."""
        if not self._seen:
            return 0.0
        (began_s, before), (now, count) = self._seen[0], self._seen[-1]
        return (count - before) / (now - began_s) if now - began_s >= LEAST_SPAN_S else 0.0


class Fastest:
    """The highest rate of this span and the one before, so that it can fall."""

    def __init__(self) -> None:
        """Know of none yet."""
        self._before = self._highest = 0.0
        self._began_s = 0.0

    def __repr__(self) -> str:
        return f"Fastest({self.rate:.0f} B/s)"

    def see(self, rate: float, now: float) -> float:
        """Note a rate and return the highest of late."""
        if now - self._began_s >= FASTEST_S:
            self._before, self._highest, self._began_s = self._highest, 0.0, now
        self._highest = max(self._highest, rate)
        return self.rate

    @property
    def rate(self) -> float:
        """The highest rate of late."""
        return max(self._before, self._highest)


class Whole:
    """How much of everything that was missing has come: the bar of the whole."""

    def __init__(self) -> None:
        """Miss nothing."""
        self._come = self._need = 0

    def __repr__(self) -> str:
        return f"Whole({self._come} bytes came, {self._need} to come)"

    def done(self, need_bytes: int) -> tuple[int, int]:
        """Return (come, wanted) bytes since nothing was missing."""
        if need_bytes:
            self._come += max(0, self._need - need_bytes)
        else:
            self._come = 0
        self._need = need_bytes
        return self._come, self._come + need_bytes


@dataclass(frozen=True, slots=True)
class Motion:
    """What moves, and how fast, as one picture shows it."""

    come: int = 0  # bytes, since nothing was missing
    wanted: int = 0
    rate: float = 0.0  # of everything that comes from others, bytes per second
    up_rate: float = 0.0  # of everything that is sent
    fastest: float = 0.0  # the highest rate at which something came of late
    rates: dict[str, float] = field(default_factory=dict)  # by path; of uploads by path and device

    def left_s(self, left_bytes: float, rate: float) -> float | None:
        """Return how long the rest will take, or None where that is not to be said."""
        if left_bytes <= 0 or rate < max(LEAST_RATE, self.fastest * LEAST_PART):
            return None
        return left_bytes / rate


def upload_key(upload: dict[str, Any]) -> str:
    """Return under which name the rate of an upload stands in `Motion.rates`."""
    return f"{upload['path']}\0{upload['to']}"


class ViewProgress:
    """Turns snapshots into what moves."""

    def __init__(self) -> None:
        """Know of nothing yet."""
        self._whole = Whole()
        self._down, self._up = Window(), Window()
        self._sent = 0.0
        self._seen_s: float | None = None
        self._windows: dict[str, Window] = {}
        self._fastest = Fastest()

    def __repr__(self) -> str:
        return f"ViewProgress({self._whole!r}, {len(self._windows)} rates)"

    def on_state(self, state: Snapshot, now: float) -> Motion:
        """Take a snapshot and return what moves."""
        come, wanted = self._whole.done(state["need_bytes"])
        if not wanted:
            self._down = Window()  # what was idle before is no part of a rate
        if not (state["rates"]["up"] or state["uploads"]):
            self._up = Window()
        rate = self._down.see(state["rates"]["received_bytes"], now)
        fastest = self._fastest.see(rate, now) if wanted else self._fastest.rate
        # what was sent comes as a rate only: added up, so that it is shown over the same span
        passed_s = 0.0 if self._seen_s is None else now - self._seen_s
        self._sent, self._seen_s = self._sent + state["rates"]["up"] * passed_s, now
        rates = self._rates(state, now)
        up_rate = self._up.see(self._sent, now)
        return Motion(come, wanted, rate, up_rate, fastest, rates)

    def _rates(self, state: Snapshot, now: float) -> dict[str, float]:
        counts = {one["path"]: one["done"] for one in state["transfers"] if one["files"] == 1}
        counts |= {
            upload_key(one): one["sent"] for one in state["uploads"] if one["sent"] is not None
        }
        self._windows = {key: self._windows.get(key) or Window() for key in counts}
        return {key: window.see(counts[key], now) for key, window in self._windows.items()}
