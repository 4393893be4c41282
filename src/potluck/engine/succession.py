"""Succession: a machine that was installed anew has the place of the removed device it was before.

Strategy: a steward's person says whom a new device replaces (`approve NAME --replace OLD`): where a
steward talks to the newcomer, with its admission, and else once it is in. So it has the label and
the folder's name of the old one (core/group/deriving.py). The old folder stands beside it on every
disk and comes to the new device like any other. When it is whole there, the new device brings all
of it into its own folder, at the same paths (shells/disk/importing.py: nothing is replaced), and
publishes it; the others have the same contents in the old folder, so nothing is sent. A steward
that finds every file of the old folder in the new one, and is told by whoever is linked that it has
them there, has the old folder forgotten.

Guarantees: only a removed device is replaced, and only once. No label of a removed device and no
frozen folder goes to anybody without the word of a steward's person: a member cannot let in its
accomplice as somebody else. Whom a newcomer replaces counts for the request that was answered so,
and no longer. What the old device shared goes nowhere before a steward holds the manifest in which
the new device shares it, at the same paths and with the same contents. What was brought in once is
not brought in again, also by a later run; what could not be is told and tried again, soon at
first: a file that changed as it was copied is no matter of minutes.
Limits: where neither a removal nor the device that left names
a head nothing is brought in; where the new device has other files at the same paths, or changes
some before a steward sees them, the old folder stays until a person types `forget` or `adopt`. A
steward that does not talk to the newcomer can say whom it replaces only when it is in.
"""

from __future__ import annotations

from collections.abc import Iterator

from potluck.core.content.facts import NOTHING, ManifestName
from potluck.core.content.paths import parse_wire_path
from potluck.core.errors import Refused, UsageError
from potluck.core.group.statements import LastHead, Succeed, sign_act
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wording import listed, set_off, typable
from potluck.engine.adopting import stands_everywhere
from potluck.engine.effects import Import
from potluck.engine.events import Imported, OrderId
from potluck.engine.group.forgetting import Forgetting
from potluck.engine.group.membership import Membership
from potluck.engine.group.named_devices import (
    NO_PLACE,
    NO_STEWARD,
    called,
    members_fitting,
    the_one,
)
from potluck.engine.group.request_list import Request, Side
from potluck.engine.group.requests import Requests
from potluck.engine.node import Node

HEIR_S = 2.0  # as often it is seen whether all is here, or there
BRING_AGAIN_S = 10.0  # after something could not be brought in; doubled each time
BRING_AGAIN_MAX_S = 600.0
_KEY = "inherited "
_TOLD = "old folder stays "


class Succession:
    """Lets devices replace removed ones, and follows what becomes of the old folders."""

    def __init__(
        self, node: Node, requests: Requests, membership: Membership, forgetting: Forgetting
    ) -> None:
        """Nothing is under way."""
        self._node, self._requests = node, requests
        self._membership, self._forgetting = membership, forgetting
        self._asked: dict[OrderId, DeviceId] = {}
        self._look_s = 0.0
        self._again_s, self._wait_s = 0.0, BRING_AGAIN_S
        self._told: tuple[DeviceId, str, str] | None = None  # what failed, as it was told last
        self._lacked: dict[DeviceId, tuple[int, int]] = {}  # at which head an heir lacked some

    def __repr__(self) -> str:
        """Return how many old folders there are that somebody is to have."""
        return f"<Succession: {len(list(self._open()))} folders, {len(self._asked)} under way>"

    # -- what a person asks for --------------------------------------------------------------------
    def approve(self, name: str, replaced: str) -> str:
        """Say yes to a newcomer that is to replace a removed device; raises PotluckError.

        Also where no yes is needed any more: it counts as long as the newcomer is not in. A member
        of that name has the place at once.
        """
        if not replaced:
            found = self._requests.list.find(name)
            raise UsageError(
                "It is not said whom the newcomer replaces: nobody was answered.",
                "--replace names nobody",
                f"approve {typable(found.name, found.id)}",
            )
        first = f"if it is the same machine, installed anew: remove {typable(replaced, 'NAME')}"
        node, old = self._node, self._forgetting.meant(replaced, first)
        assert node.roster is not None, "else nobody was removed from it"
        if old in node.roster.force.successors:
            heir = node.label_of(node.roster.force.successors[old])
            raise Refused(
                f"{set_off(replaced)} is replaced already.",
                f"{heir} has its place",
                f"adopt {typable(node.layout.name_of(old), short_id(old))}",
            )
        asks = any(name in {one.name, one.id} for one in self._requests.list.rows)
        fitting = [] if asks or not name else members_fitting(node, name)
        member = the_one(name, fitting, node.label_of)
        if member is not None:
            return self._give(member, old)
        return self._let_in(self._requests.list.find(name), old)

    def _let_in(self, request: Request, old: DeviceId) -> str:
        """Say yes to a newcomer that is to replace that one; raises Refused."""
        node = self._node
        talks = request.side is Side.MEMBER and request.teller is None
        if not self._forgetting.is_steward:
            whom = short_id(request.device) if request.device is not None else "NAME"
            later = self._command(whom, old)
            now = f"approve {typable(request.name, request.id)}"
            raise Refused(
                "Only a steward can give a newcomer the place of another: nobody was answered.",
                self._why_not(),
                f"{now}\non a steward, once it is in: {later}",
            )
        if not talks or request.device is None:
            raise Refused(
                "Whom it replaces cannot be said here yet: nobody was answered.",
                "another device talks to the newcomer",
                f"once it is in: {self._command(request.name, old)}",
            )
        request.replaces = old  # also after the yes: as long as the newcomer is not in
        if request.needed:
            return self._requests.answer(request.name, yes=True)
        place = called(node.label_of(old), old)
        why = "the door is open, so nobody need say yes" if request.open else "yes was said"
        return f"{request.shown_name} gets the place of {place} when it comes in; {why}."

    def _give(self, new: DeviceId, old: DeviceId) -> str:
        """Give a member the place of a removed device; raises Refused."""
        node, roster = self._node, self._node.roster
        assert roster is not None, "else nobody is a member"
        who, place = called(node.label_of(new), new), called(node.label_of(old), old)
        if not self._forgetting.is_steward:
            raise Refused(
                "Only a steward can give a device the place of another.",
                self._why_not(),
                f"on a steward: {self._command(short_id(new), old)}",
            )
        if new in roster.force.successors.values():
            raise Refused(
                f"{who} does not get the place of {place}.",
                "it has that of another device",
                f"adopt {typable(node.layout.name_of(old), short_id(old))}",
            )
        said = sign_act(node.key, Succeed(roster.group, old, new))
        self._membership.add_records([said])
        if roster.force.successors.get(old) != new:
            fix = f"on another steward: {self._command(short_id(new), old)}"
            raise Refused(f"{who} does not get the place of {place}.", NO_PLACE, fix)
        return f"{who} has the place of {place}: it is called {node.label_of(new)}."

    def _why_not(self) -> str:
        """Return why the word of this device gives nobody a place."""
        names = self._forgetting.stewards
        return f"this device is none; steward is {names}" if names else NO_STEWARD

    def _command(self, whom: str, old: DeviceId) -> str:
        """Return what gives the device of that name or id the place of a removed one."""
        place = typable(self._node.layout.name_of(old), short_id(old))
        return f"approve {typable(whom, 'NAME')} --replace {place}"

    # -- time --------------------------------------------------------------------------------------
    def _open(self) -> Iterator[tuple[DeviceId, DeviceId]]:
        """Yield removed devices whose folder stays, and who has the place of each."""
        roster = self._node.roster
        if roster is not None:
            for old, new in roster.force.successors.items():
                if roster.is_frozen(old) and new in roster.members:
                    yield old, new

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self._look_s if any(self._open()) else None

    def on_tick(self) -> None:
        """Bring in what is here, and have forgotten what is there."""
        node = self._node
        if node.now < self._look_s:
            return
        self._look_s = node.now + HEIR_S
        for old, new in list(self._open()):
            if new == node.me:
                self._inherit(old)
            if self._forgetting.is_steward and not self._is_told(old) and self._has_all(old, new):
                self._let_go(old, new)

    # -- the new device ----------------------------------------------------------------------------
    def _inherit(self, old: DeviceId) -> None:
        node, index, name = self._node, self._node.index, ManifestName.own(old)
        if old in self._asked.values() or index.meta.get(_KEY + old.hex()) is not None:
            return
        settled = node.share_present and not node.moving
        named = old not in node.former and node.me not in node.former
        if not (settled and named and node.now >= self._again_s and self._is_whole(old)):
            return
        top = node.layout.top_of(name)
        first = dict.fromkeys(path.split(b"/")[0].decode() for path in index.places.all_paths(name))
        order = OrderId(node.number())
        self._asked[order] = old
        folder = f"{node.settings.folder}/Shared/{top.name}"
        into = parse_wire_path(node.own_label.encode())
        node.do(Import(order, tuple(f"{folder}/{each}" for each in first), "reflink", into))

    def _is_whole(self, old: DeviceId) -> bool:
        """Say whether all that a removed device shared last stands here and can be seen."""
        node, name = self._node, ManifestName.own(old)
        head = node.index.manifests.head(name)
        if head is None or node.roster is None:
            return False
        last = node.roster.frozen_at(old) == LastHead(head.generation, head.seq, head.root)
        whole = last and node.index.needs.missing(name) == NOTHING
        return whole and not node.mounts.below(node.layout.top_of(name))

    def on_imported(self, event: Imported) -> None:
        """An import ended, perhaps one of ours."""
        old = self._asked.pop(event.order, None)
        if old is None:
            return
        node = self._node
        label, folder = node.own_label, node.layout.name_of(old)
        if event.failed:
            self._again_s = node.now + self._wait_s
            self._wait_s = min(2 * self._wait_s, BRING_AGAIN_MAX_S)
            failed = (old, *event.failed[0])
            if failed != self._told:
                self._told = failed
                self._tell_failed(*failed)
            return
        self._wait_s, self._told = BRING_AGAIN_S, None
        node.index.meta.set(_KEY + old.hex(), b"1")
        text = f"what {label} shared before it was installed anew is in its folder again"
        if not event.instead:
            node.tell("inherited", text, subject=label)
            return
        own_names = dict(event.instead)
        came = [f"{set_off(own_names[name])} as {set_off(name)}" for name in own_names]
        command = f"forget {typable(folder, short_id(old))}"
        text = (
            f"{text}, {listed(came)}, since something else has that name there; so "
            f"{set_off(folder)} stays beside it until somebody types on a steward: {command}"
        )
        node.tell("inherited", text, level="warning", subject=label)

    def _tell_failed(self, old: DeviceId, path: str, reason: str) -> None:
        node, folder = self._node, self._node.layout.name_of(old)
        text = f"not all of {set_off(folder)} came into {node.own_label}: {path} ({reason})"
        command = f"adopt {typable(folder, short_id(old))}"
        text = f"{text}; it is tried again, or: {command}"
        node.tell("not_inherited", text, level="warning", subject=node.own_label, command=command)

    # -- a steward ---------------------------------------------------------------------------------
    def _is_told(self, old: DeviceId) -> bool:
        """Say whether a person here has heard that it is hers to have an old folder forgotten."""
        return self._node.index.meta.get(_TOLD + old.hex()) is not None

    def _let_go(self, old: DeviceId, new: DeviceId) -> None:
        """Have the old folder forgotten; tell, once, if the group has no room for that word."""
        node = self._node
        if self._forgetting.sign(old):
            return
        node.index.meta.set(_TOLD + old.hex(), b"1")
        folder, label = node.layout.name_of(old), node.label_of(new)
        command = f"forget {typable(folder, short_id(old))}"
        text = (
            f"{label} shares all that stands in {set_off(folder)}, and every linked device has it; "
            "the group has no room for more words of this device, so its folder stays until one "
            f"says: {command}"
        )
        node.tell("old_folder_stays", text, subject=label, command=command)

    def _has_all(self, old: DeviceId, new: DeviceId) -> bool:
        """Say whether the new device shares all that the old one did, and all have it so."""
        node, heir = self._node, ManifestName.own(new)
        head = node.index.manifests.head(heir)
        if head is None or node.index.manifests.head(ManifestName.own(old)) is None:
            return False
        number = head.generation, head.seq
        if self._lacked.get(old) == number:
            return False
        if not node.index.holds_all(ManifestName.own(old), heir):
            self._lacked[old] = number
            return False
        if new != node.me and node.index.needs.missing(heir) != NOTHING:
            return False
        return stands_everywhere(node, heir, number)
