"""The search for a seat: whom a node without one asks, and when it takes one unasked.

Strategy: a node without a seat asks its *contact*, the first device it has a link to. The contact
answers with a seat, or sends it on to node 0; where nothing comes the contact is asked again every
half a second, which makes it the deputy of a node 0 that is silent (core/ring/seats.py). A contact
whose link is gone is replaced by another device that is linked. If no seat came in four such turns
the node takes one itself. A node that lost its last link has nobody to ask, and begins anew with
the next.

Guarantees: pure; nobody is asked twice in one search because of a REDIRECT, so two nodes that send
a joiner to each other keep nobody running; a seat ends the search for good. Limits: which seat it
is, and whether it is free, is for core/ring/ring.py to know.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.transitions import follow


class SeatState(Enum):
    """What a node has of a seat."""

    ALONE = auto()  # none, and nobody to ask
    SEEKING = auto()  # none; a contact is asked again and again
    SEATED = auto()  # it sits in the ring


class SeatInput(Enum):
    """What can happen to the search."""

    CONTACT = auto()  # somebody who can be asked is there
    NOBODY = auto()  # the next question is due, and no link is left
    SEAT = auto()  # a seat was given, or is taken unasked


SEAT_SEARCH: dict[tuple[SeatState, SeatInput], SeatState] = {
    (SeatState.ALONE, SeatInput.CONTACT): SeatState.SEEKING,
    (SeatState.ALONE, SeatInput.SEAT): SeatState.SEATED,
    (SeatState.SEEKING, SeatInput.CONTACT): SeatState.SEEKING,
    (SeatState.SEEKING, SeatInput.NOBODY): SeatState.ALONE,
    (SeatState.SEEKING, SeatInput.SEAT): SeatState.SEATED,
}
"""From alone to seated; nothing leads back, since a node that leaves does not come again."""


@dataclass(frozen=True, slots=True)
class AskForSeat:
    """Send a JOIN to that device."""

    to: DeviceId


@dataclass(frozen=True, slots=True)
class TakeSeat:
    """Nobody gives one: sit down unasked."""


SeatSearchAction = AskForSeat | TakeSeat


class SeatSearch:
    """One node's way to its seat."""

    def __init__(self) -> None:
        """Have no seat and know nobody."""
        self.state = SeatState.ALONE
        self.contact: DeviceId | None = None
        self.redirected: set[DeviceId] = set()  # whom this search was sent to: once each
        self._ask_s = math.inf  # when to ask (again)
        self._give_up_s = math.inf  # when to stop asking and take one

    def __repr__(self) -> str:
        return f"<SeatSearch {self.state.name}, redirected {len(self.redirected)} times>"

    @property
    def seated(self) -> bool:
        """Whether the search is over."""
        return self.state is SeatState.SEATED

    # -- facts -------------------------------------------------------------------------------------
    def on_contact(self, device: DeviceId, now: float) -> None:
        """Somebody who can be asked is there: the contact is asked at once."""
        if self.state is SeatState.ALONE:
            self._give_up_s = now + limits.SEAT_GIVE_UP_S
            self.redirected.clear()
        self._fire(SeatInput.CONTACT)
        if self.contact is None:
            self.contact = device
        self._ask_s = now

    def on_link_closed(self, device: DeviceId, others: Iterable[DeviceId]) -> None:
        """A link is gone; `others` still are linked, and one of them is the contact from now on."""
        if self.contact == device:
            self.contact = min(others, default=None)

    def on_redirect(self, node_0: DeviceId, *, linked: bool) -> list[AskForSeat]:
        """Somebody says who node 0 is: ask it once, if there is a link to it.

        If there is none the contact admits as deputy when it is asked again.
        """
        if self.seated or not linked or node_0 in self.redirected:
            return []
        self.redirected.add(node_0)
        return [AskForSeat(node_0)]

    def on_seated(self) -> None:
        """A seat was given, or taken."""
        self._fire(SeatInput.SEAT)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self._ask_s if self.state is SeatState.SEEKING else None

    def on_tick(self, now: float) -> list[SeatSearchAction]:
        """Ask again, or give up asking."""
        if self.state is not SeatState.SEEKING or self._ask_s > now:
            return []
        if now >= self._give_up_s:
            return [TakeSeat()]
        if self.contact is None:
            self._fire(SeatInput.NOBODY)
            return []
        self._ask_s = now + limits.DEPUTY_S
        return [AskForSeat(self.contact)]

    def _fire(self, happened: SeatInput) -> None:
        self.state = follow(SEAT_SEARCH, self.state, happened)
