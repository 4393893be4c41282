"""Setbacks: how long a spot rests, what is told of it, and what it will not be offered again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core import limits
from potluck.core.content.facts import Hindrance, ManifestName, Spot
from potluck.core.content.paths import parse_wire_path
from potluck.engine.effects import Tell
from potluck.engine.events import Placed, Placement
from potluck.engine.node import Node
from potluck.engine.others.hindrances import NO_SOURCE, RESTLESS
from potluck.engine.others.local_names import KeptOut
from potluck.engine.others.setbacks import (
    DISTURBED_MAX,
    DISTURBED_WELL_S,
    LONGEST_S,
    Setbacks,
)
from potluck.engine.troubles import Trouble, TroubleKind
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


def test_who_is_told_can_tell_the_name_from_the_reason(node: Node) -> None:
    Setbacks(node).note([fails(Spot(ANNAS, b"a: no, b")), fails(B)])
    assert [tell.text for tell in builders.taken(node, Tell)] == ["“d2/a: no, b”, d2/b: no"]


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
        ("d2/a", "d2/a, d2/b: no"),
        ("d2/c", "d2/c: a folder"),
    ]
    setbacks.note([fails(A), fails(B, detail="another")])
    assert [tell.text for tell in builders.taken(node, Tell)] == ["d2/b: another"]


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


# -- the register ----------------------------------------------------------------------------------
def test_what_failed_stays_in_the_register_until_it_is_well(node: Node) -> None:
    setbacks = Setbacks(node)
    node.now = 5.0
    setbacks.note([fails(A, detail=Hindrance.DENIED)])
    (trouble,) = node.troubles.all()
    assert trouble == Trouble(
        TroubleKind.BLOCKED,
        "d2/a",
        "permission denied: this user may not write there",
        trouble.command,
        5.0,
        5.0 + limits.RETRY_S,
    )
    assert trouble.command.startswith("stat ")
    node.now = 7.0
    setbacks.note([fails(A, Placement.BLOCKED, "in the way")])
    (trouble,) = node.troubles.all()
    assert (trouble.reason, trouble.since_s) == ("in the way", 5.0)
    found = setbacks.failing(A)
    assert found is not None
    assert (found[0].reason, found[0].due_s, found[1]) == ("in the way", trouble.next_s, 5.0)
    assert A in setbacks.failing_spots()
    assert setbacks.failing(Spot(ANNAS, b"well")) is None
    assert trouble.next_s == 7.0 + 2 * limits.RETRY_S
    setbacks.clear(A)
    setbacks.clear(B)
    assert node.troubles.all() == []


def test_a_source_that_is_gone_is_no_trouble_until_it_is_gone_again(node: Node) -> None:
    setbacks = Setbacks(node)
    setbacks.note([fails(A, Placement.SOURCE_GONE)])
    assert node.troubles.all() == []
    setbacks.clear(A)
    for _ in range(2):
        setbacks.note([fails(A, Placement.SOURCE_GONE)])
    assert [trouble.reason for trouble in node.troubles.all()] == [f"{NO_SOURCE}: no"]


def test_why_a_source_could_not_be_used_is_told_as_the_disk_said_it(node: Node) -> None:
    setbacks = Setbacks(node)
    for detail, words, command in (
        (Hindrance.DESCRIPTORS, "too many files are open: allow more, ", "ulimit -n 65536"),
        ("the part file is gone", "the part file is gone", ""),
    ):
        placed = replace(fails(A, Placement.SOURCE_GONE)[1], detail=detail)
        for _ in range(2):
            setbacks.note([(A, placed, None)])
        (trouble,) = node.troubles.all()
        assert trouble.reason.startswith(f"{NO_SOURCE}: {words}")
        assert trouble.command == command
        setbacks.clear(A)


# -- others here -----------------------------------------------------------------------------------
def test_who_changes_a_file_again_and_again_is_fought_ever_more_rarely(node: Node) -> None:
    node.roster = builders.group(1, 2)
    setbacks = Setbacks(node)
    rests = list[float]()
    for _ in range(9):
        setbacks.disturb(A)
        wait_s = (setbacks.deadline() or node.now) - node.now if setbacks.rests(A) else 0.0
        rests.append(wait_s)
        node.now += wait_s
        setbacks.due()
    assert rests == [
        0.0,
        0.0,
        *(limits.RETRY_S * factor for factor in (1, 2, 4, 8, 16)),
        60.0,
        60.0,
    ]
    (trouble,) = node.troubles.all()
    assert (trouble.subject, trouble.reason) == ("d2/a", RESTLESS)
    setbacks.clear(A)
    assert node.troubles.all() == []
    node.now += DISTURBED_WELL_S - LONGEST_S - 0.1
    setbacks.disturb(A)
    assert setbacks.rests(A)
    node.now += DISTURBED_WELL_S + 1.0
    setbacks.disturb(A)
    assert not setbacks.rests(A)


def test_no_more_disturbances_are_remembered_than_help(node: Node) -> None:
    node.roster = builders.group(1, 2)
    setbacks = Setbacks(node)
    for _ in range(3):
        setbacks.disturb(A)
    for number in range(DISTURBED_MAX):
        setbacks.disturb(Spot(ANNAS, b"%d" % number))
    setbacks.disturb(A)
    assert not setbacks.rests(A)


def test_what_was_mounted_in_the_way_and_is_gone_ends_the_rest_there(node: Node) -> None:
    node.roster = builders.group(1, 2)
    setbacks = Setbacks(node)
    inner = Spot(ANNAS, b"f/x")
    setbacks.note([fails(A), fails(inner)])
    setbacks.hurry_below([parse_wire_path(b"d2/f")])
    assert setbacks.due() == [inner]
    assert setbacks.rests(A)


def test_it_says_how_many_there_are(node: Node) -> None:
    setbacks = Setbacks(node)
    setbacks.note([fails(A)])
    assert repr(setbacks) == "<Setbacks: 1 spots>"


def test_what_is_kept_out_is_told_once_and_never_tried(node: Node) -> None:
    setbacks, others = Setbacks(node), [Spot(ANNAS, b"a/1"), Spot(ANNAS, b"a/2")]
    for spot in others:
        setbacks.keep_out(spot, KeptOut("two names are one here", b"a"))
    setbacks.keep_out(Spot(ANNAS, b"b"), KeptOut("it waits", b"b", lasts=False))
    told = [effect for effect in node.take() if isinstance(effect, Tell)]
    assert [tell.text for tell in told] == [
        f"{node.layout.path_of(others[0])}: two names are one here"
    ]
    assert setbacks.deadline() is None
    assert not setbacks.rests(others[0])
    found = setbacks.failing(others[1])
    assert found is not None
    assert found[0].reason == "two names are one here"
