"""Breakers: more than 20 files and more than a quarter, within an hour."""

from __future__ import annotations

import pytest

from potluck.core.content.breakers import (
    LOSS_BURST_S,
    LOSS_WINDOW_S,
    MASS_FILES,
    RecentLosses,
    is_mass,
)
from potluck.core.content.facts import NOTHING, Amount


@pytest.mark.parametrize(
    ("files", "size", "known_files", "known_size", "is_much"),
    [
        (20, 20, 20, 20, False),  # all there is, but few files
        (21, 0, 84, 0, False),  # a quarter
        (21, 0, 83, 0, True),
        (21, 250, 1000, 1000, False),
        (21, 251, 1000, 1000, True),  # few of the files, but most of the bytes
        (251, 0, 1000, 1000, True),
        (5000, 0, 5000, 0, True),
        (0, 0, 0, 0, False),
    ],
)
def test_much_is_more_than_20_files_and_more_than_a_quarter_of_files_or_bytes(
    files: int, size: int, known_files: int, known_size: int, is_much: bool
) -> None:
    # folders do not count
    lost, known = Amount(files, 99, size), Amount(known_files, 0, known_size)
    assert is_mass(lost, known) is is_much


def test_what_was_lost_within_an_hour_is_counted_together() -> None:
    losses = RecentLosses()
    assert losses.total(0.0) == NOTHING
    losses.note(Amount(1, 0, 10), 0.0)
    losses.note(Amount(2, 1, 20), 59.0)
    losses.note(Amount(4, 0, 40), 61.0)
    assert losses.total(61.0) == Amount(7, 1, 70)
    assert repr(losses) == "<RecentLosses in 2 steps>"
    assert losses.total(LOSS_WINDOW_S + 59.0) == Amount(7, 1, 70), "each for an hour at least"
    assert losses.total(LOSS_WINDOW_S + 60.0) == Amount(4, 0, 40)
    assert losses.total(LOSS_WINDOW_S + 121.0) == NOTHING


def test_any_number_of_losses_takes_little_memory() -> None:
    losses = RecentLosses()
    for second in range(2 * int(LOSS_WINDOW_S)):
        losses.note(Amount(1, 0, 1), float(second))
    assert MASS_FILES < losses.total(2 * LOSS_WINDOW_S).files <= LOSS_WINDOW_S + 60
    assert repr(losses) == "<RecentLosses in 60 steps>"


def test_what_is_fresh_is_counted_for_ten_seconds() -> None:
    losses = RecentLosses(LOSS_BURST_S)
    for tenth in range(300):
        losses.note(Amount(1, 0, 1), tenth / 10)
    assert 100 <= losses.total(30.0).files <= 110, "in steps of a second"
    assert losses.total(30.0 + LOSS_BURST_S + 1.0) == NOTHING
