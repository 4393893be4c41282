"""Trouble: how long the engine rests after a failure of its index, and what it does then."""

from __future__ import annotations

import pytest

from potluck.core.errors import DiskTrouble, NoRoom
from potluck.engine.events import SpaceSeen
from potluck.engine.index_trouble import (
    LOOK_AGAIN_S,
    REST_S,
    ROOM_BYTES,
    ROOM_REST_S,
    SUBJECT,
    UNTOLD_MAX,
    WELL_S,
    IndexTrouble,
)
from potluck.engine.troubles import Trouble, TroubleKind, Troubles

FULL = DiskTrouble("the index cannot be written", "the disk is full", "free some space")


def test_in_good_health_nothing_rests() -> None:
    trouble = IndexTrouble(Troubles())
    assert not trouble.rests(-1e9)
    assert not trouble.recovers(0.0)
    trouble.tell()


def test_each_failure_rests_longer_up_to_a_minute() -> None:
    trouble, now, rests = IndexTrouble(Troubles()), 0.0, []
    for _ in range(8):
        trouble.on_failed(now, FULL)
        rests.append(trouble.until_s - now)
        assert trouble.rests(now)
        now = trouble.until_s
        assert not trouble.rests(now)
    assert rests == [*REST_S, REST_S[-1], REST_S[-1]]


def test_after_a_while_without_failures_it_starts_small_again() -> None:
    trouble = IndexTrouble(Troubles())
    trouble.on_failed(0.0, FULL)
    trouble.on_failed(10.0, FULL)
    trouble.on_failed(10.0 + WELL_S, FULL)
    assert trouble.until_s == 10.0 + WELL_S + REST_S[0]


def seen(free_bytes: int | None) -> SpaceSeen:
    """The disk of the folder has room; that of the index so much."""
    return SpaceSeen(1 << 40, 1 << 41, home_free_bytes=free_bytes)


def test_for_want_of_room_nothing_rests_longer_than_it_lasts() -> None:
    trouble = IndexTrouble(Troubles())
    for now in (0.0, 10.0, 20.0, 30.0):
        trouble.on_failed(now, NoRoom())
    assert trouble.until_s == 30.0 + REST_S[3]
    for free_bytes in (None, 0, ROOM_BYTES - 1):
        trouble.on_space(seen(free_bytes), 37.0)
        assert trouble.rests(37.0)
        assert trouble.short_of_room(37.0)
    trouble.on_space(seen(ROOM_BYTES), 37.0)
    assert not trouble.rests(37.0)
    assert not trouble.short_of_room(37.0)
    assert trouble.recovers(37.0)


def test_a_disk_that_says_it_has_room_and_gives_none_is_not_tried_without_end() -> None:
    trouble, tries = IndexTrouble(Troubles()), 0
    for second in range(300):
        trouble.on_space(seen(ROOM_BYTES), float(second))
        if not trouble.rests(float(second)):
            trouble.on_failed(float(second), NoRoom())
            tries += 1
    assert tries <= 1 + 300 / ROOM_REST_S + 2


def test_room_does_not_end_the_rest_after_another_failure() -> None:
    trouble = IndexTrouble(Troubles())
    trouble.on_failed(0.0, NoRoom())
    trouble.on_failed(1.0, FULL)
    trouble.on_failed(2.0, FULL)
    assert not trouble.short_of_room(2.0)
    trouble.on_space(seen(ROOM_BYTES), 6.0)
    assert trouble.until_s == 2.0 + REST_S[2]


def test_recovery_is_due_once() -> None:
    trouble = IndexTrouble(Troubles())
    trouble.on_failed(0.0, FULL)
    assert trouble.recovers(1.0)
    assert not trouble.recovers(1.0)


def test_what_a_fault_of_ours_lost_is_looked_for_at_once_but_not_without_end() -> None:
    troubles = Troubles()
    trouble = IndexTrouble(troubles)
    trouble.on_lost()
    assert not trouble.rests(5.0)
    assert troubles.all() == []
    assert trouble.recovers(5.0)
    trouble.on_lost()
    assert not trouble.recovers(5.0 + LOOK_AGAIN_S - 0.1)
    assert trouble.recovers(5.0 + LOOK_AGAIN_S)


def test_after_a_failure_of_the_index_all_is_looked_at_whenever_that_was_done_last() -> None:
    trouble = IndexTrouble(Troubles())
    trouble.on_lost()
    assert trouble.recovers(5.0)
    trouble.on_failed(6.0, FULL)
    assert trouble.recovers(7.0)


def test_each_failure_is_told_once_the_first_one_first() -> None:
    trouble = IndexTrouble(Troubles())
    trouble.on_unraised(DiskTrouble("the index cannot be written"))
    trouble.on_unraised(ValueError("ours"))
    with pytest.raises(DiskTrouble, match="cannot be written"):
        trouble.tell()
    with pytest.raises(ValueError, match="ours"):
        trouble.tell()
    trouble.tell()


def test_failures_that_nobody_asks_about_do_not_pile_up() -> None:
    trouble = IndexTrouble(Troubles())
    for number in range(2 * UNTOLD_MAX):
        trouble.on_unraised(ValueError(str(number)))
    assert [str(error) for error in trouble.untold] == [str(n) for n in range(UNTOLD_MAX)]


def test_it_stands_in_the_register_until_content_is_worked_on_again() -> None:
    troubles = Troubles()
    trouble = IndexTrouble(troubles)
    trouble.on_failed(5.0, FULL)
    assert troubles.all() == [
        Trouble(TroubleKind.INDEX, SUBJECT, "the disk is full", "free some space", 5.0, 6.0)
    ]
    trouble.on_well()  # it rests: nothing was tried yet
    assert troubles.count(TroubleKind.INDEX) == 1
    trouble.on_failed(7.0, DiskTrouble("the index is damaged"))
    assert [(one.reason, one.since_s) for one in troubles.all()] == [("the index is damaged", 5.0)]
    assert trouble.recovers(9.0)
    trouble.on_well()
    assert troubles.all() == []
    IndexTrouble(troubles).on_well()


def test_that_it_is_well_says_nothing_of_other_troubles_of_the_index() -> None:
    troubles = Troubles()
    trouble = IndexTrouble(troubles)
    other = Trouble(TroubleKind.INDEX, "saving the index", "the disk fails", "", 1.0, None)
    troubles.note(other)
    trouble.on_failed(5.0, FULL)
    assert trouble.recovers(9.0)
    trouble.on_well()
    assert troubles.all() == [other]


def test_it_shows_its_state_in_one_line() -> None:
    trouble = IndexTrouble(Troubles())
    assert repr(trouble) == "<IndexTrouble failures=0, until_s=-inf>"
    trouble.on_failed(5.0, FULL)
    assert repr(trouble) == "<IndexTrouble failures=1, until_s=6.0>"
