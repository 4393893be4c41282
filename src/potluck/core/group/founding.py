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

Guarantees: pure; a device asks one group at a time; two groups with members never merge by
themselves. Limits: the rules assume that lonely devices hear each other; those that do not may
found two groups; both are shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from potluck.core import limits
from potluck.core.keys.identity import GroupId
from potluck.core.wire.catalogue import Address, Offer

OFFER_LIFE_S = 6.0
ASK_RETRY_S = 0.4
TRIES = 20  # a device that is about to join elsewhere says no for a second or two


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
        self.open_door = open_door
        self.kept = kept
        self.waiting = False
        self.started_s = now
        self.found: dict[GroupId, FoundGroup] = {}
        self.foreign_s: float | None = None  # a sealed datagram of another group was heard
        self.asking: GroupId | None = None
        self._failed_s: dict[GroupId, float] = {}
        self._refusals: dict[GroupId, int] = {}  # in vain so often: that group does not want us

    def on_offer(self, offer: Offer, host: str, now: float) -> None:
        """Somebody answered our question."""
        group = GroupId(offer.group)
        room = group in self.found or len(self._fresh(now)) < limits.OFFERS
        if group != self.own_group and room:
            address = Address(host, offer.port)
            self.found[group] = FoundGroup(
                group, offer.name, offer.label, address, offer.members, offer.open, now
            )

    def on_foreign(self, now: float) -> None:
        """A datagram was heard that another group sealed."""
        self.foreign_s = now

    def on_silence(self) -> None:
        """The other groups are gone: there is nobody to wait for any more."""
        self.waiting, self.foreign_s = False, None

    def close_door(self) -> None:
        """The own door is closed now: nothing is joined without a person."""
        self.open_door = False

    def on_asked(self, group: GroupId, now: float, *, joined: bool) -> None:
        """The request to join ended."""
        self.asking = None
        if not joined:
            # Still the better group: to admit others meanwhile would make a second one beside it.
            self._failed_s = {g: s for g, s in self._failed_s.items() if g in self.found} | {
                group: now
            }
            self._refusals = {g: n for g, n in self._refusals.items() if g in self.found}
            self._refusals[group] = self._refusals.get(group, 0) + 1

    def better(self, now: float) -> FoundGroup | None:
        """Return the group this device should be in instead of its own, if there is one it may
        join.
        """
        return self._choice(self._fresh(now))

    def _choice(self, near: Iterable[FoundGroup]) -> FoundGroup | None:
        ready = [
            found for found in near if found.open and self._refusals.get(found.group, 0) < TRIES
        ]
        company = [found for found in ready if found.members > 1]
        lonely = [found for found in ready if found.members == 1 and found.group < self.own_group]
        return min(company or lonely, key=lambda found: found.group, default=None)

    def may_admit(self, now: float) -> bool:
        """Say whether a lonely device may let others in: it has listened and stays where it is."""
        listened = now >= self.started_s + limits.LISTEN_S
        return listened and self.asking is None and (not self.open_door or self.better(now) is None)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        decided = self.kept or self.waiting or self.asking is not None
        times = [] if decided else [self.started_s + limits.FOUND_S]
        better = self._choice(self.found.values())
        if self.open_door and self.asking is None and better is not None:
            times.append(max(self.started_s + limits.LISTEN_S, self._rested_s(better)))
        return min(times, default=None)

    def on_tick(self, now: float) -> list[FoundingAction]:
        """Decide what can be decided now."""
        if self.open_door and self.asking is None and now >= self.started_s + limits.LISTEN_S:
            better = self.better(now)
            if better is not None and now >= self._rested_s(better):
                self.asking = better.group
                return [AskToJoin(better)]
        if (
            self.kept
            or self.waiting
            or self.asking is not None
            or now < self.started_s + limits.FOUND_S
        ):
            return []
        if not self.open_door and (self._fresh(now) or self.foreign_s is not None):
            self.waiting = True
            return [WaitForPerson()]
        self.kept = True
        return [KeepGroup()]

    def _rested_s(self, found: FoundGroup) -> float:
        """When a group may be asked, after it said no or nothing."""
        return self._failed_s.get(found.group, -math.inf) + ASK_RETRY_S

    def _fresh(self, now: float) -> list[FoundGroup]:
        self.found = {
            group: f for group, f in self.found.items() if now - f.heard_s <= OFFER_LIFE_S
        }
        return list(self.found.values())
