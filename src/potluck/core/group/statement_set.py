"""The statement set: what a roster has read and kept, and how much of it each signer may add.

Strategy: every statement is read once, by type, and kept with what it says: an admission as the
entry it may make, any other known kind as an act about some device, a kind of a later version
unread. The room is shared out as core/group/lines.py says: members' statements by lines, stewards'
acts by stewards, with room beyond the rest that only the founder, and beyond that room only the
other stewards may take.

Guarantees: a statement that nobody could mean is void and counted, never an error; the same set of
statements has the same hashes standing, whatever their order. No member, and no steward with all it
appointed, keeps another steward's removal from being taken, and nobody keeps a member's own word
that it leaves from being taken. Limits: who may say what is for
core/group/removals.py and core/group/deriving.py; three stewards of different lines that fill their
shares leave a fourth without.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import assert_never

from potluck.core.errors import Malformed
from potluck.core.group.lines import Allotment, StewardsRoom
from potluck.core.group.removals import GroupStanding, SignedAct
from potluck.core.group.statements import (
    Admit,
    Appoint,
    Forget,
    Genesis,
    MemberEntry,
    Regroup,
    Relabel,
    Remove,
    Succeed,
    entry_of,
    is_possible,
    is_signed,
    read_statement,
    record_hash,
)
from potluck.core.keys.identity import DeviceId, GroupId, Identity, identity_of
from potluck.core.wire.catalogue import RosterRecord, Unknown

RECORDS_MAX = 1200  # room for an office of 500 beside all that the line of one member can hold
FOUNDERS_ROOM = 300  # more that only the founder's own word may take, whoever filled the rest
REMOVALS_BEYOND = 64  # parts of removals by one signer, beside one for each device that is known
STEWARDS_ROOM = 300  # more that only the acts of other stewards may take, whoever filled those
# at most: the genesis among them, and that a device leaves, once for each admission
ROSTER_RECORDS = 2 * RECORDS_MAX + 2 * FOUNDERS_ROOM + STEWARDS_ROOM + 1


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A record, and what it says."""

    record: RosterRecord
    entry: MemberEntry | None = None  # an admission makes one
    said: SignedAct | None = None  # what else is known says something
    vouched: Identity | None = None  # whom an appointment names

    def may_stand(self, known: bytes, standing: GroupStanding) -> bool:
        """Say whether it has a place in the set, by what follows from the others."""
        if self.said is not None:
            return standing.is_needed(known, self.said)
        return standing.stands(known, DeviceId(self.record.by))


class StatementSet:
    """All statements that were taken, by their hashes."""

    def __init__(self, genesis: RosterRecord) -> None:
        """Begin with the genesis, which always stands."""
        self._genesis = record_hash(genesis)
        self.records = {self._genesis: genesis}
        self.entries: dict[bytes, MemberEntry] = {}  # of admissions
        self.acts: dict[bytes, SignedAct] = {}
        self.vouched: dict[DeviceId, bytes] = {}  # public keys of whoever was appointed
        self.signed: Counter[DeviceId] = Counter()  # how many of the records are of whom
        self.void = 0  # statements that came and say nothing possible

    def __repr__(self) -> str:
        return f"<StatementSet {len(self.records)} statements, {self.void} void>"

    def read(
        self, record: RosterRecord, public_key: bytes, group: GroupId
    ) -> SignedStatement | None:
        """Return what a record says if that key signed it and it says something possible."""
        if not is_signed(record, public_key):
            return None
        try:
            said = _read(record, group)
        except Malformed:
            said = None
        self.void += said is None
        return said

    def put(self, known: bytes, statement: SignedStatement) -> None:
        """Keep a statement."""
        record = statement.record
        self.records[known] = record
        self.signed[DeviceId(record.by)] += 1
        if statement.entry is not None:
            self.entries[known] = statement.entry
        if statement.said is not None:
            self.acts[known] = statement.said
        if statement.vouched is not None:
            self.vouched[statement.vouched.device] = statement.vouched.public

    def drop(self, known: bytes) -> SignedStatement:
        """Let go of a statement that counts for nothing."""
        record = self.records.pop(known)
        self.signed[DeviceId(record.by)] -= 1
        entry, said = self.entries.pop(known, None), self.acts.pop(known, None)
        return SignedStatement(record, entry, said)

    def standing_in(
        self, tree: Mapping[DeviceId, MemberEntry], standing: GroupStanding
    ) -> frozenset[bytes]:
        """Return the hashes of those that have a place in a roster with these devices."""
        if not standing.removals and all(steward in tree for steward in standing.ever):
            return frozenset(self.records)
        return frozenset(known for known in self.records if self._stands(known, tree, standing))

    def void_in(self, tree: Mapping[DeviceId, MemberEntry], standing: GroupStanding) -> list[bytes]:
        """Return the hashes of those that will not count either if a steward becomes a member."""
        whoever = standing.ever.keys() | tree.keys()
        return [known for known in self.records if not self._stands(known, whoever, standing)]

    def _stands(self, known: bytes, tree: Container[DeviceId], standing: GroupStanding) -> bool:
        by, said = DeviceId(self.records[known].by), self.acts.get(known)
        if known == self._genesis:
            return True
        if said is not None and standing.is_needed(known, said):
            return by in tree or by in standing.ever
        return by in tree and standing.stands(known, by)


class RosterRoom:
    """How much a set may still take, while statements come in."""

    def __init__(
        self, kept: StatementSet, tree: Mapping[DeviceId, MemberEntry], standing: GroupStanding
    ) -> None:
        """Count what is there; `tree` may grow meanwhile."""
        self._kept, self._tree, self._standing = kept, tree, standing
        signers = [said.by for said in kept.acts.values()]
        removals = (said for said in kept.acts.values() if isinstance(said.act, Remove))
        self._removals = Counter(said.by for said in removals)
        # that a device leaves is charged to nobody, once: it can always say so
        self._leavers = {said.by for said in kept.acts.values() if _leaves(said)}
        signed = {d: n - (d in self._leavers) for d, n in kept.signed.items() if d in tree}
        self._lines = Allotment(tree, standing.founder, signed)
        self._stewards = StewardsRoom(standing.ever, standing.founder, signers)

    def __repr__(self) -> str:
        return f"<Room for {RECORDS_MAX - len(self._kept.records)} more>"

    def take(self, statement: SignedStatement) -> bool:
        """Charge a statement to whom it is to be charged; say whether there was room."""
        signer = DeviceId(statement.record.by)
        count = len(self._kept.records) - len(self._leavers)
        if _leaves(statement.said) and signer in self._tree and signer not in self._leavers:
            self._leavers.add(signer)
            return True
        if statement.said is not None and isinstance(statement.said.act, Remove):
            if self._removals[signer] >= len(self._tree) + REMOVALS_BEYOND:
                return False
            self._removals[signer] += 1
        is_founder = signer == self._standing.founder
        most = RECORDS_MAX + (FOUNDERS_ROOM if is_founder else 0)
        if count < most and signer in self._tree and self._lines.take(signer):
            return True
        most = RECORDS_MAX + FOUNDERS_ROOM + STEWARDS_ROOM
        is_act = statement.said is not None or signer not in self._tree
        return is_act and not is_founder and count < most and self._stewards.take(signer)


def _read(record: RosterRecord, group: GroupId) -> SignedStatement | None:
    """Return what a record says, None if that is nothing; raises Malformed."""
    signer, said = DeviceId(record.by), read_statement(record)
    match said:
        case Unknown():
            return SignedStatement(record)
        case Genesis():
            return None  # a group has one
        case Admit():
            entry = entry_of(said, record)
            return None if entry is None or said.group != group else SignedStatement(record, entry)
        case Appoint(named, certificate):
            vouched = identity_of(certificate)
            made = SignedStatement(record, None, SignedAct(signer, said, vouched.device), vouched)
            return made if named == group else None
        case Remove() | Forget() | Relabel() | Succeed() | Regroup():
            made = SignedStatement(record, None, SignedAct(signer, said, _about(said, signer)))
            return made if said.group == group else None
        case _:
            assert_never(said)


def _leaves(said: SignedAct | None) -> bool:
    """Say whether that is a device's word that it leaves."""
    return said is not None and isinstance(said.act, Remove) and said.about == said.by


def _about(act: Remove | Forget | Relabel | Succeed | Regroup, signer: DeviceId) -> DeviceId:
    """Return whom an act is about; raises Malformed if it gives a name that cannot be."""
    match act:
        case Regroup(_, name):
            if not name.strip():
                raise Malformed("a group has a name")
            return signer
        case Succeed(_, _, new):
            return DeviceId(new)
        case Relabel(_, device, label):
            if not is_possible(label):
                raise Malformed("no device can be called so")
            return DeviceId(device)
        case Remove(_, device) | Forget(_, device):
            return DeviceId(device)
        case _:
            assert_never(act)
