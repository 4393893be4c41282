"""Room: what may be begun, and that nothing is counted as free that is owed to something else."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.pieces import Root
from potluck.core.content.swarm.room import FILE_BYTES, Room, Shortage, reserve_of

A, B, C = (Root(bytes([number]) * 32) for number in (1, 2, 3))
TOTAL = 400 * limits.MIB
RESERVE = 100 * limits.MIB


def room_of(spare_bytes: int) -> Room:
    room = Room()
    room.on_space(RESERVE + spare_bytes, TOTAL)
    return room


@pytest.mark.parametrize(
    ("total_bytes", "reserve_bytes"),
    [
        (1000 * limits.GIB, 10 * limits.GIB),
        (50 * limits.GIB, limits.FREE_MIN_BYTES),
        (TOTAL, RESERVE),
    ],
    ids=["large: a hundredth", "as much as always", "small: a quarter"],
)
def test_some_of_every_disk_stays_free(total_bytes: int, reserve_bytes: int) -> None:
    assert reserve_of(total_bytes) == reserve_bytes


def test_before_anybody_looked_there_is_room() -> None:
    room = Room()
    assert room.begin(A, 10**15)
    assert (room.refused, repr(room)) == ({}, f"<Room inf spare, {10**15 + FILE_BYTES} owed>")


def test_what_fits_exactly_is_begun_and_a_byte_more_is_not() -> None:
    assert room_of(1000 + FILE_BYTES).begin(A, 1000)
    room = room_of(1000 + FILE_BYTES)
    assert not room.begin(A, 1001)
    assert room.shortage() == Shortage(A, 1, 1, 1)


def test_what_is_owed_to_one_is_not_there_for_another() -> None:
    room = room_of(2 * FILE_BYTES + 100)
    assert room.begin(A, 60)
    assert room.begin(A, 60), "once begun is begun"
    assert not room.begin(B, 50)
    assert room.shortage() == Shortage(B, 10, 1, 10)
    assert room.begin(C, 40)
    assert repr(room) == f"<Room {2 * FILE_BYTES + 100} spare, {2 * FILE_BYTES + 100} owed>"


def test_what_is_written_is_neither_owed_nor_spare() -> None:
    room = room_of(2 * FILE_BYTES + 100)
    room.begin(A, 60)
    room.on_written(A, 10, complete=False)
    assert not room.begin(B, 50)
    assert room.shortage() == Shortage(B, 10, 1, 10)
    room.on_written(A, 0, complete=True)
    assert not room.begin(B, 50)
    assert room.shortage() == Shortage(B, 10, 1, 10), "the rest of its last block is taken now"
    assert repr(room) == f"<Room {FILE_BYTES + 40} spare, 0 owed>"


def test_what_grew_meanwhile_is_owed_no_more_than_before() -> None:
    room = room_of(10**6)
    room.begin(A, 0)
    room.on_written(A, 10**9, complete=False)
    assert repr(room) == f"<Room {10**6} spare, {FILE_BYTES} owed>"
    room.on_written(B, 10, complete=True)
    assert repr(room) == f"<Room {10**6} spare, {FILE_BYTES} owed>", "it was here before"


def test_a_look_at_the_disk_counts_what_is_still_owed() -> None:
    room = room_of(FILE_BYTES + 100)
    room.begin(A, 100)
    room.on_written(A, 40, complete=False)
    room.on_space(RESERVE + FILE_BYTES + 40, TOTAL)
    assert not room.begin(B, 1)
    room.on_space(RESERVE + 2 * FILE_BYTES + 41, TOTAL)
    assert room.begin(B, 1)
    assert room.refused == {}


def test_what_has_room_at_the_next_look_is_not_refused_any_more_though_nobody_asks() -> None:
    room = room_of(FILE_BYTES)
    assert not room.begin(A, 100)
    assert not room.begin(B, 5000)
    assert room.shortage() == Shortage(A, 100, 2, 5100 + FILE_BYTES)
    room.on_space(RESERVE + FILE_BYTES + 100, TOTAL)
    assert room.shortage() == Shortage(B, 4900, 1, 4900)
    room.on_space(RESERVE + FILE_BYTES + 5000, TOTAL)
    assert room.shortage() is None


def test_what_would_have_room_before_the_next_look_is_not_said_to_lack_any() -> None:
    room = room_of(FILE_BYTES + 100)
    room.begin(A, 100)
    assert not room.begin(B, 100)
    room.end(A)
    assert room.shortage() is None
    assert room.refused, "it is asked for again at the next look"


def test_what_is_suspended_leaves_its_room_to_others_and_asks_for_it_anew() -> None:
    room = room_of(FILE_BYTES + 100)
    room.begin(A, 100)
    room.on_written(A, 60, complete=False)
    room.suspend(A)
    room.suspend(B)
    assert room.begin(B, 60 - FILE_BYTES)
    assert not room.begin(A, 60)
    room.on_written(A, 0, complete=True)
    room.end(B)
    assert room.begin(A, 60)
    assert repr(room) == f"<Room {FILE_BYTES + 60} spare, {FILE_BYTES + 60} owed>"


def test_what_nobody_wants_any_more_leaves_its_room_to_others() -> None:
    room = room_of(2 * FILE_BYTES + 100)
    room.begin(A, 100)
    room.begin(B, 100)
    assert room.shortage() == Shortage(B, 100, 1, 100)
    room.end(A)
    assert room.begin(C, 100)
    room.end(B)
    assert room.refused == {}
    room.end(B)
    assert repr(room) == f"<Room {2 * FILE_BYTES + 100} spare, {FILE_BYTES + 100} owed>"


def test_what_the_disk_never_holds_is_refused_before_its_list_unless_that_is_short() -> None:
    room = Room()
    assert not room.never_holds(A, 2**46, 2**27), "nobody looked at the disk yet"
    room.on_space(100, 1000)
    assert room.never_holds(A, 2**46, 2**27)
    assert room.never_holds(A, 2**46, 2**27)
    shortage = room.shortage()
    assert shortage is not None
    assert (shortage.root, shortage.contents) == (A, 1)
    assert not room.never_holds(B, 2**46, 1024), "it may be full of holes"
    assert not room.never_holds(C, 1000, 2**27)
    room.end(A)
    assert room.shortage() is None


def test_each_change_of_what_is_refused_is_counted_and_nothing_else_is() -> None:
    room = room_of(FILE_BYTES + 100)
    assert room.begin(A, 100)
    room.end(A)
    assert room.changes == 0
    for _ in range(3):
        assert not room.begin(A, 200)
    assert room.changes == 1, "the same, asked for again"
    assert not room.begin(B, 200)
    assert not room.begin(A, 201)
    assert room.changes == 3
    assert list(room.refused) == [B, A]
    room.on_space(RESERVE + FILE_BYTES + 200, TOTAL)
    assert (room.changes, list(room.refused)) == (4, [A])
    for _ in range(2):
        room.end(A)
    assert room.changes == 5
    assert room.shortage() is None
    for _ in range(2):
        assert room.never_holds(A, TOTAL + 1, 2**27)
    assert room.changes == 6
    assert not room.never_holds(A, TOTAL, 2**27)
    assert (room.changes, room.refused) == (7, {})
