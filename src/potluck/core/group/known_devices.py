"""Known devices: what can be asked of those that are, or were, in a group.

Strategy: what a roster has derived, read: entries, labels, chains of admissions, signatures.
Guarantee: nothing here changes anything. Limits: it is true of the moment; core/group/roster.py
says what follows from which statements.
"""

from __future__ import annotations

from potluck.core import limits
from potluck.core.content.paths import collision_key, why_unsafe
from potluck.core.group.deriving import Evidence, InForce, derive
from potluck.core.group.lines import are_apart
from potluck.core.group.numbered_words import NumberedWord, next_number
from potluck.core.group.removal_proofs import removal_proof
from potluck.core.group.removals import GroupStanding
from potluck.core.group.statement_set import RosterRoom, StatementSet
from potluck.core.group.statements import (
    FORBIDDEN_LABELS,
    Forget,
    LastHead,
    MemberEntry,
    Relabel,
    Remove,
    Succeed,
    record_hash,
)
from potluck.core.keys.identity import DeviceId, GroupId, verify
from potluck.core.wire.catalogue import RosterRecord

_SUFFIX_BYTES = 5  # behind a label that somebody has already: -2 to -9999


class KnownDevices:
    """The devices that a roster speaks of."""

    group: GroupId
    founder: DeviceId  # that made the group
    members: dict[DeviceId, MemberEntry]  # labels are distinct by collision key
    force: InForce  # what is believed of all
    standing: GroupStanding  # who is a steward, and who was removed
    forgotten: frozenset[DeviceId]  # removed ones whose folder goes
    name_word: NumberedWord | None  # by which the group is called so; None: as it was founded
    hashes: frozenset[bytes]  # of every statement that stands
    _set: StatementSet  # all statements

    @property
    def next_name_number(self) -> int:
        """The number with which a steward's next word about the group's name counts."""
        return next_number(self.name_word)

    @property
    def former(self) -> dict[DeviceId, MemberEntry]:
        """Who was a member here and is none any more: removed, or let in by a void admission."""
        known = self.force.gone | self.force.entries
        return {d: entry for d, entry in known.items() if d not in self.members}

    def is_frozen(self, device: DeviceId) -> bool:
        """Say whether a device was removed and its folder stays as it was."""
        known = self.entry_of(device) is not None
        return known and self.standing.is_removed(device) and device not in self.forgotten

    def entry_of(self, device: DeviceId) -> MemberEntry | None:
        """Return what is known of a device that is or was a member here."""
        return self.force.entries.get(device) or self.force.gone.get(device)

    def frozen_at(self, device: DeviceId) -> LastHead | None:
        """Return the head at which a removed device's folder stays; None if none is named.

        A steward says which. Of a device that left, as long as no steward spoke of it, it does
        itself: nobody need have that head, so it is no more than what is not to be passed.
        """
        if not self.is_frozen(device):
            return None
        settled = device in self.standing.removals
        return self.standing.last_head(device) if settled else self.left_at(device)

    def settled_at(self, device: DeviceId) -> LastHead | None:
        """Return the head at which a removed device's folder stays by a steward's word, if any."""
        return self.standing.last_head(device) if self.is_frozen(device) else None

    def left_at(self, device: DeviceId) -> LastHead | None:
        """Return the head that a device named itself when it left, if it did.

        Whoever named several has named none: one of them may be of who found its key later.
        """
        every = [each.act for each in self._set.acts.values() if each.by == device]
        words = [act for act in every if isinstance(act, Remove) and act.device == device]
        heads = {word.head for word in words}
        return heads.pop() if len(heads) == 1 else None

    def chain(self, device: DeviceId) -> list[RosterRecord]:
        """Return the admissions that lead from the founder to `device`, the founder's act first."""
        chain: list[RosterRecord] = []
        entry = self.members.get(device)
        while entry is not None and entry.device != self.founder:
            chain.append(entry.record)
            entry = self.force.entries.get(entry.admitted_by)
        return chain[::-1]

    def why_out(self, device: DeviceId) -> list[RosterRecord]:
        """Return by what a device is no member, what is enough to prove it first."""
        way, admissions = [device], list[tuple[DeviceId, bytes]]()
        while (entry := self.entry_of(way[-1])) is not None and entry.admitted_by not in way:
            way.append(entry.admitted_by)
            admissions.append((entry.admitted_by, record_hash(entry.record)))
        proof = removal_proof(device, admissions, self._set.acts, self.standing)
        return [self._set.records[known] for known in proof]

    def signed_by(self, device: DeviceId) -> list[bytes]:
        """Return the hashes of the statements of a device that stand."""
        records = self._set.records
        return [known for known in records if known in self.hashes and records[known].by == device]

    def done_by(self, device: DeviceId) -> list[bytes]:
        """Return those that did something: nothing that waits for somebody's removal."""
        return [known for known in self.signed_by(device) if not self._waits(known)]

    def _waits(self, known: bytes) -> bool:
        said = self._set.acts.get(known)
        if said is None or not isinstance(said.act, Forget | Succeed):
            return False
        if isinstance(said.act, Forget):
            return not self.standing.is_removed(said.about)
        return known not in self.force.by.values()

    def admitted_by(self, device: DeviceId) -> dict[bytes, DeviceId]:
        """Return whom the admissions of a device that stand let in, by their hashes."""
        every = self._set.entries.items()
        mine = ((known, entry) for known, entry in every if entry.admitted_by == device)
        return {known: entry.device for known, entry in mine if known in self.hashes}

    def would_count(self, record: RosterRecord) -> bool:
        """Say whether that new act of a member would be taken, and one about a device's label be
        the one that counts; nothing changes. What is known must be settled.
        """
        held, standing, known = self._set, self.standing, record_hash(record)
        signer = self.members[DeviceId(record.by)].public_key
        statement = held.read(record, signer, self.group)
        if statement is None or statement.said is None or not statement.may_stand(known, standing):
            return False
        if not RosterRoom(held, self.force.entries, standing).take(statement):
            return False
        act, about = statement.said.act, statement.said.about
        acts = held.acts | {known: statement.said}
        if isinstance(act, Relabel):
            force = derive(self.force, Evidence(standing, {}, held.entries, acts))
            return force.relabelled.get(about) == (act.number, known)
        return True

    def verify(self, device: DeviceId, purpose: bytes, data: bytes, signature: bytes) -> bool:
        """Say whether a signature is a member's; it is not if the device is no member."""
        entry = self.members.get(device)
        return entry is not None and verify(entry.public_key, purpose, data, signature)

    def vouches(self, device: DeviceId, purpose: bytes, data: bytes, signature: bytes) -> bool:
        """Say whether a signature is of a device that is or was a member here."""
        entry = self.entry_of(device)
        return entry is not None and verify(entry.public_key, purpose, data, signature)

    def are_apart(self, one: DeviceId, other: DeviceId) -> bool:
        """Say whether two members cannot be one member and its inventions."""
        if one not in self.members or other not in self.members:
            return False
        return are_apart(one, other, self.force.entries, self.founder)

    def free_label(self, wish: str, device: DeviceId | None = None) -> str:
        """Return `wish`, with -2, -3 … if somebody has it; an unsafe wish becomes `device`.

        What `device` itself has, or had, is free for it: it is nobody else's.

        A wish is kept whole if it is free; one that leaves no room for the number is cut for it.
        """
        names = self.force.names
        taken = FORBIDDEN_LABELS | {name for name, whose in names.items() if whose != device}
        fits = len(wish.encode()) <= limits.LABEL_BYTES
        label = base = wish if fits and not why_unsafe(wish) else "device"
        number = 1
        while collision_key(label) in taken:
            number += 1
            room = limits.LABEL_BYTES - _SUFFIX_BYTES
            short = base.encode()[:room].decode(errors="ignore").rstrip(" .")
            label = f"{short}-{number}"
        return label
