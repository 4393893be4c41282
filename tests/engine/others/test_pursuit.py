"""A pursuit: every pair of its table, and what it remembers on the way."""

from __future__ import annotations

from itertools import product

import pytest

from potluck.core.errors import ProtocolError
from potluck.core.keys.identity import DeviceId
from potluck.engine.events import OrderId
from potluck.engine.others.page_budget import PageBudget
from potluck.engine.others.pursuit import (
    NEVER,
    PAUSE_MAX_S,
    PAUSE_MIN_S,
    PURSUIT,
    RESTARTS,
    PageRequest,
    PageStop,
    Pursuit,
    PursuitInput,
    PursuitState,
)
from tests.engine.index.builders import ANNA, ANNAS, head

S, N = PursuitState, PursuitInput
SOURCE = DeviceId(b"s" * 32)
FROM_US = PageRequest(SOURCE, 4, OrderId(1))
FROM_ZERO = PageRequest(SOURCE, 0, OrderId(2))
NEWEST = head(b"r" * 32, 7, 3)


def budget(request: PageRequest) -> PageBudget:
    return PageBudget(NEWEST, request.since)


def pursuit_in(state: PursuitState) -> Pursuit:
    """A pursuit that came to this state by what happened to it."""
    pursuit = Pursuit(ANNAS)
    if state is not S.CURRENT:
        pursuit.on_news(NEWEST)
    if state in {S.CHANGES, S.UNFIT}:
        pursuit.on_asked(FROM_US, budget(FROM_US))
    match state:
        case S.UNFIT:
            pursuit.on_misfit()
        case S.WHOLE:
            pursuit.on_asked(FROM_ZERO, budget(FROM_ZERO))
        case S.FROZEN:
            pursuit.on_contradiction(1)
        case S.TOO_LARGE:
            pursuit.on_excess(NEWEST)
        case _:
            pass
    assert pursuit.state is state
    return pursuit


def let(pursuit: Pursuit, happened: PursuitInput) -> None:
    match happened:
        case N.NEWS:
            pursuit.on_news(head(b"n" * 32, 9, 3))
        case N.ASK_CHANGES:
            pursuit.on_asked(FROM_US, budget(FROM_US))
        case N.ASK_ALL:
            pursuit.on_asked(FROM_ZERO, budget(FROM_ZERO))
        case N.MISFIT:
            pursuit.on_misfit()
        case N.BUSY:
            pursuit.on_busy()
        case N.MOVED:
            pursuit.on_moved()
        case N.FAILURE:
            pursuit.on_failed(SOURCE, 10.0)
        case N.REACHED:
            pursuit.on_applied(SOURCE, NEWEST)
        case N.OVERTAKEN:
            pursuit.on_applied(SOURCE, head(b"o" * 32, 6, 3))
        case N.CONTRADICTION:
            pursuit.on_contradiction(1)
        case N.REBIRTH:
            pursuit.on_news(head(b"b" * 32, 1, 3, generation=2))
        case N.EXCESS:
            pursuit.on_excess(head(b"e" * 32, 9, 3))


UNDER_WAY = {S.CHANGES, S.WHOLE}
EXPECTED: dict[PursuitInput, dict[PursuitState, PursuitState]] = {
    N.NEWS: {state: state for state in S} | {S.CURRENT: S.BEHIND, S.TOO_LARGE: S.BEHIND},
    N.EXCESS: dict.fromkeys(S, S.TOO_LARGE) | {S.FROZEN: S.FROZEN},
    N.ASK_CHANGES: {S.BEHIND: S.CHANGES},
    N.ASK_ALL: {S.BEHIND: S.WHOLE, S.UNFIT: S.WHOLE},
    N.MISFIT: {S.CHANGES: S.UNFIT},
    N.BUSY: {S.CHANGES: S.BEHIND, S.WHOLE: S.UNFIT},
    N.MOVED: {S.CHANGES: S.BEHIND, S.WHOLE: S.UNFIT},
    N.FAILURE: dict.fromkeys(UNDER_WAY, S.BEHIND),
    N.REACHED: dict.fromkeys(UNDER_WAY, S.CURRENT),
    N.OVERTAKEN: dict.fromkeys(UNDER_WAY, S.BEHIND),
    N.CONTRADICTION: {state: S.FROZEN for state in S if state is not S.FROZEN},
    N.REBIRTH: {S.FROZEN: S.BEHIND},
}


@pytest.mark.parametrize(("state", "happened"), list(product(S, N)))
def test_every_pair_of_the_table(state: PursuitState, happened: PursuitInput) -> None:
    after = EXPECTED[happened].get(state)
    assert PURSUIT.get((state, happened)) is after
    pursuit = pursuit_in(state)
    # a new generation is mere news to whoever is not frozen, and a second contradiction is none
    silent = happened is N.REBIRTH or (state, happened) == (S.FROZEN, N.CONTRADICTION)
    if after is None and not silent:
        with pytest.raises(ProtocolError):
            let(pursuit, happened)
        assert pursuit.state is state
        return
    let(pursuit, happened)
    if after is not None:
        assert pursuit.state is after
    assert (pursuit.request is not None) is (pursuit.state in UNDER_WAY)


@pytest.mark.parametrize("state", list(S))
def test_what_each_state_means(state: PursuitState) -> None:
    pursuit = pursuit_in(state)
    assert pursuit.waits is (state in {S.BEHIND, S.UNFIT})
    assert pursuit.whole is (state in {S.UNFIT, S.WHOLE})
    assert (pursuit.newest is None) is (state in {S.CURRENT, S.FROZEN, S.TOO_LARGE})


def test_only_a_higher_generation_than_the_contradiction_ends_a_frost() -> None:
    pursuit = Pursuit(ANNAS)
    assert pursuit.on_contradiction(2)
    assert pursuit.on_contradiction(3) is False
    assert pursuit.on_news(head(b"a" * 32, 90, 3, generation=2)) is False
    assert not pursuit.waits
    assert pursuit.on_news(head(b"a" * 32, 1, 3, generation=3))
    assert pursuit.waits


def test_a_source_that_never_failed_may_be_asked_from_the_first_moment_on() -> None:
    assert NEVER.until_s <= 0.0


def test_the_next_page_is_asked_of_the_same_state() -> None:
    pursuit = pursuit_in(S.CHANGES)
    further = PageRequest(SOURCE, 5, OrderId(3))
    pursuit.on_asked_on(further)
    assert (pursuit.state, pursuit.request) == (S.CHANGES, further)


@pytest.mark.parametrize("state", sorted(UNDER_WAY, key=str))
def test_between_two_pages_others_may_have_their_turn(state: PursuitState) -> None:
    pursuit = pursuit_in(state)
    assert pursuit.begun
    assert not pursuit.in_line
    pursuit.on_stop(PageStop(SOURCE, 5))
    assert (pursuit.state, pursuit.request) == (state, None)
    assert (pursuit.begun, pursuit.in_line, pursuit.waits) == (True, True, False)
    further = PageRequest(SOURCE, 5, OrderId(3))
    pursuit.on_asked_on(further)
    assert (pursuit.request, pursuit.stop) == (further, None)
    pursuit.on_stop(PageStop(SOURCE, 7))
    pursuit.on_busy()
    assert pursuit.stop is None
    assert (pursuit.begun, pursuit.in_line, pursuit.waits) == (False, True, True)


def test_a_source_is_left_alone_ever_longer_until_it_has_served() -> None:
    pursuit, waits = pursuit_in(S.BEHIND), []
    for _ in range(8):
        pursuit.on_asked(FROM_US, budget(FROM_US))
        pursuit.on_failed(SOURCE, 10.0)
        waits.append(pursuit.failures[SOURCE].until_s - 10.0)
    assert waits == [PAUSE_MIN_S, 2.0, 4.0, 8.0, 16.0, 32.0, PAUSE_MAX_S, PAUSE_MAX_S]
    pursuit.on_asked(FROM_US, budget(FROM_US))
    pursuit.on_failed(ANNA, 10.0)
    pursuit.on_asked(FROM_US, budget(FROM_US))
    pursuit.on_applied(SOURCE, NEWEST)
    assert set(pursuit.failures) == {ANNA}
    assert pursuit.goal == (0, 0)


def test_a_source_that_is_busy_has_not_failed() -> None:
    pursuit = pursuit_in(S.CHANGES)
    pursuit.on_busy()
    assert not pursuit.failures


def test_pages_begin_anew_only_so_often_until_they_led_to_a_head() -> None:
    pursuit = pursuit_in(S.BEHIND)
    for _ in range(2):
        for _ in range(RESTARTS):
            pursuit.on_asked(FROM_US, budget(FROM_US))
            assert pursuit.on_moved()
        pursuit.on_asked(FROM_US, budget(FROM_US))
        assert not pursuit.on_moved()
        assert pursuit.request == FROM_US, "whoever asked decides what becomes of it"
        pursuit.on_applied(SOURCE, head(b"o" * 32, 6, 3))
    assert not pursuit.failures


def test_a_source_that_fails_for_days_is_asked_once_a_minute_all_the_time() -> None:
    pursuit = pursuit_in(S.BEHIND)
    for _ in range(2 * 24 * 60):
        pursuit.on_asked(FROM_US, budget(FROM_US))
        pursuit.on_failed(SOURCE, 10.0)
    assert pursuit.failures[SOURCE].until_s == 10.0 + PAUSE_MAX_S


def test_it_says_how_it_stands() -> None:
    assert repr(pursuit_in(S.CHANGES)) == "<Pursuit CHANGES of 1.7>"


def test_the_budget_of_pages_under_way_hears_of_newer_heads_and_ends_with_them() -> None:
    pursuit = pursuit_in(S.WHOLE)
    assert pursuit.budget is not None
    newest = head(b"n" * 32, 9, 3)
    pursuit.on_news(newest)
    assert pursuit.budget.goal == newest
    pursuit.on_failed(SOURCE, 10.0)
    assert pursuit.budget is None


def test_how_long_the_paths_are_is_known_from_a_whole_manifest_on() -> None:
    pursuit = pursuit_in(S.CHANGES)
    pursuit.on_applied(SOURCE, NEWEST)
    assert pursuit.path_bytes is None
    for state in (S.WHOLE, S.CHANGES):
        pursuit = pursuit_in(state)
        pursuit.path_bytes = 7
        assert pursuit.budget is not None
        pursuit.budget.path_bytes = 9
        pursuit.on_applied(SOURCE, NEWEST)
        assert pursuit.path_bytes == 9
