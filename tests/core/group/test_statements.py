"""Statements: what is signed, what a body says, and who could be a member by it."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core import limits
from potluck.core.errors import Malformed
from potluck.core.group.statements import (
    ACCEPTED_MAX,
    Admit,
    Appoint,
    Genesis,
    LastHead,
    Remove,
    admit,
    entry_of,
    found,
    group_id,
    is_signed,
    key_id,
    read_statement,
    record_hash,
    sign_act,
    sign_removal,
    whole,
)
from potluck.core.keys.identity import DeviceKey, GroupId, identity_of
from potluck.core.wire.catalogue import RosterRecord, Unknown, encode
from tests.core.fakes import key
from tests.core.keys.reencodings import is_read, reencodings

FOUNDER, ANN, BEN = key(1), key(2), key(3)
GENESIS = found(FOUNDER, "Home", "desk", b"k" * 32)
GROUP = group_id(GENESIS)
ADMISSION = admit(FOUNDER, GROUP, ANN.certificate, ANN.sealing_public, "laptop")


def record(body: bytes) -> RosterRecord:
    return RosterRecord(body, FOUNDER.device, b"")


def admission(**changed: object) -> Admit:
    said = Admit(GROUP, ANN.certificate, ANN.sealing_public, "laptop")
    return msgspec.structs.replace(said, **changed)


def test_the_same_statement_is_the_same_record() -> None:
    again = admit(FOUNDER, GROUP, ANN.certificate, ANN.sealing_public, "laptop")
    assert record_hash(again) == record_hash(ADMISSION)


def test_a_genesis_says_who_founds_what() -> None:
    said = read_statement(GENESIS)
    assert said == Genesis("Home", b"k" * 32, FOUNDER.certificate, FOUNDER.sealing_public, "desk")
    entry = entry_of(said, GENESIS)
    assert entry is not None
    assert (entry.device, entry.admitted_by, entry.label) == (
        FOUNDER.device,
        FOUNDER.device,
        "desk",
    )


def test_an_admission_says_who_is_let_in_by_whom() -> None:
    said = read_statement(ADMISSION)
    assert said == admission()
    entry = entry_of(said, ADMISSION)
    assert entry is not None
    assert (entry.device, entry.public_key, entry.sealing) == (
        ANN.device,
        ANN.public_bytes,
        ANN.sealing_public,
    )
    assert (entry.admitted_by, entry.wish, entry.record) == (FOUNDER.device, "laptop", ADMISSION)


def test_a_statement_is_signed_by_its_maker_alone() -> None:
    assert is_signed(ADMISSION, FOUNDER.public_bytes)
    assert not is_signed(ADMISSION, ANN.public_bytes)
    assert not is_signed(msgspec.structs.replace(ADMISSION, body=b"other"), FOUNDER.public_bytes)


def test_hashes_name_records_and_groups() -> None:
    again = found(FOUNDER, "Home", "desk", b"k" * 32)
    other = found(FOUNDER, "Home", "desk", b"x" * 32)
    assert (record_hash(again), group_id(again)) == (record_hash(GENESIS), GROUP)
    assert record_hash(other) != record_hash(GENESIS)
    assert group_id(other) != GROUP


def test_a_kind_of_a_newer_version_is_told_by_its_tag() -> None:
    later = record(msgspec.msgpack.encode({"t": "later", "device": ANN.device, "label": 7}))
    assert read_statement(later) == Unknown("later")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        b"\x91" * 3000,
        msgspec.msgpack.encode({"t": "admit", "group": 3}),
        msgspec.msgpack.encode({"t": "genesis"}),
        msgspec.msgpack.encode({"t": 7}),
        msgspec.msgpack.encode({"group": GROUP}),
        msgspec.msgpack.encode({"t": "later"})[:-1],
        encode(admission(label="x" * (limits.LABEL_BYTES + 1))),
    ],
    ids=range(9),
)
def test_what_is_no_statement_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_statement(record(body))


def test_nobody_admits_what_is_no_device() -> None:
    with pytest.raises(Malformed):
        admit(FOUNDER, GROUP, b"nothing", bytes(32), "x")


def ghost() -> DeviceKey:
    """A device that vouches for a sealing key of its own with which nobody can agree."""
    made = DeviceKey(bytes([2]) * 64)
    vars(made)["sealing_public"] = bytes(32)  # a point of low order: every secret would be zeros
    assert bytes(32) in made.certificate
    return made


@pytest.mark.parametrize(
    "said",
    [
        admission(certificate=b"no certificate"),
        admission(sealing=BEN.sealing_public),  # a key that is not its own
        admission(certificate=ghost().certificate, sealing=bytes(32)),
        admission(label=".."),
        admission(label="a/b"),
        admission(label="EVERYONE"),
        admission(label="ü" * 40),  # 80 bytes
    ],
    ids=range(7),
)
def test_what_can_be_no_member_makes_none(said: Genesis | Admit) -> None:
    assert entry_of(said, ADMISSION) is None


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_no_other_writing_of_a_certificate_makes_a_member() -> None:
    """Neither by an admission nor as the founder of a group."""
    read = 0
    for name, certificate in reencodings(ANN):
        said = admission(certificate=certificate)
        assert entry_of(said, ADMISSION) is None, name
        with pytest.raises(Malformed):
            admit(FOUNDER, GROUP, certificate, ANN.sealing_public, "laptop")
        read += is_read(certificate)
    assert read >= 200


def test_the_longest_label_is_a_label() -> None:
    longest = admission(label="x" * limits.LABEL_BYTES)
    assert entry_of(longest, ADMISSION) is not None


def test_whose_group_it_is_for_is_not_judged_here() -> None:
    assert entry_of(admission(group=GroupId(bytes(32))), ADMISSION) is not None


def test_an_act_and_a_removal_in_parts_are_signed_as_they_are() -> None:
    act = Appoint(group_id(GENESIS), ANN.certificate)
    assert read_statement(sign_act(FOUNDER, act)) == act
    said = Remove(group_id(GENESIS), ANN.device, [], b"", LastHead(1, 2, b"r" * 32), b"", [])
    hashes = [bytes([n]) * 32 for n in range(ACCEPTED_MAX + 1)]
    parts = [read_statement(record) for record in sign_removal(FOUNDER, said, hashes[::-1])]
    assert len(parts) == 2
    assert all(isinstance(part, Remove) for part in parts)
    both = [each for part in parts if isinstance(part, Remove) for each in part.accepted]
    assert both == hashes
    assert {part.whole for part in parts if isinstance(part, Remove)} == {whole(hashes)}
    (none,) = sign_removal(FOUNDER, said, [])
    assert read_statement(none) == Remove(said.group, ANN.device, [], whole([]), said.head, b"", [])
    assert all(is_signed(each, identity_of(FOUNDER.certificate).public) for each in [none])


def test_a_group_key_is_named_by_what_tells_nothing_of_it() -> None:
    assert key_id(bytes(32)) != key_id(b"k" * 32)
    assert len(key_id(bytes(32))) == 32
