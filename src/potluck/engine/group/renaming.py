"""Renaming: another label for a device, another name for the group, by a signed word each.

Strategy: a device may say how it is called itself, a steward how anybody is called, and how the
group is. The word is a record like any other; that folders follow on every disk is the business of
engine/others/moving_folders.py, and of the marker for the own one. A label that somebody has, or
had, is nobody else's: then it is NAME-2, and that is said; its own of before it may have back. One
that only looks like another device's is given, and that is said. `up
--name OTHER` on a home that has a name is the same as `rename device OTHER`, once: a name that was
given before, and that a person has changed since, is not given again by every start.

Guarantees: what is refused signs nothing, changes nothing and says who can do it; a name that a
device cannot have is never signed. Limits: of two words about one device, said at the same time in
different places, one counts everywhere, and the other person sees it only then.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from potluck.core import limits
from potluck.core.content.paths import why_unsafe
from potluck.core.errors import NotFound, Refused, UsageError
from potluck.core.group.labels import LABEL_RULE, clean_label, is_fit
from potluck.core.group.look_alikes import look_alike
from potluck.core.group.roster import Roster
from potluck.core.group.statements import Regroup, Relabel, is_possible, sign_act
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wording import TO_TYPE, listed, set_off, typable
from potluck.engine.group.membership import Membership
from potluck.engine.group.named_devices import called, members_fitting, need_steward, the_one
from potluck.engine.node import Node

GIVEN = "name given"  # the key under which the index has the name of `up --name` of the last run
RENAME = "rename device NEW"
NOT_TAKEN = (
    "another word about its name counts before this one, or the group has no room for more words "
    "of this device"
)


class Renaming:
    """Says how devices and the group are called."""

    def __init__(self, node: Node, membership: Membership) -> None:
        """Say it through `membership`."""
        self._node, self._membership = node, membership

    def __repr__(self) -> str:
        return f"<Renaming {self._node.own_label!r}>"

    def start(self) -> None:
        """Take the name that a person gave this start, if it is another one than last time."""
        node, given = self._node, self._node.settings.label
        if not node.settings.named:
            return
        last = node.index.meta.get(GIVEN)
        before = last.decode() if last is not None else self._roster.members[node.me].wish
        node.index.meta.set(GIVEN, given.encode())
        if given not in {before, node.own_label}:
            label = self._roster.free_label(given, node.me)
            if label != node.own_label and not self._relabel(node.me, label):
                text = f"this device is still called {node.own_label}: {NOT_TAKEN}"
                node.tell("name_taken", text, level="warning")
            elif label != given:
                why = f"another device is, or was, {given}"
                node.tell("name_taken", f"this device is called {label}: {why}", level="warning")
        elif given != node.own_label:
            self._tell_passed_over(given)

    def _tell_passed_over(self, given: str) -> None:
        """A name of the start was changed since it was given first, and could be had again."""
        node = self._node
        if self._roster.free_label(given, node.me) == given:
            text = f"this device was renamed {node.own_label} since --name {given} was first given;"
            text += f" to call it so again, {TO_TYPE}rename device {typable(given, 'NAME')}"
            node.tell("name_kept", text)

    def rename_device(self, old: str, new: str) -> str:
        """Call a device otherwise, this one if `old` is empty; return what happened.

        Raises UsageError, NotFound or Refused.
        """
        node, new = self._node, unicodedata.normalize("NFC", new)
        device = self._device(old) if old else node.me
        if not is_fit(new):
            better = clean_label(new)
            raise UsageError(
                f"{set_off(new)} cannot be the name of a device.",
                LABEL_RULE,
                f"use “{better}”" if better else RENAME,
            )
        if device != node.me:
            who = node.label_of(device)
            need_steward(node, f"Only a steward, or {who} itself, can rename {who}.")
        before = node.label_of(device)
        if before == new:
            return f"{before} is called so already."
        who = "This device" if device == node.me else called(before, device)
        wanted = self._roster.free_label(new, device)
        if wanted == before:
            return f"{who} is called {before} still: another device is, or was, {new}."
        if not self._relabel(device, wanted):
            raise Refused(
                f"{who} is still called {before}.",
                NOT_TAKEN,
                f"on another steward: rename device {typable(before, short_id(device))} NEW",
            )
        label = node.label_of(device)
        if label == new:
            text = f"{who} is called {label} now; its folder follows on every device."
            return text + self._alike_words(device, label)
        return f"{who} is called {label} now: another device is, or was, {new}."

    def rename_group(self, name: str) -> str:
        """Call the group otherwise; return what happened. Raises UsageError or Refused."""
        node, roster = self._node, self._roster
        if not is_possible(name):
            raise UsageError(
                f"{set_off(name)} cannot be the name of a group.",
                _why_impossible(name),
                "rename group NAME",
            )
        need_steward(node, "Only a steward can rename the group.")
        if roster.name == name:
            return f"The group is called {set_off(name)} already."
        said = sign_act(node.key, Regroup(roster.group, name, roster.next_name_number))
        if not roster.would_count(said):
            raise Refused(
                f"The group is still called {set_off(roster.name)}.",
                NOT_TAKEN,
                "on another steward: rename group NAME",
            )
        self._membership.add_records([said])
        return f"The group is called {set_off(roster.name)} now."

    # -- how ---------------------------------------------------------------------------------------
    @property
    def _roster(self) -> Roster:
        assert self._node.roster is not None, "the start of the group comes first"
        return self._node.roster

    def _alike_words(self, device: DeviceId, label: str) -> str:
        """Return what is to be known of a name that looks like another member's, or nothing."""
        members = self._roster.members.values()
        alike = look_alike(label, [each.label for each in members if each.device != device])
        return f" That name only looks like {set_off(alike)}, another device's." if alike else ""

    def _relabel(self, device: DeviceId, label: str) -> bool:
        """Have a device called so, which is free; return whether that counts; else say nothing."""
        node, roster = self._node, self._roster
        number, _ = roster.force.relabelled.get(device, (0, b""))
        said = sign_act(node.key, Relabel(roster.group, device, label, _above([number])))
        counts = roster.would_count(said)
        if counts:
            self._membership.add_records([said])
        return counts

    def _device(self, name: str) -> DeviceId:
        """Return the member of that name; raises NotFound or UsageError."""
        members = self._roster.members
        found = the_one(name, members_fitting(self._node, name), self._node.label_of)
        if found is not None:
            return found
        raise NotFound(
            f"No device is called {set_off(name)}.",
            f"the devices are {listed([entry.label for entry in members.values()])}",
            "peers",
        )


def _above(numbers: Iterable[int]) -> int:
    """Return a number above all of these, or the highest one there is."""
    return min(max(numbers, default=0) + 1, limits.SEQ_MAX)


def _why_impossible(name: str) -> str:
    too_long = len(name.encode()) > limits.LABEL_BYTES
    if too_long:
        return f"it is longer than {limits.LABEL_BYTES} bytes"
    return why_unsafe(name) or "that is the name of the folder that everybody writes"
