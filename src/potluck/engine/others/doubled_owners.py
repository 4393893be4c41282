"""Doubled owners: the folder of a device that runs on two machines stays as it is here.

Strategy: once two runs of a device were proven (engine/ring/rival_links.py) none of its heads is
followed, whoever brings it (`Node.withheld`), and what was on its way is let go. It ends when a
person has decided which of the two is the device: then it publishes in a generation far above, and
when that is held here the folder is followed as any other. Both machines may be linked for a moment
longer, so two are not seen anew at once. Of a device that was put out a steward says what counts.
While none of the two is linked for minutes it is not said that they run, and what is said helps
also where none is left: both may have become other devices (`clone new-identity`, typed on each).

Guarantees: no file of such a device is fetched, replaced or deleted here by a head that came after
two were seen, over restarts of this device too; people are told whose folder that is, where both
were seen, and what helps. Nobody is sent to a steward that runs twice. Limits: what was followed
before is still brought to an end. A machine that is there and not linked with this device counts
as away.
"""

from __future__ import annotations

import math
from typing import Protocol

from potluck.core.content.facts import ManifestName
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wire.catalogue import Address, Head
from potluck.core.wording import TO_TYPE, TO_TYPE_THERE, set_off, typable
from potluck.engine.node import Node, stewards_in, tell_trouble
from potluck.engine.others.pursuit import Pursuit
from potluck.engine.troubles import Trouble, TroubleKind
from potluck.engine.withheld import ENDS_THEN, KEEP_HERE

AWAY_S = 120.0  # two that run take turns on the link to this device: it is idle for seconds only
SETTLES_S = 60.0  # after a decision: the other machine hears of it within seconds, and ends
MAYBE = "two machines run with its identity, or did a while ago"


class HasPursuits(Protocol):
    """Whoever brings manifests up to newer heads."""

    pursuits: dict[ManifestName, Pursuit]


class DoubledOwners:
    """Keeps back the heads of devices that run twice."""

    def __init__(self, node: Node, following: HasPursuits) -> None:
        """Know of none; `start` says what an earlier run knew."""
        self._node, self._following = node, following
        self._told: dict[DeviceId, str] = {}  # under which label each was told
        self._settled_s: dict[DeviceId, float] = {}  # when it was decided, in this run
        self._unseen_s: dict[DeviceId, float] = {}  # since when nothing was seen, at the earliest
        self._proven_s: dict[DeviceId, float] = {}  # when two were seen last, where that is told

    def __repr__(self) -> str:
        """Say how many there are."""
        return f"<DoubledOwners: {len(self._told)}>"

    def start(self) -> None:
        """Say again what an earlier run knew."""
        for owner in self._node.withheld.owners():
            self._unseen_s[owner] = self._node.now
            self._tell(owner, MAYBE)

    # -- facts -------------------------------------------------------------------------------------
    def on_doubled(self, device: DeviceId, places: tuple[Address, Address]) -> None:
        """Two machines run with that identity: follow neither."""
        node, name = self._node, ManifestName.own(device)
        recent = node.now < self._settled_s.get(device, -math.inf) + SETTLES_S
        here, there = (_written(place) for place in places)
        run = f"two machines run with its identity (at {here} and at {there})"
        if device in self._proven_s:
            self._proven_s[device] = node.now
        elif device in node.withheld:
            self._prove(device, run)
        if recent or device in node.withheld:
            return
        pursuit, held = self._following.pursuits.get(name), node.index.manifests.head(name)
        newest = pursuit.newest if pursuit is not None else None
        heard = [head.generation for head in (held, newest) if head is not None]
        node.withheld.begin(device, max(heard, default=1))
        if newest is not None:
            node.index.manifests.drop_staged(name)
            del self._following.pursuits[name]
        self._prove(device, run)

    def on_linked(self, device: DeviceId) -> None:
        """A device is linked: one of two machines may be there again."""
        if device in self._told and device not in self._unseen_s:
            self._unseen_s[device] = self._node.now
            self._tell(device, MAYBE)

    def on_applied(self, head: Head) -> None:
        """A newer head is held: if its owner runs twice, it was decided which one counts."""
        owner = DeviceId(head.owner)
        if owner in self._node.withheld:
            self._settled_s[owner] = self._node.now
            label = self._end(owner)
            text = f"{set_off(label)} is one machine again: its folder is followed"
            self._node.tell("device_single", text, subject=label)

    def on_members(self) -> None:
        """The group has other members: of who is out a steward says where its folder stays."""
        roster = self._node.roster
        if roster is None:
            return
        members, standing = roster.members, roster.standing
        waits = members.keys() | (standing.left - standing.removals.keys())
        for owner in self._node.withheld.owners():
            if owner not in waits:
                self._end(owner)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        proven_s = (at_s + AWAY_S for at_s in self._proven_s.values())
        away_s = (self._away_from_s(owner) for owner in self._unseen_s)
        return min((*proven_s, *away_s), default=None)

    def on_tick(self) -> None:
        """Say of whom neither machine is linked for long that none is here, and of whom only one
        is seen for long that there may be no other.
        """
        for owner in [
            one for one, at_s in self._proven_s.items() if self._node.now >= at_s + AWAY_S
        ]:
            del self._proven_s[owner]
            self._tell(owner, MAYBE)
        for owner in [one for one in self._unseen_s if self._node.now >= self._away_from_s(one)]:
            del self._unseen_s[owner]
            self._proven_s.pop(owner, None)
            self._tell_away(owner)

    def _away_from_s(self, owner: DeviceId) -> float:
        """Return from when on neither machine counts as here, if none is linked until then."""
        peer, seen_s = self._node.peers.get(owner), self._unseen_s[owner]
        if peer is not None and peer.link is not None:
            seen_s = self._node.now
        elif peer is not None and peer.gone_s is not None:
            seen_s = max(seen_s, peer.gone_s)
        return seen_s + AWAY_S

    # -- insides -----------------------------------------------------------------------------------
    def _end(self, owner: DeviceId) -> str:
        self._node.withheld.end(owner)
        self._unseen_s.pop(owner, None)
        self._proven_s.pop(owner, None)
        label = self._told.pop(owner)
        self._node.troubles.clear(TroubleKind.CLONE, label)
        return label

    def _prove(self, device: DeviceId, run: str) -> None:
        """Two machines were seen at one time."""
        self._proven_s[device] = self._node.now
        self._unseen_s[device] = self._node.now
        self._tell(device, run)

    def _tell(self, device: DeviceId, what: str) -> None:
        label = self._node.label_of(device)
        self._note(
            device,
            f"{what}, so its folder stays as it is here; "
            "probably its home was copied, or its identity restored, on the second one; on the one "
            f"that is to be {set_off(label)} {TO_TYPE_THERE}{KEEP_HERE} – the other one "
            f"{ENDS_THEN}",
        )

    def _tell_away(self, device: DeviceId) -> None:
        name = set_off(self._node.label_of(device))
        self._note(
            device,
            "two machines ran with its identity, and none is linked with this device now; its "
            f"folder stays as it is here until one is that is to be {name}: {TO_TYPE_THERE}"
            f"{KEEP_HERE}; {self._without(device)}",
        )

    def _without(self, device: DeviceId) -> str:
        """Say what helps if there is no such machine any more."""
        node, label = self._node, self._node.label_of(device)
        stewards = [one for one in stewards_in(node) if one not in node.withheld]
        line = f"remove {typable(label, short_id(device))}"
        if node.me in stewards:
            return f"if no machine is to be it any more {TO_TYPE}{line}"
        if stewards:
            whom = set_off(node.label_of(stewards[0]))
            return f"if no machine is to be it any more, on {whom} {TO_TYPE_THERE}{line}"
        return (
            "if no machine is to be it any more nobody can remove it, since there is no other "
            "steward: it goes on being listed, and only a new group has a steward again"
        )

    def _note(self, device: DeviceId, reason: str) -> None:
        node, label = self._node, self._node.label_of(device)
        self._told[device] = label
        trouble = Trouble(TroubleKind.CLONE, label, reason, "", node.now, None)
        tell_trouble(node, trouble, "device_doubled", level="error")


def _written(place: Address) -> str:
    return f"{place.host}:{place.port}" if place.port else place.host
