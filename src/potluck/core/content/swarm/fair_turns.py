"""Fair turns: who comes next at slots that many want.

Strategy: whoever had slots for the shortest time of late comes first; of those with about as much,
who has the fewest now; then who was served longest ago. Time in slots counts half after
USED_HALF_S.

Guarantees: pure; who had none for long comes before everybody who has some. Limits: whether there
is a slot at all, and when one is given back, is for others to say (slots.py, under_way.py,
engine/others/page_turns.py).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

USED_HALF_S = 30.0  # after so long time in slots counts half
USED_STEP_S = 1.0  # of which so little more or less makes no difference

Turner = TypeVar("Turner", bound=Hashable)


class FairTurns(Generic[Turner]):
    """Who has slots, and had them of late; each slot by a number that is never used again."""

    def __init__(self) -> None:
        """Nobody had any."""
        self._keys: dict[int, Turner] = {}
        self._begun_s: dict[int, float] = {}
        self._numbers: dict[Turner, set[int]] = {}
        self._used: dict[Turner, tuple[float, float]] = {}  # seconds of late, as of when
        self._served: dict[Turner, int] = {}  # the last number of each

    def __repr__(self) -> str:
        return f"<FairTurns: {len(self._keys)} slots are taken>"

    def begin(self, number: int, key: Turner, now: float) -> None:
        """One more slot is taken."""
        self._keys[number], self._begun_s[number] = key, now
        self._numbers.setdefault(key, set()).add(number)
        self._served[key] = number

    def end(self, number: int, now: float) -> None:
        """It is free again."""
        key = self._keys.pop(number)
        self._used[key] = self._used_s(key, now), now
        self._numbers[key].discard(number)
        del self._begun_s[number]

    def taken(self, key: Turner) -> int:
        """Return how many slots one has."""
        return len(self._numbers.get(key, ()))

    def in_turn(self, keys: Iterable[Turner], now: float) -> list[Turner]:
        """Return these, who comes first first."""

        def rank(key: Turner) -> tuple[int, int, int]:
            used_s = self._used_s(key, now)
            return int(used_s / USED_STEP_S), self.taken(key), self._served.get(key, 0)

        return sorted(keys, key=rank)

    def _used_s(self, key: Turner, now: float) -> float:
        """Return how long one had slots of late, those that it has among them."""
        used_s, as_of_s = self._used.get(key, (0.0, -math.inf))
        since_s = [
            now - max(self._begun_s[number], as_of_s) for number in self._numbers.get(key, ())
        ]
        return used_s * math.exp2((as_of_s - now) / USED_HALF_S) + sum(since_s)
