"""A timetable: what is due when, for many keys, asked on every call of the engine.

Strategy: times in a dict, and beside it the earliest of them, so that asking costs nothing while
nothing is due. Guarantee: `due` returns each key once, not before its time. Limits: after `discard`
the earliest time may be that of a key that is gone; then somebody wakes up once for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)


class Timetable(Generic[_Key]):
    """When each key is due."""

    def __init__(self) -> None:
        """Nothing is due."""
        self.times: dict[_Key, float] = {}
        self._first = math.inf

    def __repr__(self) -> str:
        """Say how many keys wait, and until when at least."""
        return f"<Timetable {len(self.times)} keys, first={self._first:.1f}>"

    def __contains__(self, key: object) -> bool:
        """Say whether a key waits."""
        return key in self.times

    def put(self, key: _Key, when: float) -> None:
        """From now on a key is due at this time."""
        self.times[key] = when
        self._first = min(self._first, when)

    def discard(self, key: _Key) -> None:
        """A key does not wait any more, if it did."""
        self.times.pop(key, None)

    def keep_only(self, keys: set[_Key]) -> None:
        """Discard all others."""
        self.times = {key: when for key, when in self.times.items() if key in keys}

    def deadline(self) -> float | None:
        """Return when `due` may have something; None while nothing waits."""
        return self._first if self.times else None

    def due(self, now: float) -> list[_Key]:
        """Return, and forget, the keys whose time has come."""
        if now < self._first:
            return []
        due = [key for key, when in self.times.items() if when <= now]
        for key in due:
            del self.times[key]
        self._first = min(self.times.values(), default=math.inf)
        return due
