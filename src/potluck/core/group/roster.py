"""The roster: who belongs to the group, as a set of signed statements.

Strategy: merging two rosters is the union of two sets of statements (core/group/statements.py), and
pure rules judge the set, so that the order of arrival never matters. A statement whose signer is
not (yet) known as a member waits and is judged again when the set grows. Of several admissions of
one device the one nearest to the founder counts, then the one with the smaller hash, so chains
never close to a circle. Whenever an admission is added, all members are derived anew. Statements of
a newer version's kinds are kept and handed on unread.

Guarantees: the members follow from the set alone; nobody is a member without an unbroken chain of
signatures from the founder; labels are distinct by collision key; group id = BLAKE3 of the genesis
body, so it cannot be made to match another's. Limits: the group key stands in the genesis body:
whoever holds the roster can read the group's datagrams, and only members hold it. Numbers are
bounded; beyond the bounds, which no honest group comes near, what came first stays. What waits is
bounded for each sender (core/group/waiting.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from blake3 import blake3

from potluck.core import limits
from potluck.core.content.paths import collision_key, why_unsafe
from potluck.core.errors import Malformed
from potluck.core.group.statements import (
    FORBIDDEN_LABELS,
    Admit,
    Genesis,
    MemberEntry,
    entry_of,
    group_id,
    is_signed,
    read_statement,
    record_hash,
)
from potluck.core.group.waiting import WaitingStatements
from potluck.core.keys.identity import DeviceId, short_id, verify
from potluck.core.wire.catalogue import RosterRecord, Unknown

MEMBERS_MAX = 1000  # a full view of the ring is meant for some hundred nodes
RECORDS_MAX = 4 * MEMBERS_MAX  # a member can sign any number of statements
_SUFFIX_BYTES = 5  # behind a label that somebody has already: -2 to -9999


class Roster:
    """One group's statements and the members that follow from them."""

    def __init__(self, genesis: RosterRecord) -> None:
        """Begin with the genesis record; raises Malformed unless its founder signed it."""
        said = read_statement(genesis)
        if not isinstance(said, Genesis):
            raise Malformed("a roster begins with a genesis record")
        founder = entry_of(said, genesis)
        if (
            founder is None
            or founder.device != genesis.by
            or not is_signed(genesis, founder.public_key)
        ):
            raise Malformed("the genesis record is not signed by its founder")
        self.group = group_id(genesis)
        self.name = said.name
        self.group_key = said.key
        self._founder = founder
        self._members = {founder.device: founder}
        self._records = {record_hash(genesis): genesis}
        self._admissions: dict[bytes, MemberEntry] = {}  # what the admissions among the records say
        self._waiting = WaitingStatements()
        self.void = 0  # members' statements that came and say nothing possible

    def __repr__(self) -> str:
        members, records = len(self._members), len(self._records)
        return f"<Roster {self.name!r}: {members} members, {records} records, {self.void} void>"

    # -- reading -----------------------------------------------------------------------------------
    @property
    def members(self) -> dict[DeviceId, MemberEntry]:
        """The members by device id; labels are distinct by collision key."""
        return self._members

    @property
    def founder(self) -> DeviceId:
        """The device that made the group."""
        return self._founder.device

    def records(self) -> list[RosterRecord]:
        """Return every statement that stands, the genesis first."""
        return list(self._records.values())

    @property
    def digest(self) -> bytes:
        """32 bytes that differ when two rosters differ."""
        return blake3(b"".join(sorted(self._records))).digest()

    def chain(self, device: DeviceId) -> list[RosterRecord]:
        """Return the admissions that lead from the founder to `device`, the founder's act first."""
        chain: list[RosterRecord] = []
        entry = self._members.get(device)
        while entry is not None and entry.device != self.founder:
            chain.append(entry.record)
            entry = self._members.get(entry.admitted_by)
        return chain[::-1]

    def verify(self, device: DeviceId, purpose: bytes, data: bytes, signature: bytes) -> bool:
        """Say whether a signature is a member's; it is not if the device is no member."""
        entry = self._members.get(device)
        return entry is not None and verify(entry.public_key, purpose, data, signature)

    def free_label(self, wish: str) -> str:
        """Return `wish`, with -2, -3 … if a member has it; an unsafe wish becomes `device`.

        A wish is kept whole if it is free; one that leaves no room for the number is cut for it.
        """
        taken = FORBIDDEN_LABELS | {collision_key(entry.label) for entry in self._members.values()}
        fits = len(wish.encode()) <= limits.LABEL_BYTES
        label = base = wish if fits and not why_unsafe(wish) else "device"
        number = 1
        while collision_key(label) in taken:
            number += 1
            room = limits.LABEL_BYTES - _SUFFIX_BYTES
            short = base.encode()[:room].decode(errors="ignore").rstrip(" .")
            label = f"{short}-{number}"
        return label

    # -- growing -----------------------------------------------------------------------------------
    def add(self, records: Iterable[RosterRecord], sender: bytes = b"") -> list[MemberEntry]:
        """Unite with other statements; return the members that are new. Bad ones are left out.

        `sender` is the device that showed them, empty for whoever has no name yet.
        """
        before, admissions = set(self._members), len(self._admissions)
        for record in records:
            known = record_hash(record)
            if known in self._records:
                continue
            if record.by in self._members:
                self._judge(known, record)
            else:
                self._waiting.add(known, record, sender)
        while ready := self._waiting.take(self._members):
            for known, record in ready:
                self._judge(known, record)
        if len(self._admissions) > admissions:
            self._derive()
        return [entry for device, entry in self._members.items() if device not in before]

    def _judge(self, known: bytes, record: RosterRecord) -> None:
        """Take a member's statement into the set, if it is signed and says something possible."""
        signer = self._members[DeviceId(record.by)]
        if len(self._records) >= RECORDS_MAX or not is_signed(record, signer.public_key):
            return
        try:
            said = read_statement(record)
        except Malformed:
            self.void += 1
            return
        match said:
            case Admit():
                self._judge_admission(known, record, said)
            case Unknown():
                self._records[known] = record
            case Genesis():
                return  # a group has one
            case _:
                assert_never(said)

    def _judge_admission(self, known: bytes, record: RosterRecord, said: Admit) -> None:
        entry = entry_of(said, record)
        if entry is None:
            self.void += 1
            return
        if said.group != self.group or len(self._members) >= MEMBERS_MAX:
            return
        self._records[known], self._admissions[known] = record, entry
        # enough to judge those it admits; _derive has the last word
        self._members.setdefault(entry.device, entry)

    def _derive(self) -> None:
        """Find the members anew, by generations from the founder, each in the order of hashes."""
        by_signer: dict[DeviceId, list[tuple[bytes, MemberEntry]]] = {}
        for known, entry in self._admissions.items():
            by_signer.setdefault(entry.admitted_by, []).append((known, entry))
        self._members = {self.founder: self._founder}
        generation = [self.founder]
        while generation:
            children = dict(child for parent in generation for child in by_signer.get(parent, ()))
            generation = []
            for _, entry in sorted(children.items()):
                if entry.device not in self._members:
                    self._members[entry.device] = entry
                    generation.append(entry.device)
        self._name_members()

    def _name_members(self) -> None:
        """Give everybody the label it wished for; who comes second to one adds its short id."""
        taken: set[str] = set()
        for entry in self._members.values():
            label = entry.wish
            while collision_key(label) in taken:
                label = f"{label}-{short_id(entry.device)}"
            taken.add(collision_key(label))
            self._members[entry.device] = replace(entry, label=label)
