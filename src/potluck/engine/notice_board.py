"""The notice board: what people are told, and how often they are told such things.

Strategy. What a device says or does can make a notice, so it could make any number. Of each cause,
which is a kind of notice about one device, and of each kind about all devices together, only so
many are told in a row, and then one for each pause. What comes meanwhile is counted; the newest of
it is told at the end of the pause, with how many there were. Of what is kept for faces that look
late, the device with the most notices loses its oldest one when there is no more room.

Guarantees: nothing is left out without being counted, and the newest word about a device is always
told in the end; what one device causes crowds out its own notices only. What is about this device
itself is told always: nobody else can make it. Limits: by labels, which are what notices know of
devices; what lasts stands in the register of troubles, whatever is told here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from potluck.engine.effects import Effect, Tell

NOTICES_KEPT = 200  # what a face that looks late can still show
OF_ONE_DEVICE = 30  # of one kind about one device in a row: more than a lively evening has,
OF_ALL = 100  # and about all of them: a group of fifty that starts at once, twice
COUNTED_S = 10.0  # then they are counted, and told once in so long; so long a quiet cause is new
CAUSES = 1024  # remembered at once


class Asks(Protocol):
    """Takes effects, and knows what time it is: engine/node.py."""

    now: float

    def do(self, *effects: Effect) -> None:
        """Ask the world for something."""


@dataclass(slots=True)
class _Cause:
    """A kind of notice about one device, or about all."""

    about: str | None  # None: about all devices
    at_s: float  # when it was told last, or counted
    told: int = 0  # in a row
    untold: int = 0
    newest: Tell | None = None  # of what was not told
    due_s: float = 0.0  # when that is told

    def is_open(self, now: float) -> bool:
        """Say whether one more may be told at once."""
        if not self.untold and now - self.at_s >= COUNTED_S:
            self.told = 0
        most = OF_ALL if self.about is None else OF_ONE_DEVICE
        return not self.untold and self.told < most

    def hold(self, tell: Tell, now: float) -> None:
        """Count one that is not told now."""
        if not self.untold:
            self.due_s = now + COUNTED_S
        self.untold, self.newest, self.at_s = self.untold + 1, tell, now

    def release(self) -> list[Tell]:
        """Return what is to be told of what was counted."""
        if self.newest is None:
            return []
        tell, others = self.newest, self.untold - 1
        self.untold, self.newest = 0, None
        if not others:
            return [tell]
        about = f" about {self.about}" if self.about else ""
        return [replace(tell, text=f"{tell.text} (and {others:,} more such notices{about})")]


class NoticeBoard:
    """What was told, and what waits to be."""

    def __init__(self, asks: Asks) -> None:
        """Tell nothing yet."""
        self._asks = asks
        self.kept: list[tuple[int, float, Tell]] = []  # number, when, what
        self._causes: dict[tuple[str, str | None], _Cause] = {}
        self._number = 0

    def __repr__(self) -> str:
        """Return how many are kept, and how many were only counted."""
        untold = sum(cause.untold for cause in self._causes.values() if cause.untold)
        return f"<NoticeBoard: {len(self.kept)} kept, {untold} untold>"

    def put(self, tell: Tell, own_label: str) -> None:
        """Tell something now, or count it."""
        now, about = self._asks.now, device_in(tell.subject)
        if about == own_label:
            self._say(tell, now)
            return
        causes = [self._cause(tell.code, each, now) for each in (about, None)]
        full = next((cause for cause in causes if not cause.is_open(now)), None)
        if full is not None:
            full.hold(tell, now)
            return
        for cause in causes:
            cause.told, cause.at_s = cause.told + 1, now
        self._say(tell, now)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return min((each.due_s for each in self._causes.values() if each.untold), default=None)

    def on_tick(self) -> None:
        """Tell what was counted, where its pause is over."""
        now = self._asks.now
        for cause in list(self._causes.values()):
            if cause.untold and cause.due_s <= now:
                cause.at_s = now
                for tell in cause.release():
                    self._say(tell, now)

    def _cause(self, code: str, about: str | None, now: float) -> _Cause:
        cause = self._causes.get((code, about))
        if cause is None:
            if len(self._causes) >= CAUSES:
                self._make_room(now)
            cause = self._causes[code, about] = _Cause(about, now)
        return cause

    def _make_room(self, now: float) -> None:
        """Forget what was quiet for long, or else what is remembered longest."""
        for key, cause in list(self._causes.items()):
            if not cause.untold and now - cause.at_s >= COUNTED_S:
                del self._causes[key]
        if len(self._causes) >= CAUSES:
            for tell in self._causes.pop(next(iter(self._causes))).release():
                self._say(tell, now)

    def _say(self, tell: Tell, now: float) -> None:
        self._number += 1
        self.kept.append((self._number, now, tell))
        if len(self.kept) > NOTICES_KEPT:
            del self.kept[crowded_out([kept.subject for _, _, kept in self.kept])]
        self._asks.do(tell)


def device_in(subject: str) -> str:
    """Return the label in what a notice is about: a device, or a path in its folder."""
    return subject.partition("/")[0]


def crowded_out(subjects: Sequence[str]) -> int:
    """Return which of these notices makes room: the first of the device that has the most."""
    devices = [device_in(subject) for subject in subjects]
    most = Counter(devices).most_common(1)[0][0]
    return devices.index(most)
