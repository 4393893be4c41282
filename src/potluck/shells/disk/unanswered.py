"""Unanswered calls: which call of the disk has waited for long.

Strategy: a thread that waits for the disk uses no processor at all, and one that works, or is
answered again and again, uses some. So each step of a job of the disk pool is noted with the clock
of its thread's processor time, and the loop looks at these clocks now and then: one that stands
still over `SILENT_S` is in one and the same call. That is posted once, and once more when it is
over, or something else does not answer.

Guarantees: a disk that answers, however slowly, is never called silent, nor any after a moment in
which this program did not run itself; a look touches no disk.
Limits: what is waited for is taken for the disk whatever it is, as long as that; where the system
has no clocks of other threads nothing is ever called silent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from potluck.core.content.paths import SafePath
from potluck.engine.effects import Hash, Look, Place, Scan, Settle
from potluck.engine.events import DiskSilent, Event
from potluck.shells.disk.disk_effects import DiskEffect
from potluck.shells.loop.inbox import Inbox

SILENT_S: Final = 30.0
"""A disk that sleeps takes about ten to spin up, one that writes much is seldom longer at it."""
STOOD_STILL_S: Final = 10.0
"""Between two looks are two seconds; after so many the whole program stood still."""


@dataclass(slots=True)
class _Step:
    """What a thread does at once."""

    asked: tuple[SafePath, ...]  # what it may be about
    clock: int | None  # of the processor time of the thread
    used_s: float  # by that clock, at the last look
    since_s: float  # for so long it has stood still


class UnansweredCalls:
    """Knows what each thread that uses the disk is at."""

    def __init__(
        self,
        inbox: Inbox,
        now: Callable[[], float] = time.monotonic,
        used: Callable[[int], float] = time.clock_gettime,
    ) -> None:
        """What is found is posted there; `now` in seconds that only go forward, `used` as one of
        the system's clocks says; it may raise OSError for one that is gone.
        """
        self._inbox: Final = inbox
        self._now: Final = now
        self._used: Final = used
        self._steps: Final[dict[int, _Step]] = {}  # by thread
        self._silent: _Step | None = None  # what was told
        self._looked_s = now()

    def __repr__(self) -> str:
        """Say how many threads are at something."""
        return f"<UnansweredCalls: {len(self._steps)} at work, told: {self._silent is not None}>"

    def watched(self, asked: tuple[SafePath, ...], facts: Iterator[Event]) -> Iterator[Event]:
        """Yield the facts; meanwhile it is known what is waited for. On a worker."""
        me = threading.get_ident()
        while True:
            clock = _clock_of(me)
            self._steps[me] = _Step(asked, clock, self._used_s(clock), self._now())
            try:
                fact = next(facts, None)
            finally:
                del self._steps[me]
            if fact is None:
                return
            yield fact

    def look(self) -> None:
        """Post it if something does not answer, or does again. On the loop thread."""
        now, longest = self._now(), None
        paused, self._looked_s = now - self._looked_s > STOOD_STILL_S, now
        for step in self._steps.copy().values():
            used_s = self._used_s(step.clock)
            if step.clock is None or used_s != step.used_s or paused:
                step.used_s, step.since_s = used_s, now
            elif now - step.since_s >= SILENT_S and (
                longest is None or step.since_s < longest.since_s
            ):
                longest = step
        if longest is self._silent:
            return
        self._silent = longest
        if longest is None:
            self._inbox.post(DiskSilent((), 0.0))
        else:
            self._inbox.post(DiskSilent(longest.asked, now - longest.since_s))

    def _used_s(self, clock: int | None) -> float:
        """Return how much processor time a thread has used; 0 of one that is over."""
        if clock is not None:
            with suppress(OSError):
                return self._used(clock)
        return 0.0


def asked_of(effect: DiskEffect) -> tuple[SafePath, ...]:
    """Return the paths below Shared/ that an effect is about; none: FOLDER itself."""
    match effect:
        case Look(paths=paths) | Scan(tops=paths):
            return paths
        case Hash(files=files):
            return tuple(path for path, _ in files)
        case Place(items=items) | Settle(items=items):
            return tuple(item.path for item in items)
        case _:
            return ()


def _clock_of(thread: int) -> int | None:
    """Return the clock of a thread's processor time; only the thread itself may ask safely."""
    ask: Callable[[int], int] | None = getattr(time, "pthread_getcpuclockid", None)
    return ask(thread) if ask is not None else None
