"""Member records: who may say what, which of two stands, and the ring that follows."""

from __future__ import annotations

from itertools import permutations

import pytest
from msgspec import structs

from potluck.core import limits
from potluck.core.ring.members import (
    accuse,
    cleared,
    digest_of,
    is_by_owner,
    is_valid,
    ring_of,
    supersedes,
    write_record,
)
from potluck.core.wire.catalogue import Address, MemberRecord, Status
from tests.core.fakes import ALL, ANN, BEN, CLEO, Crowd, member_record

ALIVE, SUSPECT, DEAD, LEFT = Status
ADDRESS = Address("10.0.0.1", 1)


@pytest.mark.parametrize(
    "record",
    [
        member_record(ANN),
        member_record(ANN, status=LEFT),
        member_record(ANN, status=SUSPECT, by=BEN),
        member_record(ANN, status=DEAD, by=BEN),
    ],
)
def test_what_its_owner_or_an_accuser_signed_is_valid(record: MemberRecord) -> None:
    assert is_valid(record, ALL)


@pytest.mark.parametrize(
    "changes",
    [
        {"incarnation": 2},
        {"seat": 9},
        {"addresses": [ADDRESS]},
        {"instance": b"other"},
        {"status": LEFT},
        {"device": BEN.device},
        {"signature": b""},
        {"accuser": BEN.device},
        {"accusation": b"x"},
        {"status": SUSPECT},
        {"status": DEAD, "accuser": BEN.device, "accusation": b"x"},
    ],
)
def test_nobody_else_can_change_a_word(changes: dict[str, object]) -> None:
    assert not is_valid(structs.replace(member_record(ANN), **changes), ALL)


def test_what_the_owner_wrote_stands_under_every_accusation() -> None:
    for status in (SUSPECT, DEAD):
        record = member_record(ANN, 3, status, by=BEN)
        assert is_by_owner(record, Crowd(ANN))
        assert not is_valid(record, Crowd(ANN)), "the accuser is nobody"
        assert not is_by_owner(structs.replace(record, incarnation=4), Crowd(ANN))
        assert cleared(record) == member_record(ANN, 3)
    assert is_by_owner(member_record(ANN, status=LEFT), Crowd(ANN))


def test_an_accusation_cannot_be_moved_to_a_later_incarnation_or_made_worse() -> None:
    old = member_record(ANN, 1, SUSPECT, by=BEN)
    new = member_record(ANN, 2)
    lifted = structs.replace(new, status=SUSPECT, accuser=old.accuser, accusation=old.accusation)
    assert not is_valid(lifted, ALL)
    assert not is_valid(structs.replace(old, status=DEAD), ALL)


def test_nobody_accuses_itself_and_strangers_are_not_heard() -> None:
    assert not is_valid(accuse(ANN, member_record(ANN), DEAD), ALL)
    assert not is_valid(member_record(ANN, status=DEAD, by=CLEO), Crowd(ANN, BEN))
    assert not is_valid(member_record(CLEO), Crowd(ANN, BEN))


def test_an_accusation_of_somebody_who_left_is_void() -> None:
    assert not is_valid(accuse(BEN, member_record(ANN, status=LEFT), DEAD), ALL)


def test_the_larger_incarnation_stands_then_the_worse_status() -> None:
    order = [
        member_record(ANN, 1),
        member_record(ANN, 1, SUSPECT, by=BEN),
        member_record(ANN, 1, DEAD, by=BEN),
        member_record(ANN, 1, LEFT),
        member_record(ANN, 2),
    ]
    for place, record in enumerate(order):
        assert supersedes(record, None)
        assert not supersedes(record, record)
        for lesser in order[:place]:
            assert supersedes(record, lesser)
            assert not supersedes(lesser, record)


def test_bytes_break_ties_one_way_only() -> None:
    one, other = member_record(ANN, 1, DEAD, by=BEN), member_record(ANN, 1, DEAD, by=CLEO)
    assert supersedes(one, other) != supersedes(other, one)


def test_the_ring_is_those_who_live_in_the_order_of_seats() -> None:
    records = [
        member_record(ANN, seat=2),
        member_record(BEN, 1, SUSPECT, seat=1, by=ANN),
        member_record(CLEO, seat=2),
        member_record(CLEO, 1, LEFT),
        member_record(CLEO, 1, DEAD, by=ANN),
    ]
    for order in permutations(records):
        assert [(r.seat, r.device) for r in ring_of(order)] == [
            (1, BEN.device),
            (2, ANN.device),
            (2, CLEO.device),
        ]


def test_a_digest_tells_rings_apart_but_not_suspicion() -> None:
    base = [member_record(ANN, 5, seat=3)]
    assert digest_of(base) == digest_of([member_record(ANN, 5, SUSPECT, seat=3, by=BEN)])
    others = [
        [],
        [member_record(ANN, 6, seat=3)],
        [member_record(ANN, 5, seat=4)],
        [member_record(BEN, 5, seat=3)],
    ]
    digests = {digest_of(ring) for ring in [base, *others, base * 2]}
    assert len(digests) == 6
    assert all(len(digest) == 8 for digest in digests)


def test_the_digest_of_a_ring_is_the_same_in_every_version() -> None:
    ring = [member_record(ANN, 5, seat=3), member_record(BEN, 2**40, seat=2**40)]
    assert digest_of(ring).hex() == "d9d3f04dadc2a91b"


def test_more_addresses_than_allowed_are_not_written() -> None:
    record = write_record(ANN, b"run", [ADDRESS] * 20, 1, 1, ALIVE)
    assert len(record.addresses) == limits.ADDRESSES_PER_DEVICE
    assert is_valid(record, ALL)
