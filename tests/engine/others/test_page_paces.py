"""Pages that come too slowly to be waited for."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.swarm.pace import DRIP_LEAST_RATE, LONG_S, SAMPLE_S, SLOW_MAX
from potluck.engine.events import FetchHeard, OrderId
from potluck.engine.others.page_paces import PagePaces
from potluck.engine.others.pursuit import PageRequest
from tests.engine import builders

ANNA = builders.key(2).device


def request(number: int) -> PageRequest:
    return PageRequest(ANNA, 0, OrderId(number))


def heard(paces: PagePaces, number: int, rate: float, seconds: float) -> bool:
    return paces.on_heard(FetchHeard(OrderId(number), int(rate * seconds), seconds))


@pytest.fixture
def paces() -> PagePaces:
    paces = PagePaces()
    paces.begin(request(1))
    return paces


def test_a_slow_page_takes_no_slot_until_it_ends(paces: PagePaces) -> None:
    assert paces.aside == 0
    assert heard(paces, 1, 1000, SAMPLE_S)
    assert not heard(paces, 2, 1000, SAMPLE_S), "not one of ours"
    assert paces.aside == 1
    assert repr(paces) == "<PagePaces: <Paces: 1 orders, 1 slow>>"
    paces.end(OrderId(1))
    paces.end(OrderId(2))
    assert paces.aside == 0


def test_a_page_that_drips_is_called_off_and_none_that_a_link_can_bring(paces: PagePaces) -> None:
    heard(paces, 1, DRIP_LEAST_RATE / 2, LONG_S)
    assert paces.overdue(request(1), owner_waits=False)
    paces.begin(request(2))
    heard(paces, 2, 16 * limits.KIB / limits.BULK_STALL_S, LONG_S)
    assert not paces.overdue(request(2), owner_waits=False)


def test_a_slow_page_is_called_off_for_its_owner(paces: PagePaces) -> None:
    heard(paces, 1, 600, SAMPLE_S)
    assert not paces.overdue(request(1), owner_waits=False)
    assert paces.overdue(request(1), owner_waits=True)


def test_of_too_many_slow_pages_the_slowest_is_called_off(paces: PagePaces) -> None:
    for number in range(1, SLOW_MAX + 2):
        paces.begin(request(number))
        heard(paces, number, 600 + number, LONG_S)
    assert paces.overdue(request(1), owner_waits=False)
    assert not paces.overdue(request(2), owner_waits=False)
    assert paces.aside == SLOW_MAX
