"""Slowness: who is quick, new or slow, which slots each may take, and whose turn is over."""

from __future__ import annotations

from potluck.core import limits
from potluck.core.content.swarm.pace import LATE_MIN_S, SAMPLE_S, SLOW_MOST, SLOW_RATE, Paces
from potluck.core.content.swarm.slowness import (
    FASTEST_KNOWN_S,
    HICCUP_S,
    HICCUPS_KNOWN_S,
    HICCUPS_MAX,
    KEPT_SLOTS,
    SLOW_KNOWN_S,
    Slowness,
)
from potluck.core.keys.identity import DeviceId
from tests.core.fakes import ANN, BEN

A, B = ANN.device, BEN.device
MIB = limits.MIB


def begun(slowness: Slowness, paces: Paces, *orders: tuple[int, DeviceId]) -> None:
    for number, peer in orders:
        paces.begin(number, MIB)
        slowness.begin(number, peer, 0.0)


def may_ask(slowness: Slowness, peer: DeviceId, now: float = 0.0, rate: float = 0.0) -> list[bool]:
    """Whether it may have a slot while others are left, and while only the kept ones are."""
    return [slowness.may_ask(peer, rate, now, kept_only=kept) for kept in (False, True)]


def test_who_is_new_has_no_slot_that_is_kept_for_the_quick() -> None:
    slowness = Slowness(Paces())
    assert slowness.kept == 0, "nobody is quick"
    assert may_ask(slowness, A) == [True, False]
    assert slowness.on_brought(A, 0.0, LATE_MIN_S - 1, 0.0)
    assert slowness.kept == KEPT_SLOTS
    assert may_ask(slowness, A) == [True, True]
    assert may_ask(slowness, B) == [True, False]


def test_what_the_quick_take_is_of_what_is_kept_for_them_first() -> None:
    """Peers that are quick and have much to bring left nobody new a turn."""
    paces = Paces()
    slowness = Slowness(paces)
    assert slowness.on_brought(A, 0.0, LATE_MIN_S - 1, 0.0)
    orders = [(number, A) for number in range(KEPT_SLOTS)] + [(KEPT_SLOTS, B)]
    begun(slowness, paces, *orders)
    slowness.on_look(orders[:1] + orders[-1:], 0.0)
    assert slowness.kept == KEPT_SLOTS - 1
    slowness.on_look(orders, 0.0)
    assert slowness.kept == 0
    paces.on_heard(0, 0, LATE_MIN_S)
    slowness.on_look(orders, 0.0)
    assert slowness.kept == 0, "nobody is quick any more"
    assert slowness.on_brought(B, 0.0, LATE_MIN_S - 1, 0.0)
    assert slowness.kept == KEPT_SLOTS, "what A has does not count: it was slow"


def test_who_takes_its_time_is_quick_if_it_is_not_far_slower_than_the_fastest() -> None:
    slowness = Slowness(Paces())
    assert not slowness.on_brought(A, SLOW_RATE - 1, LATE_MIN_S, 0.0)
    assert slowness.on_brought(A, SLOW_RATE, LATE_MIN_S, 0.0)
    slowness.on_whole(100.0 * MIB, 0.0)
    slowness.on_whole(1.0, 0.0)
    assert slowness.fast(0.0) == 100.0 * MIB
    far = 100.0 * MIB / limits.FAR_SLOWER
    assert not slowness.on_brought(B, far - 1, LATE_MIN_S, 0.0)
    assert slowness.on_brought(B, far, LATE_MIN_S, 0.0)
    assert slowness.fast(FASTEST_KNOWN_S + 1) == 0.0, "not for ever"


def test_who_was_slow_is_so_for_a_while_or_until_it_is_quick() -> None:
    slowness = Slowness(Paces())
    slowness.on_slow(A, 0.0)
    assert slowness.is_slow(A, SLOW_KNOWN_S - 1)
    assert may_ask(slowness, A) == [True, False]
    assert not slowness.is_slow(A, SLOW_KNOWN_S)
    slowness.vouch(A)
    assert may_ask(slowness, A, SLOW_KNOWN_S) == [True, False], "it was slow with these"
    slowness.on_brought(A, 0.0, 0.1, 1.0)
    assert may_ask(slowness, A, 1.0) == [True, True]
    slowness.vouch(B)
    assert may_ask(slowness, B) == [True, True]
    assert repr(slowness) == "<Slowness: 0 peers were slow, 0 orders are>"


def test_who_was_quick_is_slow_for_a_moment_and_twice_as_long_each_time() -> None:
    """A disk that had to spin up made an honest member slow for a minute."""
    slowness = Slowness(Paces())
    now, periods = 0.0, []
    for _ in range(HICCUPS_MAX + 1):
        slowness.on_brought(A, 0.0, 0.1, now)
        slowness.on_slow(A, now)
        slowness.on_slow(A, now + 0.1)  # another order of the same time
        periods.append(next(s for s in range(1, 100) if not slowness.is_slow(A, now + s)))
        assert may_ask(slowness, A, now + periods[-1]) == [True, False], "new again, and not quick"
        now += 1.0
    assert periods == [3, 6, 12, 24, 48, 60]
    slowness.on_brought(A, 0.0, 0.1, now)
    now += HICCUPS_KNOWN_S
    slowness.on_slow(A, now)
    assert not slowness.is_slow(A, now + HICCUP_S)
    slowness.on_slow(A, now + HICCUP_S)
    assert slowness.is_slow(A, now + SLOW_KNOWN_S), "it is not quick any more"


def test_so_many_slow_orders_are_begun_and_those_that_turn_slow_beyond_are_too_many() -> None:
    paces = Paces()
    slowness = Slowness(paces)
    slowness.on_slow(A, 0.0)
    at_slow = [(number, A) for number in range(SLOW_MOST)]
    begun(slowness, paces, *at_slow)
    assert slowness.on_look(at_slow, 0.0) == SLOW_MOST
    assert may_ask(slowness, A) == [False, False]
    begun(slowness, paces, (98, B), (99, B))
    every = [*at_slow, (98, B), (99, B)]
    assert slowness.on_look(every, 0.0) == SLOW_MOST
    for number, _ in every:
        paces.on_heard(number, number, SAMPLE_S)
    assert slowness.on_look(every, 0.0) == SLOW_MOST + 2
    assert slowness.is_slow(B, 0.0)
    assert slowness.too_many(dict(every)) == [98, 99]
    slowness.end(3)
    assert slowness.too_many(number for number, _ in every if number != 98) == [3], "not of those"


def test_the_turn_of_what_trickles_is_over_where_somebody_waits() -> None:
    paces = Paces()
    slowness = Slowness(paces)
    slowness.on_slow(A, 0.0)
    orders = [(number, A) for number in range(SLOW_MOST)]
    begun(slowness, paces, *orders)
    for number, _ in orders:
        paces.on_heard(number, 0, SAMPLE_S)
    slowness.on_look(orders, 0.0)
    numbers = [number for number, _ in orders]
    assert slowness.turn_over(numbers) == [], "nobody waits"
    assert may_ask(slowness, A) == [False, False]
    assert slowness.turn_over(numbers) == [], "who waits was not measured"
    assert may_ask(slowness, A, rate=1e6) == [False, False]
    assert slowness.turn_over(numbers) == [0]
    slowness.begin_look()
    assert slowness.turn_over(numbers) == []


def test_what_goes_on_with_an_order_stands_where_that_one_stood() -> None:
    paces = Paces()
    slowness = Slowness(paces)
    begun(slowness, paces, (1, A))
    slowness.on_slow(A, 0.0)
    slowness.begin(2, A, 0.0, after=1)
    slowness.begin(3, A, 0.0)
    slowness.begin(4, A, 0.0, after=3)
    assert slowness.on_look([], 0.0) == 2, "those that were begun at somebody slow"
