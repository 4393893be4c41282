"""Chance: every index is drawn, and none that is not there."""

from __future__ import annotations

from collections import Counter

from potluck.core.chance import draw_index
from tests.core.fakes import Dice


def test_every_index_is_drawn_about_equally_often() -> None:
    dice = Dice(7)
    drawn = Counter(draw_index(dice, 4) for _ in range(4000))
    assert set(drawn) == {0, 1, 2, 3}
    assert min(drawn.values()) > 800


def test_the_upper_end_is_no_index() -> None:
    class AlwaysTheMost(Dice):
        def uniform(self, low: float, high: float) -> float:
            return max(low, high)

    for count in (1, 2, 1000):
        assert draw_index(AlwaysTheMost(), count) == count - 1
