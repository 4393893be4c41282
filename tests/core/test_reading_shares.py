"""Reading shares: who floods is read later, and only who floods."""

from __future__ import annotations

import pytest

from potluck.core.reading_shares import (
    FREE_S,
    LOUD_BURST_S,
    LOUD_SHARE,
    QUIET,
    REST_MAX_S,
    ReadingShares,
)

A_LITTLE_S = 0.01


class Flood:
    """So many senders that say all they can, each turn the same; and one that says little."""

    def __init__(self, count: int, quiet: float = 0.0) -> None:
        self.shares, self.count, self.quiet = ReadingShares[int](), count, quiet
        self.now, self.until_s, self.taken_s = 0.0, [0.0] * count, 0.0

    def run(self, seconds: float) -> float:
        """Return which part of that time they took."""
        end_s, before_s, began_s = self.now + seconds, self.taken_s, self.now
        while self.now < end_s:
            for one in [one for one in range(self.count) if self.until_s[one] <= self.now]:
                self.now += A_LITTLE_S
                self.taken_s += A_LITTLE_S
                self.until_s[one] = self.now + self.shares.take(one, A_LITTLE_S, self.now)
            self.now += A_LITTLE_S
            assert self.shares.take(-1, self.quiet * A_LITTLE_S, self.now) == 0.0
        return (self.taken_s - before_s) / (self.now - began_s)


def test_who_says_little_never_rests_however_many_flood() -> None:
    for count in (1, 4, 16):
        Flood(count, quiet=QUIET / 2).run(60)


def test_one_that_floods_has_its_share() -> None:
    flood = Flood(1)
    flood.run(10)
    assert flood.run(60) == pytest.approx(LOUD_SHARE, rel=0.1)
    assert flood.shares.share == LOUD_SHARE


@pytest.mark.parametrize("count", [4, 16])
def test_many_that_flood_leave_most_of_the_time_to_others(count: int) -> None:
    flood = Flood(count)
    flood.run(10)
    assert 0.2 < flood.run(60) < 0.35
    assert flood.shares.share < LOUD_SHARE


def test_a_lot_at_once_is_allowed_and_the_rest_is_as_long_as_it_takes_too_much() -> None:
    shares = ReadingShares[str]()
    assert shares.take("new", LOUD_BURST_S, 0.0) == 0.0
    assert shares.take("new", 0.1, 0.0) == pytest.approx(0.1 / LOUD_SHARE)
    assert shares.take("new", 10.0, 0.0) == REST_MAX_S, "no longer than a connection lives"
    assert shares.take("other", FREE_S, 0.0) == 0.0, "that is its own affair"


def test_who_was_loud_is_quiet_again_within_half_a_minute_and_then_forgotten() -> None:
    shares = ReadingShares[str]()
    shares.take("loud", 1000.0, 0.0)
    shares.take("other", FREE_S, 1.0)
    assert repr(shares) == "<ReadingShares: 2 said something, 1 are loud>"
    shares.take("other", FREE_S, 30.0)
    assert repr(shares) == "<ReadingShares: 1 said something, 0 are loud>"
