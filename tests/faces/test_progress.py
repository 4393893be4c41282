"""Progress: rates over ten seconds, a whole that grows, no time left where it would be a guess."""

from __future__ import annotations

import pytest

from potluck.faces.progress import (
    FASTEST_S,
    LEAST_RATE,
    LEAST_SPAN_S,
    SPAN_S,
    Fastest,
    Motion,
    ViewProgress,
    Whole,
    Window,
    upload_key,
)
from tests.faces.fakes import rates, state, transfer, upload


def test_a_rate_is_that_of_the_last_ten_seconds() -> None:
    window = Window()
    assert (window.rate, window.see(0, 0.0)) == (0.0, 0.0)
    assert window.see(100, LEAST_SPAN_S / 2) == 0.0
    assert window.see(1000, 1.0) == 1000.0
    for second in range(2, 21):
        window.see(1000, float(second))
    assert window.rate == 0.0
    assert window.see(1000 + 10_000, 20.0 + SPAN_S) == 1000.0
    assert repr(window) == "Window(1000 B/s, 2 counts)"


def test_a_stall_shows_as_time_goes_by() -> None:
    window = Window()
    for second in range(11):
        window.see(second * 100, float(second))
    rates = [round(window.see(1000, 11.0 + second)) for second in range(11)]
    assert rates[:3] == [90, 80, 70]
    assert rates[-1] == 0


def test_a_count_that_falls_begins_anew() -> None:
    window = Window()
    window.see(1000, 0.0)
    window.see(2000, 1.0)
    assert window.see(10, 2.0) == 0.0
    assert window.see(20, 3.0) == 10.0


def test_the_whole_counts_what_came_since_nothing_was_missing() -> None:
    whole = Whole()
    assert [whole.done(need) for need in (0, 100, 60, 80, 70, 0, 50)] == [
        (0, 0),
        (0, 100),
        (40, 100),
        (40, 120),  # more was added: the bar is longer, and nothing is taken back
        (50, 120),
        (0, 0),
        (0, 50),
    ]
    assert repr(whole) == "Whole(0 bytes came, 50 to come)"


@pytest.mark.parametrize(
    ("left", "rate", "fastest", "left_s"),
    [
        (10_000, 2000, 2000, 5),
        (10_000, LEAST_RATE, 0, 10_000 / LEAST_RATE),
        (10_000, LEAST_RATE - 1, 0, None),
        (10_000, 2000, 200_001, None),
        (10_000, 2000, 200_000, 5),
        (0, 2000, 2000, None),
    ],
)
def test_time_left_only_where_something_moves(
    left: int, rate: float, fastest: float, left_s: float | None
) -> None:
    assert Motion(fastest=fastest).left_s(left, rate) == left_s


def test_snapshots_become_rates_of_files_uploads_and_the_whole() -> None:
    progress = ViewProgress()
    for second in range(5):
        motion = progress.on_state(
            state(
                need_files=1,
                need_bytes=10_000 - 1000 * second,
                transfers=[transfer("a/x", done=1000 * second)],
                uploads=[upload("b/y", "nas", sent=500 * second)],
                rates=rates(up=700, received_bytes=1000 * second),
            ),
            float(second),
        )
    assert motion.rates == {"a/x": 1000.0, upload_key(upload("b/y", "nas")): 500.0}
    assert (motion.come, motion.wanted, motion.rate, motion.fastest) == (4000, 10_000, 1000, 1000)
    assert motion.up_rate == 700
    assert repr(progress).endswith("2 rates)")
    assert progress.on_state(state(), 9.0).rates == {}
    assert progress.on_state(state(), 9.0).fastest == 1000.0
    assert progress.on_state(state(uploads=[upload(sent=None, there=None)]), 10.0).rates == {}


def test_copies_of_what_is_here_are_no_rate() -> None:
    progress, received, now = ViewProgress(), 0, 0.0
    for need in (600_000_000, 300_000_000, 20_000_000):  # 580 MB of copies within two seconds
        now += 1.0
        motion = progress.on_state(state(need_files=3, need_bytes=need, rates=rates()), now)
    assert (motion.come, motion.rate, motion.fastest) == (580_000_000, 0.0, 0.0)
    assert motion.left_s(20_000_000, motion.rate) is None
    for _ in range(15):  # the rest comes over 4 Mbit/s
        now, received = now + 1.0, received + 500_000
        wanted = state(
            need_files=1, need_bytes=20_000_000 - received, rates=rates(received_bytes=received)
        )
        motion = progress.on_state(wanted, now)
    assert motion.left_s(12_500_000, motion.rate) == 25.0


def test_the_fastest_falls_when_a_link_is_slower_for_long() -> None:
    fastest = Fastest()
    assert fastest.see(1e8, 0.0) == 1e8
    assert fastest.see(1e5, FASTEST_S) == 1e8
    assert fastest.see(1e5, 2 * FASTEST_S - 0.1) == 1e8
    assert fastest.see(1e5, 2 * FASTEST_S) == 1e5
    assert repr(fastest) == "Fastest(100000 B/s)"
