"""Chores: what the loop has done now and then, by itself, as long as it runs.

Strategy: a short table of what and how often. Each chore is begun at the first turn of the loop and
then once in its interval, counted from when it was begun last; what it begins must not block, so
real work goes to the disk pool.

Guarantees: a loop that was held up begins each chore once, not as often as it was missed. Limits:
no chore knows whether its last round has ended; intervals are long enough for that not to matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to be begun again and again."""

    every_s: float
    begin: Callable[[], object]  # must not block


class Chores:
    """The table, with when each is due; owned by the loop thread."""

    def __init__(self, chores: Iterable[Chore]) -> None:
        """Begin each at the first `on_tick`."""
        self._due_s: Final = dict.fromkeys(chores, 0.0)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next, monotonic."""
        return min(self._due_s.values(), default=None)

    def on_tick(self, now: float) -> None:
        """Begin what is due."""
        for chore, due_s in self._due_s.items():
            if now >= due_s:
                self._due_s[chore] = now + chore.every_s
                chore.begin()
