"""Three words on both screens: plain `up`, a yes on each side, and what comes of no and of silence.

Strategy: real daemons in network namespaces, started without --open; people answer by the local
API, as `approve` and `deny` do.
"""

from __future__ import annotations

from typing import Any

import pytest

from potluck.core.errors import PotluckError
from potluck.faces.cli.client import client_of
from tests.lan.potluck import Potluck, one_ring, wait_for, wait_ring

pytestmark = [pytest.mark.lan, pytest.mark.slow, pytest.mark.full, pytest.mark.timeout(300)]

ASKED_S = 10.0  # a newcomer's request is shown
FILE_S = 10.0  # from the second yes to the first file
NOT_ASKED_S = 5.0  # a look of two founding times


def asked(device: Potluck) -> dict[str, Any]:
    """The one request on a screen, {} while there is none."""
    requests = device.status().get("requests") or [{}]
    found: dict[str, Any] = requests[0]
    return found if found.get("words") else {}


def requests_at(device: Potluck) -> list[Any]:
    """All requests on a screen; one that cannot be seen counts as a request."""
    found: list[Any] = device.status().get("requests", ["unknown"])
    return found


def answer(device: Potluck, act: str, name: str = "") -> str:
    return client_of(str(device.home)).act(act, {"name": name})


def see(*devices: Potluck) -> list[dict[str, Any]]:
    """Wait until all of these show the same request."""

    def shown() -> bool:
        ids = {asked(one).get("id", "") for one in devices}
        return len(ids) == 1 and ids != {""}

    wait_for(shown, ASKED_S, devices)
    requests = [asked(one) for one in devices]
    assert len({tuple(request["words"]) for request in requests}) == 1
    assert {len(request["words"]) for request in requests} == {3}
    return requests


def admitted(*devices: Potluck) -> None:
    wait_for(lambda: one_ring(devices), FILE_S, devices)


def test_from_two_fresh_machines_to_the_first_file_it_takes_two_ups_and_two_yeses(devices):
    one, other = nodes = [node.start(open_door=False) for node in devices(2)]
    requests = see(one, other)
    assert {request["side"] for request in requests} == {"member", "joiner"}
    assert {request["answer"] for request in requests} == {"needed"}
    for node, request in zip(nodes, requests, strict=True):
        status = node.status()
        assert (status["state"], status["command"]) == ("waiting", f"approve {request['name']}")
        node.wait(lambda name=request["name"], node=node: f"approve {name}" in node.said(), FILE_S)
        assert not (node.shared / one.label / "early").exists()
    (one.own).mkdir(parents=True, exist_ok=True)
    (one.own / "first").write_bytes(b"hello")
    assert "has not yet" in answer(one, "approve", requests[0]["name"])
    assert not (other.shared / one.label / "first").exists(), "one yes is not enough"
    answer(other, "approve")
    wait_for((other.shared / one.label / "first").exists, FILE_S, nodes)
    wait_for(lambda: not any(requests_at(node) for node in nodes), FILE_S, nodes)


def test_one_yes_at_the_member_that_does_not_talk_to_the_newcomer_and_its_own(devices):
    first, second, third = nodes = devices(3)
    pair = [node.start() for node in (first, second)]
    wait_ring(pair, 20.0)
    for node in pair:
        client_of(str(node.home)).post("/api/v1/door", {"open": False})
    third.start(open_door=False)
    see(*nodes)
    (aside,) = [node for node in pair if asked(node)["by"]]
    assert aside.status()["command"] == f"approve {third.label}"
    answer(aside, "approve", third.label)
    answer(third, "approve")
    admitted(*nodes)
    wait_for(lambda: not any(requests_at(node) for node in nodes), FILE_S, nodes)


@pytest.mark.parametrize("side", ["member", "joiner"])
def test_after_a_no_on_either_side_nobody_is_in_and_nobody_is_asked_again(devices, side):
    nodes = [node.start(open_door=False) for node in devices(2)]
    see(*nodes)
    (who,) = [node for node in nodes if asked(node)["side"] == side]
    answer(who, "deny")
    wait_for(lambda: not any(requests_at(node) for node in nodes), FILE_S, nodes)
    wait_for(lambda: all("is over" in node.said() for node in nodes), FILE_S, nodes)
    with pytest.raises(PotluckError):
        answer(who, "approve", "nobody")
    assert all(len(node.status()["devices"]) == 1 for node in nodes)


def test_a_door_that_is_open_on_one_side_asks_the_person_on_the_other(devices):
    one, other = devices(2)
    one.start()
    other.start(open_door=False)
    (request,) = see(other)
    assert request["answer"] == "needed"
    answer(other, "approve")
    admitted(one, other)
