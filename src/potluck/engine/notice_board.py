"""The notice board: what people are told, and how often they are told such things.

Strategy. What a device says or does can make a notice, so it could make any number. Of each cause,
which is a kind of notice about one device, and of each kind about all devices together, only so
many are told in a row. What comes then is counted, for its cause; in each pause of a kind a few
causes are released, those first that wait for longest: of each the newest notice is told, with how
many there were. Of what is kept for faces that look late, the device with the most notices loses
its oldest one when there is no more room.

Guarantees: nothing is left out without being counted; while no more than CAUSES wait at once, the
newest word about each device is told in the end, however many devices are invented beside it; what
one device causes crowds out its own notices only. What is about this device itself is told always:
nobody else can make it. Limits: CAUSES that wait at once are told RELEASED in each COUNTED_S, so
the last after half an hour; of what comes beyond them only the newest of its kind is told, with how
many there were. By labels, which are what notices know of devices; what lasts stands in the
register of troubles, whatever is told here.
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
RELEASED = 5  # causes of one kind that are told at the end of a pause: a person can read them
CAUSES = 1024  # remembered at once


class Asks(Protocol):
    """Takes effects, and knows what time it is: engine/node.py."""

    now: float

    def do(self, *effects: Effect) -> None:
        """Ask the world for something."""


@dataclass(slots=True)
class _Cause:
    """A kind of notice about one device, or about those that are too many to be told apart."""

    about: str | None  # None: about any
    at_s: float  # when it was told last, or counted
    told: int = 0  # in a row
    untold: int = 0
    newest: Tell | None = None  # of what was not told
    since_s: float = 0.0  # since when that waits

    def is_open(self, now: float) -> bool:
        """Say whether one more may be told at once."""
        if not self.untold and now - self.at_s >= COUNTED_S:
            self.told = 0
        return not self.untold and self.told < OF_ONE_DEVICE

    def is_quiet(self, now: float) -> bool:
        """Say whether it can be forgotten: it would begin anew."""
        return not self.untold and now - self.at_s >= COUNTED_S

    def hold(self, tell: Tell, now: float) -> None:
        """Count one that is not told now."""
        if not self.untold:
            self.since_s = now
        self.untold, self.newest, self.at_s = self.untold + 1, tell, now

    def release(self, now: float) -> Tell:
        """Return what is to be told of what was counted."""
        assert self.newest is not None, "what waits has a newest one"
        tell, others = self.newest, self.untold - 1
        self.untold, self.newest, self.at_s = 0, None, now
        if not others:
            return tell
        about = f" about {self.about}" if self.about else ""
        return replace(tell, text=f"{tell.text} (and {others:,} more such notices{about})")


class _Kind:
    """One kind of notice, about all devices together."""

    def __init__(self, now: float) -> None:
        self.devices: dict[str, _Cause] = {}
        self.rest = _Cause(None, now)  # what is about devices that find no room of their own
        self.due_s: float | None = None  # when something of what waits is told
        self._told, self._at_s = 0, now  # in a row, and when last
        self._crowd: set[str | None] = set()  # who waits because of all the others

    def is_open(self, now: float) -> bool:
        """Say whether one more may be told at once."""
        if not self._crowd and now - self._at_s >= COUNTED_S:
            self._told = 0
        return not self._crowd and self._told < OF_ALL

    def on_told(self, now: float) -> None:
        """One is told at once."""
        self._told, self._at_s = self._told + 1, now

    def hold(self, cause: _Cause, tell: Tell, now: float, *, crowded: bool) -> None:
        """Count one for its cause."""
        if crowded:
            self._crowd.add(cause.about)
        cause.hold(tell, now)
        if self.due_s is None:
            self.due_s = now + COUNTED_S

    def release(self, now: float) -> list[Tell]:
        """Return what is to be told at the end of a pause: from those that wait for longest."""
        waiting = [cause for cause in (*self.devices.values(), self.rest) if cause.untold]
        waiting.sort(key=lambda cause: cause.since_s)
        self.due_s = now + COUNTED_S if len(waiting) > RELEASED else None
        told = waiting[:RELEASED]
        if self._crowd:
            self._at_s = now
        self._crowd.difference_update(cause.about for cause in told)
        return [cause.release(now) for cause in told]

    def forget_quiet(self, now: float) -> None:
        """Forget causes that would begin anew."""
        self.devices = {
            about: cause for about, cause in self.devices.items() if not cause.is_quiet(now)
        }


class NoticeBoard:
    """What was told, and what waits to be."""

    def __init__(self, asks: Asks) -> None:
        """Tell nothing yet."""
        self._asks = asks
        self.kept: list[tuple[int, float, Tell]] = []  # number, when, what
        self._kinds: dict[str, _Kind] = {}  # by code: there are as many as this program has
        self._number = 0

    def __repr__(self) -> str:
        """Return how many are kept, and how many were only counted."""
        kinds = self._kinds.values()
        untold = sum(
            cause.untold for kind in kinds for cause in (*kind.devices.values(), kind.rest)
        )
        return f"<NoticeBoard: {len(self.kept)} kept, {untold} untold>"

    def put(self, tell: Tell, own_label: str) -> None:
        """Tell something now, or count it."""
        now, about = self._asks.now, device_in(tell.subject)
        if about == own_label:
            self._say(tell, now)
            return
        kind = self._kinds.setdefault(tell.code, _Kind(now))
        cause = self._cause(kind, about, now)
        is_open, all_open = cause.is_open(now), kind.is_open(now)
        if not is_open or not all_open:
            kind.hold(cause, tell, now, crowded=is_open)
            return
        kind.on_told(now)
        cause.told, cause.at_s = cause.told + 1, now
        self._say(tell, now)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        due = [kind.due_s for kind in self._kinds.values() if kind.due_s is not None]
        return min(due, default=None)

    def on_tick(self) -> None:
        """Tell what was counted, where its pause is over."""
        now = self._asks.now
        for kind in self._kinds.values():
            if kind.due_s is not None and kind.due_s <= now:
                for tell in kind.release(now):
                    self._say(tell, now)

    def _cause(self, kind: _Kind, about: str, now: float) -> _Cause:
        """Return the cause of this kind about this device; the one for the rest without room."""
        cause = kind.devices.get(about)
        if cause is None:
            if not self._has_room(now):
                return kind.rest
            cause = kind.devices[about] = _Cause(about, now)
        return cause

    def _has_room(self, now: float) -> bool:
        """Say whether one more cause can be remembered, once what was quiet is forgotten."""
        kinds = self._kinds.values()
        if sum(len(kind.devices) for kind in kinds) < CAUSES:
            return True
        for kind in kinds:
            kind.forget_quiet(now)
        return sum(len(kind.devices) for kind in kinds) < CAUSES

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
