"""A pursuit: one manifest of another owner on its way to the newest head that was heard of it.

Strategy: one table. A newer head puts a manifest behind. It is asked for by change number, or, if
nothing of that generation is held, from the beginning; pages come until one carries a head. Where
its heads move too far meanwhile the same is begun anew, a few times, and then its source rests. If
changes alone do not lead there, everything is asked once more; if that fails too, that source is
left alone for a while, twice as long each time. One that was busy has not failed. An owner that
signed two contents of one number freezes its manifest, whatever is under way, until it goes one
generation up. One that signed more than one owner may have is followed again with its next head
that says less.

Guarantees: at most one request of a manifest is under way, only in CHANGES and WHOLE, where it may
also wait for its turn between two pages; whoever failed is left alone whatever it announces
meanwhile. Limits: state only; what is asked of whom is decided by engine/others/page_turns.py, and
whether a page is to be believed by engine/others/following.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

from potluck.core.content.facts import ManifestName
from potluck.core.content.manifest import newer
from potluck.core.keys.identity import DeviceId
from potluck.core.transitions import follow
from potluck.core.wire.catalogue import Head
from potluck.engine.events import OrderId
from potluck.engine.others.page_budget import PageBudget

PAUSE_MIN_S = 1.0  # a source that failed is left alone this long,
PAUSE_MAX_S = 60.0  # doubled each time up to this;
PAUSE_DOUBLINGS = 6  # more change nothing, and after a thousand the number fits no float
RESTARTS = 5  # in a row without coming to a head: an owner begins anew at most once in ten minutes


class PursuitState(Enum):
    """How far a manifest is from the newest head."""

    CURRENT = auto()  # nothing newer than what is held is known
    BEHIND = auto()  # a newer head is known; nobody is asked yet
    UNFIT = auto()  # the same, and changes alone do not lead to it
    CHANGES = auto()  # what changed since our head comes, page by page
    WHOLE = auto()  # everything comes, page by page: what does not come is not there
    FROZEN = auto()  # its owner contradicted itself: no head of that generation is followed
    TOO_LARGE = auto()  # its newest head says more than one owner may have: it is not followed


class PursuitInput(Enum):
    """What can happen to a pursuit."""

    NEWS = auto()  # a newer head is announced
    ASK_CHANGES = auto()  # somebody is asked for what changed
    ASK_ALL = auto()  # somebody is asked for everything
    MISFIT = auto()  # the changes do not add up, or what ended since is not known there
    BUSY = auto()  # the source has no room for the question at this moment
    MOVED = auto()  # the heads moved too far while pages came: the same begins anew
    FAILURE = auto()  # the source brought nothing that can be used
    REACHED = auto()  # held up to the newest head
    OVERTAKEN = auto()  # held up to the head of the last page, a newer one is known
    CONTRADICTION = auto()  # two signed heads of one number say two contents
    REBIRTH = auto()  # a head of a higher generation than the contradiction
    EXCESS = auto()  # a signed head says more than one owner may have


PURSUIT: dict[tuple[PursuitState, PursuitInput], PursuitState] = {
    (PursuitState.CURRENT, PursuitInput.NEWS): PursuitState.BEHIND,
    (PursuitState.CURRENT, PursuitInput.CONTRADICTION): PursuitState.FROZEN,
    (PursuitState.CURRENT, PursuitInput.EXCESS): PursuitState.TOO_LARGE,
    (PursuitState.BEHIND, PursuitInput.NEWS): PursuitState.BEHIND,
    (PursuitState.BEHIND, PursuitInput.ASK_CHANGES): PursuitState.CHANGES,
    (PursuitState.BEHIND, PursuitInput.ASK_ALL): PursuitState.WHOLE,
    (PursuitState.BEHIND, PursuitInput.CONTRADICTION): PursuitState.FROZEN,
    (PursuitState.BEHIND, PursuitInput.EXCESS): PursuitState.TOO_LARGE,
    (PursuitState.UNFIT, PursuitInput.NEWS): PursuitState.UNFIT,
    (PursuitState.UNFIT, PursuitInput.ASK_ALL): PursuitState.WHOLE,
    (PursuitState.UNFIT, PursuitInput.CONTRADICTION): PursuitState.FROZEN,
    (PursuitState.UNFIT, PursuitInput.EXCESS): PursuitState.TOO_LARGE,
    (PursuitState.CHANGES, PursuitInput.NEWS): PursuitState.CHANGES,
    (PursuitState.CHANGES, PursuitInput.MISFIT): PursuitState.UNFIT,
    (PursuitState.CHANGES, PursuitInput.BUSY): PursuitState.BEHIND,
    (PursuitState.CHANGES, PursuitInput.MOVED): PursuitState.BEHIND,
    (PursuitState.CHANGES, PursuitInput.FAILURE): PursuitState.BEHIND,
    (PursuitState.CHANGES, PursuitInput.REACHED): PursuitState.CURRENT,
    (PursuitState.CHANGES, PursuitInput.OVERTAKEN): PursuitState.BEHIND,
    (PursuitState.CHANGES, PursuitInput.CONTRADICTION): PursuitState.FROZEN,
    (PursuitState.CHANGES, PursuitInput.EXCESS): PursuitState.TOO_LARGE,
    (PursuitState.WHOLE, PursuitInput.NEWS): PursuitState.WHOLE,
    (PursuitState.WHOLE, PursuitInput.BUSY): PursuitState.UNFIT,
    (PursuitState.WHOLE, PursuitInput.MOVED): PursuitState.UNFIT,
    (PursuitState.WHOLE, PursuitInput.FAILURE): PursuitState.BEHIND,
    (PursuitState.WHOLE, PursuitInput.REACHED): PursuitState.CURRENT,
    (PursuitState.WHOLE, PursuitInput.OVERTAKEN): PursuitState.BEHIND,
    (PursuitState.WHOLE, PursuitInput.CONTRADICTION): PursuitState.FROZEN,
    (PursuitState.WHOLE, PursuitInput.EXCESS): PursuitState.TOO_LARGE,
    (PursuitState.FROZEN, PursuitInput.NEWS): PursuitState.FROZEN,
    (PursuitState.FROZEN, PursuitInput.REBIRTH): PursuitState.BEHIND,
    (PursuitState.FROZEN, PursuitInput.EXCESS): PursuitState.FROZEN,
    (PursuitState.TOO_LARGE, PursuitInput.NEWS): PursuitState.BEHIND,
    (PursuitState.TOO_LARGE, PursuitInput.CONTRADICTION): PursuitState.FROZEN,
    (PursuitState.TOO_LARGE, PursuitInput.EXCESS): PursuitState.TOO_LARGE,
}
"""One manifest of another owner: from a head that was heard to the records that add up to it."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The page under way."""

    source: DeviceId
    since: int  # changes above this number are asked for
    order: OrderId
    after: OrderId | None = None  # the page that it follows


@dataclass(frozen=True, slots=True)
class PageStop:
    """Where pages wait for their turn to go on."""

    source: DeviceId
    since: int  # changes above this number are not here yet


@dataclass(frozen=True, slots=True)
class Failure:
    """How often a source could not serve what it announced, and until when it is left alone."""

    times: int
    until_s: float


NEVER = Failure(0, -math.inf)


class Pursuit:
    """The way of one manifest to its newest head."""

    def __init__(self, name: ManifestName) -> None:
        """Know of nothing newer than what is held."""
        self.name = name
        self.state = PursuitState.CURRENT
        self.newest: Head | None = None  # newer than what is held
        self.request: PageRequest | None = None
        self.stop: PageStop | None = None
        self.budget: PageBudget | None = None  # of the pages under way
        self.excess: Head | None = None  # what says more than one owner may have
        # how long the paths are that are held, at most; None: not counted in this run
        self.path_bytes: int | None = None
        self.told_unsafe = False
        self.restarts = 0  # since it was held up to a head the last time
        self.frosts = 0  # how often the owner contradicted itself
        self.failures: dict[DeviceId, Failure] = {}
        self.frozen_in = 0  # the generation in which the owner contradicted itself
        self.forked = ""  # the label under which it is told that the owner goes on from elsewhere

    def __repr__(self) -> str:
        """Return the state and the goal."""
        generation, seq = self.goal
        return f"<Pursuit {self.state.name} of {generation}.{seq}>"

    @property
    def goal(self) -> tuple[int, int]:
        """Generation and number of the newest head."""
        return (self.newest.generation, self.newest.seq) if self.newest is not None else (0, 0)

    @property
    def waits(self) -> bool:
        """Whether somebody is to be asked."""
        return self.state in {PursuitState.BEHIND, PursuitState.UNFIT}

    @property
    def begun(self) -> bool:
        """Whether pages are on their way, or wait for their turn: some may be staged."""
        return self.state in {PursuitState.CHANGES, PursuitState.WHOLE}

    @property
    def in_line(self) -> bool:
        """Whether it waits for a slot, at its beginning or between two pages."""
        return self.waits or self.stop is not None

    @property
    def whole(self) -> bool:
        """Whether everything is asked for, or must be."""
        return self.state in {PursuitState.WHOLE, PursuitState.UNFIT}

    # -- heads -------------------------------------------------------------------------------------
    def on_news(self, head: Head) -> bool:
        """A newer head is announced; returns whether it ends a frost."""
        self.newest = head
        if self.budget is not None:
            self.budget.on_goal(head)
        frozen = self.state is PursuitState.FROZEN
        if frozen and head.generation > self.frozen_in:
            self._fire(PursuitInput.REBIRTH)
            return True
        self._fire(PursuitInput.NEWS)
        return False

    def on_contradiction(self, generation: int) -> bool:
        """Two heads of one number cannot both be honest; returns whether that is news."""
        if self.state is PursuitState.FROZEN:
            return False
        self._fire(PursuitInput.CONTRADICTION)
        self.frozen_in, self.frosts = generation, self.frosts + 1
        self.newest = None
        self.end_request()
        return True

    def on_excess(self, head: Head) -> None:
        """The owner signed more than one owner may have: that is not followed."""
        self._fire(PursuitInput.EXCESS)
        self.excess, self.newest = head, None
        self.end_request()

    # -- asking ------------------------------------------------------------------------------------
    def on_asked(self, request: PageRequest, budget: PageBudget) -> None:
        """Somebody is asked for the first page; all that come must be within this budget."""
        self._fire(PursuitInput.ASK_CHANGES if request.since else PursuitInput.ASK_ALL)
        self.request, self.budget = request, budget

    def end_request(self) -> None:
        """Nothing is under way any more."""
        self.request = self.stop = self.budget = None

    def on_asked_on(self, request: PageRequest) -> None:
        """The same source is asked for the next page."""
        self.request, self.stop = request, None

    def on_stop(self, stop: PageStop) -> None:
        """Others have their turn before the next page is asked for."""
        self.request, self.stop = None, stop

    def on_misfit(self) -> None:
        """Changes alone do not lead to the head."""
        self._fire(PursuitInput.MISFIT)
        self.end_request()

    def on_busy(self) -> None:
        """Nothing came, and nobody is to blame: the same is asked again in a moment."""
        self._fire(PursuitInput.BUSY)
        self.end_request()

    def on_moved(self) -> bool:
        """The heads moved too far while pages came; returns whether the same may begin anew."""
        if self.restarts >= RESTARTS:
            return False
        self._fire(PursuitInput.MOVED)
        self.restarts += 1
        self.end_request()
        return True

    def on_failed(self, source: DeviceId, now: float) -> None:
        """This source is left alone for a while; perhaps another one can serve."""
        self._fire(PursuitInput.FAILURE)
        self.end_request()
        times = self.failures.get(source, NEVER).times + 1
        pause_s = min(PAUSE_MIN_S * 2 ** min(times - 1, PAUSE_DOUBLINGS), PAUSE_MAX_S)
        self.failures[source] = Failure(times, now + pause_s)

    def on_applied(self, source: DeviceId, head: Head) -> None:
        """The manifest is held up to this head."""
        if self.budget is not None and (self.whole or self.path_bytes is not None):
            self.path_bytes = self.budget.path_bytes
        self.end_request()
        self.failures.pop(source, None)
        self.restarts = 0
        if self.newest is not None and newer(self.newest, head):
            self._fire(PursuitInput.OVERTAKEN)
        else:
            self._fire(PursuitInput.REACHED)
            self.newest = None

    def _fire(self, happened: PursuitInput) -> None:
        self.state = follow(PURSUIT, self.state, happened)
