"""Membership: the group this device belongs to, on disk and in what the others are told.

Strategy: core/group/roster.py judges a set of signed records; this part keeps that set in the
index, tells the shells whom to trust, and spreads it. When a link opens both sides say their
digest, and where digests differ both say everything, once for that link; whoever learns something
new hands just that on to everybody else it is linked to. Every device starts with a group of its
own that is written down only once it is kept (admission_policy.py decides) or has company.

Whatever becomes known is settled at once: from then on the folder of a device is its own here,
whatever records come later. The index keeps the records in the order in which they came into force,
and that order is the memory (core/group/roster.py), so a restart changes no name. Other parts ask
the roster alone how a device is called; none has a name of its own for a folder.

Guarantees: what is learned is on the disk before it is handed on, but for what puts out the device
that hears of it, or this one: that is said before the link ends. A record spreads only while it is
news, so gossip ends; who asks on one link again and again for everything gets it every ten seconds
at most, and only for another digest. A group with company is never left for another one. Nobody but
a steward or the device itself gives a device that is known here another label; the founder does so
also by admitting it once more, with another wish. When this device has another label, the own
folder follows; so does the folder of any other one (engine/others/moving_folders.py). What changes
how a device is called, be it one that is out, in whatever order and company it comes, goes with a
row that says how its folder is called (engine/former_labels.py).
Limits: a group is one set; who is out of it begins anew, with another key.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from potluck.core.content.paths import collision_key
from potluck.core.errors import Malformed, ProtocolError
from potluck.core.group.admission import Newcomer
from potluck.core.group.lines import lines_of
from potluck.core.group.roster import Roster
from potluck.core.group.roster_frames import control_frames
from potluck.core.group.statements import MemberEntry, Succeed, admit, found, sign_act
from potluck.core.keys.identity import DeviceId, DeviceKey
from potluck.core.wire.catalogue import RosterDigest, RosterRecord, RosterRecords
from potluck.engine.effects import MakeFolders, MarkShare, Member, Trust
from potluck.engine.events import LinkId
from potluck.engine.group.group_news import facts_of, tell_news
from potluck.engine.node import Node

TOLD_AGAIN_S = 10.0  # one member, on one link: nothing lacks it, what is new it hears as news
OUT = "out"  # in the index: why this device is in its group no more
OTHERS_BEFORE = "others before"  # in the index: folders' names of groups that this home left
OWN_BEFORE = "/"  # before such a name: it was of a device of this home, and of nobody else
ENTER = "open"  # a command of ours
GROUP_VOID = (
    "the group of an earlier run is not entered again: no valid record there says that this device "
    "is a member; perhaps its key is another one now, or the group was founded under a certificate "
    f"that no device can have; to enter one, on both devices: {ENTER}"
)


class _WholeTold(NamedTuple):
    """When a member was told everything: on which link, for which digest of its own."""

    link: LinkId | None
    digest: bytes
    at_s: float


class _Tellings:
    """Who was told everything, so that nobody gets it again for as little as a digest."""

    def __init__(self) -> None:
        """Nobody was."""
        self._told: dict[DeviceId, _WholeTold] = {}

    def __repr__(self) -> str:
        return f"<Tellings to {len(self._told)} members>"

    def is_due(self, node: Node, device: DeviceId, digest: bytes) -> bool:
        """Say whether that member, which has that digest, is told now, and note that it was."""
        now, link = node.now, node.peer(device).link
        told = self._told.get(device)
        before = told if told is not None and told.link == link else None
        last_s = before.at_s if before is not None else -math.inf
        due = (before is None or before.digest != digest) and now >= last_s + TOLD_AGAIN_S
        if due:
            self._told[device] = _WholeTold(link, digest, now)
        return due


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
        self._tellings = _Tellings()

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
        # first: if the index fails, nothing has happened
        self._write(roster)
        node.former.follow({node.me: former}, _labels_known(roster))
        node.roster = roster
        self._mark(former)
        self._trust()
        node.tell(
            "joined", f"joined “{roster.name}” as {node.own_label} ({len(roster.members)} devices)"
        )
        if node.own_label != former:
            self._tell_label(former)
        self._listener.on_regrouped()

    def forget(self, why: str) -> None:
        """This device is out of its group: the next start begins anew, and says why.

        It knows then whose the folders are that stay here, of this group and those before.
        """
        meta = self._node.index.meta
        names = _names_known(self._node, self._roster)
        names.update((meta.get(OTHERS_BEFORE) or b"").decode().splitlines())
        meta.set(OTHERS_BEFORE, "\n".join(sorted(names)).encode())
        meta.set(OUT, why.encode())
        self._node.when_durable([])
        self._node.do(Trust(()))

    def recover(self) -> None:
        """The index failed and works again: write down what is known, and have it followed."""
        self._write(self._roster)
        self._node.former.rewrite()
        self._trust()
        self._listener.on_members_changed()

    def admit(self, newcomer: Newcomer, replaces: DeviceId | None = None) -> bool:
        """Make a newcomer a member unless it is one; returns whether it is one now.

        By the word of this device, if it is a steward, it has the label, and the folder's name, of
        the removed device that it `replaces`.
        """
        node, roster = self._node, self._roster
        if newcomer.device == node.me or not _speaks(node.key, newcomer.sealing):
            return False
        if newcomer.device not in roster.members:
            label = roster.free_label(newcomer.label)
            record = admit(node.key, roster.group, newcomer.certificate, newcomer.sealing, label)
            records = [record]
            if replaces is not None:
                records.append(sign_act(node.key, Succeed(roster.group, replaces, newcomer.device)))
            self.add_records(records)
        return newcomer.device in roster.members

    # -- gossip ------------------------------------------------------------------------------------
    def add_records(self, records: Sequence[RosterRecord], source: DeviceId | None = None) -> None:
        """Unite with what a member (or an introduction) showed, and hand on what is news."""
        node, roster = self._node, self._roster
        known, label, labels = roster.hashes, node.own_label, _labels_in(roster)
        called = _labels_known(roster)
        epoch, keys = roster.standing.epoch, roster.standing.keys
        forgotten, facts = roster.forgotten, facts_of(node)
        new = roster.add(records, source or b"")
        roster.settle()
        fresh = roster.since(known)
        if not fresh:
            return
        if roster.standing.epoch == epoch and known <= roster.hashes:
            self._write_down(fresh)
        else:  # what a removal has made void is let go of
            self._write(roster)
        _hand_on(node, roster, fresh, source)
        for entry in new:
            _tell_new(node, roster.name, roster.members[entry.device])
        for device in sorted(labels.keys() - roster.members.keys()):
            _tell_out(node, roster, device)
        tell_news(node, facts)
        node.former.follow(called, _labels_known(roster))
        if _labels_in(self._roster) != labels or roster.standing.keys != keys:
            self._trust()
            self._listener.on_members_changed()
        elif roster.forgotten != forgotten:
            self._listener.on_members_changed()
        if node.own_label != label:
            self._tell_label(label)
            free = not node.former.is_taken(node.own_label, node.me)
            if free and node.share_present:  # else the own folder follows when both are so
                self._mark(label)
                self._listener.on_relabelled()

    def on_roster(self, device: DeviceId, message: RosterDigest | RosterRecords) -> None:
        """A member told its roster's digest, or records."""
        if isinstance(message, RosterRecords):
            self.add_records(message.records, device)
        elif message.digest != self._roster.digest:
            due = self._tellings.is_due(self._node, device, message.digest)
            for chunk in control_frames(self._roster.records()) if due else ():
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
        self._node.index.roster.replace(roster.kept())
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

    def _mark(self, former: str) -> None:
        label = self._node.own_label
        mark = MarkShare(self._roster.group, label, former if former != label else "")
        if mark.former:  # on the disk first, or a crash would leave a folder that nobody knows
            self._node.when_durable([mark])
        else:
            self._node.do(mark)

    def _tell_label(self, former: str) -> None:
        """Say how this device is called from now on, and where its files are: their place moves."""
        node = self._node
        why, out = "", (entry.label for entry in self._roster.former.values())
        if former in _labels_in(self._roster).values():
            why = f", since another device is {former}"
        elif former in out:
            why = f", since a device that is out by now was {former}"
        place = "/".join(part for part in (node.settings.folder, "Shared", node.own_label) if part)
        node.tell(
            "relabelled",
            f"this device was {former} and is called {node.own_label} from now on{why}; "
            f"the place for its files is {place}",
        )

    def _trust(self) -> None:
        others = [entry for entry in self._roster.members.values() if entry.device != self._node.me]
        self._node.do(Trust(tuple(_told(self._roster, entry) for entry in others)))
        former = self._node.former
        labels = sorted(entry.label for entry in others if entry.device not in former)
        if labels:  # the other folders have another name still
            self._node.do(MakeFolders(tuple(labels)))


def _hand_on(
    node: Node, roster: Roster, fresh: Sequence[RosterRecord], source: DeviceId | None
) -> None:
    """Tell everybody else; who is out by it hears why at once, before its link ends.

    So do the others from a device that is out itself: before its farewell, which says less.
    """
    is_in = node.me in roster.members
    for device in node.linked():
        for chunk in control_frames(fresh) if device != source else ():
            if is_in and device in roster.members:
                node.say_when_durable(device, chunk)
            else:
                node.say(device, chunk)


def _labels_in(roster: Roster) -> dict[DeviceId, str]:
    return {device: entry.label for device, entry in roster.members.items()}


def _labels_known(roster: Roster) -> dict[DeviceId, str]:
    """Return how everybody is called who is a member, or was one: its folder may be here."""
    return {d: entry.label for d, entry in (roster.former | roster.members).items()}


def _names_known(node: Node, roster: Roster) -> set[str]:
    """Return every name under which a folder may be here, as its collision key, and whose it is.

    Also one that counts no more: the folder may have been called so when it did.
    """
    whose = roster.force.names | {collision_key(n): d for d, n in _labels_known(roster).items()}
    whose |= {collision_key(node.former.of(device)): device for device in node.former}
    return {OWN_BEFORE + name if device == node.me else name for name, device in whose.items()}


def _tell_new(node: Node, group: str, entry: MemberEntry) -> None:
    """Say who is a member now, and if it is not called as it was to be, that another one is."""
    called = entry.label
    if entry.label != entry.wish:
        called = f"another {entry.wish}, called {entry.label} here,"
    node.tell("member_new", f"{called} is a member of {group} now", subject=entry.label)


def _told(roster: Roster, entry: MemberEntry) -> Member:
    """Return what the shells must know of a member."""
    lines = tuple(lines_of(entry.device, roster.force.entries, roster.founder))
    return Member(entry.device, entry.certificate, entry.sealing, lines)


def _tell_out(node: Node, roster: Roster, device: DeviceId) -> None:
    """Say who is no member any more, and by whose word; of ourselves stewardship.py tells."""
    if device == node.me or node.me not in roster.members:
        return
    label, removals = node.label_of(device), roster.standing.removals.get(device, ())
    text = f"{label} is out: whoever let it in was removed"
    if device in roster.standing.left:
        text = f"{label} has left {roster.name} for good"
    elif removals:
        text = f"{label} was removed from {roster.name} by {node.label_of(removals[0].by)}"
    fate = "go to the trash" if device in roster.forgotten else "stay as they are"
    node.tell("member_out", f"{text}; its files {fate}", subject=label)


def _speaks(key: DeviceKey, sealing: bytes) -> bool:
    """Say whether we can share a secret with that key; without one nobody could knock."""
    try:
        key.agree(sealing, b"admission")
    except Malformed:
        return False
    return True
