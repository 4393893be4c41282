"""Files that are closed again and again while they grow: how often such a file is reported.

Strategy: who opens, appends and closes makes a version with each close (`>>` in a loop, a download
in parts). The first few come out at once, like any save. Once a file grew from each close to the
next `FREE_CLOSES` times, with less than `APPEND_QUIET_S` in between, it is held: it comes out when
nobody closed it for that long, or after `HELD_S` all the same. One that was rested is like new.

Guarantees: what is held comes out, at the latest after `HELD_S`, or when somebody asks for all that
is there (`release`). A file that does not grow is never held. Limits: at most `GROWING_MOST` files
are known; any more come out whenever they are closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from potluck.core.content.paths import SafePath

FREE_CLOSES: Final = 3
"""Who saves a file so often within seconds is served at once; a program that appends is not."""
APPEND_QUIET_S: Final = 5.0
"""Longer than the pauses of one who appends, shorter than what a person takes for broken."""
HELD_S: Final = 30.0
"""The longest that a version waits; as long as one that is never closed."""
GROWING_MOST: Final = 10_000
"""About 2 MB of memory; whoever closes more files within seconds makes new ones."""


@dataclass(slots=True)
class _Closed:
    """A file that was closed a moment ago."""

    last_s: float  # when it was closed last
    size: int | None = None  # at that time; None: nobody looked
    grew: int = 0  # how often, one close after the other


class GrowingFiles:
    """Files that were closed a moment ago, the oldest first, by one monotonic clock."""

    def __init__(self, size_of: Callable[[SafePath], int | None]) -> None:
        """Know of none; `size_of` looks at a file, None if it is not there."""
        self._size_of: Final = size_of
        self._closed: Final[dict[SafePath, _Closed]] = {}
        self._held: Final[dict[SafePath, float]] = {}  # since when, the oldest first

    def __repr__(self) -> str:
        return f"GrowingFiles({len(self._closed)} files, {len(self._held)} of them held)"

    def __contains__(self, path: SafePath) -> bool:
        """Say whether a version of a file is held."""
        return path in self._held

    @property
    def held(self) -> tuple[SafePath, ...]:
        """The files of which a version is held, the oldest first."""
        return tuple(self._held)

    def is_held(self, path: SafePath, now: float) -> bool:
        """A file was closed; say whether it waits. If not, it is to be reported."""
        before = self._closed.pop(path, None)
        if before is None or now - before.last_s >= APPEND_QUIET_S:
            self._held.pop(path, None)
            if len(self._closed) < GROWING_MOST:
                self._closed[path] = _Closed(now)
            return False
        size = self._size_of(path)
        if size is None or (before.size is not None and size <= before.size):
            self._held.pop(path, None)
            self._closed[path] = _Closed(now, size)
            return False
        self._closed[path] = _Closed(now, size, before.grew + 1)
        if before.grew + 1 < FREE_CLOSES:
            return False
        self._held.setdefault(path, now)
        return True

    def forget(self, path: SafePath) -> None:
        """A file is gone, or another one."""
        self._closed.pop(path, None)
        self._held.pop(path, None)

    def release(self) -> list[SafePath]:
        """Return all that is held: it waits no longer."""
        held = list(self._held)
        self._held.clear()
        return held

    def wait_s(self, now: float) -> float | None:
        """Return how long until something that is held comes out; None if nothing is."""
        if not self._held:
            return None
        return max(min(map(self._due_s, self._held)) - now, 0.0)

    def due(self, now: float) -> list[SafePath]:
        """Return what was held for long enough, and let go of what rested."""
        ready = [path for path in self._held if self._due_s(path) <= now]
        for path in ready:
            del self._held[path]
        rested = takewhile(
            lambda file: now - file[1].last_s >= APPEND_QUIET_S, self._closed.items()
        )
        for path, _ in list(rested):
            del self._closed[path]
        return ready

    def _due_s(self, path: SafePath) -> float:
        return min(self._held[path] + HELD_S, self._closed[path].last_s + APPEND_QUIET_S)
