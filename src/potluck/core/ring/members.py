"""Member records: what is believed about each node, and how two beliefs become one.

Strategy: every node holds one map {device: MemberRecord}. The ring is *derived* from it, never
negotiated, so all that must be shown is that maps converge; and merging maps is algebra. Of two
records about one device the larger (incarnation, status) stands, ties broken by bytes; that is a
total order, so taking the larger is commutative, associative and idempotent
(`tests/laws/test_member_laws.py`), and loss, repetition and disorder cannot harm.

Who may say what: only the owner writes its addresses, seat, incarnation, ALIVE and LEFT (owner
signature); anyone in the group may *accuse* one (device, incarnation) of being SUSPECT or DEAD (own
signature, owner's record beneath). The owner answers an accusation with a higher incarnation. So
nobody can fabricate a node, move it or make it leave.

Source: SWIM (Das, Gupta, Motivala 2002) for incarnations and refutation; deriving the ring from a
merged set avoids the anomalies of small rings that Zave showed for Chord (arXiv 1502.06461).
"""

from __future__ import annotations

from collections.abc import Iterable

from blake3 import blake3
from msgspec import structs

from potluck.core import limits
from potluck.core.keys.identity import DeviceId, Signer, Verifier
from potluck.core.wire.catalogue import Address, MemberRecord, Status, encode

RING_DIGEST_BYTES = 8  # enough for a hint: by accident two rings never share 64 bits
_PRECEDENCE = {status: place for place, status in enumerate(Status)}
IN_RING = frozenset({Status.ALIVE, Status.SUSPECT})
ACCUSATIONS = frozenset({Status.SUSPECT, Status.DEAD})


def write_record(
    signer: Signer,
    instance: bytes,
    addresses: Iterable[Address],
    incarnation: int,
    seat: int,
    status: Status,
) -> MemberRecord:
    """Return the signer's own record, ALIVE or LEFT."""
    record = MemberRecord(
        device=signer.device,
        instance=instance,
        addresses=list(addresses)[: limits.ADDRESSES_PER_DEVICE],
        incarnation=incarnation,
        seat=seat,
        status=status,
        signature=b"",
    )
    return structs.replace(record, signature=signer.sign(b"member", _own_words(record, status)))


def accuse(signer: Signer, record: MemberRecord, status: Status) -> MemberRecord:
    """Return `record` with the signer's accusation, SUSPECT or DEAD, on the owner's ALIVE form."""
    accused = structs.replace(record, status=status, accuser=signer.device, accusation=b"")
    return structs.replace(accused, accusation=signer.sign(b"accuse", _accusation(accused)))


def cleared(record: MemberRecord) -> MemberRecord:
    """Return the owner's ALIVE form, as it was before anybody accused it."""
    return structs.replace(record, status=Status.ALIVE, accuser=b"", accusation=b"")


def is_by_owner(record: MemberRecord, verifier: Verifier) -> bool:
    """Say whether the owner wrote what is its own in a record, whoever accuses it."""
    form = Status.ALIVE if record.status in ACCUSATIONS else record.status
    device = DeviceId(record.device)
    return verifier(device, b"member", _own_words(record, form), record.signature)


def is_valid(record: MemberRecord, verifier: Verifier) -> bool:
    """Say whether every word of a record is signed by whoever may say it."""
    if not is_by_owner(record, verifier):
        return False
    if record.status not in ACCUSATIONS:
        return not record.accuser and not record.accusation
    accuser = DeviceId(record.accuser)
    return accuser != record.device and verifier(
        accuser, b"accuse", _accusation(record), record.accusation
    )


def precedence(record: MemberRecord) -> tuple[int, int]:
    """Return what decides between two records of one device: (incarnation, status)."""
    return record.incarnation, _PRECEDENCE[record.status]


def supersedes(new: MemberRecord, old: MemberRecord | None) -> bool:
    """Say whether `new` takes the place of `old` in a map; never both ways, never for an equal."""
    if old is None:
        return True
    ours, theirs = precedence(old), precedence(new)
    return theirs > ours or (theirs == ours and encode(new) > encode(old))


def ring_of(records: Iterable[MemberRecord]) -> list[MemberRecord]:
    """Return the ring: members ALIVE or SUSPECT by (seat, device id); the index is the number."""
    return sorted((r for r in records if r.status in IN_RING), key=lambda r: (r.seat, r.device))


def digest_of(ring: Iterable[MemberRecord]) -> bytes:
    """Return 8 bytes that differ when two rings differ; suspicion alone does not change them."""
    words = blake3(derive_key_context="potluck ring digest v1")
    for record in ring:
        numbers = record.incarnation.to_bytes(8, "big") + record.seat.to_bytes(8, "big")
        words.update(record.device + numbers)
    return words.digest(length=RING_DIGEST_BYTES)


def _own_words(record: MemberRecord, status: Status) -> bytes:
    addresses = [(address.host, address.port) for address in record.addresses]
    return encode(
        (record.device, record.instance, addresses, record.incarnation, record.seat, status)
    )


def _accusation(record: MemberRecord) -> bytes:
    return encode((record.device, record.incarnation, record.status))
