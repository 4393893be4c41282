"""Neighbourhood: ring, devices, door and groups near by, as they are."""

from __future__ import annotations

import pytest

from potluck.core.wire.catalogue import Offer, encode
from potluck.engine.events import DatagramHeard, LeaveAsked
from potluck.engine.views.neighbourhood import Neighbourhood
from potluck.engine.views.shared_files import SharedFiles
from potluck.engine.wiring import Wiring
from tests.engine.builders import address, node
from tests.engine.views.faces import shared, shown
from tests.engine.wire import Wire, ring


def test_two_devices_see_the_same_ring() -> None:
    _, ann, ben = shared()
    one, other = shown(ann), shown(ben)
    assert one["ring"] == other["ring"]
    assert one["node"]["digest"] == other["node"]["digest"]
    assert {one["node"]["number"], other["node"]["number"]} == {0, 1}
    assert (one["node"]["of"], one["node"]["last"], one["node"]["next"]) == (2, "d2", "d2")
    assert [device["label"] for device in one["devices"] if device["me"]] == ["d1"]
    assert all(device["online"] for device in one["devices"])
    assert [device["address"] for device in one["devices"]] == ["", "10.0.0.2:7685"]
    assert one["group"] == other["group"]


def test_last_and_next_are_the_neighbours_in_the_circle() -> None:
    _, boxes = ring(3)
    places = sorted((shown(box)["node"] for box in boxes), key=lambda place: place["number"])
    labels = [places[at - 1]["next"] for at in range(3)]
    assert sorted(labels) == ["d1", "d2", "d3"]
    assert [place["last"] for place in places] == [labels[-1], *labels[:-1]]
    assert [place["next"] for place in places] == [*labels[1:], labels[0]]
    by_label = {box.label: shown(box)["node"]["number"] for box in boxes}
    assert [by_label[label] for label in labels] == [0, 1, 2]


def test_who_is_gone_is_shown_offline() -> None:
    wire, ann, ben = shared()
    ben.crash()
    wire.run(5.0)
    (gone,) = [device for device in shown(ann)["devices"] if device["label"] == "d2"]
    assert (gone["online"], gone["node"]) == (False, None)
    assert gone["found_by"]
    assert len(shown(ann)["ring"]) == 1


def test_who_has_left_has_no_place() -> None:
    _, ann, _ = shared()
    ann.hear(LeaveAsked())
    assert shown(ann)["node"] is None
    (own,) = [device for device in shown(ann)["devices"] if device["me"]]
    assert (own["online"], own["node"]) == (True, None)


def test_the_door_says_how_long_it_stays_open() -> None:
    wire = Wire()
    closing, open_always, closed = wire.add(1, open_s=60.0), wire.add(2), wire.add(3, open_s=None)
    wire.run(10.0)
    door = shown(closing)["door"]
    assert door["open"]
    assert door["until_s"] == pytest.approx(50.0)
    assert shown(open_always)["door"] == {"open": True, "until_s": None}
    assert shown(closed)["door"] == {"open": False, "until_s": None}
    wire.run(60.0)
    assert shown(closing)["door"] == {"open": False, "until_s": None}


def test_groups_near_by_are_shown_without_what_they_could_do_to_a_screen() -> None:
    wire = Wire()
    ann = wire.add(1, open_s=None)
    nonce = ann.engine.wiring.questions._nonce
    offer = Offer(nonce, bytes(32), "Ho\x1b[2Jme", "la\nptop", 7685, 3, open=False)
    wire.run(0.1)
    ann.hear(DatagramHeard(encode(offer), address(9), "unicast"))
    (found,) = shown(ann)["found"]
    assert found == {
        "name": "Ho�[2Jme",
        "label": "la�ptop",
        "address": "10.0.0.9:7685",
        "members": 3,
        "open": False,
    }
    assert wire.run(10.0, lambda: shown(ann)["state"] == "waiting")
    assert shown(ann)["reason"]


def test_of_whom_nothing_is_heard_nothing_is_assumed() -> None:
    _, ann, ben = shared()
    peer = ann.engine.node.peers[ben.me]
    peer.kept.clear()
    peer.address = None
    (other,) = [device for device in shown(ann)["devices"] if device["label"] == "d2"]
    assert (other["have_files"], other["need_files"], other["need_bytes"]) == (0, 1, 5)
    assert other["address"] == ""


def test_before_a_group_is_there_nobody_is() -> None:
    parts = Wiring(node(1))
    around = Neighbourhood(parts.node, parts.circle, parts.discovery, parts.admission_policy)
    assert around.group() is None
    assert around.devices(SharedFiles(parts.node), {}) == []
