"""The search for a seat, with hand-fed time: who is asked, how often, and when it is over."""

from __future__ import annotations

from itertools import product

import pytest

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.ring.seat_search import (
    SEAT_SEARCH,
    AskForSeat,
    SeatInput,
    SeatSearch,
    SeatSearchAction,
    SeatState,
    TakeSeat,
)
from tests.core.fakes import ANN, BEN, CLEO

A, B, C = (member.device for member in (ANN, BEN, CLEO))


def seeking(now: float = 10.0) -> SeatSearch:
    search = SeatSearch()
    search.on_contact(A, now)
    return search


def test_who_knows_nobody_asks_nobody() -> None:
    search = SeatSearch()
    assert search.deadline() is None
    assert search.on_tick(5.0) == []
    assert not search.seated


def test_the_contact_is_asked_at_once_and_again_until_a_seat_is_taken_unasked() -> None:
    search = seeking()
    done: list[tuple[float, SeatSearchAction]] = []
    while not done or done[-1][1] != TakeSeat():
        due = search.deadline()
        assert due is not None
        done += [(due, action) for action in search.on_tick(due)]
    asked = [10.0 + turn * limits.DEPUTY_S for turn in range(4)]
    assert done == [
        *((time, AskForSeat(A)) for time in asked),
        (10.0 + limits.SEAT_GIVE_UP_S, TakeSeat()),
    ]


def test_nothing_is_asked_before_its_time() -> None:
    search = seeking()
    assert search.on_tick(10.0) == [AskForSeat(A)]
    assert search.on_tick(10.0 + limits.DEPUTY_S / 2) == []


def test_a_second_contact_hastens_the_question_and_changes_neither_whom_nor_the_end() -> None:
    search = seeking()
    search.on_tick(10.0)
    search.on_contact(B, 10.1)
    assert search.on_tick(10.1) == [AskForSeat(A)]
    assert search.on_tick(10.0 + limits.SEAT_GIVE_UP_S) == [TakeSeat()]


def test_another_link_takes_the_place_of_a_contact_that_is_gone() -> None:
    search = seeking()
    search.on_link_closed(C, [A, B])
    assert search.contact == A
    search.on_link_closed(A, [C, B])
    assert search.on_tick(10.0) == [AskForSeat(B)]


def test_without_links_the_search_rests_and_begins_anew_with_the_next() -> None:
    search = seeking()
    search.on_redirect(C, linked=True)
    search.on_link_closed(A, [])
    assert search.on_tick(10.0) == []
    assert (search.state, search.deadline()) == (SeatState.ALONE, None)
    search.on_contact(B, 50.0)
    assert search.on_tick(50.0) == [AskForSeat(B)]
    assert search.on_redirect(C, linked=True) == [AskForSeat(C)]  # it is another search
    assert search.on_tick(50.0 + limits.SEAT_GIVE_UP_S) == [TakeSeat()]


def test_a_redirect_is_followed_once() -> None:
    search = seeking()
    assert search.on_redirect(B, linked=False) == []
    assert search.on_redirect(B, linked=True) == [AskForSeat(B)]
    assert search.on_redirect(B, linked=True) == []


def test_a_seat_ends_the_search() -> None:
    search = seeking()
    search.on_seated()
    assert search.seated
    assert search.deadline() is None
    assert search.on_tick(99.0) == []
    assert search.on_redirect(B, linked=True) == []


@pytest.mark.parametrize(("state", "happened"), [*product(SeatState, SeatInput)])
def test_every_input_in_every_state_goes_where_the_table_says_or_is_refused(
    state: SeatState, happened: SeatInput
) -> None:
    search = SeatSearch()
    search.state = state
    if (state, happened) in SEAT_SEARCH:
        search._fire(happened)
        assert search.state is SEAT_SEARCH[state, happened]
    else:
        with pytest.raises(ProtocolError, match=f"{happened.name} may not come"):
            search._fire(happened)


def test_it_says_how_it_stands() -> None:
    assert repr(seeking()) == "<SeatSearch SEEKING, redirected 0 times>"
