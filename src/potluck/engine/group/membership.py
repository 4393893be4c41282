"""Membership: the group this device belongs to, on disk and in what the others are told.

Strategy: core/group/roster.py judges a set of signed records; this part keeps that set in the
index, tells the shells whom to trust, and spreads it. When a link opens both sides say their
digest, and where digests differ both say everything; whoever learns something new hands just that
on to everybody else it is linked to. Every device starts with a group of its own that is written
down only once it is kept (admission_policy.py decides) or has company.

Whatever becomes known is settled at once: from then on the folder of a device is its own here,
whatever records come later. The index keeps the records in the order in which they came into force,
and that order is the memory (core/group/roster.py), so a restart changes no name. Other parts ask
the roster alone how a device is called; none has a name of its own for a folder.

Guarantees: what is learned is on the disk before it is handed on. A record spreads only while it is
news, so gossip ends. A group with company is never left for another one. No member but the founder
can give a device that is known here another label, or its folder to another device. When the
founder gives this device another label, the own folder follows. Limits: a group is one set; there
is no way out of it yet but another home.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from potluck.core import limits
from potluck.core.errors import Malformed, ProtocolError
from potluck.core.group.admission import Newcomer
from potluck.core.group.roster import Roster
from potluck.core.group.statements import MemberEntry, admit, found
from potluck.core.keys.identity import DeviceId, DeviceKey
from potluck.core.wire.catalogue import RosterDigest, RosterRecord, RosterRecords
from potluck.engine.effects import MakeFolders, MarkShare, Member, Trust
from potluck.engine.node import Node

ENTER = "open"  # a command of ours
GROUP_VOID = (
    "the group of an earlier run is not entered again: no valid record there says that this device "
    "is a member; perhaps its key is another one now, or the group was founded under a certificate "
    f"that no device can have; to enter one, on both devices: {ENTER}"
)


class MembershipListener(Protocol):
    """Hears what becomes of the group."""

    def on_regrouped(self) -> None:
        """This device is in another group now."""

    def on_relabelled(self) -> None:
        """This device has another label now, so its own folder has another name."""

    def on_members_changed(self) -> None:
        """The group has other members now, or they have other labels."""


class Membership:
    """The roster of this device's group."""

    def __init__(self, node: Node, listener: MembershipListener) -> None:
        """Belong to no group yet; `start` makes or loads one."""
        self._node, self._listener = node, listener
        self._kept = False  # whether the index has this group's records

    def __repr__(self) -> str:
        """Say which group this is and how large."""
        roster = self._node.roster
        if roster is None:
            return "<Membership no group yet>"
        return f"<Membership {roster.name!r}, {len(roster.members)} members, {roster.void} void>"

    # -- the own group -----------------------------------------------------------------------------
    def start(self) -> bool:
        """Load the group of an earlier run (True), or make a provisional one (False)."""
        node, settings, stored = self._node, self._node.settings, self._stored()
        if stored is not None:
            node.roster, self._kept = stored, True
        else:
            node.roster = Roster(
                found(node.key, settings.group_name, settings.label, node.chance.bytes(32))
            )
            self._mark("")
            if node.index.roster.all():
                node.tell("group_void", GROUP_VOID, level="warning", command=ENTER)
        self._trust()
        return stored is not None

    def stored_label(self) -> str:
        """Return the label of an earlier run, or the one that is wished for."""
        stored = self._stored()
        return (
            stored.members[self._node.me].label if stored is not None else self._node.settings.label
        )

    @property
    def company(self) -> bool:
        """Whether the group has other members."""
        return len(self._roster.members) > 1

    def keep(self) -> None:
        """The group is not provisional any more: write it down."""
        self._write(self._roster)
        self._mark("")

    def enter(self, roster: Roster) -> None:
        """Leave the provisional group for that one; raises ProtocolError if it has company."""
        node = self._node
        if self.company:
            raise ProtocolError("a group with members does not dissolve")
        former = node.own_label
        self._write(roster)  # first: if the index fails, nothing has happened
        node.roster = roster
        self._mark(former)
        self._trust()
        node.tell(
            "joined", f'joined "{roster.name}" as {node.own_label} ({len(roster.members)} devices)'
        )
        if node.own_label != former:
            self._tell_label(former)
        self._listener.on_regrouped()

    def recover(self) -> None:
        """The index failed and works again: write down what is known, and have it followed."""
        self._write(self._roster)
        self._trust()
        self._listener.on_members_changed()

    def admit(self, newcomer: Newcomer) -> bool:
        """Make a newcomer a member unless it is one; returns whether it is one now."""
        node, roster = self._node, self._roster
        if newcomer.device == node.me or not _speaks(node.key, newcomer.sealing):
            return False
        if newcomer.device not in roster.members:
            label = roster.free_label(newcomer.label)
            record = admit(node.key, roster.group, newcomer.certificate, newcomer.sealing, label)
            self.add_records([record])
        return newcomer.device in roster.members

    # -- gossip ------------------------------------------------------------------------------------
    def add_records(self, records: Sequence[RosterRecord], source: DeviceId | None = None) -> None:
        """Unite with what a member (or an introduction) showed, and hand on what is news."""
        node, roster = self._node, self._roster
        known, label, labels = roster.hashes, node.own_label, self._labels()
        new = roster.add(records, source or b"")
        roster.settle()
        fresh = roster.since(known)
        if not fresh:
            return
        self._write_down(fresh)
        for device in node.linked():
            if device == source:
                continue
            for chunk in _chunks(fresh):
                node.say_when_durable(device, chunk)
        for entry in new:
            _tell_new(node, roster.name, roster.members[entry.device])
        if self._labels() != labels:
            self._trust()
            self._listener.on_members_changed()
        if node.own_label != label:
            self._mark(label)
            self._tell_label(label)
            self._listener.on_relabelled()

    def on_roster(self, device: DeviceId, message: RosterDigest | RosterRecords) -> None:
        """A member told its roster's digest, or records."""
        if isinstance(message, RosterRecords):
            self.add_records(message.records, device)
        elif message.digest != self._roster.digest:
            for chunk in _chunks(self._roster.records()):
                self._node.say(device, chunk)

    def on_linked(self, device: DeviceId) -> None:
        """A control link to a member is open: compare rosters."""
        self._node.say(device, RosterDigest(self._roster.digest))

    # -- keeping -----------------------------------------------------------------------------------
    @property
    def _roster(self) -> Roster:
        assert self._node.roster is not None, "start comes first"
        return self._node.roster

    def _stored(self) -> Roster | None:
        """Return the roster of an earlier run; one without us (another key's home) is not ours."""
        records = self._node.index.roster.all()
        if not records:
            return None
        try:
            roster = Roster.replay(records)
        except Malformed:  # founded under a certificate that no device can have
            return None
        return roster if self._node.me in roster.members else None

    def _write(self, roster: Roster) -> None:
        """Write the whole set: what stood there may be of another group, or too little."""
        self._node.index.roster.replace(roster.records())
        self._node.when_durable([])
        self._kept = True

    def _write_down(self, fresh: Sequence[RosterRecord]) -> None:
        """Write what is new behind what stands there, or all of it for the first time."""
        if not self._kept:
            self._write(self._roster)
            return
        for record in fresh:
            self._node.index.roster.add(record)
        self._node.when_durable([])

    def _labels(self) -> dict[DeviceId, str]:
        return {device: entry.label for device, entry in self._roster.members.items()}

    def _mark(self, former: str) -> None:
        label = self._node.own_label
        self._node.do(MarkShare(self._roster.group, label, former if former != label else ""))

    def _tell_label(self, former: str) -> None:
        """Say how this device is called from now on, and where its files are: their place moves."""
        node = self._node
        taken = former in self._labels().values()
        why = f", since another device is {former}" if taken else ""
        place = "/".join(part for part in (node.settings.folder, "Shared", node.own_label) if part)
        node.tell(
            "relabelled",
            f"this device was {former} and is called {node.own_label} from now on{why}; "
            f"the place for its files is {place}",
        )

    def _trust(self) -> None:
        others = [entry for entry in self._roster.members.values() if entry.device != self._node.me]
        self._node.do(
            Trust(tuple(Member(entry.device, entry.certificate, entry.sealing) for entry in others))
        )
        if others:
            self._node.do(MakeFolders(tuple(sorted(entry.label for entry in others))))


def _tell_new(node: Node, group: str, entry: MemberEntry) -> None:
    """Say who is a member now, and if it is not called as it was to be, that another one is."""
    called = entry.label
    if entry.label != entry.wish:
        called = f"another {entry.wish}, called {entry.label} here,"
    node.tell("member_new", f"{called} is a member of {group} now", subject=entry.label)


def _speaks(key: DeviceKey, sealing: bytes) -> bool:
    """Say whether we can share a secret with that key; without one nobody could knock."""
    try:
        key.agree(sealing, b"admission")
    except Malformed:
        return False
    return True


def _chunks(records: Sequence[RosterRecord]) -> list[RosterRecords]:
    size = limits.ROSTER_CHUNK
    return [RosterRecords(list(records[at : at + size])) for at in range(0, len(records), size)]
