"""Statements: what a roster is made of, how it is signed, and what one of them says.

Strategy: a statement is a `RosterRecord`: an encoded body, who signed it, and the signature.
`Genesis` makes a group and its founder; `Admit` by a member makes another member. `Appoint` makes a
member a steward, `Remove` puts a device out or lets it leave; both name what they need to be judged
by themselves: the certificate, so that a steward's signature can be checked whatever becomes of its
admission, and the hashes of the removed device's statements that stand. These may be more than a
record holds, so a removal may come in parts, each of which names the digest of the whole.
`Forget`, `Relabel`, `Succeed` and `Regroup` say what becomes of folders and names. Reading is
strict: certificates, keys and labels are judged here, once, and an `Entry` is only made of what
could be a member. A body of a kind that this version does not know is `Unknown`, told by its tag
alone, so that it can be kept and handed on unread.

Guarantees: pure; a statement that is read is well-formed, and its device vouches for both of its
keys itself. Limits: whether its signer may say it is for core/group/removals.py and
core/group/deriving.py, which know who is a steward and who a member.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from blake3 import blake3
from msgspec import Meta, Struct
from msgspec.structs import replace

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
from potluck.core.wire.records import Certificate, Counter, Digest, Id, Key, Label

FORBIDDEN_LABELS = frozenset({collision_key("Everyone")})  # the folder everybody writes in
ACCEPTED_MAX = 100  # hashes in one part of a removal: 3.3 KiB of the 4 that a statement may have
OVER_MAX = 8  # group keys that were valid at once: as many stewards removed somebody at a time
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


class LastHead(Struct, frozen=True, array_like=True):
    """The head at which the folder of a removed device stays."""

    generation: Counter
    seq: Counter
    root: Id


class Appoint(Struct, frozen=True, tag="steward", tag_field="t"):
    """This member is a steward from now on: it may remove others."""

    group: Id
    certificate: Certificate


class Remove(Struct, frozen=True, tag="remove", tag_field="t"):
    """This device is no member any more: a steward says so, or the device itself.

    `accepted` and `whole`: the hashes of its statements that stand, or a part of them, and the
    digest of all of them. `key`: the id of a new group key, empty if the device says so itself.
    `over`: the ids of the keys that this one takes the place of.
    """

    group: Id
    device: Id
    accepted: Annotated[list[Id], Meta(max_length=ACCEPTED_MAX)]
    whole: Digest
    head: LastHead | None
    key: Digest
    over: Annotated[list[Id], Meta(max_length=OVER_MAX)]


class Forget(Struct, frozen=True, tag="forget", tag_field="t"):
    """The frozen folder of that removed device goes."""

    group: Id
    device: Id


class Relabel(Struct, frozen=True, tag="relabel", tag_field="t"):
    """That device is called so; of several the one with the highest number counts."""

    group: Id
    device: Id
    label: Label
    number: Counter


class Succeed(Struct, frozen=True, tag="succeed", tag_field="t"):
    """The one device takes the place of the other, removed one: its label and its folder."""

    group: Id
    old: Id
    new: Id


class Regroup(Struct, frozen=True, tag="regroup", tag_field="t"):
    """The group is called so; of several the one with the highest number counts."""

    group: Id
    name: Label
    number: Counter


RosterAct = Appoint | Remove | Forget | Relabel | Succeed | Regroup
Statement = Genesis | Admit | RosterAct
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


def sign_act(key: DeviceKey, act: RosterAct) -> RosterRecord:
    """Return the record by which `key`'s device says that."""
    return _sign(key, act)


def sign_removal(key: DeviceKey, said: Remove, accepted: Iterable[bytes]) -> list[RosterRecord]:
    """Return the records by which `key`'s device says that, in as many parts as they need."""
    stands = sorted(accepted)
    parts = [stands[at : at + ACCEPTED_MAX] for at in range(0, len(stands), ACCEPTED_MAX)] or [[]]
    return [_sign(key, replace(said, accepted=part, whole=whole(stands))) for part in parts]


def _sign(key: DeviceKey, statement: Statement) -> RosterRecord:
    body = encode(statement)
    return RosterRecord(body, key.device, key.sign(_PURPOSE, body))


# -- reading ---------------------------------------------------------------------------------------
def record_hash(record: RosterRecord) -> bytes:
    """Return the 32 bytes that identify a record."""
    return blake3(encode(record)).digest()


def key_id(group_key: bytes) -> bytes:
    """Return the 32 bytes by which a roster names a group key that only members hold."""
    return blake3(group_key, derive_key_context="potluck group key name v1").digest()


def whole(accepted: Iterable[bytes]) -> bytes:
    """Return the digest of the hashes that a removal in parts accepts."""
    return blake3(b"".join(sorted(accepted))).digest()


def group_id(genesis: RosterRecord) -> GroupId:
    """Return the id of the group a genesis record makes."""
    return GroupId(blake3(genesis.body).digest())


def read_statement(record: RosterRecord) -> Statement | Unknown:
    """Return what a record says, Unknown if its kind is of a newer version; raises Malformed."""
    return STATEMENTS.decode(record.body)


def is_signed(record: RosterRecord, public_key: bytes) -> bool:
    """Say whether a record is signed with that Ed25519 key."""
    return verify(public_key, _PURPOSE, record.body, record.signature)


def entry_of(statement: Genesis | Admit, record: RosterRecord) -> MemberEntry | None:
    """Return the member that a statement makes; None if what it names can be no member."""
    certificate, sealing, label = statement.certificate, statement.sealing, statement.label
    try:
        who = identity_of(certificate)
    except Malformed:
        return None
    # nobody gives a device a key that is not its own
    if who.sealing != sealing or not is_possible(label):
        return None
    by = DeviceId(record.by)
    return MemberEntry(who.device, certificate, who.public, sealing, label, label, by, record)


def is_possible(label: str) -> bool:
    """Say whether a device can be called so."""
    too_long = len(label.encode()) > limits.LABEL_BYTES
    return not (why_unsafe(label) or too_long or collision_key(label) in FORBIDDEN_LABELS)
