"""Doubled owners: the folder of a device that runs on two machines stays as it is here.

Strategy: once two runs of a device were proven (engine/ring/rival_links.py) none of its heads is
followed, whoever brings it (`Node.withheld`), and what was on its way is let go. It ends when a
person has decided which of the two is the device: then it publishes in a generation far above, and
when that is held here the folder is followed as any other. Both machines may be linked for a moment
longer, so two are not seen anew at once. Of a device that was put out a steward says what counts.

Guarantees: no file of such a device is fetched, replaced or deleted here by a head that came after
two were seen, over restarts of this device too; people are told whose folder that is, where both
were seen, and what helps. Limits: what was followed before is still brought to an end.
"""

from __future__ import annotations

import math
from typing import Protocol

from potluck.core.content.facts import ManifestName
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, Head
from potluck.core.wording import TO_TYPE_THERE, set_off
from potluck.engine.node import Node, tell_trouble
from potluck.engine.others.pursuit import Pursuit
from potluck.engine.troubles import Trouble, TroubleKind
from potluck.engine.withheld import ENDS_THEN, KEEP_HERE

SETTLES_S = 60.0  # after a decision: the other machine hears of it within seconds, and ends


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

    def __repr__(self) -> str:
        """Say how many there are."""
        return f"<DoubledOwners: {len(self._told)}>"

    def start(self) -> None:
        """Say again what an earlier run knew."""
        for owner in self._node.withheld.owners():
            self._tell(owner, "")

    # -- facts -------------------------------------------------------------------------------------
    def on_doubled(self, device: DeviceId, places: tuple[Address, Address]) -> None:
        """Two machines run with that identity: follow neither."""
        node, name = self._node, ManifestName.own(device)
        recent = node.now < self._settled_s.get(device, -math.inf) + SETTLES_S
        if recent or device in node.withheld:
            return
        pursuit, held = self._following.pursuits.get(name), node.index.manifests.head(name)
        newest = pursuit.newest if pursuit is not None else None
        heard = [head.generation for head in (held, newest) if head is not None]
        node.withheld.begin(device, max(heard, default=1))
        if newest is not None:
            node.index.manifests.drop_staged(name)
            del self._following.pursuits[name]
        here, there = (_written(place) for place in places)
        self._tell(device, f" (at {here} and at {there})")

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

    # -- insides -----------------------------------------------------------------------------------
    def _end(self, owner: DeviceId) -> str:
        self._node.withheld.end(owner)
        label = self._told.pop(owner)
        self._node.troubles.clear(TroubleKind.CLONE, label)
        return label

    def _tell(self, device: DeviceId, where: str) -> None:
        node, label = self._node, self._node.label_of(device)
        self._told[device] = label
        reason = (
            f"two machines run with its identity{where}, so its folder stays as it is here; "
            "probably its home was copied, or its identity restored, on the second one; on the one "
            f"that is to be {set_off(label)} {TO_TYPE_THERE}{KEEP_HERE} – the other one "
            f"{ENDS_THEN}"
        )
        trouble = Trouble(TroubleKind.CLONE, label, reason, "", node.now, None)
        tell_trouble(node, trouble, "device_doubled", level="error")


def _written(place: Address) -> str:
    return f"{place.host}:{place.port}" if place.port else place.host
