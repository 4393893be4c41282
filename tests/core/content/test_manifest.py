"""Manifest roots and signed heads; where the wire depends on values, they are written down."""

from __future__ import annotations

import msgspec
import pytest
from blake3 import blake3

from potluck.core import limits
from potluck.core.content import manifest
from potluck.core.keys.identity import DeviceKey, verify
from potluck.core.wire.catalogue import FileRecord, Folder, Head, Holding, Kind, RunEnd

RECORD = FileRecord(b"d/a", Kind.FILE, 5, -1, True, limits.PIECE_MIN_BYTES, b"r" * 32, 7)
KEY = DeviceKey(bytes(64))


def head(**changes) -> Head:
    plain = Head(KEY.device, Folder.OWN, 1, 2, 3, b"r" * 32, b"i" * 16)
    return msgspec.structs.replace(plain, **changes)


def verifier(device, purpose, data, signature) -> bool:
    return device == KEY.device and verify(KEY.public_bytes, purpose, data, signature)


def test_a_bucket_is_the_first_twelve_bits() -> None:
    for path in (b"a", b"d/a", b"\xff" * 100):
        assert manifest.bucket_of(path) == int.from_bytes(blake3(path).digest(), "big") >> 244


def test_the_digest_of_a_record_never_changes() -> None:
    encoded = b"\x98" + b"\xc4\x03d/a" + b"\xa4file" + b"\x05\xff\xc3" + b"\xce\x00\x04\x00\x00"
    encoded += b"\xc4\x20" + b"r" * 32 + b"\x07"
    assert manifest.record_digest(RECORD) == blake3(encoded).digest()


@pytest.mark.parametrize(
    "change",
    [
        {"path": b"d/b"},
        {"kind": Kind.FOLDER},
        {"size": 6},
        {"mtime_ns": 0},
        {"executable": False},
        {"piece_size": limits.PIECE_MAX_BYTES},
        {"root": b"s" * 32},
        {"seq": 8},
    ],
)
def test_every_field_counts(change) -> None:
    assert manifest.record_digest(
        msgspec.structs.replace(RECORD, **change)
    ) != manifest.record_digest(RECORD)


def test_an_empty_bucket_costs_nothing_to_hash() -> None:
    digests = b"1" * 32 + b"2" * 32
    assert manifest.bucket_hash(digests) == blake3(digests).digest()
    assert manifest.bucket_hash(b"") == manifest.EMPTY_BUCKET == bytes(32)


def test_a_tree_is_the_hash_of_its_buckets_in_order() -> None:
    tree = manifest.BucketTree()
    assert tree.root() == manifest.EMPTY_TREE_ROOT == blake3(bytes(4096 * 32)).digest()
    copy = tree.copy()
    tree.set(0, b"a" * 32)
    assert tree.root() == blake3(b"a" * 32 + bytes(4095 * 32)).digest()
    tree.set(4095, b"z" * 32)
    assert tree.root() == blake3(b"a" * 32 + bytes(4094 * 32) + b"z" * 32).digest()
    assert copy.root() == manifest.EMPTY_TREE_ROOT


@pytest.mark.parametrize(("bucket", "digest"), [(-1, bytes(32)), (4096, bytes(32)), (0, bytes(31))])
def test_a_tree_takes_only_its_own_buckets(bucket, digest) -> None:
    with pytest.raises(ValueError, match="bucket"):
        manifest.BucketTree().set(bucket, digest)


def test_a_tree_has_all_its_buckets() -> None:
    with pytest.raises(ValueError, match="4096 hashes"):
        manifest.BucketTree(bytes(32))


def test_an_owner_signs_and_nobody_alters() -> None:
    signed = manifest.sign_head(head(), KEY)
    assert manifest.head_is_signed(signed, verifier)
    assert not manifest.head_is_signed(head(), verifier)
    for change in (
        {"seq": 3},
        {"root": b"s" * 32},
        {"instance": b""},
        {"folder": Folder.EVERYONE},
        {"count": 4},
    ):
        assert not manifest.head_is_signed(msgspec.structs.replace(signed, **change), verifier)


def test_a_signature_for_another_purpose_is_none() -> None:
    replayed = KEY.sign(b"record", msgspec.msgpack.encode(head()))
    assert not manifest.head_is_signed(head(signature=replayed), verifier)


def test_nobody_signs_for_another() -> None:
    with pytest.raises(ValueError, match="owner"):
        manifest.sign_head(head(owner=b"o" * 32), KEY)


def test_newer_goes_by_generation_then_seq() -> None:
    assert manifest.newer(head(), None)
    assert manifest.newer(head(generation=2, seq=0), head())
    assert manifest.newer(head(seq=3), head())
    assert not manifest.newer(head(), head())
    assert not manifest.newer(head(), head(generation=2, seq=0))


def test_two_contents_of_one_state_contradict() -> None:
    assert manifest.contradicts(head(), head(root=b"s" * 32))
    assert manifest.contradicts(head(), head(count=4))
    assert not manifest.contradicts(head(), head(instance=b"", signature=b"s"))
    assert not manifest.contradicts(head(), head(seq=3, root=b"s" * 32))
    assert not manifest.contradicts(head(), head(generation=2, root=b"s" * 32))
    assert not manifest.contradicts(head(), head(owner=b"o" * 32, root=b"s" * 32))
    assert not manifest.contradicts(head(), head(folder=Folder.EVERYONE, root=b"s" * 32))


def of_run(run: bytes, generation: int, seq: int, *ends: RunEnd) -> Head:
    return head(generation=generation, seq=seq, instance=run, continues=ends)


def test_a_head_continues_earlier_states_of_its_run_and_of_the_runs_it_names() -> None:
    known = of_run(b"a", 1, 7)
    assert manifest.continues(known, None)
    assert manifest.continues(known, known)
    assert manifest.continues(of_run(b"a", 2, 3), known)
    assert not manifest.continues(of_run(b"a", 1, 6), known)
    assert not manifest.continues(of_run(b"b", 9, 9), known)
    assert manifest.continues(of_run(b"b", 1, 8, RunEnd(1, 7, b"a")), known)
    assert manifest.continues(of_run(b"b", 1, 8, RunEnd(1, 2, b"c"), RunEnd(2, 1, b"a")), known)
    assert not manifest.continues(of_run(b"b", 9, 9, RunEnd(1, 6, b"a")), known)
    assert not manifest.continues(of_run(b"b", 9, 9, RunEnd(1, 7, b"c")), known)
    assert manifest.run_end(known) == RunEnd(1, 7, b"a")


def test_what_a_head_continues_is_signed_and_one_that_says_nothing_is_signed_as_ever() -> None:
    signed = manifest.sign_head(of_run(b"b", 1, 8, RunEnd(1, 7, b"a")), KEY)
    assert manifest.head_is_signed(signed, verifier)
    for ends in ((), (RunEnd(1, 8, b"a"),)):
        assert not manifest.head_is_signed(
            msgspec.structs.replace(signed, continues=ends), verifier
        )
    plain = manifest.sign_head(head(), KEY)
    fields = msgspec.structs.asdict(plain) | {"signature": b""}
    del fields["continues"]
    assert plain.signature == KEY.sign(b"head", msgspec.msgpack.encode(fields))


@pytest.mark.parametrize(
    ("number", "instance", "another", "of_own"),
    [
        ((1, 2), b"i" * 16, False, False),
        ((1, 1), b"i" * 16, False, False),
        ((1, 2), b"l" * 16, True, True),  # the number of a lost life
        ((1, 1), b"l" * 16, True, True),
        ((1, 1), b"e" * 16, False, False),  # of an ended run that is gone on from
        ((1, 2), b"e" * 16, True, True),  # … and of what that run never had
        ((1, 3), b"i" * 16, False, True),  # nobody has more of mine than I have
        ((1, 9), b"l" * 16, False, True),
        ((2, 0), b"l" * 16, False, True),
        ((1, 2), b"", False, False),  # an earlier version names none
        ((1, 9), b"", False, False),
        ((0, 0), b"", False, False),  # taken back
    ],
)
def test_a_word_counts_if_the_list_goes_on_from_what_it_is_about(
    number: tuple[int, int], instance: bytes, another: bool, of_own: bool
) -> None:
    now = head(continues=(RunEnd(1, 1, b"e" * 16),))
    said = Holding(KEY.device, Folder.OWN, *number, 0, 0, instance=instance)
    assert manifest.is_of_another_run(said, now, own=False) is another
    assert manifest.is_of_another_run(said, now, own=True) is of_own
