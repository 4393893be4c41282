"""Due parts: which parts of the engine do something when it is time, in which order, and when.

Strategy: two lists, one of the parts that keep this device in company, one of those that have to do
with files; engine.py runs each in a transaction of its own. A part that was wrong and rests
(engine/faults.py) is passed over, and is due when its rest is over. Which part is at it is known
(`at`), so that a fault can be told of it. Guarantees: equal times give equal order. Limits: no
decisions; what is due is each part's own business.
"""

from __future__ import annotations

from collections.abc import Iterable

from potluck.engine.faults import DuePart, Faults
from potluck.engine.wiring import Wiring


class DueParts:
    """The parts that do what is due."""

    def __init__(self, parts: Wiring, faults: Faults) -> None:
        """Run these; `faults` knows which of them rest."""
        self._parts, self._faults = parts, faults
        self._company, self._content = _company(parts), _content(parts)
        self.at: DuePart | None = None  # who does what is due just now, or did when it raised

    def __repr__(self) -> str:
        """Say who was at it last."""
        return f"<DueParts at {type(self.at).__name__}>"

    def company(self) -> tuple[DuePart, ...]:
        """Return those that have to do with the other devices."""
        return self._company

    def content(self) -> tuple[DuePart, ...]:
        """Return those that have to do with files."""
        return self._content

    def tick(self, some: Iterable[DuePart]) -> None:
        """Let these do what is due, but for those that rest."""
        now, circle, discovery = self._parts.node.now, self._parts.circle, self._parts.discovery
        rests = self._faults.any_rest
        self.at = None
        for part in some:
            if rests and self._faults.until_s(part) > now:
                continue
            self.at = part
            if part is circle:
                circle.heads_digest = self._parts.announcing.digest
            elif part is discovery:
                discovery.on_ring(len(circle.ring.nodes()))
            part.on_tick()

    def times(self, some: Iterable[DuePart], rest_s: float = 0.0) -> list[float]:
        """Return when these are due: not before `rest_s`, and none while it rests."""
        times = [(part, part.deadline()) for part in some]
        if not self._faults.any_rest:
            return [max(time, rest_s) for _, time in times if time is not None]
        return [
            max(time, rest_s, self._faults.until_s(part))
            for part, time in times
            if time is not None
        ]


def _company(parts: Wiring) -> tuple[DuePart, ...]:
    return (
        parts.invitations,
        parts.joining,
        parts.pairings,
        parts.requests,
        parts.stewardship,
        parts.admission_policy,
        parts.questions,
        parts.circle,
        parts.own_calls,
        parts.doubled_owners,
        parts.discovery,
        parts.link_troubles,
        parts.node.notices,
    )


def _content(parts: Wiring) -> tuple[DuePart, ...]:
    return (
        parts.moving_folders,
        parts.lost_state,
        parts.own_folder,
        parts.bringing_back,
        parts.adopting,
        parts.succession,
        parts.replica_check,
        parts.strays,
        parts.following,
        parts.announcing,
        parts.confirmations,
        parts.receiving,
        parts.flushing,
        parts.happenings,
        parts.undelivered,
        parts.index_upkeep,
        parts.scrub,
    )
