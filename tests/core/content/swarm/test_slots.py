"""Slots: so many at each peer and in all, for news and for pieces apart; busy is soon over."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.swarm.pace import SLOW_MAX
from potluck.core.content.swarm.rates import Rates
from potluck.core.content.swarm.slots import Slots
from tests.core.fakes import ANN, BEN, CLEO, DORA, EMIL

A, B = ANN.device, BEN.device
EVERYBODY = [member.device for member in (ANN, BEN, CLEO, DORA, EMIL)]
PER_PEER = {True: limits.SMALL_PER_PEER, False: limits.FETCHES_PER_PEER}
IN_ALL = {True: limits.SMALL_WORKERS, False: limits.WORKERS}


@pytest.mark.parametrize("news", [True, False])
def test_each_peer_has_so_many_and_the_next_is_taken_then(news: bool) -> None:
    slots = Slots(Rates())
    for _ in range(PER_PEER[news]):
        assert slots.first([A, B], 0.0, news=news) == A
        slots.take(A, news=news)
    assert slots.first([A, B], 0.0, news=news) == B
    assert slots.first([A], 0.0, news=news) is None
    assert slots.first([A], 0.0, news=not news) == A
    slots.free(A, 0.0, news=news, busy=False)
    assert slots.first([A, B], 0.0, news=news) == A


@pytest.mark.parametrize("news", [True, False])
def test_there_are_so_many_in_all_and_the_other_kind_has_its_own(news: bool) -> None:
    slots = Slots(Rates())
    taken = 0
    while (peer := slots.first(EVERYBODY, 0.0, news=news)) is not None:
        slots.take(peer, news=news)
        taken += 1
    assert taken == IN_ALL[news]
    assert not slots.left(news=news)
    slots.free(EVERYBODY[0], 0.0, news=news, busy=False)
    assert slots.left(news=news)
    assert not slots.left(news=news, kept=1)
    slots.take(EVERYBODY[0], news=news)
    assert slots.left(news=not news)
    assert slots.first([EMIL.device], 0.0, news=not news) == EMIL.device


def test_whoever_was_busy_is_left_alone_for_a_moment() -> None:
    slots = Slots(Rates())
    slots.take(A, news=True)
    slots.free(A, 5.0, news=True, busy=True)
    assert slots.first([A], 5.0, news=True) is None
    assert slots.first([A, B], 5.0, news=True) == B
    assert slots.first([A], 5.0, news=False) == A
    assert slots.first([A], 5.0 + limits.BUSY_AGAIN_S, news=True) == A


def test_or_until_something_ends_there() -> None:
    slots = Slots(Rates())
    slots.take(A, news=True)
    slots.take(A, news=True)
    slots.free(A, 5.0, news=True, busy=True)
    assert slots.first([A], 5.0, news=True) is None
    slots.free(A, 5.0, news=True, busy=False)
    assert slots.first([A], 5.0, news=True) == A


def test_what_a_fast_one_is_to_bring_is_not_asked_of_a_far_slower_one() -> None:
    rates = Rates()
    slots = Slots(rates)
    per_s = {A: 1000.0, B: 1000.0 / limits.FAR_SLOWER - 1}
    for peer, brought in per_s.items():
        rates.on_asked(peer, 0.0, news=True)
        rates.on_bytes(peer, int(brought), 1.0, news=True)
    assert slots.first([B, A], 1.0, news=True) == B, "the caller prefers it"
    for _ in range(limits.SMALL_PER_PEER):
        slots.take(A, news=True)
    assert slots.first([A, B], 1.0, news=True) is None
    assert slots.first([B], 1.0, news=True) == B, "there is no other"
    assert slots.first([A, CLEO.device], 1.0, news=True) == CLEO.device, "of it nothing is known"
    assert slots.first([A, B], 2.0 + limits.RATE_KNOWN_S, news=True) == B, "that was long ago"
    slots.free(A, 1.0, news=True, busy=True)
    assert slots.first([A, B], 1.0, news=True) is None, "it is busy for a moment only"
    rates.on_bytes(B, int(1000 / limits.FAR_SLOWER), 2.0, news=True)
    assert slots.first([A, B], 1.0, news=True) == B, "it is slower, but not far"


def test_it_says_how_it_stands() -> None:
    slots = Slots(Rates())
    slots.take(A, news=True)
    slots.take(B, news=False)
    slots.take(B, news=False)
    slots.free(B, 0.0, news=False, busy=True)
    assert repr(slots) == "<Slots: 1 of news and 1 of pieces taken, 1 busy>"


@pytest.mark.parametrize("news", [True, False])
def test_what_is_set_aside_takes_no_slot_in_all_up_to_as_many_again(news: bool) -> None:
    slots = Slots(Rates())
    for peer in [*EVERYBODY, *EVERYBODY][: IN_ALL[news]]:
        slots.take(peer, news=news)
    assert not slots.left(news=news)
    slots.set_aside(1, news=news)
    assert slots.left(news=news)
    for _ in range(SLOW_MAX):
        slots.take(A, news=news)
    slots.set_aside(100, news=news)
    assert not slots.left(news=news)
