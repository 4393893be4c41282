"""Statements: what a roster is made of, how it is signed, and what one of them says.

Strategy: a statement is a `RosterRecord`: an encoded body, who signed it, and the signature.
`Genesis` makes a group and its founder; `Admit` by a member makes another member. Reading is
strict: certificates, keys and labels of an admission are judged here, once, and an `Entry` is only
made of what could be a member. A body of a kind that this version does not know is `Unknown`, told
by its tag alone, so that it can be kept and handed on unread.

Guarantees: pure; a statement that is read is well-formed, and its device vouches for both of its
keys itself. Limits: whether its signer may say it is for core/group/roster.py, which knows who is a
member; removal, stewards, relabelling and succession are kinds of later versions
(docs/protocol.md §1).
"""

from __future__ import annotations

from dataclasses import dataclass

from blake3 import blake3
from msgspec import Struct

from potluck.core import limits
from potluck.core.content.paths import collision_key, why_unsafe
from potluck.core.errors import Malformed
from potluck.core.keys.identity import (
    DeviceId,
    DeviceKey,
    GroupId,
    identity_of,
    verify,
)
from potluck.core.wire.catalogue import Catalogue, RosterRecord, Unknown, encode
from potluck.core.wire.records import Certificate, Id, Key, Label

FORBIDDEN_LABELS = frozenset({collision_key("Everyone")})  # the folder everybody writes in
_PURPOSE = b"roster"


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


Statement = Genesis | Admit
STATEMENTS: Catalogue[Statement] = Catalogue(Statement, limits.STATEMENT_BYTES)


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


# -- writing ---------------------------------------------------------------------------------------
def found(key: DeviceKey, name: str, label: str, group_key: bytes) -> RosterRecord:
    """Return the genesis record of a new group called `name`; `group_key` is 32 random bytes."""
    return _sign(key, Genesis(name, group_key, key.certificate, key.sealing_public, label))


def admit(
    key: DeviceKey, group: GroupId, certificate: bytes, sealing: bytes, label: str
) -> RosterRecord:
    """Return the record by which `key`'s device admits another; raises Malformed if it is none."""
    identity_of(certificate)
    return _sign(key, Admit(group, certificate, sealing, label))


def _sign(key: DeviceKey, statement: Statement) -> RosterRecord:
    body = encode(statement)
    return RosterRecord(body, key.device, key.sign(_PURPOSE, body))


# -- reading ---------------------------------------------------------------------------------------
def record_hash(record: RosterRecord) -> bytes:
    """Return the 32 bytes that identify a record."""
    return blake3(encode(record)).digest()


def group_id(genesis: RosterRecord) -> GroupId:
    """Return the id of the group a genesis record makes."""
    return GroupId(blake3(genesis.body).digest())


def read_statement(record: RosterRecord) -> Statement | Unknown:
    """Return what a record says, Unknown if its kind is of a newer version; raises Malformed."""
    return STATEMENTS.decode(record.body)


def is_signed(record: RosterRecord, public_key: bytes) -> bool:
    """Say whether a record is signed with that Ed25519 key."""
    return verify(public_key, _PURPOSE, record.body, record.signature)


def entry_of(statement: Statement, record: RosterRecord) -> MemberEntry | None:
    """Return the member that a statement makes; None if what it names can be no member."""
    certificate, sealing, label = statement.certificate, statement.sealing, statement.label
    try:
        who = identity_of(certificate)
    except Malformed:
        return None
    # nobody gives a device a key that is not its own
    if who.sealing != sealing or not _is_possible(label):
        return None
    by = DeviceId(record.by)
    return MemberEntry(who.device, certificate, who.public, sealing, label, label, by, record)


def _is_possible(label: str) -> bool:
    too_long = len(label.encode()) > limits.LABEL_BYTES
    return not (why_unsafe(label) or too_long or collision_key(label) in FORBIDDEN_LABELS)
