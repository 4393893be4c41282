"""Rates: what came in which time, pauses left out."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.swarm.rates import Rates
from tests.core.fakes import ANN, BEN

A, B = ANN.device, BEN.device
SAMPLE_S = limits.RATE_SAMPLE_S


def rate(rates: Rates) -> int | None:
    """Bytes a second of A, None if it is not known."""
    known = rates.budget(A, 1.0, -1)
    return None if known == -1 else known


def test_nothing_is_known_of_whoever_was_not_asked() -> None:
    rates = Rates()
    assert rate(rates) is None
    rates.on_asked(B, 0.0)
    rates.on_bytes(B, 1000, 1.0)
    assert rate(rates) is None
    assert rates.budget(B, 0.5, 7) == 500


def test_a_whole_sample_says_what_the_link_does_now() -> None:
    rates = Rates()
    rates.on_asked(A, 10.0)
    rates.on_bytes(A, 400, 10.0 + SAMPLE_S / 2)
    assert rate(rates) is None
    rates.on_bytes(A, 600, 10.0 + SAMPLE_S)
    assert rate(rates) == pytest.approx(1000 / SAMPLE_S)
    rates.on_bytes(A, 10, 10.0 + 2 * SAMPLE_S)
    assert rate(rates) == pytest.approx(10 / SAMPLE_S)


def test_several_orders_are_measured_together_and_a_pause_is_not() -> None:
    rates = Rates()
    rates.on_asked(A, 0.0)
    rates.on_bytes(A, 100, 0.1)
    rates.on_asked(A, 0.2)
    rates.on_ended(A, 0.3)
    rates.on_bytes(A, 900, 1.0)
    assert rate(rates) == 1000
    rates.on_ended(A, 1.0)
    rates.on_asked(A, 500.0)
    rates.on_bytes(A, 3000, 501.0)
    assert rate(rates) == 3000


def test_an_order_shorter_than_a_sample_can_only_raise_it() -> None:
    rates = Rates()
    rates.on_asked(A, 0.0)
    rates.on_bytes(A, 100, 0.1)
    rates.on_ended(A, 0.1)
    assert rate(rates) == 1000
    rates.on_asked(A, 1.0)
    rates.on_bytes(A, 1, 1.1)
    rates.on_ended(A, 1.1)
    assert rate(rates) == 1000
    rates.on_asked(A, 2.0)
    rates.on_bytes(A, 300, 2.1)
    rates.on_ended(A, 2.1)
    assert rate(rates) == pytest.approx(3000, rel=0.01)


def test_one_that_took_no_time_at_all_is_no_division_by_zero() -> None:
    rates = Rates()
    rates.on_asked(A, 1.0)
    rates.on_bytes(A, 5, 1.0)
    rates.on_ended(A, 1.0)
    assert rate(rates) == 5000


def test_who_brought_nothing_is_not_known() -> None:
    rates = Rates()
    rates.on_asked(A, 1.0)
    rates.on_ended(A, 9.0)
    assert rate(rates) is None
    assert repr(rates) == "<Rates of 1 peers>"
