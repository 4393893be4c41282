"""Seats: promises that are kept, and those that are given back."""

from __future__ import annotations

from potluck.core import limits
from potluck.core.ring.seats import Seats
from tests.core.fakes import ANN, BEN, CLEO, DORA, member_record

RING = [member_record(ANN, seat=1), member_record(BEN, seat=4)]
C, D = CLEO.device, DORA.device


def test_a_newcomer_sits_behind_everybody_and_keeps_its_seat() -> None:
    seats = Seats()
    assert seats.free([]) == 1
    assert [seats.promise(who, RING, 0.0, admits=True) for who in (C, D, C)] == [5, 6, 5]
    assert seats.free(RING) == 7


def test_a_promise_ends_when_it_is_kept_or_after_a_while() -> None:
    seats = Seats()
    seats.promise(C, RING, 70.0, admits=True)
    seats.settle(C)
    seats.settle(D)
    assert seats.free(RING) == 5
    seats.promise(C, RING, 70.0, admits=True)
    assert seats.promise(D, RING, 70.0 + limits.RESERVED_S - 0.1, admits=True) == 6
    seats.settle(D)
    assert seats.promise(D, RING, 70.0 + limits.RESERVED_S, admits=True) == 5


def test_who_is_not_node_0_admits_only_who_asks_again() -> None:
    seats = Seats()
    assert seats.promise(C, RING, 70.0, admits=False) == 0
    assert seats.promise(C, RING, 70.0 + limits.DEPUTY_S - 0.1, admits=False) == 0
    assert seats.promise(D, RING, 70.0 + limits.DEPUTY_S, admits=False) == 0
    assert seats.promise(C, RING, 70.0 + limits.DEPUTY_S, admits=False) == 5


def test_who_runs_anew_sits_where_it_sat() -> None:
    assert Seats().promise(BEN.device, RING, 0.0, admits=True) == 4


def test_no_seat_is_larger_than_a_record_can_hold() -> None:
    assert Seats().free([member_record(ANN, seat=limits.SEQ_MAX)]) == limits.SEQ_MAX


def test_they_say_how_many_asked() -> None:
    seats = Seats()
    seats.promise(C, RING, 0.0, admits=False)
    assert repr(seats) == "<Seats 1 joiners>"
