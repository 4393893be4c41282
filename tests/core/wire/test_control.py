"""Control messages: what a probe or an UPDATE may hold, and what it may not."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core import limits
from potluck.core.errors import Malformed
from potluck.core.wire.catalogue import (
    CONTROL,
    HELLO,
    Folder,
    HeldBack,
    Holding,
    RosterRecord,
    encode,
)
from potluck.core.wire.control import Hello, Kept, LinkKind, Ping, RosterRecords, Sync, Update
from tests.core.fakes import ANN, member_record


def test_a_ping_without_news_is_short_and_lists_are_never_shared() -> None:
    ping = Ping(1, b"ring", b"heads")
    assert len(encode(ping)) < 50
    assert CONTROL.decode(encode(ping)) == ping
    assert ping.records is not Ping(2, b"", b"").records


def test_records_travel_whole() -> None:
    for message in (
        Update([member_record(ANN)], b"d"),
        Sync([member_record(ANN)], b"d", reply=True),
    ):
        assert CONTROL.decode(encode(message)) == message


def test_hello_says_what_the_link_is_for() -> None:
    hello = Hello([1], ["x"], b"run", LinkKind.BULK)
    assert HELLO.decode(encode(hello)) == hello


@pytest.mark.parametrize(
    "message",
    [
        Ping(1, b"", b"", [member_record(ANN)] * 9),
        Ping(-1, b"", b""),
        Ping(1, bytes(33), b""),
        RosterRecords([RosterRecord(b"", bytes(32), b"")] * 41),
        Update([member_record(ANN)] * 4097, b""),
    ],
    ids=["records", "sequence", "digest", "chunk", "list"],
)
def test_what_is_beyond_its_bound_is_malformed(message: object) -> None:
    with pytest.raises(Malformed):
        CONTROL.decode(encode(message))


def test_what_is_held_is_told_beside_what_stands_and_only_if_there_is_any() -> None:
    holding = Holding(bytes(32), Folder.OWN, 1, 2, 0, 0)
    plain, held = Kept([holding]), Kept([holding], [HeldBack(bytes(32), Folder.OWN, 30, 3000)])
    assert CONTROL.decode(encode(plain)) == plain
    assert CONTROL.decode(encode(held)) == held
    assert b"held" not in encode(plain), "as an earlier version sends it"
    for wrong in (
        [[bytes(31), "own", 1, 1]],
        [[bytes(32), "own", -1, 1]],
        [[bytes(32), "own", limits.SEQ_MAX + 1, 1]],
        [[bytes(32), "own", 1, limits.FILE_MAX_BYTES + 1]],
        [[bytes(32), "own", 1]],
        [[bytes(32), "own", 1, 1]] * (limits.HEADS_CHUNK + 1),
        30,
    ):
        frame = msgspec.msgpack.encode({"t": "kept", "holdings": [], "held": wrong})
        with pytest.raises(Malformed):
            CONTROL.decode(frame)
