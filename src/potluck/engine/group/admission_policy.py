"""Admission policy: how a device comes to be in a group, and how it lets others in.

Strategy: core/group/founding.py decides whether a lonely device keeps its provisional group, asks
another one or waits; this part gives it facts and time, and carries its decisions out. What is
talked with others is pairings.py's; the roster is membership.py's. Discovery is automatic,
admission never is: on each side either the door is open, and has a time limit that no restart
carries over, or a person is asked. `close` closes an open door; a closed one it shuts, and then
nobody can ask this device, nor do strangers hear of it, until `open`; the doors of other members
are theirs.

A device that waits for a person because another group is near stops waiting once that group has
been silent for half a minute, and keeps its own: there is nothing to wait for any more. Half a
minute, since a closed group is known by its beacons only, and two devices may say nothing for 15 s.

Guarantees: nobody is admitted through a closed door, nor by a device that is about to join
elsewhere. A device with company stays where it is. Limits: what a closed door is called is known
only once it was asked (`on_named`), and only in this run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, assert_never

from potluck.core.errors import UsageError
from potluck.core.group.asking_turns import ASK_RETRY_S, GroupTag
from potluck.core.group.founding import (
    BUSY_REST_S,
    OFFER_LIFE_S,
    SILENT_REST_S,
    AskToJoin,
    FoundGroup,
    Founding,
    KeepGroup,
    StopAsking,
    WaitForPerson,
    found_group,
    tag_of,
)
from potluck.core.hosts import host_of
from potluck.core.keys.identity import short_id
from potluck.core.wire.catalogue import Address, Cause, Offer
from potluck.core.wording import typable
from potluck.engine.group.door import Door
from potluck.engine.group.group_names import GroupNames
from potluck.engine.group.membership import Membership
from potluck.engine.group.other_groups import OtherGroups
from potluck.engine.node import Node, legible

SILENCE_S = 30.0  # nothing of the other groups heard for so long: they are gone
RESTS_S = {  # how long a group is left alone after that; math.inf: until the person wants it
    Cause.OTHER: ASK_RETRY_S,
    Cause.BUSY: BUSY_REST_S,
    Cause.SILENCE: SILENT_REST_S,
    Cause.DENIED: math.inf,
    Cause.REMOVED: math.inf,
}
INVITERS = 16  # devices whose code may be the one that was typed; people invite one by one
INVITERS_PER_HOST = 4  # of these at one host
DOOR_WARNING = (
    "anyone on this network may join and gets every file; this device joins any open group unless "
    "it is in a group with others"
)
_GOES_BY_ITSELF = (  # it is told there as well, so it names nobody
    "the door here is open, and so is that of a group near by: this device joins that one "
    "without asking"
)


class AdmissionListener(Protocol):
    """Hears where a lonely device wants to belong."""

    def on_wish(self, wish: FoundGroup) -> None:
        """This device wishes to be in that group: it is to be asked to let us in."""

    def on_wish_refused(self, wish: FoundGroup) -> None:
        """That group was asked in vain; by now it may be another one, or have company."""

    def on_wish_withdrawn(self, why: str) -> None:
        """No group is to be asked any more; `why` is for the person here, and the other side."""


class AdmissionPolicy:
    """The way in, for this device and for others."""

    def __init__(self, node: Node, membership: Membership, listener: AdmissionListener) -> None:
        """The door is closed and nothing is decided; `start` begins."""
        self._node, self._membership, self._listener = node, membership, listener
        self.founding: Founding | None = None  # until this device has company
        self.door, self.names = Door(node), GroupNames()
        self.others = OtherGroups(node, self.names)
        self.join_peer: Address | None = None  # whom the person named with the code
        self.inviters: dict[Address, FoundGroup] = {}  # devices that say they have a code in force
        self.near_s = -math.inf  # when another group was last heard of
        self.answered_s = self.unanswered_s = -math.inf  # the same: by an answer; and by none
        self.wanted: GroupTag | None = None  # what a person named, until words or an end came of it
        self._told = ""  # what was last told of the groups near by

    def __repr__(self) -> str:
        """Say whether the door is open and whether this device is still deciding."""
        deciding = self.founding is not None
        return (
            f"<AdmissionPolicy open={self.is_open}, deciding={deciding}, found={len(self.found)}>"
        )

    def start(self, *, kept: bool) -> None:
        """Open the door if that is wished; `kept`: the group is of an earlier run."""
        self.door.start()
        if self._node.roster is not None and not self._membership.company:
            self.founding = _search(self._node, self.door, kept=kept)

    def on_door_asked(self, open_s: float | None) -> None:
        """A person opens the door for so long from now on (math.inf: until the end), or closes it.

        What was asked before counts no more, also if it would have stayed open for longer.
        """
        node = self._node
        if open_s is None:
            if self.door.open_until_s is not None:
                self._close()
            elif self.door.asks:
                self.door.shut = True
                self._close()
            return
        self.door.open_for(open_s)
        if self.founding is not None:
            self.founding.on_door_opened()
        node.tell("door_opened", f"OPEN {_long(open_s)}: {DOOR_WARNING}", level="warning")

    # -- facts -------------------------------------------------------------------------------------
    @property
    def is_open(self) -> bool:
        """Whether strangers are let in without asking now."""
        return self.door.is_open

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
        """The groups near by: for a lonely device, those that answered within the last seconds."""
        if self.founding is None:
            return self.others.near
        groups = self.founding.found.values()
        return [group for group in groups if self._node.now - group.heard_s <= OFFER_LIFE_S]

    def who_joins(self, found: FoundGroup) -> str:
        """Say who comes to whom through two open doors: "we", "they", "" if nobody, or not yet."""
        if self.founding is None or not (self.is_open and found.open):
            return ""
        better = self.founding.better(self._node.now)
        if better is not None:
            return "we" if better.tag == found.tag else ""
        lonely = found.members == 1 and found.tag > self.founding.own_tag
        return "they" if lonely else ""

    def on_offer(self, offer: Offer, host: str) -> None:
        """A group near by answered our question."""
        if self.founding is None:
            self.others.on_offer(offer, host)
        if self.founding is not None and offer.port:
            self.founding.on_offer(offer, host, self._node.now)
            self.near_s = self.answered_s = self._node.now
            self.unanswered_s = -math.inf
            if offer.invite and self.door.joins:
                found = found_group(offer, host, self._node.now)
                _note_inviter(self.inviters, found, named=found.address == self.join_peer)

    def on_foreign(self) -> None:
        """A sealed datagram of another group was heard."""
        if self.founding is not None:
            self.founding.on_foreign()
            self.near_s = self._node.now
            if self._node.now > self.answered_s + OFFER_LIFE_S:  # else it may be its farewell
                self.unanswered_s = self._node.now

    def on_members(self) -> None:
        """The group has company: it stays, whatever else is near. Without any it may be left."""
        roster = self._node.roster
        self.others.on_members()
        if self._membership.company and self.founding is not None:
            self.founding = None
            self._listener.on_wish_withdrawn("this device has company now")
        elif roster is not None and list(roster.members) == [self._node.me]:
            self.founding = self.founding or _search(self._node, self.door, kept=True)

    def on_committed(self) -> None:
        """This side has said yes to the group that is asked."""
        if self.founding is not None:
            self.founding.committed = True

    def want(self, name: str) -> bool:
        """A person wants the group of that name, or at that address, whatever was said before.

        False: none is near. Raises UsageError if several are called so.
        """
        fits = groups_called(self, name)
        if self.founding is None or not fits:
            return False
        if len(fits) > 1:
            one, *others = sorted(found.address.host for found in fits)
            raise UsageError(
                f"Several groups near by are called {name}.",
                f"they are at {one} and {' and '.join(others)}",
                f"approve {typable(one, '')}",
            )
        self.wanted = fits[0].tag
        if self.founding.on_wanted(fits[0].tag, fits[0].address.host):
            self._listener.on_wish_withdrawn("the person here wants another group")
        return True

    # -- decisions ---------------------------------------------------------------------------------
    def why_closed(self) -> str:
        """Say why nobody may be admitted now; "" if somebody may."""
        if not self.is_open:
            return "the door is closed"
        if self.door.joins or (self.founding and not self.founding.may_admit(self._node.now)):
            return "not now: this device is about to join another group"
        return ""

    def why_not(self) -> str:
        """Say why nobody may be admitted now although people say yes; "" if somebody may."""
        if self._node.leaving:
            return "this device is leaving"
        stays = self.founding is None or self.founding.may_admit(self._node.now, asked=True)
        if self.door.joins or not stays:
            return "not now: this device is about to join another group"
        return ""

    def on_refused(
        self, wish: FoundGroup, cause: Cause = Cause.OTHER, *, rest_s: float | None = None
    ) -> None:
        """That group was asked in vain; it is left alone for so long, or as the cause wants it."""
        if self.founding is not None:
            rest_s = RESTS_S[cause] if rest_s is None else rest_s
            self.founding.on_refused(wish, self._node.now, rest_s=rest_s)
            self._listener.on_wish_refused(wish)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times: list[float] = []
        closes_s = self.door.deadline()
        if closes_s is not None:
            times.append(closes_s)
        if self.founding is not None and not self.door.joins:
            decision = self.founding.deadline()
            if decision is not None:
                times.append(decision)
            if self.founding.waiting:
                times.append(self.near_s + SILENCE_S)
        return min(times, default=None)

    def on_tick(self) -> None:
        """Close the door in time; decide where a lonely device belongs."""
        node = self._node
        if self.door.open_until_s is not None and node.now >= self.door.open_until_s:
            self._close()
        if self.founding is None or self.door.joins:
            return
        if self.founding.waiting and node.now >= self.near_s + SILENCE_S:
            self.founding.on_silence()
        for action in self.founding.on_tick(node.now):
            match action:
                case AskToJoin(wish):
                    self._listener.on_wish(wish)
                case KeepGroup():
                    self._membership.keep()
                    _tell_kept(node, alone=node.now >= self.near_s + SILENCE_S)
                case WaitForPerson():
                    what = _as_found(
                        self.names, self.found, heard=is_only_heard(self, self._node.now)
                    )
                    if what != self._told:
                        text = f"{what}: this device is not a member yet"
                        node.tell("waiting", text, level="warning")
                    self._told = what
                case StopAsking():
                    self._listener.on_wish_withdrawn(_GOES_BY_ITSELF)
                case _:
                    assert_never(action)

    def _close(self) -> None:
        self.door.open_until_s = None
        if self.founding is not None:
            self.founding.on_door_closed(asks=self.door.asks)
        self.door.settle()
        words, command = "the door is closed: nobody is admitted without asking any more", ""
        if self.door.shut:
            command = "open"
            words = f"the door here is shut: nobody can ask this device; to open it: {command}"
        self._node.tell("door_closed", words, command=command)


def groups_called(policy: AdmissionPolicy, name: str) -> list[FoundGroup]:
    """Return the groups near by that a person calls so."""
    return [found for found in policy.found if name and name in _called(policy.names, found)]


def is_only_heard(policy: AdmissionPolicy, now: float) -> bool:
    """Say whether a group is near of which no device answers, long enough after one last did."""
    return policy.lonely and now < policy.unanswered_s + SILENCE_S


def _called(names: GroupNames, found: FoundGroup) -> set[str]:
    """Return what a person may call a group by."""
    host, port = found.address.host, found.address.port
    name = names.of(found)[0]
    return {name, legible(name), host, f"{host}:{port}", short_id(found.tag)}


def _note_inviter(inviters: dict[Address, FoundGroup], found: FoundGroup, *, named: bool) -> None:
    """Note a device that says that it has a code in force; who makes them up leaves room.

    `named`: the person named it; that one is always noted.
    """
    host = found.address.host
    of_host = sum(host_of(address.host) == host_of(host) for address in inviters)
    if named or (len(inviters) < INVITERS and of_host < INVITERS_PER_HOST):
        inviters.setdefault(found.address, replace(found, by_code=True))


def _tell_kept(node: Node, *, alone: bool) -> None:
    name = node.roster.name if node.roster is not None else ""
    what = f"no group found here: started “{name}”"
    if not alone:
        what = f"another group is near; this device keeps its own, “{name}”, for now"
    node.tell("founded", what)


def _as_found(names: GroupNames, found: Sequence[FoundGroup], *, heard: bool) -> str:
    """Say what is near, for a person."""
    named = [(*names.of(group), group.address.host) for group in found]
    if not named and heard:
        return "a group is near, and none of its devices has answered so far"
    if not named:
        return "a group was near a moment ago, and is looked for again"
    groups = ", ".join(f"“{name}” ({label}, {host})" for name, label, host in named if name)
    return f"found {groups}" if groups else "found a group whose door is closed"


def _long(open_s: float) -> str:
    """Return for how long a door is open, for a person."""
    if open_s == math.inf:
        return "until it is closed"
    minutes = math.ceil(open_s / 60)
    return f"for {minutes} minute{'s' if minutes != 1 else ''}"


def _search(node: Node, door: Door, *, kept: bool) -> Founding:
    """Without company this device looks where to belong; `kept`: its group is no new one."""
    assert node.roster is not None, "it has a group, of which it is the only member"
    tag = tag_of(node.roster.group)
    return Founding(tag, node.now, open_door=door.is_open, kept=kept, asks=door.asks)
