"""Other groups: what a device with company knows of groups beside its own.

Strategy: a device with company looks for nobody. But where it hears a sealed datagram that another
group made, it asks there, as a lonely device would, once in `OTHERS_AGAIN_S` for each host, and
keeps what was answered, so that people see that there are two groups and what they can do about it.
Of each group they are told once, and of each host once. A device that is alone in its group is no
news here: it asks by itself to come in. When somebody comes into the own group, what is known of
others may be of that device and no more so: it is forgotten, and whoever is heard is asked anew.

Guarantees: nothing is joined, and nobody asked to be let in, because of what is heard here. What is
kept is bounded, by host and in all, and so is how often is asked, whatever sources are made up.
Limits: a group whose door is shut does not answer, and a stranger can invent one. A closed door
tells no name, so then only the address says which group it is.
"""

from __future__ import annotations

from potluck.core import limits
from potluck.core.group.asking_turns import GroupTag
from potluck.core.group.founding import FoundGroup, found_group, tag_of
from potluck.core.hosts import host_of
from potluck.core.keys.identity import DeviceId
from potluck.core.sender_bounds import SenderBounds
from potluck.core.wire.catalogue import Offer
from potluck.core.wording import set_off
from potluck.engine.group.group_names import GroupNames
from potluck.engine.node import Node

OTHERS_AGAIN_S = 60.0  # between two questions to one host: groups do not come and go
ASKED_HOSTS = 64  # that are asked within that: more than a home has, less than a flood invents
OTHERS_KEPT_S = 2.5 * OTHERS_AGAIN_S  # an answer or two may be lost
TOLD_MAX = 256  # groups and hosts that people were told of
OF_HOST = 4  # groups at one host: a machine with more potlucks is somebody's test


class OtherGroups:
    """The groups beside the own one."""

    def __init__(self, node: Node, names: GroupNames) -> None:
        """Know of none; `names` of some were told before this device had company."""
        self._node, self._names = node, names
        self._asked_s: dict[str, float] = {}  # by host
        self._near: dict[GroupTag, FoundGroup] = {}
        self._of_host = SenderBounds[GroupTag](OF_HOST, limits.OFFERS)
        self._told: dict[GroupTag | str, None] = {}  # tags and hosts
        self._members = frozenset[DeviceId]()  # of the own group

    def __repr__(self) -> str:
        """Say how many there are."""
        return f"<OtherGroups {len(self._near)}>"

    @property
    def near(self) -> list[FoundGroup]:
        """Those that answered lately."""
        return [found for found in self._near.values() if self._is_fresh(found)]

    def may_ask(self, address: str) -> bool:
        """Say whether that host is asked now who it is; from then on it was."""
        now, host = self._node.now, host_of(address)
        self._asked_s = {one: s for one, s in self._asked_s.items() if now - s < OTHERS_AGAIN_S}
        if host in self._asked_s or len(self._asked_s) >= ASKED_HOSTS:
            return False
        self._asked_s[host] = now
        return True

    def on_members(self) -> None:
        """Who is in the own group may be others, and the group another one."""
        roster = self._node.roster
        before, self._members = self._members, frozenset(roster.members if roster else ())
        if not self._members <= before:
            self._asked_s.clear()
            self._near.clear()
            self._of_host = SenderBounds(OF_HOST, limits.OFFERS)

    def on_offer(self, offer: Offer, address: str) -> None:
        """A device near by said of which group it is."""
        node, host = self._node, host_of(address)
        tag = GroupTag(offer.tag)
        own = tag_of(node.roster.group) if node.roster is not None else tag
        if tag == own or offer.members < 2 or host not in self._asked_s:
            return
        known = self._near.get(tag)
        if known is not None and self._is_fresh(known) and host_of(known.address.host) != host:
            return  # another of its devices
        self._of_host.forget(tag)
        gone = self._of_host.note(tag, host)
        if gone is not None:
            del self._near[gone]
        self._near[tag] = found_group(offer, address, node.now)
        if tag not in self._told and host not in self._told:
            self._tell(self._near[tag])
        self._told |= dict.fromkeys((tag, host))
        while len(self._told) > TOLD_MAX:
            del self._told[next(iter(self._told))]

    def _is_fresh(self, found: FoundGroup) -> bool:
        return self._node.now - found.heard_s <= OTHERS_KEPT_S

    def _tell(self, found: FoundGroup) -> None:
        address, devices = found.address.host, f"{found.members} devices"
        name, label = self._names.of(found)
        if name:
            at = f"{set_off(label)} at {address}" if label else address
            which = f": {set_off(name)} ({at}, {devices})."
        else:
            which = (
                f" ({address}, {devices}). A closed door tells no name: to see which group it is, "
                "type status on the machine with that address."
            )
        text = (
            f"Another group is near{which} Groups never merge by "
            "themselves: to bring one of its devices here, type leave there (admin add NAME first, "
            "if that is the only steward of its group), start it again, and compare the words."
        )
        self._node.tell("other_group", text, level="warning", subject=address)
