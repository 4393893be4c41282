"""Faults: what the engine does when it is wrong itself, and not its index, its disk or a peer.

Strategy: whatever a fact makes raise that is no trouble of the index is a fault of ours, and
concerns that fact alone. It is undone and dropped, and whoever waits for an answer to it gets the
least that ends the wait (`instead_of`); a link on which it came is closed, since whoever speaks
there would say it again. A part that raises while it does what is due (`Faults.on_part`) rests by
itself, longer each time, while all the others go on.

Guarantees: one fact that nobody foresaw costs that fact and, at most, the link it came on: content
does not rest, and neither does any part that had nothing to do with it. A part whose every try is a
fault is tried once a minute in the end, and the engine never spins for it. Every fault is raised to
whoever calls the engine, once for each time it happens: tests fail by it, the loop tells it
(shells/loop/dropping.py). Limits: what memory took in before the fault stays there; if the index
lost anything by it, or the disk said something that was dropped, all is looked at once more
(engine/index_trouble.py). A member that finds a fault can repeat it: each costs its link, and a
datagram nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Final, Protocol

from potluck.core.wire.catalogue import Gone
from potluck.engine.effects import Answer, AnswerIntroduction, Drop, Effect
from potluck.engine.events import (
    Event,
    IntroductionHeard,
    LinkOpened,
    MessageHeard,
    RequestHeard,
)

# a part rests so long after one fault, two, …; the last one repeats
FAULT_REST_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
COMPANY_REST_S: Final = 1.0  # of a part without which this device would be taken for dead
FAULT_OVER_S: Final = 120.0  # a part that is well for so long begins with the shortest rest again
FAULTS: Final = "faults of potluck itself"  # the name of their counter
FAULT_REASON: Final = "what came on this link could not be handled"


class DuePart(Protocol):
    """A part of the engine that does something when it is due."""

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""

    def on_tick(self) -> None:
        """Do what is due."""


class Faults:
    """How often this engine was wrong, and which of its parts rest for it."""

    def __init__(self, counters: Counter[str]) -> None:
        """Begin without a fault; count them there."""
        self._counters = counters
        self._times: Counter[str] = Counter()  # of each part, of late
        self._until_s: dict[str, float] = {}

    def __repr__(self) -> str:
        """Say how many there were, and which parts were wrong."""
        return f"<Faults {self._counters[FAULTS]}, parts {sorted(self._until_s)}>"

    def on_fault(self) -> None:
        """Something was raised that nobody foresaw."""
        self._counters[FAULTS] += 1

    def on_part(self, part: DuePart, now: float, at_most_s: float = math.inf) -> None:
        """A part raised while it did what is due: it rests, but never longer than that."""
        name = type(part).__name__
        if now - self._until_s.get(name, now) > FAULT_OVER_S:
            del self._times[name]
        rest_s = min(FAULT_REST_S[min(self._times[name], len(FAULT_REST_S) - 1)], at_most_s)
        self._times[name] += 1
        self._until_s[name] = now + rest_s

    @property
    def any_rest(self) -> bool:
        """Whether any part was wrong so far; else none rests."""
        return bool(self._until_s)

    def until_s(self, part: DuePart) -> float:
        """Return until when a part rests; the beginning of time if it does not."""
        return self._until_s.get(type(part).__name__, 0.0)


def instead_of(event: Event) -> list[Effect]:
    """Return what ends the wait of whoever caused a fact that is dropped."""
    match event:
        case MessageHeard(link) | LinkOpened(link):
            return [Drop(link, FAULT_REASON)]
        case IntroductionHeard(knock):
            return [AnswerIntroduction(knock, accepted=False)]
        case RequestHeard(request):
            return [Answer(request, Gone())]
        case _:
            return []
