"""Control messages: what a probe or an UPDATE may hold, and what it may not."""

from __future__ import annotations

import pytest

from potluck.core.errors import Malformed
from potluck.core.wire.catalogue import CONTROL, HELLO, RosterRecord, encode
from potluck.core.wire.control import Hello, LinkKind, Ping, RosterRecords, Sync, Update
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
