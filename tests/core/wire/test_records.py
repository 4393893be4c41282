"""Records: bounds stand in the types, so what is out of bounds never becomes a record."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core import limits
from potluck.core.wire.catalogue import encode
from potluck.core.wire.records import (
    Address,
    Counter,
    DeletedPath,
    FileRecord,
    Folder,
    Gap,
    Head,
    Holding,
    Kind,
    MemberRecord,
    Nanoseconds,
    PieceNumber,
    PieceSize,
    Port,
    Size,
    Status,
)
from tests.core.fakes import ANN, BEN, member_record


def again(value: msgspec.Struct) -> msgspec.Struct:
    return msgspec.msgpack.decode(encode(value), type=type(value))


FILE = FileRecord(b"a", Kind.FILE, 1, 2, True, limits.PIECE_MIN_BYTES, bytes(32), 1)
HOLDING = Holding(bytes(32), Folder.OWN, 1, 2, 9, 90, 0, 1, 10, 0, 2, 20)
HEAD = Head(bytes(32), Folder.OWN, 1, 2, 3, bytes(32), b"run", bytes(64))


@pytest.mark.parametrize(
    "value",
    [
        FILE,
        HEAD,
        HOLDING,
        DeletedPath(b"a", 1),
        Address("host", 1),
        member_record(ANN, status=Status.DEAD, by=BEN),
    ],
)
def test_a_record_survives_the_wire(value: msgspec.Struct) -> None:
    assert again(value) == value


@pytest.mark.parametrize(
    "value",
    [
        msgspec.structs.replace(HOLDING, no_room_files=-1),
        msgspec.structs.replace(HOLDING, no_room_files=limits.SEQ_MAX + 1),
        msgspec.structs.replace(HOLDING, no_room_bytes=-1),
        msgspec.structs.replace(HOLDING, no_room_bytes=limits.FILE_MAX_BYTES + 1),
        msgspec.structs.replace(HOLDING, gaps=(Gap(1, 1),) * (limits.GAPS_TOLD + 1)),
        msgspec.structs.replace(HOLDING, gaps=(Gap(-1, 1),)),
        msgspec.structs.replace(HOLDING, gaps=(Gap(1, limits.SEQ_MAX + 1),)),
        msgspec.structs.replace(FILE, path=b""),
        msgspec.structs.replace(FILE, path=b"a" * (limits.PATH_BYTES + 1)),
        msgspec.structs.replace(FILE, size=-1),
        msgspec.structs.replace(FILE, size=limits.FILE_MAX_BYTES + 1),
        msgspec.structs.replace(FILE, piece_size=limits.PIECE_MIN_BYTES - 1),
        msgspec.structs.replace(FILE, piece_size=limits.PIECE_MAX_BYTES + 1),
        msgspec.structs.replace(FILE, root=bytes(31)),
        msgspec.structs.replace(FILE, seq=limits.SEQ_MAX + 1),
        msgspec.structs.replace(HEAD, generation=-1),
        msgspec.structs.replace(HEAD, owner=bytes(33)),
        msgspec.structs.replace(HEAD, signature=bytes(65)),
        msgspec.structs.replace(member_record(ANN), seat=limits.SEQ_MAX + 1),
        msgspec.structs.replace(
            member_record(ANN), addresses=[Address("h", 1)] * (limits.ADDRESSES_PER_DEVICE + 1)
        ),
        msgspec.structs.replace(member_record(ANN), status="zombie"),
        Address("h" * 65, 1),
        Address("h", 65536),
    ],
)
def test_what_is_out_of_bounds_is_no_record(value: msgspec.Struct) -> None:
    with pytest.raises(msgspec.ValidationError):
        again(value)


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        (Counter, 0, limits.SEQ_MAX),
        (Size, 0, limits.FILE_MAX_BYTES),
        (Nanoseconds, -(2**63), 2**63 - 1),
        (Port, 0, 65535),
        (PieceSize, limits.PIECE_MIN_BYTES, limits.PIECE_MAX_BYTES),
        (PieceNumber, 0, limits.PIECES_MAX),
    ],
)
def test_a_number_is_taken_up_to_its_bounds_and_not_beyond(kind, least: int, most: int) -> None:
    for number in (least, most):
        assert msgspec.convert(number, type=kind) == number
    for number in (least - 1, most + 1):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(number, type=kind)


def test_the_order_of_statuses_is_their_precedence() -> None:
    assert list(Status) == [Status.ALIVE, Status.SUSPECT, Status.DEAD, Status.LEFT]


def test_nothing_of_an_older_or_newer_version_is_needed() -> None:
    old = MemberRecord(ANN.device, b"run", [], 1, 1, Status.ALIVE, bytes(64))
    assert old.accuser == b""
    newer = msgspec.msgpack.encode(
        {**msgspec.to_builtins(old, builtin_types=[bytes]), "mood": "good"}
    )
    assert msgspec.msgpack.decode(newer, type=MemberRecord) == old
