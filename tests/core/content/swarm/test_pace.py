"""Paces: who is slow, who is late, who is crowded out, and who comes last for how long.

Strategy: honest links of every kind are played beside drips: what must never be called off, and
what must be.
"""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.swarm.pace import (
    CROWDING_S,
    DRIP_LEAST_RATE,
    LAG_MAX_S,
    LAG_S,
    LATE_MIN_S,
    LONG_S,
    SAMPLE_S,
    SLOW_MAX,
    SLOW_RATE,
    TRICKLE_RATE,
    Lags,
    Paces,
)
from tests.core.fakes import ANN, BEN

A, B = ANN.device, BEN.device
MIB = limits.MIB
RECORD = 16 * limits.KIB  # what TLS brings at once
FAST = 100.0 * MIB


def heard(paces: Paces, number: int, rate: float, seconds: float, record: int = 1) -> None:
    """So long it comes at that rate, in whole records."""
    came = told = 0.0
    for _ in range(int(seconds)):
        came += rate
        whole = came // record * record
        paces.on_heard(number, int(whole - told), 1.0)
        told = whole


def at(rate: float, seconds: float, size_bytes: int = 4 * MIB, record: int = 1) -> Paces:
    paces = Paces()
    paces.begin(1, size_bytes)
    heard(paces, 1, rate, seconds, record)
    return paces


def test_what_comes_slowly_or_takes_long_is_slow() -> None:
    assert at(SLOW_RATE - 1, SAMPLE_S).slow([1]) == [1]
    assert at(SLOW_RATE - 1, SAMPLE_S - 1).slow([1]) == []
    assert at(SLOW_RATE + 1, SAMPLE_S).slow([1]) == []
    assert at(FAST, LONG_S).slow([1]) == [1]
    assert at(0, SAMPLE_S).end(1)
    assert not at(FAST, 1).end(1)
    assert not Paces().end(1)


def test_that_it_is_slow_now_is_said_once() -> None:
    paces = at(0, LATE_MIN_S - 1)
    assert paces.on_heard(1, 0, 1.0)
    assert not paces.on_heard(1, 0, 1.0)
    assert not paces.on_heard(9, 0, 1.0), "it ended meanwhile"


def test_the_slowest_is_the_first() -> None:
    paces = Paces()
    for number, rate in ((1, 100), (2, 0), (3, 50)):
        paces.begin(number, MIB)
        heard(paces, number, rate, SAMPLE_S)
    assert paces.slow([1, 2, 3]) == [2, 3, 1]
    assert repr(paces) == "<Paces: 3 orders, 3 slow>"


@pytest.mark.parametrize("drip", [0, 0.2, 10, 600])
@pytest.mark.parametrize("size_bytes", [256 * limits.KIB, 16 * MIB])
def test_a_drip_is_late_beside_one_who_is_fast(drip: float, size_bytes: int) -> None:
    paces = at(drip, LATE_MIN_S - 1, size_bytes)
    assert not paces.waits_long(1)
    assert not paces.late(1, FAST)
    heard(paces, 1, drip, 2)
    assert paces.waits_long(1)
    assert paces.late(1, FAST)


def test_beside_one_of_whom_nothing_is_known_only_a_drip_is_late_and_later() -> None:
    assert not at(0, SAMPLE_S - 1).late(1, 0.0)
    assert at(0, SAMPLE_S).late(1, 0.0)
    assert not at(64_000 / 8, 2 * SAMPLE_S, record=RECORD).late(1, 0.0)
    assert not at(1000, SAMPLE_S, size_bytes=15_000).late(1, 0.0), "it is almost here"


@pytest.mark.parametrize("rate", [8_000, 125_000, MIB])
@pytest.mark.parametrize("size_bytes", [256 * limits.KIB, 4 * MIB, 16 * MIB])
def test_of_two_behind_the_same_link_none_is_late(rate: int, size_bytes: int) -> None:
    """64 kbit/s, 1 Mbit/s with a queue of 2 s, and a disk of theirs that is slow."""
    paces = Paces()
    paces.begin(1, size_bytes)
    heard(paces, 1, 0, 2)
    came = 0.0
    for _ in range(180):
        before, came = came // RECORD, came + rate / 2
        assert not paces.late(1, rate)
        paces.on_heard(1, int(came // RECORD - before) * RECORD, 1.0)


def test_a_sleep_of_five_seconds_is_not_late_beside_an_equal() -> None:
    paces = at(MIB, 10, 16 * MIB)
    heard(paces, 1, 0, 5)
    assert not paces.late(1, MIB)


def test_a_sole_order_that_no_stall_would_end_does_not_drip() -> None:
    slowest = at(RECORD / limits.BULK_STALL_S, 4 * LONG_S, record=RECORD)
    assert not slowest.drips(1)
    assert at(DRIP_LEAST_RATE - 1, LONG_S).drips(1)
    assert not at(0, LONG_S - 1).drips(1)


def test_of_more_slow_orders_than_there_is_room_for_the_slowest_is_crowded_out() -> None:
    paces = Paces()
    numbers = list(range(SLOW_MAX))
    for number in numbers:
        paces.begin(number, MIB)
        heard(paces, number, 100 + number, LONG_S)
    assert paces.crowded_out(numbers) == []
    paces.begin(99, MIB)
    heard(paces, 99, 0, SAMPLE_S)
    assert paces.crowded_out([*numbers, 99]) == [0], "99 may only have begun slowly"


def test_nothing_was_waited_for_yet() -> None:
    paces = Paces()
    paces.begin(1, MIB)
    assert not paces.late(1, FAST)
    paces.on_heard(1, 2 * MIB, 4.0)
    assert not paces.late(1, FAST), "it is all here"


def test_who_was_late_comes_last_for_longer_each_time_and_begins_anew() -> None:
    lags = Lags()
    assert not lags.lags(A, 0.0)
    lags.on_late(A, 0.0)
    lags.on_late(A, 1.0)  # the second of two orders at once
    assert lags.lags(A, LAG_S - 0.1)
    assert not lags.lags(B, 1.0)
    lags.on_brought(A, 1.0)
    assert lags.lags(A, 1.0), "not before it is over"
    now = LAG_S
    assert not lags.lags(A, now)
    lags.on_late(A, now)
    assert lags.lags(A, now + 2 * LAG_S - 0.1)
    for _ in range(50):
        now += LAG_MAX_S
        lags.on_late(A, now)
    assert lags.lags(A, now + LAG_MAX_S - 0.1)
    now += LAG_MAX_S
    lags.on_brought(A, now)
    lags.on_late(A, now)
    assert not lags.lags(A, now + LAG_S)
    assert repr(lags) == "<Lags: 1 peers were late>"


def test_of_those_that_trickle_the_slowest_is_outpaced_by_who_is_far_faster() -> None:
    paces = Paces()
    for number, rate in ((1, TRICKLE_RATE / 2), (2, TRICKLE_RATE / 4), (3, TRICKLE_RATE)):
        paces.begin(number, MIB)
        heard(paces, number, rate, SAMPLE_S)
    assert paces.outpaced([1, 2, 3], limits.FAR_SLOWER * TRICKLE_RATE) == [2]
    assert paces.outpaced([1, 3], limits.FAR_SLOWER * TRICKLE_RATE) == [1]
    assert paces.outpaced([3], FAST) == [], "whatever another brings, a slow link does"
    assert paces.outpaced([1], TRICKLE_RATE) == []
    assert at(0, SAMPLE_S - 1).outpaced([1], FAST) == []


def test_what_hardly_comes_is_slow_early_and_a_slow_link_is_not() -> None:
    assert at(TRICKLE_RATE - 1, LATE_MIN_S).slow([1]) == [1]
    assert at(TRICKLE_RATE - 1, LATE_MIN_S - 1).slow([1]) == []
    assert at(TRICKLE_RATE, LATE_MIN_S).slow([1]) == []


def test_a_turn_is_over_when_a_piece_is_here_or_after_very_long() -> None:
    assert at(TRICKLE_RATE, LONG_S).turn_over([1]) == []
    assert at(MIB, LONG_S).turn_over([1]) == [1]
    assert at(1, CROWDING_S - 1).turn_over([1]) == []
    assert at(1, CROWDING_S).turn_over([1]) == [1]


def test_what_goes_on_with_another_order_begins_with_its_sample() -> None:
    """Pages of one record each, one after the other, were all begun anew: none was ever slow."""
    paces = at(50, LATE_MIN_S - 0.5)
    assert paces.slow([1]) == []
    paces.begin(2, MIB, after=1)
    paces.end(1)
    assert paces.on_heard(2, 50, 1.0)
    paces.begin(3, MIB)
    assert not paces.on_heard(3, 50, 1.0)
    paces.begin(4, MIB, after=99)
    assert not paces.on_heard(4, 50, 1.0), "that is not under way"
