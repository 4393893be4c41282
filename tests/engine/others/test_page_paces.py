"""Pages that come too slowly to be waited for."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.swarm.pace import (
    DRIP_LEAST_RATE,
    LATE_MIN_S,
    LONG_S,
    SAMPLE_S,
    SLOW_MAX,
    SLOW_MOST,
)
from potluck.core.content.swarm.slowness import KEPT_SLOTS
from potluck.core.keys.identity import DeviceId
from potluck.engine.events import FetchHeard, OrderId
from potluck.engine.others.page_paces import PagePaces
from potluck.engine.others.pursuit import PageRequest
from tests.engine import builders

ANNA, BERT, *DRIPS = (builders.key(number).device for number in range(2, 24))


def request(number: int, source: DeviceId = ANNA) -> PageRequest:
    return PageRequest(source, 0, OrderId(number))


def heard(paces: PagePaces, number: int, rate: float, seconds: float) -> bool:
    return paces.on_heard(FetchHeard(OrderId(number), int(rate * seconds), seconds), seconds)


def slots(paces: PagePaces, now: float = 0.0) -> int:
    """So many pages may be asked for now, of as many that nothing is known of."""
    begun = 0
    while not paces.barred([DRIPS[begun]], now):
        paces.begin(request(1000 + begun, DRIPS[begun]), now)
        begun += 1
    for number in range(begun):
        paces.end(OrderId(1000 + number), now, brought=False)
    return begun


@pytest.fixture
def paces() -> PagePaces:
    paces = PagePaces()
    paces.begin(request(1), 0.0)
    return paces


def test_a_slow_page_takes_no_slot_until_it_ends(paces: PagePaces) -> None:
    assert slots(paces) == limits.MANIFESTS - 1
    assert heard(paces, 1, 1000, SAMPLE_S)
    assert not heard(paces, 2, 1000, SAMPLE_S), "not one of ours"
    assert slots(paces) == limits.MANIFESTS
    assert repr(paces) == "<PagePaces: <Paces: 1 orders, 1 slow>>"
    paces.end(OrderId(1), 1.0, brought=True)
    paces.end(OrderId(2), 1.0, brought=True)
    assert slots(paces) == limits.MANIFESTS, "nobody is quick: who was slow is not"


def test_the_last_slots_are_for_who_is_quick(paces: PagePaces) -> None:
    paces.end(OrderId(1), 0.1, brought=True)
    assert slots(paces) == limits.MANIFESTS - KEPT_SLOTS
    for number, drip in enumerate(DRIPS[: limits.MANIFESTS - KEPT_SLOTS]):
        paces.begin(request(2 + number, drip), 0.0)
    assert paces.barred([ANNA, BERT], 0.0) == [BERT]
    paces.begin(request(50), 0.0)
    paces.begin(request(51), 0.0)
    assert paces.barred([ANNA, BERT], 0.0) == [ANNA, BERT], "none is left"


def test_what_takes_a_slot_that_is_for_others_is_called_off(paces: PagePaces) -> None:
    """Sixteen pages that dripped were all there was, for half a minute."""
    paces.end(OrderId(1), 0.1, brought=True)
    drips = iter(DRIPS)
    begun: list[PageRequest] = []
    for _ in range(3):
        while not paces.barred([drip := next(drips)], 0.0):
            begun.append(request(100 + len(begun), drip))
            paces.begin(begun[-1], 0.0)
        for one in begun:
            heard(paces, one.order, 1, LATE_MIN_S)
    over = [one for one in begun if paces.overdue(one, owner_waits=False)]
    assert len(over) == len(begun) - SLOW_MOST > 0
    for one in over:
        paces.end(one.order, LATE_MIN_S, brought=False)
    assert paces.barred([DRIPS[0], BERT], LATE_MIN_S) == [DRIPS[0]], "somebody new has a turn"


def test_a_page_that_drips_is_called_off_and_none_that_a_link_can_bring(paces: PagePaces) -> None:
    heard(paces, 1, DRIP_LEAST_RATE / 2, LONG_S)
    assert paces.overdue(request(1), owner_waits=False)
    paces.begin(request(2), 0.0)
    heard(paces, 2, 16 * limits.KIB / limits.BULK_STALL_S, LONG_S)
    assert not paces.overdue(request(2), owner_waits=False)


def test_a_slow_page_is_called_off_for_its_owner(paces: PagePaces) -> None:
    heard(paces, 1, 600, SAMPLE_S)
    assert not paces.overdue(request(1), owner_waits=False)
    assert paces.overdue(request(1), owner_waits=True)


def test_of_too_many_slow_pages_the_slowest_is_called_off(paces: PagePaces) -> None:
    for number in range(1, SLOW_MAX + 2):
        paces.begin(request(number), 0.0)
        heard(paces, number, 600 + number, LONG_S)
    assert paces.overdue(request(1), owner_waits=False)
    assert not paces.overdue(request(2), owner_waits=False)


def test_pages_of_next_to_nothing_are_as_slow_as_drips(paces: PagePaces) -> None:
    """Each came before it was slow: eight members had all slots for as long as they liked."""
    now = 0.0
    for number in range(1, 8):
        now += 2.5
        paces.on_heard(FetchHeard(OrderId(number), 150, 2.5), now)
        paces.begin(PageRequest(ANNA, number, OrderId(number + 1), OrderId(number)), now)
        paces.end(OrderId(number), now, brought=True)
    assert slots(paces, now) == limits.MANIFESTS, "it takes none"
    assert repr(paces) == "<PagePaces: <Paces: 1 orders, 1 slow>>"
    paces.begin(request(50, BERT), now)
    paces.end(OrderId(50), now, brought=True)
    assert slots(paces, now) == limits.MANIFESTS - KEPT_SLOTS, "who is quick has them again"
