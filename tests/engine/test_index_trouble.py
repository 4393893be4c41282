"""Trouble: how long the engine rests after a failure of its index, and what it does then."""

from __future__ import annotations

import pytest

from potluck.core.errors import DiskTrouble
from potluck.engine.index_trouble import REST_S, WELL_S, IndexTrouble


def test_in_good_health_nothing_rests() -> None:
    trouble = IndexTrouble()
    assert not trouble.rests(-1e9)
    assert not trouble.recovers()
    trouble.tell()


def test_each_failure_rests_longer_up_to_a_minute() -> None:
    trouble, now, rests = IndexTrouble(), 0.0, []
    for _ in range(8):
        trouble.on_failed(now)
        rests.append(trouble.until_s - now)
        assert trouble.rests(now)
        now = trouble.until_s
        assert not trouble.rests(now)
    assert rests == [*REST_S, REST_S[-1], REST_S[-1]]


def test_after_a_while_without_failures_it_starts_small_again() -> None:
    trouble = IndexTrouble()
    trouble.on_failed(0.0)
    trouble.on_failed(10.0)
    trouble.on_failed(10.0 + WELL_S)
    assert trouble.until_s == 10.0 + WELL_S + REST_S[0]


def test_recovery_is_due_once() -> None:
    trouble = IndexTrouble()
    trouble.on_failed(0.0)
    assert trouble.recovers()
    assert not trouble.recovers()


def test_a_failure_is_told_once() -> None:
    trouble = IndexTrouble()
    trouble.untold = DiskTrouble("the index cannot be written")
    with pytest.raises(DiskTrouble, match="cannot be written"):
        trouble.tell()
    trouble.tell()


def test_it_shows_its_state_in_one_line() -> None:
    trouble = IndexTrouble()
    assert repr(trouble) == "<IndexTrouble failures=0, until_s=-inf>"
    trouble.on_failed(5.0)
    assert repr(trouble) == "<IndexTrouble failures=1, until_s=6.0>"
