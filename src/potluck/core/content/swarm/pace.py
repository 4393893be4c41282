"""Paces: how fast each order under way comes, which of them are late, and who was late lately.

Strategy: the shell tells for every order how many bytes came and how long it *waited* for them:
time in which this device slept, or wrote to a slow disk, is not in that, so a pause of ours is
never somebody's fault. What counts is the pace of the last SAMPLE_S of waiting, beside what was
asked, whose size is known from the record:

- An order is *slow* if it comes below SLOW_RATE, or hardly came at all for LATE_MIN_S, or comes far
  slower than the fastest of late brings, or is under way for LONG_S. That is no fault, a link may
  be like that: it only takes no slot that others wait for (slots.py), and so many slots at most.
- It is *late* if another holder could bring it and is so much faster that all of it would be here
  from there, FAR_SLOWER times over, before the rest of it comes from here. What is known of nobody
  else is measured against DRIP_RATE. Two holders behind the same slow link are as fast as each
  other, so neither is ever late.
- Of more slow orders than there is room for, the slowest is *crowded out*; while others that are
  slow wait for a turn, one that trickles is *outpaced* by who is far faster, or the turn of the one
  that is under way longest is over: that is nobody's fault.

Whoever was late is asked last for LAG_S, twice as long each time, up to LAG_MAX_S; who brings what
was asked begins anew. It is not distrusted, and where nobody else has something it is asked still.

An order that goes on with another, as a page of a manifest does, begins with the sample of that
one: who answers at once and brings next to nothing each time is as slow as who drips.

Guarantees: pure; nobody is late before LATE_MIN_S of silence, nor the only holder ever. A rest of a
few packets in the queue of a slow link (2 s at 1 Mbit/s) and 64 kbit/s shared by two orders at a
peer end no order of the only holder. Limits: bytes count when TLS has a whole record of 16 KiB.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from potluck.core import limits
from potluck.core.keys.identity import DeviceId

SAMPLE_S = 10.0  # a record of 16 KiB takes 2 s of 64 kbit/s, and as many orders share it
SLOW_RATE = 16 * limits.KIB  # bytes a second: a run of 4 MiB takes four minutes at that
LONG_S = 30.0  # a run that was to take RUN_S and takes so long is slow at any pace
SLOW_MAX = limits.WORKERS  # slow orders of a kind beside as many others: a thread each
SLOW_MOST = SLOW_MAX + limits.WORKERS // 2  # more are not begun: half is for who is fast, or new
TRICKLE_RATE = 2 * limits.KIB  # half of what each of two orders gets of 64 kbit/s
CROWDING_S = 400.0  # 256 KiB come in less by 64 kbit/s that SLOW_MOST orders share
LATE_MIN_S = 3.0  # a queue of 2 s stands in front of some links
LATE_TIMES = 6  # so many times what all of it takes at another holder is waited for
DRIP_RATE = 4 * limits.KIB  # half of 64 kbit/s: below this it is tried elsewhere, unmeasured
DRIP_LEAST_RATE = 512  # half of a record of 16 KiB in limits.BULK_STALL_S
LAG_S = 10.0  # asked last for so long, at first: a laptop's hiccup is over by then
LAG_MAX_S = 320.0  # no mistake of ours costs more than five minutes


@dataclass(slots=True)
class _Pace:
    """One order."""

    size_bytes: int  # what was asked
    long_s: float  # so long under way it is slow
    came_bytes: int = 0
    waited_s: float = 0.0
    sample: deque[tuple[int, float]] = field(default_factory=deque)  # of the last SAMPLE_S
    sample_bytes: int = 0
    sample_s: float = 0.0
    behind: bool = False  # far slower than the fastest

    @property
    def rate(self) -> float:
        """Bytes a second of waiting, lately; infinite before anything was waited for."""
        return self.sample_bytes / self.sample_s if self.sample_s else math.inf

    @property
    def left_s(self) -> float:
        """How long the rest takes at that pace."""
        left_bytes = max(self.size_bytes - self.came_bytes, 0)
        return left_bytes / self.rate if self.rate else math.inf

    @property
    def slow(self) -> bool:
        """Whether others need not wait for its slot."""
        sampled = self.sample_s >= SAMPLE_S and self.rate < SLOW_RATE
        trickles = self.sample_s >= LATE_MIN_S and self.rate < TRICKLE_RATE
        return self.behind or sampled or trickles or self.waited_s >= self.long_s

    def on_heard(self, size_bytes: int, waited_s: float, fastest: float) -> None:
        """So much came, and so long was waited for it; what the fastest brings in a second."""
        self.came_bytes += size_bytes
        self.waited_s += waited_s
        self.sample.append((size_bytes, waited_s))
        self.sample_bytes += size_bytes
        self.sample_s += waited_s
        while self.sample_s - self.sample[0][1] >= SAMPLE_S:
            old_bytes, old_s = self.sample.popleft()
            self.sample_bytes -= old_bytes
            self.sample_s -= old_s
        if self.waited_s >= LATE_MIN_S:
            self.behind = self.rate < fastest / limits.FAR_SLOWER


class Paces:
    """All orders under way, by number."""

    def __init__(self, long_s: float = LONG_S) -> None:
        """Nothing is under way; what is so for `long_s` seconds is slow at any pace."""
        self._paces: dict[int, _Pace] = {}
        self._long_s = long_s

    def __repr__(self) -> str:
        slow = sum(pace.slow for pace in self._paces.values())
        return f"<Paces: {len(self._paces)} orders, {slow} slow>"

    def begin(self, number: int, size_bytes: int, *, after: int | None = None) -> None:
        """So many bytes are asked for; `after`: it goes on with what that order brings."""
        self._paces[number] = pace = _Pace(size_bytes, self._long_s)
        before = self._paces.get(after) if after is not None else None
        if before is not None:
            pace.sample = before.sample.copy()
            pace.sample_bytes, pace.sample_s = before.sample_bytes, before.sample_s

    def on_heard(self, number: int, size_bytes: int, waited_s: float, fastest: float = 0.0) -> bool:
        """Something came, or nothing while it was waited for; returns whether it is slow now.

        `fastest`: what the fastest of late brings in a second; 0: that is not known.
        """
        pace = self._paces.get(number)
        if pace is None:
            return False
        before = pace.slow
        pace.on_heard(size_bytes, waited_s, fastest)
        return pace.slow and not before

    def end(self, number: int) -> bool:
        """An order is over; returns whether it was slow."""
        pace = self._paces.pop(number, None)
        return pace is not None and pace.slow

    def slow(self, numbers: Iterable[int]) -> list[int]:
        """Return which of these are slow, the slowest first."""
        slow = [number for number in numbers if self._paces[number].slow]
        return sorted(slow, key=lambda number: self._paces[number].rate)

    def waits_long(self, number: int) -> bool:
        """Whether an order has waited long enough to be called off, if another could bring it."""
        return self._paces[number].waited_s >= LATE_MIN_S

    def late(self, number: int, other_rate: float) -> bool:
        """Whether another who brings `other_rate` bytes a second should; 0: that is not known."""
        pace = self._paces[number]
        if not other_rate:
            return pace.waited_s >= SAMPLE_S and pace.rate < DRIP_RATE and pace.left_s > SAMPLE_S
        there_s = pace.size_bytes / other_rate
        patience_s = min(SAMPLE_S, max(LATE_MIN_S, LATE_TIMES * there_s))
        least_s = max(LATE_MIN_S, limits.FAR_SLOWER * there_s)
        return pace.waited_s >= patience_s and pace.left_s > least_s

    def drips(self, number: int) -> bool:
        """Whether less came than any link brings that is not given up for its silence."""
        pace = self._paces[number]
        return pace.waited_s >= LONG_S and pace.came_bytes < pace.waited_s * DRIP_LEAST_RATE

    def crowded_out(self, numbers: Iterable[int]) -> list[int]:
        """Return the slowest of more slow orders than SLOW_MAX, if it is under way for LONG_S."""
        slow = self.slow(numbers)
        long = [number for number in slow if self._paces[number].waited_s >= LONG_S]
        return long[:1] if len(slow) > SLOW_MAX else []

    def outpaced(self, numbers: Iterable[int], other_rate: float) -> list[int]:
        """Return the slowest of those that trickle for SAMPLE_S, if another is far faster."""
        least_rate = min(TRICKLE_RATE, other_rate / limits.FAR_SLOWER)
        trickle = [
            (pace.rate, number)
            for number in numbers
            if (pace := self._paces[number]).waited_s >= SAMPLE_S and pace.rate < least_rate
        ]
        return [min(trickle)[1]] if trickle else []

    def turn_over(self, numbers: Iterable[int]) -> list[int]:
        """Return the one of these that is under way longest, if others may have its turn.

        That is so after LONG_S if a piece of it must be here, else after CROWDING_S.
        """
        over = [
            (pace.waited_s, number)
            for number in numbers
            if (pace := self._paces[number]).waited_s >= CROWDING_S
            or (pace.waited_s >= LONG_S and pace.came_bytes > limits.PIECE_MIN_BYTES)
        ]
        return [max(over)[1]] if over else []


@dataclass(slots=True)
class _Lag:
    """Somebody who was late."""

    until_s: float
    times: int


class Lags:
    """Who is asked last."""

    def __init__(self) -> None:
        """Nobody is."""
        self._lags: dict[DeviceId, _Lag] = {}

    def __repr__(self) -> str:
        return f"<Lags: {len(self._lags)} peers were late>"

    def on_late(self, peer: DeviceId, now: float) -> None:
        """An order at a peer was called off for it; several at once are one."""
        lag = self._lags.setdefault(peer, _Lag(-math.inf, 0))
        if lag.until_s <= now:
            lag.until_s = now + min(LAG_S * 2**lag.times, LAG_MAX_S)
            lag.times = min(lag.times + 1, 30)

    def on_brought(self, peer: DeviceId, now: float) -> None:
        """A peer that is not asked last brought all that was asked, in time."""
        if not self.lags(peer, now):
            self._lags.pop(peer, None)

    def lags(self, peer: DeviceId, now: float) -> bool:
        """Whether a peer is asked last."""
        lag = self._lags.get(peer)
        return lag is not None and lag.until_s > now
