"""Told bounds: how much of what a member tells of newcomers reaches the people here.

Strategy: a member is believed about newcomers that talk to it, but it can make them up. So it has
`limits.REQUESTS_OF_TELLER` on the screens of others at once, of which its oldest makes room, all
together `limits.REQUESTS_TOLD`; and `TOLD_PER_MINUTE` new ones a minute, whatever became of those
before. What is beyond is counted and not shown.

Guarantees: pure; no member takes the place of another's, nor of those this device talks to. Limits:
while more than that ask at one member, its own screen has them and others do not.
"""

from __future__ import annotations

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.sender_bounds import SenderBounds

RequestKey = tuple[DeviceId | None, str]
"""Which member talks to the newcomer (None: this device), and the id of the conversation."""

TOLD_PER_MINUTE = 6  # new ones of one member: a person compares words for ten seconds
TELLING_S = 60.0


class ToldBounds:
    """What each member told, and when."""

    def __init__(self) -> None:
        """Nobody told of anybody."""
        self._told = SenderBounds[RequestKey](limits.REQUESTS_OF_TELLER, limits.REQUESTS_TOLD)
        self._told_s: dict[DeviceId, list[float]] = {}

    def __len__(self) -> int:
        """Return how many are shown."""
        return len(self._told)

    def __repr__(self) -> str:
        """Say how many are shown, and how many members told lately."""
        return f"<ToldBounds {len(self)} of {len(self._told_s)} members>"

    def is_new_allowed(self, teller: DeviceId, now: float) -> bool:
        """Say whether that member may tell of one more now; from now on it has."""
        every = self._told_s.items()
        self._told_s = {one: times for one, times in every if now - times[-1] < TELLING_S}
        times = [s for s in self._told_s.get(teller, ()) if now - s < TELLING_S]
        if len(times) >= TOLD_PER_MINUTE:
            return False
        self._told_s[teller] = [*times, now]
        return True

    def note(self, key: RequestKey, teller: DeviceId) -> RequestKey | None:
        """One more is shown; return which one goes for it, if one has to."""
        return self._told.note(key, teller)

    def forget(self, key: RequestKey) -> None:
        """That one is over."""
        self._told.forget(key)
