"""Founding: whether a device without company starts a group, joins one, or waits for a person.

Strategy. Every device starts with a group of its own, of which it is the only member. That group is
*provisional*: it dissolves into any other group the device may join. Whether it may join by itself
is consent on both sides: here `--open`, there an offer that says `open`. An open newcomer listens
for two beacon bursts first; then

    1. a group that has company already goes before any lonely one,
    2. among equals the lower group id stays, the others come to it.

A lonely device admits others only while rule 1 and 2 do not send it elsewhere itself. So of many
devices that start in the same instant just one admits, and one group is the result. A group with
two members never dissolves. Without `--open` nothing is joined: after two seconds alone the group
is kept; if somebody else's potluck was heard meanwhile, the device waits and says what it found.

The table `FOUNDING` says what can follow what. A group that is kept may still be left for a better
one (an open door and a group of an earlier run), so asking has two states: what the device falls
back to after a no is what it was before. A wait for a person ends with the silence of the others.

Guarantees: pure; a device asks one group at a time; two groups with members never merge by
themselves. Limits: the rules assume that lonely devices hear each other; those that do not may
found two groups; both are shown.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from potluck.core import limits
from potluck.core.keys.identity import GroupId
from potluck.core.sender_bounds import SenderBounds
from potluck.core.transitions import follow
from potluck.core.wire.catalogue import Address, Offer

OFFER_LIFE_S = 6.0  # a lonely device asks the groups it knows again every few seconds
ASK_RETRY_S = 0.4  # about what two lonely devices need to see who of them goes to whom
TRIES = 20  # a device that is about to join elsewhere says no for a second or two


class FoundingState(Enum):
    """What a device without company has decided."""

    UNDECIDED = auto()  # it listens: nothing is decided yet
    ASKING = auto()  # it asks another group to let it in, and has not kept its own
    WAITING = auto()  # somebody's group is near, and a person has to say what to do
    KEPT = auto()  # the provisional group is a group
    KEPT_ASKING = auto()  # the group is kept, and a better one is asked all the same


class FoundingInput(Enum):
    """What can happen to the decision."""

    ASK = auto()  # there is a better group, and the doors are open on both sides
    REFUSED = auto()  # it said no, or nothing
    KEEP = auto()  # alone for long enough
    WAIT = auto()  # not alone, and the own door is closed
    SILENCE = auto()  # nothing is heard of the other groups any more
    OPENED = auto()  # the person has opened the own door


FOUNDING: dict[tuple[FoundingState, FoundingInput], FoundingState] = {
    (FoundingState.UNDECIDED, FoundingInput.ASK): FoundingState.ASKING,
    (FoundingState.UNDECIDED, FoundingInput.KEEP): FoundingState.KEPT,
    (FoundingState.UNDECIDED, FoundingInput.WAIT): FoundingState.WAITING,
    (FoundingState.ASKING, FoundingInput.REFUSED): FoundingState.UNDECIDED,
    (FoundingState.WAITING, FoundingInput.SILENCE): FoundingState.UNDECIDED,
    (FoundingState.WAITING, FoundingInput.OPENED): FoundingState.UNDECIDED,
    (FoundingState.KEPT, FoundingInput.ASK): FoundingState.KEPT_ASKING,
    (FoundingState.KEPT_ASKING, FoundingInput.REFUSED): FoundingState.KEPT,
}
"""What a lonely device decides; company ends the machine, whatever state it is in."""


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """Another group that was heard of."""

    group: GroupId
    name: str
    label: str  # of the device that answered
    address: Address
    members: int
    open: bool
    heard_s: float
    cookie: bytes = b""  # shows that group's device that we receive what it sends us


@dataclass(frozen=True, slots=True)
class AskToJoin:
    """Open the pairing door of that group."""

    found: FoundGroup


@dataclass(frozen=True, slots=True)
class KeepGroup:
    """The provisional group is a group now."""


@dataclass(frozen=True, slots=True)
class WaitForPerson:
    """Somebody's group is near and nobody said that we may join."""


FoundingAction = AskToJoin | KeepGroup | WaitForPerson


class Founding:
    """The decision of one lonely device; done with as soon as it has company."""

    def __init__(self, own_group: GroupId, now: float, *, open_door: bool, kept: bool) -> None:
        """Start listening. `kept`: the own group is of an earlier run."""
        self.own_group = own_group
        self.state = FoundingState.KEPT if kept else FoundingState.UNDECIDED
        self.found: dict[GroupId, FoundGroup] = {}
        self._offers = SenderBounds[GroupId](limits.OFFERS_PER_HOST, limits.OFFERS)
        self._open_door = open_door
        self._started_s = now
        self._foreign = False  # a sealed datagram of another group was heard
        self._refused_s: dict[GroupId, float] = {}
        self._refusals: Counter[GroupId] = Counter()  # asked in vain so often

    def __repr__(self) -> str:
        door = "open" if self._open_door else "closed"
        return f"<Founding {self.state.name}, door {door}, {len(self.found)} groups near>"

    @property
    def waiting(self) -> bool:
        """Whether a person has to decide."""
        return self.state is FoundingState.WAITING

    @property
    def asking(self) -> bool:
        """Whether another group is being asked."""
        return self.state in {FoundingState.ASKING, FoundingState.KEPT_ASKING}

    # -- facts -------------------------------------------------------------------------------------
    def on_offer(self, offer: Offer, host: str, now: float) -> None:
        """Somebody answered our question."""
        group = GroupId(offer.group)
        if group == self.own_group:
            return
        self._fresh(now)
        gone = self._offers.note(group, host)
        if gone is not None:
            del self.found[gone]
        self.found[group] = FoundGroup(
            group=group,
            name=offer.name,
            label=offer.label,
            address=Address(host, offer.port),
            members=offer.members,
            open=offer.open,
            heard_s=now,
            cookie=offer.cookie,
        )

    def on_foreign(self) -> None:
        """A datagram was heard that another group sealed."""
        self._foreign = True

    def on_silence(self) -> None:
        """Nothing is heard of other groups any more: there is nothing to wait for."""
        if self.waiting:
            self._foreign = False
            self._fire(FoundingInput.SILENCE)

    def on_door_opened(self) -> None:
        """The person has opened the own door: a better group whose door is open is joined."""
        self._open_door = True
        if self.waiting:
            self._fire(FoundingInput.OPENED)

    def on_door_closed(self) -> None:
        """The own door is closed now: nothing is joined by itself any more."""
        self._open_door = False

    def on_refused(self, group: GroupId, now: float) -> None:
        """The group that was asked said no, or nothing.

        It is the better group still: to admit others meanwhile would make a second one beside it.
        """
        self._fire(FoundingInput.REFUSED)
        self._refused_s = {g: s for g, s in self._refused_s.items() if g in self.found}
        self._refused_s[group] = now
        self._refusals = Counter({g: n for g, n in self._refusals.items() if g in self.found})
        self._refusals[group] += 1

    # -- reading -----------------------------------------------------------------------------------
    def better(self, now: float) -> FoundGroup | None:
        """Return the group to be in instead of the own one, if there is one that may be joined."""
        return self._choice(self._fresh(now))

    def may_admit(self, now: float) -> bool:
        """Say whether a lonely device may let others in: it has listened and stays where it is."""
        if now < self._started_s + limits.LISTEN_S or self.asking:
            return False
        return not self._open_door or self.better(now) is None

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times: list[float] = []
        if self.state is FoundingState.UNDECIDED:
            times.append(self._started_s + limits.FOUND_S)
        better = self._choice(self.found.values())
        if self._may_ask and better is not None:
            times.append(max(self._started_s + limits.LISTEN_S, self._rested_s(better)))
        return min(times, default=None)

    def on_tick(self, now: float) -> list[FoundingAction]:
        """Decide what can be decided now."""
        if self._may_ask and now >= self._started_s + limits.LISTEN_S:
            better = self.better(now)
            if better is not None and now >= self._rested_s(better):
                self._fire(FoundingInput.ASK)
                return [AskToJoin(better)]
        if self.state is not FoundingState.UNDECIDED or now < self._started_s + limits.FOUND_S:
            return []
        if not self._open_door and (self._fresh(now) or self._foreign):
            self._fire(FoundingInput.WAIT)
            return [WaitForPerson()]
        self._fire(FoundingInput.KEEP)
        return [KeepGroup()]

    # -- insides -----------------------------------------------------------------------------------
    def _fire(self, happened: FoundingInput) -> None:
        self.state = follow(FOUNDING, self.state, happened)

    @property
    def _may_ask(self) -> bool:
        return self._open_door and not self.asking

    def _choice(self, near: Iterable[FoundGroup]) -> FoundGroup | None:
        """Rule 1, then rule 2, among the groups whose door is open and that may still want us."""
        ready = [found for found in near if found.open and self._refusals[found.group] < TRIES]
        company = [found for found in ready if found.members > 1]
        lonely = [found for found in ready if found.members == 1 and found.group < self.own_group]
        return min(company or lonely, key=lambda found: found.group, default=None)

    def _rested_s(self, found: FoundGroup) -> float:
        """When a group may be asked, after it said no or nothing."""
        return self._refused_s.get(found.group, -math.inf) + ASK_RETRY_S

    def _fresh(self, now: float) -> list[FoundGroup]:
        """Forget the groups that were not heard of lately; return the others."""
        for group, found in list(self.found.items()):
            if now - found.heard_s > OFFER_LIFE_S:
                del self.found[group]
                self._offers.forget(group)
        return list(self.found.values())
