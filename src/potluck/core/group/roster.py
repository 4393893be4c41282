"""The roster: who belongs to the group, as a set of signed statements.

Strategy: a record is a signed body; merging two rosters is the union of two sets, and pure rules
judge the set, so that the order of arrival never matters. `Genesis` makes the group and its
founder; `Admit` by a member makes another member. A statement whose signer is not (yet) known as a
member waits and is judged again when the set grows. Of several admissions of one device the one
nearest to the founder counts, then the one with the smaller hash, so chains never close to a
circle. Bodies of a newer version's kinds are kept and handed on unread.

Guarantees: the members follow from the set alone; nobody is a member without an unbroken chain of
signatures from the founder; labels are distinct by collision key; group id = BLAKE3 of the genesis
body, so it cannot be made to match another's. Limits: removal, stewards, relabelling and succession
are statements of later versions (docs/protocol.md §1). The group key stands in the genesis body:
whoever holds the roster can read the group's datagrams, and only members hold it. Numbers are
bounded; beyond the bounds, which no honest group comes near, what came first stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec
from blake3 import blake3
from msgspec import Struct

from potluck.core import limits
from potluck.core.content.paths import collision_key, why_unsafe
from potluck.core.errors import Malformed
from potluck.core.keys.identity import (
    DeviceId,
    DeviceKey,
    GroupId,
    device_of,
    public_bytes_of,
    sealing_of,
    short_id,
    verify,
)
from potluck.core.wire.catalogue import RosterRecord, encode
from potluck.core.wire.records import Certificate, Id, Key, Label

MEMBERS_MAX = 1000
RECORDS_MAX = 4 * MEMBERS_MAX  # a member can sign any number of statements
WAITING_MAX = 1000  # nobody has vouched for these yet: the oldest makes room
_RESERVED_LABELS = frozenset({collision_key("Everyone")})  # the folder everybody writes in


class Genesis(Struct, frozen=True, tag="genesis", tag_field="t"):
    """This is a new group, and I am its founder."""

    name: Label
    key: Key
    certificate: Certificate
    sealing: Key
    label: Label


class Admit(Struct, frozen=True, tag="admit", tag_field="t"):
    """This device is a member of this group from now on."""

    group: Id
    certificate: Certificate
    sealing: Key
    label: Label


_BODY = msgspec.msgpack.Decoder(Genesis | Admit)
_PURPOSE = b"roster"
_PROBE = DeviceKey(bytes(64))  # a key that fails to agree with this one agrees with nobody's


@dataclass(frozen=True, slots=True)
class MemberEntry:
    """A device that belongs to the group."""

    device: DeviceId
    certificate: bytes
    public_key: bytes
    sealing: bytes
    wish: str  # the label it asked for
    label: str  # the label it has: the wish, or the wish with its short id if two wish the same
    admitted_by: DeviceId
    record: RosterRecord


def found(key: DeviceKey, name: str, label: str, group_key: bytes) -> RosterRecord:
    """Return the genesis record of a new group called `name`; `group_key` is 32 random bytes."""
    body = encode(Genesis(name, group_key, key.certificate, key.sealing_public, label))
    return RosterRecord(body, key.device, key.sign(_PURPOSE, body))


def admit(
    key: DeviceKey, group: GroupId, certificate: bytes, sealing: bytes, label: str
) -> RosterRecord:
    """Return the record by which `key`'s device admits another one; raises Malformed for a bad
    certificate.
    """
    device_of(certificate)
    body = encode(Admit(group, certificate, sealing, label))
    return RosterRecord(body, key.device, key.sign(_PURPOSE, body))


def record_hash(record: RosterRecord) -> bytes:
    """Return the 32 bytes that identify a record."""
    return blake3(encode(record)).digest()


def group_id(genesis: RosterRecord) -> GroupId:
    """Return the id of the group a genesis record makes."""
    return GroupId(blake3(genesis.body).digest())


class Roster:
    """One group's statements and the members that follow from them."""

    def __init__(self, genesis: RosterRecord) -> None:
        """Begin with the genesis record; raises Malformed unless it is one, signed by its founder."""
        body = _decode(genesis.body)
        if not isinstance(body, Genesis):
            raise Malformed("a roster begins with a genesis record")
        self.group = group_id(genesis)
        self.name = body.name
        self.group_key = body.key
        self._genesis_hash = record_hash(genesis)
        self._waiting: dict[bytes, RosterRecord] = {}
        self._records: dict[bytes, RosterRecord] = {}
        self._admissions: dict[bytes, MemberEntry] = {}  # what the admissions among the records say
        self._members: dict[DeviceId, MemberEntry] = {}
        founder = _entry(body.certificate, body.sealing, body.label, genesis)
        if (
            founder is None
            or founder.device != genesis.by
            or not _signed(genesis, founder.public_key)
        ):
            raise Malformed("the genesis record is not signed by its founder")
        self._founder = founder
        self._members[founder.device] = founder
        self._records[self._genesis_hash] = genesis

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

    def add(self, records: Iterable[RosterRecord]) -> list[MemberEntry]:
        """Unite with other statements; return the members that are new. Bad ones are left out."""
        for record in records:
            known = record_hash(record)
            if known in self._records:
                continue
            self._waiting[known] = record
            if len(self._waiting) > WAITING_MAX:
                del self._waiting[next(iter(self._waiting))]
        before, admissions = set(self._members), len(self._admissions)
        while ready := [(h, r) for h, r in self._waiting.items() if r.by in self._members]:
            for known, record in ready:
                del self._waiting[known]
                self._judge(known, record)
        if len(self._admissions) > admissions:
            self._derive()
        return [entry for device, entry in self._members.items() if device not in before]

    def chain(self, device: DeviceId) -> list[RosterRecord]:
        """Return the admissions that lead from the founder to `device`, the founder's own act
        first.
        """
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
        """Return `wish`, or with -2, -3 … if a member has it already; an unsafe wish becomes
        `device`.
        """
        taken = _RESERVED_LABELS | {collision_key(entry.label) for entry in self._members.values()}
        base = (
            wish
            if not why_unsafe(wish) and len(wish.encode()) <= limits.LABEL_BYTES - 5
            else "device"
        )
        label, number = base, 1
        while collision_key(label) in taken:
            number += 1
            label = f"{base}-{number}"
        return label

    def _judge(self, known: bytes, record: RosterRecord) -> None:
        """Take a statement of a member into the set, if it is signed and says something possible."""
        if len(self._records) >= RECORDS_MAX or not _signed(
            record, self._members[DeviceId(record.by)].public_key
        ):
            return
        try:
            body = _decode(record.body)
        except Malformed:
            return
        if isinstance(body, Admit):
            self._judge_admission(known, record, body)
        elif body is None:
            self._records[known] = record

    def _judge_admission(self, known: bytes, record: RosterRecord, body: Admit) -> None:
        entry = _entry(body.certificate, body.sealing, body.label, record)
        if entry is None or body.group != self.group or len(self._members) >= MEMBERS_MAX:
            return
        self._records[known], self._admissions[known] = record, entry
        # enough to judge those it admits; _derive has the last word
        self._members.setdefault(entry.device, entry)

    def _derive(self) -> None:
        """Find the members anew, generation by generation from the founder, each in the order of
        hashes.
        """
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
        """Give everybody the label it wished for; of several who wish one, all but the first add
        their short id.
        """
        taken: set[str] = set()
        for entry in self._members.values():
            label = entry.wish
            while collision_key(label) in taken:
                label = f"{label}-{short_id(entry.device)}"
            taken.add(collision_key(label))
            self._members[entry.device] = replace(entry, label=label)


def _decode(body: bytes) -> Genesis | Admit | None:
    """Return the statement, None if its kind is of a newer version; raises Malformed."""
    try:
        statement: Genesis | Admit = _BODY.decode(body)
    except msgspec.ValidationError as error:
        if "Invalid value" in str(error) and "$.t" in str(error):
            return None
        raise Malformed(cause=str(error)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(cause=str(error)) from error
    return statement


def _entry(
    certificate: bytes, sealing: bytes, label: str, record: RosterRecord
) -> MemberEntry | None:
    try:
        device, public = device_of(certificate), public_bytes_of(certificate)
        own = sealing_of(certificate) == sealing  # nobody gives a device a key that is not its own
        # whoever has no usable key could not be knocked at, nor knock
        _PROBE.agree(sealing, _PURPOSE)
    except Malformed:
        return None
    if not own:
        return None
    too_long = len(label.encode()) > limits.LABEL_BYTES
    if why_unsafe(label) or too_long or collision_key(label) in _RESERVED_LABELS:
        return None
    return MemberEntry(
        device, certificate, public, sealing, label, label, DeviceId(record.by), record
    )


def _signed(record: RosterRecord, public_key: bytes) -> bool:
    return verify(public_key, _PURPOSE, record.body, record.signature)
