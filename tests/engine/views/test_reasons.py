"""Reasons: equal ones are told once, and what faces are shown of them."""

from __future__ import annotations

from potluck.engine.views.path_values import ReasonView
from potluck.engine.views.reasons import Reason, ReasonKind, gathered, reason_view

AWAY = ReasonKind.OWNER_AWAY


def test_equal_reasons_of_several_paths_are_one_with_how_many() -> None:
    found = gathered([
        Reason(AWAY, "d2/a", "away", next_s=9.0),
        Reason(AWAY, "d2/b", "away", next_s=5.0),
        Reason(AWAY, "d2/c", "gone"),
        Reason(AWAY, "d2/d", "away"),
        Reason(AWAY, "d2/c", "gone"),
        Reason(AWAY, "d2/a", "away", command="look"),
    ])  # fmt: skip
    assert found == [
        Reason(AWAY, "d2/a", "away", next_s=5.0, more=2),
        Reason(AWAY, "d2/c", "gone"),
        Reason(AWAY, "d2/a", "away", command="look"),
    ]


def test_times_are_told_from_now_and_letters_that_move_nothing() -> None:
    one = Reason(AWAY, "d2/\x1b", "a\nb", since_s=3.0, next_s=1.0, command="ls", more=4)
    assert reason_view(one, 5.0) == ReasonView(
        "owner_away", "d2/\ufffd", 4, "a\ufffdb", 2.0, 0.0, "ls", open=True
    )
    plain = reason_view(Reason(AWAY, "", "x", open=False), 5.0)
    assert (plain.since_s, plain.next_s, plain.open) == (None, None, False)
