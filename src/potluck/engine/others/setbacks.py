"""Setbacks: what could not be placed, when it is tried again, and that `status` says so till then.

Strategy: each spot that failed has one entry: how often, until when it rests, and which local files
turned out not to be what the index said. The first source that is gone is no reason to wait,
anything else rests 2 s, 4 s, … up to a minute. A spot that others here change again and again rests
likewise, from the third time on, so that nobody is fought many times a second. Times stand in a
heap, so that thousands of failures cost as little as one. What is open stands in the register
(engine/troubles.py), with its reason and what a person can do.

Guarantees: a spot that fails for ever is tried once a minute, told once for each reason, and in the
register until it is well, once for each cause (engine/others/causes.py); a source that failed a
spot is not offered to it again; an entry goes as soon as the spot is well or its owner changes it.
Limits: nothing is remembered across restarts; then everything is tried once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from potluck.core import limits
from potluck.core.content.facts import Spot
from potluck.core.content.paths import SafePath
from potluck.core.wording import set_off
from potluck.engine.events import Placed, Placement
from potluck.engine.node import Node
from potluck.engine.others.causes import Causes, Failing
from potluck.engine.others.hindrances import NO_SOURCE, RESTLESS, remedy, why
from potluck.engine.others.local_changes import names_of
from potluck.engine.others.local_names import KeptOut

LONGEST_S = 60.0  # what fails for ever is tried once a minute
# more of them make no rest longer, and after a thousand the number fits no float
REST_DOUBLINGS = 6
DISTURBED_FREE = 2  # a person changes a file, and perhaps once more
DISTURBED_WELL_S = 120.0  # longer than the longest rest: who went on meanwhile is still there
DISTURBED_MAX = 10_000  # spots whose disturbances are remembered


@dataclass(slots=True)
class Setback:
    """What is known of one spot in trouble."""

    failures: int = 0
    due_s: float | None = None  # None: it is being tried
    told: str = ""
    bad_sources: set[Spot] = field(default_factory=set)


class Setbacks:
    """Every spot in trouble."""

    def __init__(self, node: Node) -> None:
        """Know of none."""
        self._node = node
        self._causes = Causes(node)
        self._spots: dict[Spot, Setback] = {}
        self._times: list[tuple[float, Spot]] = []
        self._disturbed: dict[Spot, tuple[int, float]] = {}  # how often, and when last

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<Setbacks: {len(self._spots)} spots>"

    def note(self, failed: Iterable[tuple[Spot, Placed, Spot | None]]) -> None:
        """These spots failed, each with the local file it was to come from; tell what is news."""
        news: dict[str, list[str]] = {}
        for spot, placed, source in failed:
            setback = self._spots.setdefault(spot, Setback())
            setback.failures += 1
            if placed.placement is Placement.SOURCE_GONE:
                self._note_source(spot, setback, placed, source)
                continue
            reason = why(placed)
            if setback.told != reason:
                setback.told = reason
                news.setdefault(reason, []).append(str(placed.path))
            self._rest(spot, setback, _pause_s(setback.failures))
            command = remedy(placed, self._node.settings.folder)
            path = str(placed.path)
            self._causes.note(spot, Failing(path, placed.detail, reason, command, setback.due_s))
        for reason, paths in news.items():
            text = f"{names_of(list(map(set_off, paths)))}: {reason}"
            self._node.tell("place_failed", text, level="warning", subject=paths[0])

    def _note_source(
        self, spot: Spot, setback: Setback, placed: Placed, source: Spot | None
    ) -> None:
        """What a spot was to be made from is not what was promised: at first no reason to wait."""
        if source is not None:
            setback.bad_sources.add(source)
        self._rest(spot, setback, _pause_s(setback.failures - 1))
        if setback.failures > 1:
            # gone, exchanged, or not to be opened: as the disk said
            reason = f"{NO_SOURCE}: {why(placed)}"
            command = remedy(placed, self._node.settings.folder)
            path = str(placed.path)
            self._causes.note(spot, Failing(path, NO_SOURCE, reason, command, setback.due_s))

    def disturb(self, spot: Spot) -> None:
        """Somebody here changed what stood at a spot: if again and again, it rests."""
        now, path = self._node.now, str(self._node.layout.path_of(spot))
        times, last_s = self._disturbed.pop(spot, (0, now))
        times = times + 1 if now - last_s < DISTURBED_WELL_S else 1
        self._disturbed[spot] = times, now
        if len(self._disturbed) > DISTURBED_MAX:
            del self._disturbed[next(iter(self._disturbed))]
        self.clear(spot)
        if times > DISTURBED_FREE:
            setback = self._spots.setdefault(spot, Setback(times - DISTURBED_FREE))
            self._rest(spot, setback, _pause_s(setback.failures))
            self._causes.note(spot, Failing(path, RESTLESS, RESTLESS, "", setback.due_s))

    def keep_out(self, spot: Spot, why: KeptOut) -> None:
        """A spot is not placed, and not tried, until something changes: told once for a group."""
        self._spots.pop(spot, None)
        path = str(self._node.layout.path_of(spot))
        failing = Failing(path, why.reason, why.reason, "", None, why.group)
        if self._causes.note(spot, failing) and why.lasts:
            text = f"{set_off(path)}: {why.reason}"
            self._node.tell("kept_out", text, level="warning", subject=path)

    def clear(self, spot: Spot) -> None:
        """A spot is well, or something else is wanted there."""
        self._spots.pop(spot, None)
        self._causes.clear(spot)

    def hurry(self, spot: Spot) -> None:
        """What stood in the way of a spot may be gone: try it now."""
        setback = self._spots.get(spot)
        if setback is not None and setback.due_s is not None:
            self._rest(spot, setback, 0.0)

    def hurry_below(self, folders: Sequence[SafePath]) -> None:
        """What stood in the way in these folders may be gone: try all that is in them now."""
        for spot in [one for one in self._spots if self._is_below(one, folders)]:
            self.hurry(spot)

    def _is_below(self, spot: Spot, folders: Sequence[SafePath]) -> bool:
        path = self._node.layout.path_of(spot)
        return any(path.starts_with(folder) for folder in folders)

    def rests(self, spot: Spot) -> bool:
        """Say whether a spot is not to be tried yet."""
        setback = self._spots.get(spot)
        return setback is not None and setback.due_s is not None

    def failing(self, spot: Spot) -> tuple[Failing, float] | None:
        """Return what a spot fails for, and since when; None if it has not, or only just."""
        return self._causes.of(spot)

    def failing_spots(self) -> Iterable[Spot]:
        """Return every spot that failed and is not well yet."""
        return self._causes.spots()

    def is_bad(self, spot: Spot, source: Spot) -> bool:
        """Say whether this spot found a source not to be what the index said."""
        setback = self._spots.get(spot)
        return setback is not None and source in setback.bad_sources

    def due(self) -> list[Spot]:
        """Return the spots whose rest is over; from now on they are being tried."""
        found: list[Spot] = []
        while self._times and self._times[0][0] <= self._node.now:
            time, spot = heappop(self._times)
            setback = self._spots.get(spot)
            if setback is not None and setback.due_s == time:
                setback.due_s = None
                found.append(spot)
        return found

    def deadline(self) -> float | None:
        """Return when the next rest may be over."""
        return self._times[0][0] if self._times else None

    def _rest(self, spot: Spot, setback: Setback, seconds: float) -> None:
        setback.due_s = self._node.now + seconds
        heappush(self._times, (setback.due_s, spot))


def _pause_s(failures: int) -> float:
    """Return how long a spot rests after so many failures that count: 0, 1, 2, 4, … retries."""
    pause_s: float = limits.RETRY_S * (2 ** min(failures, REST_DOUBLINGS) // 2)
    return min(pause_s, LONGEST_S)
