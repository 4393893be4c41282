"""Told bounds: a member fills its own places, and not faster than people read."""

from __future__ import annotations

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.engine.group.told_bounds import TELLING_S, TOLD_PER_MINUTE, ToldBounds


def device(number: int) -> DeviceId:
    return DeviceId(number.to_bytes(32, "big"))


def test_a_member_fills_its_own_places_only() -> None:
    bounds = ToldBounds()
    assert bounds.note((device(1), "first"), device(1)) is None
    for number in range(limits.REQUESTS_OF_TELLER):
        assert bounds.note((device(2), f"{number}"), device(2)) is None
    assert bounds.note((device(2), "more"), device(2)) == (device(2), "0")
    assert len(bounds) == 1 + limits.REQUESTS_OF_TELLER
    bounds.forget((device(1), "first"))
    assert repr(bounds) == f"<ToldBounds {limits.REQUESTS_OF_TELLER} of 0 members>"


def test_a_member_tells_of_so_many_new_ones_a_minute() -> None:
    bounds = ToldBounds()
    allowed = [bounds.is_new_allowed(device(1), float(number)) for number in range(40)]
    assert sum(allowed) == TOLD_PER_MINUTE
    assert bounds.is_new_allowed(device(2), 40.0)
    assert bounds.is_new_allowed(device(1), TELLING_S)
    assert bounds.is_new_allowed(device(3), 3 * TELLING_S)
    assert repr(bounds) == "<ToldBounds 0 of 1 members>"
