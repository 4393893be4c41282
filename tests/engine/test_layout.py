"""The layout: there and back between a spot and a path below Shared/."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.paths import parse_wire_path
from potluck.core.group.statements import Remove, Succeed, key_id, sign_act, sign_removal
from potluck.core.keys.identity import short_id
from potluck.core.wire.catalogue import Folder
from potluck.engine import layout
from potluck.engine.layout import Layout
from potluck.engine.node import Node
from tests.engine import builders

ANNA = builders.key(2).device
ANNAS = ManifestName.own(ANNA)


@pytest.fixture
def node() -> Node:
    made = builders.node(1)
    made.roster = builders.group(1, 2)
    layout._top.cache_clear()
    return made


def test_a_spot_is_a_path_and_back(node: Node) -> None:
    path = Layout(node).path_of(Spot(ANNAS, b"f/a"))
    assert str(path) == "d2/f/a"
    assert Layout(node).spot_at(path) == Spot(ANNAS, b"f/a")


def test_a_path_in_nobodys_folder_and_a_folder_itself_are_no_spots(node: Node) -> None:
    assert Layout(node).spot_at(parse_wire_path(b"d9/a")) is None
    assert Layout(node).spot_at(parse_wire_path(b"d2")) is None
    node.roster = None
    assert Layout(node).spot_at(parse_wire_path(b"d2/a")) is None


def test_a_folder_is_named_after_its_owner_whoever_that_is(node: Node) -> None:
    assert str(Layout(node).top_of(ANNAS)) == "d2"
    stranger = builders.key(3).device
    assert str(Layout(node).top_of(ManifestName.own(stranger))) == node.label_of(stranger)


def test_only_what_members_share_themselves_has_a_folder(node: Node) -> None:
    assert Layout(node).has_folder(ANNAS)
    assert not Layout(node).has_folder(ManifestName(ANNA, Folder.EVERYONE))
    assert not Layout(node).has_folder(ManifestName.own(builders.key(3).device))
    node.roster = None
    assert not Layout(node).has_folder(ANNAS)


def test_it_says_how_many_folders_there_are(node: Node) -> None:
    assert repr(Layout(node)) == "<Layout of 2 folders>"
    node.roster = None
    assert repr(Layout(node)) == "<Layout of 0 folders>"


def succeeded(node: Node) -> None:
    """The other device was removed, and one installed anew has its place."""
    roster = builders.group(1, 2, 3)
    node.roster = roster
    said = Remove(roster.group, ANNA, [], b"", None, key_id(b"k" * 32), [])
    roster.add(sign_removal(builders.key(1), said, roster.signed_by(ANNA)))
    roster.add([sign_act(builders.key(1), Succeed(roster.group, ANNA, builders.key(3).device))])
    roster.settle()


def test_a_path_goes_by_the_name_that_the_folder_has_on_the_disk(node: Node) -> None:
    made = Layout(node)
    node.former.note(ANNA, "anna", "d2")
    path = made.path_of(Spot(ANNAS, b"a"))
    assert str(path) == "anna/a"
    assert made.spot_at(path) == Spot(ANNAS, b"a")
    assert made.spot_at(parse_wire_path(b"d2/a")) is None
    assert (made.name_of(ANNA), made.wanted_name(ANNA)) == ("anna", "d2")


def test_the_folder_of_a_replaced_device_bears_its_id(node: Node) -> None:
    succeeded(node)
    assert Layout(node).name_of(builders.key(3).device) == "d2"
    assert Layout(node).name_of(ANNA) == f"d2-{short_id(ANNA)}"


def test_the_folder_of_a_removed_device_is_still_its_own_under_its_name(node: Node) -> None:
    roster = node.roster = builders.group(1, 2, 3)
    gone = {builders.key(number).device for number in (2, 3)}
    for device in gone:
        said = Remove(roster.group, device, [], b"", None, b"", [])
        roster.add(sign_removal(builders.key(1), said, roster.signed_by(device)))
    roster.settle()
    made = Layout(node)
    assert made.has_folder(ANNAS)
    assert made.spot_at(parse_wire_path(b"d2/a")) == Spot(ANNAS, b"a")
    others = ManifestName.own(builders.key(3).device)
    assert made.manifest_at(parse_wire_path(b"d3")) == others
    assert made.manifest_at(parse_wire_path(b"d9")) is None
