"""Meters: a rate is smoothed, and falls to nothing."""

from __future__ import annotations

from potluck.shells.api.meter import Meter


def test_a_rate_is_smoothed_and_falls_to_nothing() -> None:
    meter = Meter()
    assert meter.see(0, 0.0) == 0.0
    assert meter.see(1000, 0.1) == 0.0  # too soon to say
    assert meter.see(1000, 1.0) == 1000.0
    assert meter.see(4000, 2.0) == 2000.0
    assert meter.see(4000, 3.0) == 1000.0
    assert [meter.see(4000, 4.0 + second) for second in range(12)][-1] == 0.0


def test_the_rate_of_what_is_told_once_a_second_neither_jumps_nor_outlives_it_for_long() -> None:
    meter = Meter(lump_s=1.0)
    rates = [meter.see(1000 * (quarter // 4), quarter / 4) for quarter in range(40)]
    assert set(rates[:4]) == {0.0}
    assert set(rates[4:]) == {1000.0}, "also at the first, of which only the end was seen"
    assert meter.see(9000, 10.0) == 1000.0, "the next may be late"
    rates = [meter.see(9000, 10.0 + quarter / 4) for quarter in range(1, 40)]
    assert rates[2:4] == [1000.0, 500.0]
    assert rates[-1] == 0.0


# -- before and after the loop ---------------------------------------------------------------------
