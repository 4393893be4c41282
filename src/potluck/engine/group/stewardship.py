"""Stewardship: what a person has the group do about its devices: put one out, leave, appoint.

Strategy: an act becomes statements (core/group/statements.py), and `Membership` keeps and spreads
them as any other; so what is cut off where follows from the roster alone. A removal accepts what
the removed device had signed as far as it is known here, its admissions too unless a person wants
those out as well; even then those that lead to a steward stand, to this device first. It names the
head at which its folder stays and a new group key. A device that leaves names the head of its own
folder itself, and no key: the first of the stewards that are linked, by rank, chooses one for all
that left and are ready (leavers.py), names the head that it holds of each by then, and chooses one
also when two removals crossed and left two keys.

Guarantees: whoever is no steward is told who is; nobody is removed by itself, nor by its own act
about whoever let it in; a person is told before and after who is out with whom, and of nothing that
it was done which the roster did not take; the founder hears once, when it has company, that a
second steward is needed should it be lost. Limits: what another steward does at the same moment is
not known here, and where it accepted less that counts (core/group/removals.py). Whoever leaves
while nobody is linked is heard by nobody: that is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from potluck.core import limits
from potluck.core.errors import NotFound, Refused
from potluck.core.group.removals import SignedAct
from potluck.core.group.roster import Roster
from potluck.core.group.statements import (
    OVER_MAX,
    Appoint,
    Forget,
    MemberEntry,
    Remove,
    admit,
    key_id,
    sign_act,
    sign_removal,
    whole,
)
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wire.catalogue import RosterRecord
from potluck.core.wording import listed, plural, set_off, typable
from potluck.engine.group.key_exchange import KeyExchange
from potluck.engine.group.leavers import Leavers
from potluck.engine.group.membership import Membership
from potluck.engine.group.named_devices import (
    NO_PLACE,
    PEERS,
    called,
    fitting,
    members_fitting,
    need_steward,
    the_one,
)
from potluck.engine.node import Node, stewards_in
from potluck.engine.person_acts import AppointAsked, LeaveForGoodAsked, RemoveAsked
from potluck.engine.withheld import NEW_IDENTITY

_AGAIN = "up"
RECOMMENDED = "second steward"  # in the index: for which group that was recommended
# what becomes of the files of a removed device
TRASHED = "go to the trash on every device of the group"
STAY = "stay on the devices of the group, as they are"
MISTYPED = "the name was mistyped; of an id at least four characters are needed"


class StewardshipListener(Protocol):
    """Hears that this device is out."""

    def on_left(self) -> None:
        """This device belongs to its group no more, and ends."""


class Stewardship:
    """Carries out what people decide about the devices of the group."""

    def __init__(
        self,
        node: Node,
        membership: Membership,
        key_exchange: KeyExchange,
        listener: StewardshipListener,
    ) -> None:
        """Nothing is asked for."""
        self._node, self._membership, self._listener = node, membership, listener
        self._key_exchange = key_exchange
        self._leavers = Leavers(node)

    def __repr__(self) -> str:
        """Say whether this device is a steward."""
        return f"<Stewardship steward={self._node.me in stewards_in(self._node)}>"

    # -- what a person asks for --------------------------------------------------------------------
    def remove(self, act: RemoveAsked) -> str:
        """Put a device out and say what became of it; raises PotluckError."""
        entry = self._meant(act.name)
        if entry.device == self._node.me:
            raise Refused("A device does not remove itself.", "it can leave", "leave")
        need_steward(self._node, "Only a steward can remove a device.")
        words = self._accepted(entry.device, everybody=act.everybody)
        if act.preview:
            return self._preview(entry, self._also_out(entry.device, words), act)
        before, who = self._roster.members, called(entry.label, entry.device)
        let_in = self._let_in(entry.device)
        self._put_out({entry.device: words}, forget=act.forget)
        members = self._roster.members
        if entry.device in members:
            raise Refused(
                f"{who} is still a member.",
                NO_PLACE,
                f"on another steward: remove {typable(act.name, short_id(entry.device))}",
            )
        gone = before.keys() - members.keys() - {entry.device}
        also = sorted(before[each].label for each in gone)
        stay = [each.label for each in let_in if each.device in members.keys() - {self._node.me}]
        forgotten = entry.device in self._roster.forgotten
        text = f"{who} is removed; its files {TRASHED if forgotten else STAY}."
        if also:
            text += f" What it let in ({listed(also)}) is out, too."
        if stay:
            text += f" What it let in ({listed(stay)}) stays."
        return text

    def leave(self, act: LeaveForGoodAsked) -> str:
        """Leave the group for good; raises PotluckError."""
        node, roster = self._node, self._roster
        if len(roster.members) == 1:
            raise Refused("There is no group to leave.", "this device is alone in it", "down")
        _need_one_machine(node)
        if stewards_in(self._node) == [node.me]:
            raise Refused(
                "This device is the only steward of the group.",
                "nobody could be removed from it any more",
                self._second(),
            )
        heard = _heard(node)
        if act.preview:
            return (
                f"This device leaves “{roster.name}” for good. The others keep its files as they "
                f"are; here all files stay. To come back it asks anew, with a new key. {heard}"
            )
        said = Remove(roster.group, node.me, [], b"", self._leavers.held(node.me), b"", [])
        self._membership.add_records(sign_removal(node.key, said, roster.signed_by(node.me)))
        if not roster.standing.is_removed(node.me):
            fix = f"on a steward: remove {typable(node.own_label, short_id(node.me))}"
            raise Refused("This device has not left its group.", NO_PLACE, fix)
        return f"This device has left “{roster.name}”; its files stay here. {heard}"

    def appoint(self, act: AppointAsked) -> str:
        """Make a member a steward; raises PotluckError."""
        entry = self._meant(act.name)
        who = called(entry.label, entry.device)
        if entry.device in stewards_in(self._node):
            return f"{who} is a steward already."
        need_steward(self._node, "Only a steward can appoint a steward.")
        node, roster = self._node, self._roster
        said = [sign_act(node.key, Appoint(roster.group, entry.certificate))]
        if entry.admitted_by != node.me and entry.device != roster.founder:
            # so that it stays whatever becomes of who let it in
            own = admit(node.key, roster.group, entry.certificate, entry.sealing, entry.wish)
            said.append(own)
        self._membership.add_records(said)
        if entry.device not in stewards_in(node):
            fix = f"on another steward: admin add {typable(act.name, short_id(entry.device))}"
            raise Refused(f"{who} is no steward.", NO_PLACE, fix)
        return f"{who} is a steward now: it may remove devices, this one too."

    # -- what follows by itself --------------------------------------------------------------------
    def on_members(self) -> None:
        """The group has changed: this device may be out, or a key is to be made."""
        roster = self._roster
        if self._node.me not in roster.members:
            self._go()
            return
        self._key_exchange.on_members()
        self._recommend()
        self._settle()

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        is_steward = self._node.roster is not None and self._node.me in stewards_in(self._node)
        return self._leavers.deadline() if is_steward else None

    def on_tick(self) -> None:
        """Say where the folder stays of who left, when that is known or was waited for."""
        if self._leavers.is_due():
            self._settle()

    def _settle(self) -> None:
        """Choose a key, if it is this device that does: for who left, or where two crossed."""
        roster = self._roster
        ready = self._leavers.ready()
        present = {self._node.me, *self._node.linked()}
        first = next((steward for steward in stewards_in(self._node) if steward in present), None)
        if first != self._node.me:
            return
        standing = roster.standing
        if ready:  # all at once: what follows from it calls this again
            for leaver in ready:
                self._leavers.on_said(leaver)
            self._put_out(ready)
        elif len(standing.keys) > 1:
            device = min(standing.removals)
            self._put_out({device: set(roster.done_by(device))})

    def _recommend(self) -> None:
        """Say to the founder, once for each group, that nobody else could remove it."""
        node, roster = self._node, self._roster
        others = roster.members.keys() - {node.me}
        alone = roster.founder == node.me and stewards_in(self._node) == [node.me]
        if not (others and alone) or node.index.meta.get(RECOMMENDED) == roster.group:
            return
        node.index.meta.set(RECOMMENDED, roster.group)
        command = self._second()
        text = f"If this computer is lost, nobody can remove it from “{roster.name}”"
        node.tell("one_steward", f"{text}; so that a second one can: {command}", command=command)

    def _go(self) -> None:
        """This device is out: say so, remember it for the next start, and end."""
        node, roster = self._node, self._roster
        by = [removal.by for removal in roster.standing.removals.get(node.me, ())]
        who = listed(sorted({node.label_of(each) for each in by})) if by else ""
        if node.me in roster.standing.left:  # a steward puts out whoever did, by itself
            verb, text = "has", f"left “{roster.name}” for good; its files stay here"
        elif who:
            verb, text = "was", f"removed from “{roster.name}” by {who}; its files stay here"
        else:
            why = "whoever let this device in was removed"
            verb, text = "is", f"out of “{roster.name}”: {why}; its files stay here"
        self._membership.forget(text)
        what = f"this device {verb} {text}; to begin anew, as a new device: {_AGAIN}"
        node.tell("removed", what, level="warning", command=_AGAIN)
        self._listener.on_left()

    # -- making statements -------------------------------------------------------------------------
    def _put_out(self, accepted: Mapping[DeviceId, set[bytes]], *, forget: bool = False) -> None:
        """Put these out; of each, what it signed and that stands. `forget` their folders, too."""
        node, roster = self._node, self._roster
        key = node.chance.bytes(limits.KEY_BYTES)
        self._key_exchange.make(key_id(key), key)
        over = sorted(roster.standing.keys)[:OVER_MAX]
        records: list[RosterRecord] = []
        for device, words in accepted.items():
            said = Remove(
                roster.group, device, [], b"", self._leavers.last_of(device), key_id(key), over
            )
            records += sign_removal(node.key, said, words)
            records += [sign_act(node.key, Forget(roster.group, device))] if forget else []
        self._membership.add_records(records)

    # -- who is who --------------------------------------------------------------------------------
    @property
    def _roster(self) -> Roster:
        assert self._node.roster is not None, "the group is there from the start"
        return self._node.roster

    def _second(self) -> str:
        """Return what makes a steward of whoever came first: no name of one's choice helps."""
        me, members = self._node.me, self._roster.members
        first = next(entry for device, entry in members.items() if device != me)
        return f"admin add {typable(first.label, short_id(first.device))}"

    def _meant(self, name: str) -> MemberEntry:
        """Return the member of that name; raises PotluckError."""
        members, former = self._roster.members, self._roster.former
        found = the_one(name, members_fitting(self._node, name), self._node.label_of)
        if found is not None:
            return members[found]
        gone = fitting(name, {device: (entry.label,) for device, entry in former.items()})
        if gone:
            who = listed([called(former[each].label, each) for each in gone])
            why = "it belongs to the group no more; its folder may be here still"
            raise NotFound(f"{who} was removed already.", why, "ls")
        raise NotFound(f"There is no device called {set_off(name)}.", MISTYPED, PEERS)

    def _let_in(self, device: DeviceId) -> list[MemberEntry]:
        members = self._roster.members.values()
        return [entry for entry in members if entry.admitted_by == device != entry.device]

    def _accepted(self, device: DeviceId, *, everybody: bool) -> set[bytes]:
        """Return which statements of a device that is to be removed stand.

        If everybody is to go whom it let in, its admissions do not, but for those on the way to a
        steward: nobody puts itself out, nor those who decide with it, by its act about another.
        """
        roster = self._roster
        words = set(roster.done_by(device))
        if not everybody:
            return words
        on_way: set[DeviceId] = set()
        for steward in {self._node.me, *stewards_in(self._node)} - {device}:
            each = steward
            while each != roster.founder:
                on_way.add(each)
                each = roster.force.entries[each].admitted_by
        let_in = roster.admitted_by(device)
        return {word for word in words if word in roster.acts or let_in.get(word) in on_way}

    def _also_out(self, device: DeviceId, accepted: set[bytes]) -> list[str]:
        """Return the labels of those who would be out if a device is removed like that."""
        roster = self._roster
        stands = sorted(accepted)
        act = Remove(roster.group, device, stands, whole(stands), None, b"", [])
        stay = roster.members_with(SignedAct(self._node.me, act, device))
        out = roster.members.keys() - stay - {device}
        return sorted(roster.members[each].label for each in out)

    def _preview(self, entry: MemberEntry, also: list[str], act: RemoveAsked) -> str:
        lines = [
            f"{called(entry.label, entry.device)} is cut off from the group at once, and for good.",
            "What it has it keeps: no file that it got is taken back.",
        ]
        lines.append(f"Its files {TRASHED if act.forget else STAY}.")
        if also:
            lines.append(f"What it let in is out, too: {listed(also)}.")
        if act.everybody:
            lines.append("This device stays, and so does every other steward.")
        me, let_in = self._node.me, self._let_in(entry.device)
        stay = [e.label for e in let_in if e.label not in also and e.device != me]
        if stay:
            lines.append(f"What it let in stays: {listed(stay)}.")
        return "\n".join(lines)


def _need_one_machine(node: Node) -> None:
    if node.cloned:
        raise Refused(
            "Another machine runs with the identity of this device.",
            "the others follow neither of the two, so the folder would stay as it is there",
            NEW_IDENTITY,
        )


def _heard(node: Node) -> str:
    """Say who hears that this device leaves, and what helps where it was not heard."""
    told = plural(len(node.linked()), "device")
    text = f"It is told to {told} here; should one still list it, a steward types there:"
    if not node.linked():
        text = "No device of the group is here to hear of it: they go on listing this one until a "
        text += "steward types there:"
    return f"{text} remove {typable(node.own_label, short_id(node.me))}"
