"""Index trouble: what the engine does when its own index fails.

Strategy: a transaction that fails is rolled back with every effect that depends on it, but memory
is not: the parts may believe more than the index holds. So after a failure the work on content
rests, a little longer each time, while ring and links go on; then memory is written down and own
folder, heads and needs are looked at once more from the beginning (`Wiring.recover`), which finds
whatever was lost. Where it failed for want of room the rest ends as soon as the disk is seen to
have some; the loop has it looked at every second meanwhile (`short_of_room`). A fault of ours
(engine/faults.py) makes nothing rest; only if the index lost something by it everything is looked
at again, at most every `LOOK_AGAIN_S`.

Guarantees: only trouble of the index makes content rest. A disk that stays full costs a try a
minute at most, one that looks as if it had room and gives none one in `ROOM_REST_S`, never a busy
loop, and never the place in the ring. Each failure is reported once,
and stands in the register (engine/troubles.py) until content is worked on again without one.
Limits: what is lost in between (a file just hashed, say) is done twice. What was written and does
not become durable is another trouble (engine/durability.py).
"""

from __future__ import annotations

import math

from potluck.core import limits
from potluck.core.errors import DiskTrouble, NoRoom
from potluck.engine.disk_facts import SpaceSeen
from potluck.engine.troubles import Trouble, TroubleKind, Troubles

REST_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # after one failure, two, …; the last one repeats
ROOM_REST_S = 3.0  # the shortest rest where there is room again
ROOM_BYTES = limits.MIB  # so much must be free for a try: more than a transaction takes
SUBJECT = "the index"  # what the trouble is about
LOOK_AGAIN_S = 10.0  # who makes us wrong again and again does not make us look at all without end
UNTOLD_MAX = 16  # a call makes two at most, and the next tick tells them
WELL_S = 120.0  # this long without a failure: the next one is a first one again


class IndexTrouble:
    """The failures of late."""

    def __init__(self, troubles: Troubles) -> None:
        """Begin in good health; `troubles` is where it stands while that lasts."""
        self._troubles = troubles
        self.until_s = -math.inf  # when work on content may go on
        self.untold: list[Exception] = []  # failures nobody was told of yet, ours or not
        self._failed_s = -math.inf
        self._failures = 0
        self._shaken = self._room_lacked = False
        self._look_s = -math.inf  # when all may be looked at again for a fault of ours

    def __repr__(self) -> str:
        """Say how many failures there were of late, and until when work on content rests."""
        return f"<IndexTrouble failures={self._failures}, until_s={self.until_s:.1f}>"

    def on_failed(self, now: float, error: DiskTrouble) -> None:
        """A transaction failed: rest."""
        self._failures = self._failures + 1 if now - self._failed_s < WELL_S else 1
        self._failed_s, self._shaken = now, True
        self.until_s = now + REST_S[min(self._failures, len(REST_S)) - 1]
        self._look_s = -math.inf
        self._room_lacked = isinstance(error, NoRoom)
        reason = error.cause or error.what
        trouble = Trouble(TroubleKind.INDEX, SUBJECT, reason, error.fix, now, self.until_s)
        self._troubles.note(trouble)

    def on_space(self, event: SpaceSeen, now: float) -> None:
        """How full the disk of the index is: nothing rests for want of room where there is some."""
        if self._room_lacked and (event.home_free_bytes or 0) >= ROOM_BYTES:
            self.until_s = min(self.until_s, max(now, self._failed_s + ROOM_REST_S))

    def short_of_room(self, now: float) -> bool:
        """Say whether work on content waits for room on the disk of the index."""
        return self._room_lacked and self.rests(now)

    def on_unraised(self, error: Exception) -> None:
        """A part failed in a call that must not raise it; beyond UNTOLD_MAX it is one of many."""
        if len(self.untold) < UNTOLD_MAX:
            self.untold.append(error)

    def on_lost(self) -> None:
        """The index lost what a fault of ours had written: look again, but do not rest."""
        self._shaken = True

    def on_well(self) -> None:
        """Content was worked on, and the index took it."""
        if self._failures and not self._shaken:
            self._troubles.clear(TroubleKind.INDEX, SUBJECT)

    def rests(self, now: float) -> bool:
        """Say whether work on content has to wait."""
        return now < self.until_s

    def recovers(self, now: float) -> bool:
        """Say whether everything has to be looked at again; then it is, and not soon once more."""
        if not self._shaken or now < self._look_s:
            return False
        self._shaken, self._look_s = False, now + LOOK_AGAIN_S
        return True

    def tell(self) -> None:
        """Raise the first failure that nobody was told of yet; the next one in the next call."""
        if self.untold:
            raise self.untold.pop(0)
