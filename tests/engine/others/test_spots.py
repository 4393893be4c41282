"""Spots: there and back between an owner's path and a place below Shared/."""

from __future__ import annotations

from potluck.core.content.paths import parse_wire_path
from potluck.core.keys.identity import DeviceId
from potluck.engine.others import spots
from potluck.engine.others.spots import above, has_folder, is_below, path_of_spot, spot_at
from tests.engine import builders

ANNA = builders.key(2).device


def test_a_spot_is_a_place_and_back() -> None:
    spots._top.cache_clear()
    node = builders.node(1)
    node.roster = builders.group(1, 2)
    path = path_of_spot(node, (ANNA, b"f/a"))
    assert str(path) == "d2/f/a"
    assert spot_at(node, path) == (ANNA, b"f/a")


def test_a_place_in_nobodys_folder_and_a_folder_itself_are_no_spots() -> None:
    node = builders.node(1)
    node.roster = builders.group(1, 2)
    assert spot_at(node, parse_wire_path(b"d9/a")) is None
    assert spot_at(node, parse_wire_path(b"d2")) is None


def test_the_folders_above_a_spot_come_nearest_first() -> None:
    assert above((ANNA, b"f/g/a")) == [(ANNA, b"f/g"), (ANNA, b"f")]
    assert above((ANNA, b"a")) == []


def test_below_is_inside_the_folder_of_the_same_owner() -> None:
    assert is_below((ANNA, b"f/a"), (ANNA, b"f"))
    assert not is_below((ANNA, b"fa"), (ANNA, b"f"))
    assert not is_below((ANNA, b"f"), (ANNA, b"f"))
    assert not is_below((DeviceId(b"b" * 32), b"f/a"), (ANNA, b"f"))


def test_only_members_have_a_folder() -> None:
    node = builders.node(1)
    assert not has_folder(node, ANNA)
    node.roster = builders.group(1, 2)
    assert has_folder(node, ANNA)
    assert not has_folder(node, builders.key(3).device)
