"""Reading shares: how much of one thread's time what each sender says may take, so that what some
flood keeps nobody else waiting.

Strategy: what a sender said is handled at once, and the seconds which that took are its debt, which
falls by its share of each second. Who owes more than is allowed rests, until it owes no more than
that: its connection is read later, and what it says waits where it is. Who takes more than QUIET in
the long run is loud; all that are share SHARES of each second, and LOUD_BURST_S that may be owed,
evenly.

Guarantees: pure; nothing is lost, nobody is cut off. Who is not loud never rests. One that says all
it can takes LOUD_SHARE in the long run, sixteen of them a third together; more of them take more,
since no rest is longer than REST_MAX_S. Limits: what is handled at once is counted when it is over,
however long it took. Who is loud is counted anew every COUNT_S. A member that must say a lot while
others flood waits with them.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Generic, TypeVar

QUIET = 0.02  # of a processor: as much as 400 files a second of an honest member take
LOUD_SHARE = 0.1  # for one that takes more: a slow machine may need five times as long
SHARES = 0.25  # for all of these
LOUD_BURST_S = 0.5  # the roster and all heads of a group of a thousand, on a slow machine
FREE_S = 0.05  # a thousand small messages, or all that is told to a newcomer to a home
LOUD_MAX_S = 0.5  # so who was loud for however long is quiet again within half a minute
COUNT_S = 0.1  # between two counts
# the other side's kernel gives up a connection that takes nothing for 5 s
REST_MAX_S = 2.0

Speaker = TypeVar("Speaker", bound=Hashable)


class ReadingShares(Generic[Speaker]):
    """What senders took lately."""

    def __init__(self) -> None:
        """Nobody took anything."""
        self._owed: dict[
            Speaker, float
        ] = {}  # seconds of whoever owes any, which fall by its share
        self._taken: dict[Speaker, float] = {}  # the same, but these fall by QUIET
        self._as_of_s = -math.inf
        self._loud = 0

    def __repr__(self) -> str:
        return f"<ReadingShares: {len(self._taken)} said something, {self._loud} are loud>"

    @property
    def share(self) -> float:
        """How much of each second one sender may take."""
        return min(LOUD_SHARE, SHARES / max(self._loud, 1))

    def take(self, sender: Speaker, seconds: float, now: float) -> float:
        """What a sender said took so long; return for how many seconds it is to rest, 0 mostly."""
        if now - self._as_of_s >= COUNT_S:
            self._count(now)
        taken_s = min(self._taken.get(sender, 0.0) + seconds, LOUD_MAX_S)
        owed_s = self._owed.get(sender, 0.0) + seconds
        self._taken[sender], self._owed[sender] = taken_s, owed_s
        too_much_s = owed_s - max(FREE_S, LOUD_BURST_S / max(self._loud, 1))
        if taken_s <= FREE_S or too_much_s <= 0:
            return 0.0
        return min(too_much_s / self.share, REST_MAX_S)

    def _count(self, now: float) -> None:
        """Let fall what time has paid off, and see who is loud."""
        passed_s = now - self._as_of_s
        self._owed = _after(self._owed, self.share * passed_s)
        self._taken = _after(self._taken, QUIET * passed_s)
        self._loud = sum(taken_s > FREE_S for taken_s in self._taken.values())
        self._as_of_s = now


def _after(seconds: dict[Speaker, float], paid_s: float) -> dict[Speaker, float]:
    """Return what is left of each once so much is paid; who owes nothing is not kept."""
    return {sender: owed_s - paid_s for sender, owed_s in seconds.items() if owed_s > paid_s}
