"""Setbacks: how long a spot rests, what is told of it, and what it will not be offered again."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.paths import parse_wire_path
from potluck.engine.effects import Tell
from potluck.engine.events import Placed, Placement
from potluck.engine.node import Node
from potluck.engine.others.setbacks import LONGEST_S, Setbacks
from tests.engine import builders

ANNAS = ManifestName.own(builders.key(2).device)
A = Spot(ANNAS, b"a")
B = Spot(ANNAS, b"b")


@pytest.fixture
def node() -> Node:
    return builders.node(1)


def fails(
    spot: Spot,
    placement: Placement = Placement.FAILED,
    detail: str = "no",
    source: Spot | None = None,
):
    return (
        spot,
        Placed(parse_wire_path(b"d2/" + spot.path), None, placement, None, "", detail),
        source,
    )


def test_a_failure_rests_ever_longer_up_to_a_minute(node: Node) -> None:
    setbacks = Setbacks(node)
    rests = []
    for _ in range(8):
        setbacks.note([fails(A)])
        assert setbacks.rests(A)
        assert setbacks.due() == []
        due = setbacks.deadline()
        assert due is not None
        rests.append(due - node.now)
        node.now = due
        assert setbacks.due() == [A]
        assert not setbacks.rests(A)
    assert rests[:4] == [limits.RETRY_S * factor for factor in (1, 2, 4, 8)]
    assert rests[-1] == LONGEST_S


def test_what_fails_for_days_is_tried_once_a_minute_all_the_time(node: Node) -> None:
    setbacks = Setbacks(node)
    for _ in range(2 * 24 * 60):
        setbacks.note([fails(A)])
        node.now += LONGEST_S
        assert setbacks.due() == [A]


def test_the_first_source_that_is_gone_costs_no_time_and_is_not_told(node: Node) -> None:
    setbacks = Setbacks(node)
    setbacks.note([fails(A, Placement.SOURCE_GONE, source=B)])
    assert setbacks.due() == [A]
    assert setbacks.is_bad(A, B)
    assert not setbacks.is_bad(B, A)
    setbacks.note([fails(A, Placement.SOURCE_GONE)])
    assert setbacks.deadline() == limits.RETRY_S
    assert builders.taken(node, Tell) == []


def test_the_first_that_is_due_is_waited_for(node: Node) -> None:
    setbacks = Setbacks(node)
    for now, spot in enumerate((A, B, Spot(ANNAS, b"c"))):
        node.now = float(now)
        setbacks.note([fails(spot)])
    assert setbacks.deadline() == limits.RETRY_S


def test_each_reason_is_told_once_for_all_its_spots(node: Node) -> None:
    setbacks = Setbacks(node)
    setbacks.note([fails(A), fails(B), fails(Spot(ANNAS, b"c"), Placement.BLOCKED, "a folder")])
    assert [(tell.subject, tell.text) for tell in builders.taken(node, Tell)] == [
        ("d2/a", "d2/a: failed, no (and 1 more)"),
        ("d2/c", "d2/c: blocked, a folder"),
    ]
    setbacks.note([fails(A), fails(B, detail="another")])
    assert [tell.text for tell in builders.taken(node, Tell)] == ["d2/b: failed, another"]


def test_what_is_well_is_forgotten(node: Node) -> None:
    setbacks = Setbacks(node)
    setbacks.note([fails(A)])
    setbacks.clear(A)
    assert not setbacks.rests(A)
    node.now = 100.0
    assert setbacks.due() == []
    assert setbacks.deadline() is None


def test_a_spot_can_be_hurried_while_it_rests(node: Node) -> None:
    setbacks = Setbacks(node)
    setbacks.hurry(A)
    setbacks.note([fails(A)])
    setbacks.hurry(A)
    assert setbacks.deadline() == node.now
    assert setbacks.due() == [A]
    setbacks.hurry(A)
    assert setbacks.due() == []
    node.now = 100.0
    assert setbacks.due() == []  # the rest that was cut short does not count again


def test_it_says_how_many_there_are(node: Node) -> None:
    setbacks = Setbacks(node)
    setbacks.note([fails(A)])
    assert repr(setbacks) == "<Setbacks: 1 spots>"
