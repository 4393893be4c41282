"""Admission policy: how a device comes to be in a group, and how it lets others in.

Strategy: core/group/founding.py decides whether a lonely device keeps its provisional group, asks
another one or waits; this part gives it facts and time, and carries its decisions out. Others'
requests are judged here and talked through in pairings.py; the roster is membership.py's. Discovery
is automatic, admission never is: without an open door on both sides nothing happens, and an open
door has a time limit that no restart carries over.

A device that waits for a person because another group is near stops waiting once that group has
been silent for half a minute, and keeps its own: there is nothing to wait for any more. Half a
minute, since a closed group is known by its beacons only, and two devices may say nothing for 15 s.

Guarantees: nobody is admitted through a closed door, nor by a device that is about to join
elsewhere. A device with company stays where it is. Limits: without `--open` a person has to decide,
and the words to compare come later.
"""

from __future__ import annotations

import math
from typing import Protocol, assert_never

from potluck.core.group.founding import (
    OFFER_LIFE_S,
    AskToJoin,
    FoundGroup,
    Founding,
    KeepGroup,
    WaitForPerson,
)
from potluck.core.wire.catalogue import Offer
from potluck.engine.effects import OpenDoor
from potluck.engine.group.membership import Membership
from potluck.engine.node import Node

SILENCE_S = 30.0  # nothing of the other groups heard for so long: they are gone
DOOR_WARNING = (
    "anyone on this network may join and gets every file; this device joins any open group"
)


class AdmissionListener(Protocol):
    """Hears where a lonely device wants to belong."""

    def on_wish(self, wish: FoundGroup) -> None:
        """This device wishes to be in that group: it is to be asked to let us in."""

    def on_wish_refused(self, wish: FoundGroup) -> None:
        """That group was asked in vain; by now it may be another one, or have company."""


class AdmissionPolicy:
    """The way in, for this device and for others."""

    def __init__(self, node: Node, membership: Membership, listener: AdmissionListener) -> None:
        """The door is closed and nothing is decided; `start` begins."""
        self._node, self._membership, self._listener = node, membership, listener
        self.founding: Founding | None = None  # until this device has company
        self.open_until_s: float | None = None
        self._near_s = -math.inf  # when another group was last heard of

    def __repr__(self) -> str:
        """Say whether the door is open and whether this device is still deciding."""
        deciding = self.founding is not None
        return (
            f"<AdmissionPolicy open={self.is_open}, deciding={deciding}, found={len(self.found)}>"
        )

    def start(self, *, kept: bool) -> None:
        """Open the door if that is wished; `kept`: the group is of an earlier run."""
        node = self._node
        if node.settings.open_s is not None:
            self.open_until_s = node.now + node.settings.open_s
            node.do(OpenDoor(open=True))
        if node.roster is not None and not self._membership.company:
            self.founding = Founding(node.roster.group, node.now, open_door=self.is_open, kept=kept)

    def on_door_asked(self, open_s: float | None) -> None:
        """A person opens the door for so long from now on (math.inf: until the end), or closes it.

        What was asked before counts no more, also if it would have stayed open for longer.
        """
        node = self._node
        if open_s is None:
            if self.open_until_s is not None:
                self._close()
            return
        self.open_until_s = node.now + open_s
        node.do(OpenDoor(open=True))
        if self.founding is not None:
            self.founding.on_door_opened()
        node.tell("door_opened", f"OPEN {_long(open_s)}: {DOOR_WARNING}", level="warning")

    # -- facts -------------------------------------------------------------------------------------
    @property
    def is_open(self) -> bool:
        """Whether strangers are let in without asking now."""
        return (
            self.open_until_s is not None
            and self._node.now < self.open_until_s
            and not self._node.leaving
        )

    @property
    def lonely(self) -> bool:
        """Whether this device has no company and looks where to belong."""
        return self.founding is not None

    @property
    def waits_for_person(self) -> bool:
        """Whether a group is near and nobody said that this device may join it."""
        return self.founding is not None and self.founding.waiting

    @property
    def found(self) -> list[FoundGroup]:
        """The groups near by, as a lonely device heard of them within the last seconds."""
        groups = self.founding.found.values() if self.founding is not None else ()
        return [group for group in groups if self._node.now - group.heard_s <= OFFER_LIFE_S]

    def who_joins(self, found: FoundGroup) -> str:
        """Say who comes to whom through two open doors: "we", "they", "" if nobody, or not yet."""
        if self.founding is None or not (self.is_open and found.open):
            return ""
        better = self.founding.better(self._node.now)
        if better is not None:
            return "we" if better.group == found.group else ""
        lonely = found.members == 1 and found.group > self.founding.own_group
        return "they" if lonely else ""

    def on_offer(self, offer: Offer, host: str) -> None:
        """A group near by answered our question."""
        if self.founding is not None and offer.port:
            self.founding.on_offer(offer, host, self._node.now)
            self._near_s = self._node.now

    def on_foreign(self) -> None:
        """A sealed datagram of another group was heard."""
        if self.founding is not None:
            self.founding.on_foreign()
            self._near_s = self._node.now

    def on_members(self) -> None:
        """The group has company: it stays, whatever else is near."""
        if self._membership.company:
            self.founding = None

    # -- decisions ---------------------------------------------------------------------------------
    def why_closed(self) -> str:
        """Say why nobody may be admitted now; "" if somebody may."""
        if not self.is_open:
            return "the door is closed"
        if self.founding is not None and not self.founding.may_admit(self._node.now):
            return "not now: this device is about to join another group"
        return ""

    def on_refused(self, wish: FoundGroup) -> None:
        """That group was asked in vain."""
        if self.founding is not None:
            self.founding.on_refused(wish.group, self._node.now)
            self._listener.on_wish_refused(wish)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times: list[float] = []
        if self.open_until_s is not None and self.open_until_s < math.inf:
            times.append(self.open_until_s)
        if self.founding is not None:
            decision = self.founding.deadline()
            if decision is not None:
                times.append(decision)
            if self.founding.waiting:
                times.append(self._near_s + SILENCE_S)
        return min(times, default=None)

    def on_tick(self) -> None:
        """Close the door in time; decide where a lonely device belongs."""
        node = self._node
        if self.open_until_s is not None and node.now >= self.open_until_s:
            self._close()
        if self.founding is None:
            return
        if self.founding.waiting and node.now >= self._near_s + SILENCE_S:
            self.founding.on_silence()
        for action in self.founding.on_tick(node.now):
            match action:
                case AskToJoin(wish):
                    self._listener.on_wish(wish)
                case KeepGroup():
                    self._keep()
                case WaitForPerson():
                    self._wait()
                case _:
                    assert_never(action)

    def _keep(self) -> None:
        self._membership.keep()
        name = self._node.roster.name if self._node.roster is not None else ""
        what = f'no group found here: started "{name}"'
        if self._node.now < self._near_s + SILENCE_S:
            what = f'another group is near; this device keeps its own, "{name}", for now'
        self._node.tell("founded", what)

    def _close(self) -> None:
        self.open_until_s = None
        if self.founding is not None:
            self.founding.on_door_closed()
        self._node.do(OpenDoor(open=False))
        self._node.tell(
            "door_closed", "the door is closed: nobody is admitted without asking any more"
        )

    def _wait(self) -> None:
        groups = ", ".join(
            f'"{group.name}" ({group.label}, {group.address.host})' for group in self.found
        )
        what = f"found {groups}" if groups else "found a group whose door is closed"
        self._node.tell("waiting", f"{what}: this device is not a member yet", level="warning")


def _long(open_s: float) -> str:
    """Return for how long a door is open, for a person."""
    if open_s == math.inf:
        return "until it is closed"
    minutes = math.ceil(open_s / 60)
    return f"for {minutes} minute{'s' if minutes != 1 else ''}"
