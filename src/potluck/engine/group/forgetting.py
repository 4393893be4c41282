"""Forgetting: a steward's word by which the folder of a removed device goes from every disk.

Strategy: `forget` names a device that was removed; what follows on each disk is the business of
engine/others/forgotten_folders.py. One that is out because whoever let it in was removed is itself
removed by the same command, for only then does its folder go. Guarantees: of a member nothing is
forgotten; whoever is no steward is told who is; nothing is signed before it is clear whose folder
is meant, and nothing is said to go that the roster did not take. Limits: one that was forgotten is
not called back; what went is in the trash of each device, for as long as that keeps it.
"""

from __future__ import annotations

from typing import Final

from potluck.core.errors import NotFound, Refused
from potluck.core.group.roster import Roster
from potluck.core.group.statements import Forget, Remove, sign_act, sign_removal
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wording import listed, set_off, typable
from potluck.engine.group.membership import Membership
from potluck.engine.group.named_devices import (
    NO_PLACE,
    called,
    fitting,
    members_fitting,
    need_steward,
    the_one,
)
from potluck.engine.node import Node, stewards_in

OF_A_MEMBER: Final = "ls\nto have single files of it in the own folder, too: potluck take PATH"
"""What can be done with the folder of somebody who is there."""


class Forgetting:
    """Has the folders of removed devices go."""

    def __init__(self, node: Node, membership: Membership) -> None:
        """Say it through `membership`."""
        self._node, self._membership = node, membership

    def __repr__(self) -> str:
        """Return how many are forgotten."""
        return f"<Forgetting: {len(self._roster.forgotten)} forgotten>"

    @property
    def _roster(self) -> Roster:
        assert self._node.roster is not None, "the start of the group comes first"
        return self._node.roster

    @property
    def frozen(self) -> set[DeviceId]:
        """Whose folder stays although it was removed."""
        return {device for device in self._roster.former if self._roster.is_frozen(device)}

    @property
    def out(self) -> set[DeviceId]:
        """Whose folder stays although it is no member any more, by whatever word."""
        return self.frozen | self._void

    @property
    def is_steward(self) -> bool:
        """Whether this device's word counts."""
        return self._node.me in stewards_in(self._node)

    @property
    def stewards(self) -> str:
        """Who can do it, for people."""
        return listed([self._node.label_of(each) for each in stewards_in(self._node)])

    @property
    def _void(self) -> set[DeviceId]:
        """Who is out by nobody's word about it: whoever let it in was removed."""
        roster = self._roster
        return {device for device in roster.former if not roster.standing.is_removed(device)}

    def is_void(self, device: DeviceId) -> bool:
        """Say whether a device is out by nobody's word: a steward may never have heard of it."""
        return device in self._void

    def knows(self, name: str) -> bool:
        """Say whether a removed device is meant by a name, and no member."""
        return not members_fitting(self._node, name) and bool(self._found(name))

    def meant(self, name: str, instead: str = OF_A_MEMBER) -> DeviceId:
        """Return the removed device of that name; raises PotluckError.

        `instead`: what can be done if it is a member.
        """
        label_of = self._node.label_of
        members, found = members_fitting(self._node, name), self._found(name)
        if members == [self._node.me] and not found:
            raise Refused(
                f"{called(self._node.own_label, self._node.me)} is this device.",
                "that can be done with the folder of a removed device only",
                "ls",
            )
        if members and not found:
            names = listed(sorted(called(label_of(each), each) for each in members))
            raise Refused(
                f"{names} belongs to the group.",
                "that can be done with the folder of a removed device only",
                instead,
            )
        if not found:
            raise NotFound(
                f"There is no removed device called {set_off(name)} whose folder is here.",
                "the name was mistyped, or the folder is forgotten already",
                "ls",
            )
        the_one(name, found + members, label_of)
        return found[0]

    def _found(self, name: str) -> list[DeviceId]:
        former, layout = self._roster.former, self._node.layout
        return fitting(name, {d: (former[d].label, layout.name_of(d)) for d in self.out})

    def forget(self, name: str, *, preview: bool = False) -> str:
        """Have the folder of a removed device go everywhere; return what happens.

        Raises PotluckError.
        """
        device, node = self.meant(name), self._node
        folder = called(set_off(node.layout.name_of(device)), device)
        need_steward(node, "Only a steward can have a folder forgotten.")
        if not preview and not self.sign(device):
            folder_name = node.layout.name_of(device)
            fix = f"on another steward: forget {typable(folder_name, short_id(device))}"
            raise Refused(f"The folder {folder} stays.", NO_PLACE, fix)
        return f"The folder {folder} goes to the trash on every device that has it."

    def sign(self, device: DeviceId) -> bool:
        """Say it; return whether that counts."""
        key, group = self._node.key, self._roster.group
        records = [sign_act(key, Forget(group, device))]
        if device in self._void:
            records += sign_removal(key, Remove(group, device, [], b"", None, b"", []), ())
        self._membership.add_records(records)
        return device in self._roster.forgotten
