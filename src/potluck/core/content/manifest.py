"""Manifests: one root for everything a device shares, cheap to keep and cheap to compare.

Strategy (docs/protocol.md §6): a path falls into one of 4,096 buckets by the first 12 bits of its
BLAKE3. A record is hashed in its one canonical form (the shortest msgpack of all its fields), a
bucket is the hash of its sorted record digests, the manifest root is the hash of the 4,096 bucket
hashes. So one changed file costs one bucket and one root, whatever the number of files. The owner
signs the root in a `Head`, once per batch of changes; anyone relays, nobody can alter.

Guarantees: pure; equal sets of records give equal roots on every device, in whatever order they
came. The digest covers the change number too: two devices at one head agree on the order of
changes, not only on the files. Limits: an empty bucket hashes to 32 zero bytes, so that the tree of
an empty manifest costs nothing to make.
"""

from __future__ import annotations

from typing import Final

import msgspec
from blake3 import blake3

from potluck.core import limits
from potluck.core.keys.identity import DeviceId, Signer, Verifier
from potluck.core.wire.catalogue import FileRecord, Head, Holding, RunEnd, encode

DIGEST_BYTES: Final = 32
EMPTY_BUCKET: Final = bytes(DIGEST_BYTES)
"""The hash of a bucket without records."""
HEAD_PURPOSE: Final = b"head"
"""What a head's signature is bound to."""


def bucket_of(path: bytes) -> int:
    """Return the bucket of a path, 0 to 4,095: the first 12 bits of its BLAKE3."""
    first = blake3(path).digest(2)
    return first[0] << 4 | first[1] >> 4


def record_digest(record: FileRecord) -> bytes:
    """Return the 32-byte digest of a record, over every field in its one canonical encoding."""
    return blake3(encode(record)).digest()


def bucket_hash(digests: bytes) -> bytes:
    """Return the hash of one bucket from the digests of its records, sorted and joined."""
    return blake3(digests).digest() if digests else EMPTY_BUCKET


class BucketTree:
    """The 4,096 bucket hashes of one manifest, in one buffer of 128 KiB."""

    __slots__ = ("_hashes",)

    def __init__(self, hashes: bytes | bytearray = b"") -> None:
        """Make the tree of an empty manifest, or take the joined hashes of all buckets."""
        self._hashes = bytearray(hashes or limits.BUCKETS * DIGEST_BYTES)
        if len(self._hashes) != limits.BUCKETS * DIGEST_BYTES:
            raise ValueError(f"a tree has {limits.BUCKETS} hashes of {DIGEST_BYTES} bytes")

    def set(self, bucket: int, digest: bytes) -> None:
        """Put the hash of one bucket."""
        if not 0 <= bucket < limits.BUCKETS or len(digest) != DIGEST_BYTES:
            raise ValueError(f"bucket {bucket} with a hash of {len(digest)} bytes")
        self._hashes[bucket * DIGEST_BYTES : (bucket + 1) * DIGEST_BYTES] = digest

    def copy(self) -> BucketTree:
        """Return an independent tree with the same hashes."""
        return BucketTree(self._hashes)

    def root(self) -> bytes:
        """Return the manifest root: BLAKE3 of all bucket hashes in order (about 30 µs)."""
        return blake3(self._hashes).digest()


EMPTY_TREE_ROOT: Final = BucketTree().root()
"""The root of a manifest without records."""


def _signed_part(head: Head) -> bytes:
    """Return what is signed: all fields but `continues`, which follows them where there are any."""
    fields = msgspec.structs.asdict(msgspec.structs.replace(head, signature=b""))
    ends = fields.pop("continues")
    return encode(fields) + (encode(ends) if ends else b"")


def sign_head(head: Head, signer: Signer) -> Head:
    """Return the head with its owner's signature; raises ValueError if somebody else signs."""
    if head.owner != signer.device:
        raise ValueError("a head is signed by its owner")
    return msgspec.structs.replace(head, signature=signer.sign(HEAD_PURPOSE, _signed_part(head)))


def head_is_signed(head: Head, verifier: Verifier) -> bool:
    """Say whether the head's signature is its owner's."""
    return verifier(DeviceId(head.owner), HEAD_PURPOSE, _signed_part(head), head.signature)


def newer(a: Head | RunEnd, b: Head | RunEnd | None) -> bool:
    """Say whether `a` is a later state of its manifest: by generation, then by seq."""
    return b is None or (a.generation, a.seq) > (b.generation, b.seq)


def run_end(head: Head) -> RunEnd:
    """Return where its owner's run ended, if this was its last head."""
    return RunEnd(head.generation, head.seq, head.instance)


def leads_to(end: RunEnd, head: Head | RunEnd) -> bool:
    """Say whether a head is one of the run with that end, or of no later state than it."""
    reached = (head.generation, head.seq) <= (end.generation, end.seq)
    return end.instance == head.instance and reached


def continues(head: Head, known: Head | RunEnd | None) -> bool:
    """Say whether whoever signed `head` had the state `known` before: nothing of it was lost.

    Within one run a later head follows from an earlier one; another run counts by its end.
    """
    if known is None or head.instance == known.instance:
        return known is None or not newer(known, head)
    return any(leads_to(end, known) for end in head.continues)


def is_of_another_run(said: Holding, head: Head, *, own: bool) -> bool:
    """Say whether a word is about a state that `head` does not go on from, whatever its number is.

    Nobody can hold a later state of the own list than its head. Who names no run is believed.
    """
    state = RunEnd(said.generation, said.seq, said.instance)
    if not said.instance or (newer(state, head) and not own):
        return False
    return not continues(head, state)


def contradicts(a: Head, b: Head) -> bool:
    """Say whether two heads cannot both be honest: one state of one manifest, two contents."""
    states = [(head.owner, head.folder, head.generation, head.seq) for head in (a, b)]
    return states[0] == states[1] and (a.root, a.count) != (b.root, b.count)
