"""Rates: what came in which time, pauses left out."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.swarm.rates import Rates
from tests.core.fakes import ANN, BEN

A, B = ANN.device, BEN.device
SAMPLE_S = limits.RATE_SAMPLE_S
NEWS = True


def rate(rates: Rates) -> int | None:
    """Bytes a second of A, None if it is not known."""
    known = rates.budget(A, 1.0, -1, news=NEWS)
    return None if known == -1 else known


def test_nothing_is_known_of_whoever_was_not_asked() -> None:
    rates = Rates()
    assert rate(rates) is None
    rates.on_asked(B, 0.0, news=NEWS)
    rates.on_bytes(B, 1000, 1.0, news=NEWS)
    assert rate(rates) is None
    assert rates.budget(B, 0.5, 7, news=NEWS) == 500


def test_a_whole_sample_says_what_the_link_does_now() -> None:
    rates = Rates()
    rates.on_asked(A, 10.0, news=NEWS)
    rates.on_bytes(A, 400, 10.0 + SAMPLE_S / 2, news=NEWS)
    assert rate(rates) is None
    rates.on_bytes(A, 600, 10.0 + SAMPLE_S, news=NEWS)
    assert rate(rates) == pytest.approx(1000 / SAMPLE_S)
    rates.on_bytes(A, 10, 10.0 + 2 * SAMPLE_S, news=NEWS)
    assert rate(rates) == pytest.approx(10 / SAMPLE_S)


def test_several_orders_are_measured_together_and_a_pause_is_not() -> None:
    rates = Rates()
    rates.on_asked(A, 0.0, news=NEWS)
    rates.on_bytes(A, 100, 0.1, news=NEWS)
    rates.on_asked(A, 0.2, news=NEWS)
    rates.on_ended(A, 0.3, news=NEWS)
    rates.on_bytes(A, 900, 1.0, news=NEWS)
    assert rate(rates) == 1000
    rates.on_ended(A, 1.0, news=NEWS)
    rates.on_asked(A, 500.0, news=NEWS)
    rates.on_bytes(A, 3000, 501.0, news=NEWS)
    assert rate(rates) == 3000


def test_an_order_shorter_than_a_sample_can_only_raise_it() -> None:
    rates = Rates()
    rates.on_asked(A, 0.0, news=NEWS)
    rates.on_bytes(A, 100, 0.1, news=NEWS)
    rates.on_ended(A, 0.1, news=NEWS)
    assert rate(rates) == 1000
    rates.on_asked(A, 1.0, news=NEWS)
    rates.on_bytes(A, 1, 1.1, news=NEWS)
    rates.on_ended(A, 1.1, news=NEWS)
    assert rate(rates) == 1000
    rates.on_asked(A, 2.0, news=NEWS)
    rates.on_bytes(A, 300, 2.1, news=NEWS)
    rates.on_ended(A, 2.1, news=NEWS)
    assert rate(rates) == pytest.approx(3000, rel=0.01)


def test_what_comes_in_a_burst_behind_a_whole_sample_raises_nothing() -> None:
    """A queue that empties at once was taken for the pace of the link."""
    rates = Rates()
    rates.on_asked(A, 0.0, news=NEWS)
    rates.on_asked(A, 0.0, news=NEWS)
    rates.on_bytes(A, 1000, 1.0, news=NEWS)
    rates.on_ended(A, 1.0, news=NEWS)
    rates.on_bytes(A, 1000, 1.0, news=NEWS)
    rates.on_ended(A, 1.0, news=NEWS)
    assert rate(rates) == 1000
    rates.on_asked(A, 2.0, news=NEWS)
    rates.on_bytes(A, 200, 2.1, news=NEWS)
    rates.on_ended(A, 2.1, news=NEWS)
    assert rate(rates) == pytest.approx(2000, rel=0.01), "the next one is measured anew"


def test_one_that_took_no_time_at_all_is_no_division_by_zero() -> None:
    rates = Rates()
    rates.on_asked(A, 1.0, news=NEWS)
    rates.on_bytes(A, 5, 1.0, news=NEWS)
    rates.on_ended(A, 1.0, news=NEWS)
    assert rate(rates) == 5000


def test_who_brought_nothing_is_not_known() -> None:
    rates = Rates()
    rates.on_asked(A, 1.0, news=NEWS)
    rates.on_ended(A, 9.0, news=NEWS)
    assert rate(rates) is None
    assert repr(rates) == "<Rates: 1 known>"


def test_news_and_pieces_are_measured_apart() -> None:
    rates = Rates()
    for news, brought_bytes in ((True, 100), (False, 9000)):
        rates.on_asked(A, 0.0, news=news)
        rates.on_bytes(A, brought_bytes, 1.0, news=news)
    assert [rates.budget(A, 1.0, -1, news=news) for news in (True, False)] == [100, 9000]


@pytest.mark.parametrize("news", [True, False])
def test_before_any_piece_came_as_many_are_asked_as_news_came(news: bool) -> None:
    rates = Rates()
    rates.on_asked(A, 0.0, news=news)
    rates.on_bytes(A, 500, 1.0, news=news)
    assert rates.budget(A, 1.0, 7, news=False) == 500
    assert rates.budget(A, 1.0, 7, news=True) == (500 if news else 7)


def test_what_was_measured_long_ago_says_nothing_of_now() -> None:
    rates = Rates()
    assert rates.lately(A, 0.0, news=NEWS) == 0
    rates.on_asked(A, 0.0, news=NEWS)
    rates.on_bytes(A, 100, 1.0, news=NEWS)
    assert rates.lately(A, 1.0 + limits.RATE_KNOWN_S, news=NEWS) == 100
    assert rates.lately(A, 1.1 + limits.RATE_KNOWN_S, news=NEWS) == 0
    assert rates.lately(A, 1.0, news=not NEWS) == 0
    rates.on_bytes(A, 30, 1.1, news=NEWS)
    rates.on_ended(A, 30.0, news=NEWS)
    assert rates.lately(A, 31.0, news=NEWS) == 100
