"""Single values, roster and addresses: sets that survive repetition, newest address first, never
too many.
"""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.wire.catalogue import Address, RosterRecord
from potluck.engine.index.database import Database
from potluck.engine.index.group import Addresses, Meta, RosterTable
from tests.engine.index.builders import ANNA, BERT


@pytest.fixture
def database():
    made = Database(":memory:")
    yield made
    made.close()


def test_meta_keeps_the_last_value(database) -> None:
    meta = Meta(database)
    assert meta.get("incarnation") is None
    meta.set("incarnation", b"1")
    meta.set("incarnation", b"2")
    assert meta.get("incarnation") == b"2"


def test_it_is_known_how_often_something_may_have_been_taken_back(database) -> None:
    meta = Meta(database)
    meta.forget_memory()
    assert meta.undone == 1


def test_the_roster_is_a_set_in_the_order_of_coming(database) -> None:
    roster = RosterTable(database)
    one, two = RosterRecord(b"z", ANNA, b"s"), RosterRecord(b"a", BERT, b"s")
    assert [roster.add(one), roster.add(two), roster.add(one)] == [True, True, False]
    assert roster.all() == [one, two]


def test_a_roster_can_take_the_place_of_another(database) -> None:
    roster = RosterTable(database)
    roster.add(RosterRecord(b"provisional", ANNA, b"s"))
    others = [RosterRecord(b"z", BERT, b"s"), RosterRecord(b"a", BERT, b"s")]
    roster.replace(others)
    assert roster.all() == others


def test_the_last_address_that_worked_comes_first(database) -> None:
    addresses = Addresses(database)
    old, new = Address("10.0.0.1", 1), Address("10.0.0.2", 2)
    addresses.remember(ANNA, old, 1)
    addresses.remember(ANNA, new, 2)
    addresses.remember(BERT, old, 2)
    assert addresses.of(ANNA) == [new, old]
    addresses.remember(ANNA, old, 3)
    assert addresses.of(ANNA) == [old, new]
    assert addresses.all() == {ANNA: [old, new], BERT: [old]}


def test_all_addresses_are_told_in_order(database) -> None:
    addresses = Addresses(database)
    addresses.remember(BERT, Address("10.0.0.2", 7685), 2)
    addresses.remember(ANNA, Address("10.0.0.1", 7685), 1)
    rows = [(ANNA, "10.0.0.1", 7685, 1), (BERT, "10.0.0.2", 7685, 2)]
    assert addresses.rows() == sorted(rows)


def test_the_oldest_address_goes_when_there_are_too_many(database) -> None:
    addresses = Addresses(database)
    for number in range(limits.ADDRESSES_PER_DEVICE + 1):
        addresses.remember(ANNA, Address("10.0.0.1", number), number)
    assert len(addresses.of(ANNA)) == limits.ADDRESSES_PER_DEVICE
    assert Address("10.0.0.1", 0) not in addresses.of(ANNA)


def test_meta_finds_values_whose_keys_begin_alike_and_forgets_them(database) -> None:
    meta = Meta(database)
    for key in ("label of b", "label of a", "label", "other"):
        meta.set(key, key.encode())
    assert list(meta.beginning_with("label of ").items()) == [
        ("a", b"label of a"),
        ("b", b"label of b"),
    ]
    meta.remove("label of a")
    meta.remove("never there")
    assert list(meta.beginning_with("label of ")) == ["b"]
